"""What another policy would have paused: the history that a log kept, played once more under changed rules."""
