"""The gate as production asks it: leases, guard and hooks. It imports nothing else of the package, and importing it
imports nothing.
"""
