"""Suite `homes`: nobody loses a file, nobody fills another's disk, nobody is locked out. In the order of the numbers."""
