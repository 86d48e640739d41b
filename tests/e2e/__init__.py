"""End-to-end tests: a real browser, a real hub, real machines. `make e2e` runs them; plain `pytest` does not."""
