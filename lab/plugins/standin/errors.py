"""What a resource type may raise; the server turns each into the protocol's own form."""

from collections.abc import Sequence
from typing import Any


class ProviderError(Exception):
    """An operation failed. The text reaches the user as it is: name the thing, the value, the rule, the remedy."""


class CancelledError(ProviderError):
    """The engine asked the plugin to stop (Ctrl-C during `pulumi up`)."""


class InvalidInput(ProviderError):  # noqa: N818 - reads as what it is at every raise
    """An input breaks a rule; shown by the engine beside the resource, before anything is touched.

    `path` is the property's path as the user writes it (`connection.port`), or "" for the resource as a whole.
    """

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}" if path else reason)
        self.path = path
        self.reason = reason


class PartialFailure(ProviderError):  # noqa: N818
    """The resource exists but did not become what was asked for.

    The engine records `resource_id` and `outputs`, so that the next `up` repairs it instead of making a second one.
    """

    def __init__(self, resource_id: str, outputs: dict[str, Any], reasons: Sequence[str]) -> None:
        super().__init__("; ".join(reasons))
        self.resource_id = resource_id
        self.outputs = outputs
        self.reasons = tuple(reasons)
