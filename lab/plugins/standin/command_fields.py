"""The inputs of the command types, as the vendor's plugin of `VERSION` takes them."""

from typing import Final

from standin.fields import Field, Kind

VERSION: Final = "1.2.1"

_ENDPOINT: Final = {
    "host": Field(required=True),
    "user": Field(default="root"),
    "port": Field(kind=Kind.NUMBER, default=22),
    "privateKey": Field(secret=True),
    "privateKeyPassword": Field(secret=True),
    "password": Field(secret=True),
    "agentSocketPath": Field(),
    "hostKey": Field(),
    "dialErrorLimit": Field(kind=Kind.INTEGER, default=10),
    "perDialTimeout": Field(kind=Kind.INTEGER, default=15),
}
PROXY: Final = Field(kind=Kind.OBJECT, fields=_ENDPOINT)
CONNECTION: Final = Field(kind=Kind.OBJECT, required=True, secret=True, fields={**_ENDPOINT, "proxy": PROXY})
_TRIGGERS: Final = Field(kind=Kind.LIST, replaces=True, items=Field(kind=Kind.ANY))

_COMMAND: Final = {
    "create": Field(),
    "update": Field(),
    "delete": Field(),
    "stdin": Field(),
    "environment": Field(kind=Kind.MAP, items=Field()),
    "triggers": _TRIGGERS,
    "logging": Field(choices=("stdout", "stderr", "stdoutAndStderr", "none")),
    "addPreviousOutputInEnv": Field(kind=Kind.BOOLEAN),
}
REMOTE_COMMAND: Final = {**_COMMAND, "connection": CONNECTION}
# Not here: assetPaths and archivePaths, which this project does not use.
LOCAL_COMMAND: Final = {
    **_COMMAND,
    "interpreter": Field(kind=Kind.LIST, items=Field()),
    "dir": Field(),
}
COPY_TO_REMOTE: Final = {
    "connection": CONNECTION,
    "source": Field(kind=Kind.FILE, required=True),
    "remotePath": Field(required=True),
    "triggers": _TRIGGERS,
}
