"""The fixtures of the sources' tests; what they are made of stands in `source_loopback`."""

from source_loopback import history, http, server

__all__ = ["history", "http", "server"]
