"""Suite `hub`: how people sign in, choose a server and start it, what it may use, and what is told when that fails."""
