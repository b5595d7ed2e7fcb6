"""The running program: construction, schedule, jobs, daemon, health and log."""
