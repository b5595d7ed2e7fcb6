"""The functional core. Nothing in here reads a clock, a socket, a file, a database or the environment."""
