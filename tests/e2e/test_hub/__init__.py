"""Suite `hub`: how people sign in, what their servers may use, and what they are told when one does not start."""
