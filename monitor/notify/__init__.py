"""Telling people: the wording of notices, their forms, and the channels that carry them.

Nothing here decides whom to tell or when to try again; that is the pipeline's. No store, no settings.
"""
