"""The single-user server of the small notebook image: quick to start, and quiet towards the outside."""

c = get_config()  # noqa: F821  # pyright: ignore

# A home on NFS is no place for sqlite; signatures are remade when a notebook is saved.
c.NotebookNotary.db_file = ":memory:"

# No questions to outside servers at each start.
c.LabApp.news_url = None
c.LabApp.check_for_updates_class = "jupyterlab.NeverCheckForUpdate"

# Language servers are not installed here, and looking for them costs a second on a slow node.
c.ServerApp.jpserver_extensions = {"jupyter_lsp": False, "notebook_shim": False}
