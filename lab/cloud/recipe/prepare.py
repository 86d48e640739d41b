"""At each start, once the database answers: this container's address and passwords go into it, old signs of life go out of it."""

import pymysql
from health import DATABASE
from passlib.hash import bcrypt
from render import ACCOUNTS, address, passwords

SET_HASH = """UPDATE keystone.password p JOIN keystone.local_user u ON p.local_user_id = u.id
SET p.password_hash = %s WHERE u.name = %s"""
ENDPOINTS = "UPDATE keystone.endpoint SET url = REGEXP_REPLACE(url, '^http://[^:/]+', %s)"
# A heartbeat from before the restart must not make a service look alive that is still starting.
AGED = (
    "UPDATE neutron.agents SET heartbeat_timestamp = '2000-01-01'",
    "UPDATE nova_cell1.services SET last_seen_up = '2000-01-01', updated_at = '2000-01-01'",
    "UPDATE cinder.services SET updated_at = '2000-01-01'",
)


def main() -> None:
    """Apply all of it in one transaction."""
    with pymysql.connect(**DATABASE) as database, database.cursor() as cursor:
        cursor.execute(ENDPOINTS, (f"http://{address()}",))
        for account, password in passwords().items():
            # Rounds as in keystone.conf: the password is long and random.
            cursor.execute(SET_HASH, (bcrypt.using(rounds=4).hash(password), ACCOUNTS[account]))
        for statement in AGED:
            cursor.execute(statement)
        database.commit()


if __name__ == "__main__":
    main()
