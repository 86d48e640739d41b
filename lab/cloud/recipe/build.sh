#!/usr/bin/env bash
# Part of the image build: the databases with all migrations, the users and the catalogue, so that a container starts in seconds.
set -euo pipefail

here=/opt/lab/recipe
sql=mysql+pymysql://lab:lab@localhost
socket=unix_socket=/run/lab/mariadb.sock
log=/var/log/lab/build.log
mkdir -p /var/lib/lab/lock /var/log/lab /run/lab /srv/lab
chown mysql /run/lab

wait_for() { # what, command...
  local what=$1
  shift
  for _ in {1..600}; do
    "$@" >/dev/null 2>&1 && return 0
    sleep 0.5
  done
  tail -n 20 "$log" >&2
  echo "build.sh: $what did not come up within 300 s" >&2
  return 1
}

ln -s $here/ebtables.sh /usr/local/sbin/ebtables
python3 $here/render.py
mariadb-install-db --defaults-file=/etc/mysql/lab.cnf --auth-root-authentication-method=socket --skip-test-db >>$log
mariadbd --defaults-file=/etc/mysql/lab.cnf >>$log 2>&1 &
database=$!
wait_for mariadbd mariadb-admin --socket=/run/lab/mariadb.sock ping

# The password is no secret: the server is reached by its socket only.
mariadb --socket=/run/lab/mariadb.sock <<'SQL'
CREATE USER 'lab'@'localhost' IDENTIFIED BY 'lab';
GRANT ALL ON *.* TO 'lab'@'localhost';
CREATE DATABASE keystone; CREATE DATABASE glance; CREATE DATABASE placement; CREATE DATABASE neutron; CREATE DATABASE cinder;
CREATE DATABASE nova_api; CREATE DATABASE nova_cell0; CREATE DATABASE nova_cell1;
SQL

identity() {
  keystone-manage fernet_setup --keystone-user root --keystone-group root
  keystone-manage credential_setup --keystone-user root --keystone-group root
  keystone-manage db_sync
  # prepare.py sets a password of its own at each container's start.
  OS_BOOTSTRAP_PASSWORD=$(python3 -c 'import json; print(json.load(open("/var/lib/lab/secrets.json"))["admin"])')
  export OS_BOOTSTRAP_PASSWORD
  keystone-manage bootstrap --bootstrap-region-id RegionOne --bootstrap-public-url http://127.0.0.1:5000/v3 \
    --bootstrap-internal-url http://127.0.0.1:5000/v3 --bootstrap-admin-url http://127.0.0.1:5000/v3
  # A build sees the machine's own ports: take one that is free.
  local port
  port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  uwsgi_python3 --http-socket "127.0.0.1:$port" --wsgi-file /usr/bin/keystone-wsgi-public --need-app --die-on-term \
    --buffer-size 65535 --add-header "Connection: close" &
  local keystone=$!
  wait_for keystone curl -sf "http://127.0.0.1:$port/v3"
  python3 $here/identity.py "http://127.0.0.1:$port/v3"
  kill $keystone
  placement-manage db sync
  glance-manage db_sync
  cinder-manage db sync
}

compute_and_network() {
  nova-manage api_db sync
  nova-manage cell_v2 map_cell0 --database_connection "$sql/nova_cell0?$socket"
  nova-manage cell_v2 create_cell --name cell1 --database_connection "$sql/nova_cell1?$socket" \
    --transport-url rabbit://guest:guest@127.0.0.1:5672/
  nova-manage db sync
  neutron-db-manage --config-file /etc/neutron/neutron.conf upgrade head
}

(set -e; identity) >>$log 2>&1 & first=$!
(set -e; compute_and_network) >>$log.2 2>&1 & second=$!
if ! wait $first || ! wait $second; then
  tail -n 30 $log $log.2 >&2
  exit 1
fi
kill $database
wait $database || true
rm -rf /run/lab /var/log/lab /var/lib/lab/secrets.json /tmp/*
