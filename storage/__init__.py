"""What runs on the node that holds the homes: volumes, exports, quotas, backup. Python's standard library only."""
