"""Suite `hub`: signing in, choosing a server, starting it, and what is told when that fails."""
