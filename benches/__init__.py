"""Measurements that are run by hand: each prints its figures beside those of what it is compared with, taken in the same run."""
