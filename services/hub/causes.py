"""Causes of a start that failed: by which words of the engine, of Swarm or of the server's log each is known, and what to do."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Cause:
    """`words` is looked for in what Swarm said, and in the log too where `in_log`. `text` may name {node}, {image}, {said} and
    {memory}; the log's end follows it where `tells_log`."""

    words: str
    text: str
    in_log: bool = False
    tells_log: bool = True

    def fits(self, said: str, log: Sequence[str]) -> bool:
        """Whether this may be it."""
        return re.search(self.words, "\n".join([said, *log]) if self.in_log else said, re.IGNORECASE) is not None


# The first that fits counts.
CAUSES = (
    Cause(
        words="No such image|pull access denied|manifest unknown|manifest for .* not found|repository does not exist",
        text="The image {image} is not on {node} and could not be pulled ({said}). An administrator should check the name "
        "of the image in the settings, and run `pulumi up`, which brings images to the nodes.",
        tells_log=False,
    ),
    Cause(
        words="exec format error|no matching manifest|does not match the .* platform|cannot be used on this platform",
        text="The image {image} is made for another kind of processor than {node} has. An administrator should choose an "
        "image for that architecture. ({said})",
        in_log=True,
    ),
    Cause(
        words="failed to mount local (?:storage|volume)|error while mounting volume|error mounting"
        "|error while creating mount source",
        text="{node} could not mount your files: the storage of the homes does not answer, or refuses it ({said}). Please try "
        "again in a minute; if it stays so, tell an administrator. Your files are where they were.",
        tells_log=False,
    ),
    # Before exit 137, which this one says too. No image's own check is run: it is one of the hub's configuration.
    Cause(
        words="unhealthy container",
        text="{node} ended your server since a health check failed ({said}). An administrator should take `healthcheck` out of "
        "`extra_container_spec` in the hub's configuration: the hub sees by itself whether a server answers.",
    ),
    # The manager is told the number only: the kernel's kill for memory is not told from any other.
    Cause(
        words=r"non-zero exit \(137\)|OOM",
        text="Your server was ended by {node} while it started (signal 9): it may have used {memory}; else somebody or something "
        "on {node} ended it. Choose one with more memory, if there is one, or ask an administrator.",
    ),
    Cause(
        words="Running as root is not recommended",
        text="The image {image} starts the server as root, which Jupyter refuses. An administrator should end the image's "
        'Dockerfile with `USER 1000:100`, whose the homes are, or set `extra_container_spec = {{"user": "1000:100"}}`.',
        in_log=True,
    ),
    Cause(
        words=r"Permission denied: .?/home/jovyan",
        text="The user of the image {image} may not write into your home, which is of user 1000, group 100. An administrator "
        'should end its Dockerfile with `USER 1000:100`, or set `extra_container_spec = {{"user": "1000:100"}}`.',
        in_log=True,
    ),
    Cause(
        words=r"executable file not found|OCI runtime create failed|exec: .*no such file|starting container failed"
        r"|non-zero exit \(12[67]\)",
        text="The image {image} cannot start a notebook server ({said}). It must have the program jupyterhub-singleuser "
        "(package jupyterhub), of the hub's version. Please tell an administrator.",
    ),
)
UNKNOWN = Cause(words="", text="Your server ended on {node} while it started: {said}. Please tell an administrator.")
