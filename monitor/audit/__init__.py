"""Answers from the log: the registry now or then, prices, coverage, reports and replays, in the shapes that commands
and pages share.
"""
