"""The kinds of source of this package: each module is one, named like it, and holds its `KIND`.

What reads and asks is imported when a source is built: the SDK alone takes longer to load than a poll.
"""
