"""What the services say of themselves in the database: who has reported lately, and how many machines there are."""

import pymysql

# The server is reached by its socket only, so by nobody outside (see build.sh).
DATABASE = {"unix_socket": "/run/lab/mariadb.sock", "user": "lab", "password": "lab"}
# As in nova.conf, neutron.conf and cinder.conf: a report that is older counts as none.
LATE_S = 180
REPORTERS = {
    "SELECT `binary` FROM nova_cell1.services WHERE deleted = 0 AND last_seen_up > UTC_TIMESTAMP() - INTERVAL %s SECOND": {
        "nova-compute",
        "nova-conductor",
        "nova-scheduler",
    },
    "SELECT `binary` FROM cinder.services WHERE deleted = 0 AND updated_at > UTC_TIMESTAMP() - INTERVAL %s SECOND": {
        "cinder-scheduler",
        "cinder-volume",
    },
    "SELECT `binary` FROM neutron.agents WHERE heartbeat_timestamp > UTC_TIMESTAMP() - INTERVAL %s SECOND": {
        "neutron-linuxbridge-agent",
        "neutron-l3-agent",
        "neutron-dhcp-agent",
    },
}
# A compute host takes machines once placement knows what it has, and a cell knows the host.
HOSTS = {
    "placement": "SELECT COUNT(*) FROM placement.inventories",
    "cell": "SELECT COUNT(*) FROM nova_api.host_mappings",
}


def missing_and_machines() -> tuple[list[str], int]:
    """The names of what has not reported lately (empty: all is well) and the number of machines of all projects.

    Raises pymysql.MySQLError while the database is down.
    """
    missing: list[str] = []
    with pymysql.connect(**DATABASE) as database, database.cursor() as cursor:
        for query, expected in REPORTERS.items():
            cursor.execute(query, (LATE_S,))
            missing += sorted(expected - {row[0] for row in cursor.fetchall()})
        for name, query in HOSTS.items():
            cursor.execute(query)
            if not cursor.fetchone()[0]:
                missing.append(f"the host's entry in {name}")
        cursor.execute("SELECT COUNT(*) FROM nova_cell1.instances WHERE deleted = 0")
        return missing, cursor.fetchone()[0]
