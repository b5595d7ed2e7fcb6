"""The store: the log, the baselines, the registry projection, the evidence and the outbox in one SQL database."""

from __future__ import annotations

from monitor.store.location import NoDatabase
from monitor.store.migrations import check_schema, upgrade
from monitor.store.sql import SqlStore, backup, open_store

__all__ = ["NoDatabase", "SqlStore", "backup", "check_schema", "open_store", "upgrade"]
