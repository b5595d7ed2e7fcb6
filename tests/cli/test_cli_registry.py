"""The commands on a real database, fed by the sandbox: poll, read, act, tell."""
