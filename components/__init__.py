"""The deployment, one component a file; see docs/architecture.md for the way of the data."""
