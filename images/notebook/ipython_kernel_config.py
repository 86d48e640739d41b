"""Kernels of the small notebook image."""

c = get_config()  # noqa: F821  # pyright: ignore

# The history is sqlite, and the home may be on NFS: keep it on the container's own disk.
c.HistoryManager.hist_file = "/tmp/ipython-history.sqlite"  # noqa: S108
