"""Suite `storage`: what is stored stays, whatever happens to nodes, volumes and backups."""
