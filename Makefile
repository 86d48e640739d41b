# JupyterHub on Docker Swarm and OpenStack. `make help` lists the targets.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STACK ?= dev
# The tools of the nodes; the stack `dev` is the lab's.
ENVIRONMENT = if [ "$(STACK)" = dev ] && [ -f .build/env ]; then . .build/env; fi
RESTORE_IN_PLACE = $(if $(IN_PLACE),--in-place) $(if $(NEWER),--newer) $(if $(SURE),--sure) $(if $(RUNNING),--while-running)
STORAGE = $(ENVIRONMENT); $(PYTHON) -m tools.storage "$(STACK)"

.PHONY: help up down lab status logs users restore restore-hub snapshots backup-accept backup-adopt toolchain venv test lint e2e bench-spawn bench-class bench-door bench-image check-stack docs clean

help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## /\1|/' | column -t -s '|'

up: ## from nothing to JupyterHub on a real swarm on a real OpenStack on this machine (root)
	@$(PYTHON) -m lab.lab up

down: ## remove all that `make up` left running
	@$(PYTHON) -m lab.lab down

lab: ## only the OpenStack of `make up`
	@$(PYTHON) -m lab.lab lab

status: ## what runs: cloud, servers, front door, homes, backup; or make status STACK=prod
	@[ "$(STACK)" != dev ] || $(PYTHON) -m lab.lab status
	@$(ENVIRONMENT); $(PYTHON) -m tools.status "$(STACK)"

users: ## whose home is which, how full it is: make users, or make users STACK=prod
	@$(STORAGE) users

snapshots: ## what is in the backup, and whose: make snapshots [STACK=prod]
	@$(STORAGE) snapshots

restore: ## homes from the backup: make restore HOME=<user or all> [SNAPSHOT=<id>] [IN_PLACE=yes [NEWER=yes] [SURE=yes]] [STACK=prod]
	@[ "$(origin HOME)" = "command line" ] || { echo "restore: whose? make restore HOME=<user>, or HOME=all" >&2; exit 1; }
	@user=$$HOME; $(STORAGE) restore $(if $(SNAPSHOT),--snapshot "$(SNAPSHOT)") $(RESTORE_IN_PLACE) -- "$$user"

backup-accept: ## take the backup's repository as it is now, or make one, though another was there: make backup-accept [STACK=prod]
	@$(STORAGE) backup accept

backup-adopt: ## take over all snapshots of the one whose volume was lost: make backup-adopt SNAPSHOT=<one of them> [STACK=prod]
	@[ -n "$(SNAPSHOT)" ] || { echo "backup-adopt: whose? make backup-adopt SNAPSHOT=<id>, see make snapshots" >&2; exit 1; }
	@$(STORAGE) backup adopt "$(SNAPSHOT)"

restore-hub: ## the hub's accounts from the backup: make restore-hub [SNAPSHOT=<id>] [STACK=prod]
	@$(STORAGE) restore_hub $(if $(SNAPSHOT),--snapshot "$(SNAPSHOT)")

logs: ## the end of a log: make logs SERVICE=nova-compute
	@$(PYTHON) -m lab.lab logs $(SERVICE)

toolchain: venv ## Pulumi and its plugins: found, downloaded, or built from Go modules
	@toolchain/install.sh

venv: $(VENV)/.installed ## the program's virtual environment

$(VENV)/.installed: requirements.txt requirements-dev.txt
	@tools/venv.sh $(PYTHON) $(VENV)

test: ## all tests but the end-to-end ones
	@tools/test.sh

lint: venv ## linters and type checks only
	@$(BIN)/python -m pytest -q tests/lint

e2e: ## end-to-end tests on the lab: make e2e, or make e2e SUITE=core
	@tools/e2e.sh $(SUITE)

bench-spawn: venv ## time to a notebook, beside dockerspawner's own spawner and the floor (root, a Docker engine); LAB=1: there
	@$(BIN)/python -m benches.spawn $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(LAB),--lab)

bench-class: venv ## a class logs in at once: make bench-class PEOPLE=50 WITHIN=10, or on the lab: LAB=1 PEOPLE=8
	@$(BIN)/python -m benches.classroom $(if $(PEOPLE),--people $(PEOPLE)) $(if $(WITHIN),--within $(WITHIN)) $(if $(LAB),--lab)

bench-image: venv ## processor time of a notebook's start, beside a plain pip install
	@$(BIN)/python -m benches.image $(if $(ROUNDS),--rounds $(ROUNDS))

check-stack: venv ## the resource graph of a stack against mocks: make check-stack STACK=jetstream2
	@$(BIN)/python -m tools.check_stack $(STACK)

bench-door: venv ## what the front door costs in requests per second, beside NGINX of the 2017 tutorial (a Docker engine, 5 min)
	@$(BIN)/python -m benches.door

docs: venv ## regenerate the parts of the docs that are generated
	@$(BIN)/python -m tools.docs

clean: ## remove everything that was built or downloaded (after `make down`)
	@tools/clean.sh
