"""The gate: answers for programs and people. Importing this package imports nothing, since the command line waits for
it.
"""
