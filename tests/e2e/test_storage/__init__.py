"""Suite `storage`: bad days of volumes, homes, nodes and backups."""
