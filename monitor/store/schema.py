"""The tables as they stand at the newest revision. No query and no DDL that is not a table stands here.

The database is made by `migrations/` alone, which also holds the triggers that keep the log append-only; this module is
what queries are written against, and a test holds the two together.

Times are text of fixed width in UTC with microseconds (`2026-07-30T17:34:21.000000Z`): they sort as they are, mean the
same on both databases whatever the session's time zone, and can be read by a person with a shell. Text sorts by code
point on both (`COLLATE "C"`), or the order of keys would depend on the server's locale.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData()

# Only INTEGER PRIMARY KEY is the row's own number on SQLite; with BIGINT it would be a second index.
_Number = BigInteger().with_variant(Integer(), "sqlite")
_Text = Text().with_variant(Text(collation="C"), "postgresql")

events = Table(
    "events",
    metadata,
    Column("position", _Number, primary_key=True, autoincrement=False),
    Column("id", _Text, nullable=False, unique=True),
    Column("type", _Text, nullable=False),
    Column("stream", _Text, nullable=False),
    Column("version", _Number, nullable=False),
    Column("subject", _Text, nullable=False),
    Column("source", _Text, nullable=False),
    Column("occurred_at", _Text, nullable=False),
    Column("recorded_at", _Text, nullable=False),
    Column("actor", _Text, nullable=False),
    Column("cause", _Number),
    Column("evidence", _Text, nullable=False),
    Column("data", _Text, nullable=False),
    UniqueConstraint("stream", "version", name="events_stream_version"),
    Index("events_type", "type", "position"),
    Index("events_subject", "subject", "position"),
    Index("events_recorded_at", "recorded_at", "position"),
)
"""The log. `data` is canonical JSON; `recorded_at` never decreases with `position`. The index of what people did stands
in its migration alone: a condition of an index names each dialect, and naming one loads it into every command.
"""

log = Table(
    "log",
    metadata,
    Column("id", _Text, primary_key=True),
    Column("epoch", _Number, nullable=False),
    Column("written_at", _Text),
)
"""One row: which log this is (`LogHead`), and when the daemon last saw that it can be written."""

sources = Table(
    "sources",
    metadata,
    Column("key", _Text, primary_key=True),
    Column("extractor", _Text, nullable=False),
    Column("baseline", _Text, nullable=False),
    Column("evidence", _Text, nullable=False),
    Column("subjects", _Number, nullable=False),
    Column("body_sha256", _Text, nullable=False),
    Column("body_size", _Number, nullable=False),
    Column("etag", _Text, nullable=False),
    Column("last_modified", _Text, nullable=False),
    Column("valid_until", _Text),
    Column("accepted_at", _Text),
    Column("good_at", _Text),
    Column("looked_at", _Text),
    Column("outage", _Text, nullable=False),
    Column("outage_since", _Text),
    Column("outage_position", _Number),
    Column("anomaly", _Text, nullable=False),
    Column("anomaly_since", _Text),
    Column("anomaly_position", _Number),
    Column("stale_position", _Number),
    Column("heartbeat_at", _Text),
    Column("attention", Boolean, nullable=False),
)
"""One row for each `SourceState`; every column is the field of that name."""

pending_changes = Table(
    "streaks",
    metadata,
    Column("source", _Text, primary_key=True),
    Column("ordinal", Integer, primary_key=True, autoincrement=False),
    Column("scope", _Text, nullable=False),
    Column("name", _Text, nullable=False),
    Column("field", _Text, nullable=False),
    Column("value", _Text),
    Column("seen", Integer, nullable=False),
    Column("first_at", _Text, nullable=False),
    Column("counted_at", _Text, nullable=False),
    Column("before", _Text),
    Column("evidence", _Text, nullable=False),
    Column("quarantine", _Number),
    Column("anomaly", _Number),
    Column("held_until", _Text),
)
"""Differences that are not confirmed yet. `value` is JSON, so that the text `true` and the truth differ; NULL is an
absence.
"""

alternations = Table(
    "alternations",
    metadata,
    Column("source", _Text, primary_key=True),
    Column("scope", _Text, primary_key=True),
    Column("name", _Text, primary_key=True),
    Column("field", _Text, primary_key=True),
    Column("other", _Text),
    Column("turns", Integer, nullable=False),
    Column("at", _Text, nullable=False),
    Column("said_at", _Text),
    Column("told_at", _Text),
)
"""One row for each `Alternation`: facts that came back lately, kept for a day. `other` is JSON as the value of a streak
is.
"""

entries = Table(
    "entries",
    metadata,
    Column("key", _Text, primary_key=True),
    Column("status", _Text, nullable=False),
    Column("position", _Number, nullable=False),
    Column("content", _Text, nullable=False),
)
"""The registry projection. `content` is canonical JSON of the whole entry; the rest repeats it for whoever reads with a
shell.
"""

blobs = Table(
    "blobs",
    metadata,
    Column("kind", _Text, primary_key=True),
    Column("hash", _Text, primary_key=True),
    Column("content", LargeBinary, nullable=False),
    Column("size", _Number, nullable=False),
    Column("sha256", _Text, nullable=False),
    Column("content_type", _Text, nullable=False),
    Column("url", _Text, nullable=False),
    Column("source", _Text, nullable=False),
    Column("created_at", _Text),
)
"""Facts and evidence, each under the hash of its uncompressed content, zstd-compressed, written once.

`size` and `sha256` of evidence are those of the body as received, before redaction; `source` and `created_at` say who
first brought it.
"""

notices = Table(
    "notices",
    metadata,
    Column("id", _Text, primary_key=True),
    Column("owner", _Text, nullable=False),
    Column("at", _Text, nullable=False),
    Column("content", _Text, nullable=False),
    Index("notices_at", "at"),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", _Number, primary_key=True),
    Column("notice", _Text, ForeignKey("notices.id"), nullable=False),
    Column("owner", _Text, nullable=False),
    Column("destination", _Text, nullable=False),
    Column("state", _Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("retry_at", _Text, nullable=False),
    Column("created_at", _Text, nullable=False),
    Column("error", _Text, nullable=False),
    Column("claimed_by", _Text, nullable=False),
    Column("claimed_until", _Text),
    Index("deliveries_state", "state", "retry_at"),
    Index("deliveries_notice", "notice"),
)
"""The outbox. `claimed_by` and `claimed_until` are the lease of the relay that is sending it."""

sent_messages = Table(
    "sent_messages",
    metadata,
    Column("id", _Number, primary_key=True),
    Column("notice", _Text, nullable=False),
    Column("owner", _Text, nullable=False),
    Column("destination", _Text, nullable=False),
    Column("label", _Text, nullable=False),
    Column("at", _Text, nullable=False),
    Column("incidents", _Text, nullable=False),
    Column("form", _Text, nullable=False),
    Column("thread", _Text, nullable=False),
    Column("title", _Text, nullable=False),
    Column("body", _Text, nullable=False),
    Index("sent_messages_notice", "notice"),
    Index("sent_messages_destination", "destination", "id"),
)
"""One row for each `SentMessage`, append-only as the log is. `incidents` holds each between bars: `|luna-17|sol-9|`."""

leaves = Table(
    "leaves",
    metadata,
    Column("number", _Number, primary_key=True, autoincrement=False),
    Column("kind", _Text, nullable=False),
    Column("position", _Number, nullable=False),
    Column("reference", _Text, nullable=False),
    Column("hash", LargeBinary, nullable=False),
)
"""The leaves of the tree over the log, one row for each `Leaf`. `position` never decreases with `number`."""

tree_nodes = Table(
    "tree_nodes",
    metadata,
    Column("level", Integer, primary_key=True, autoincrement=False),
    Column("number", _Number, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary, nullable=False),
)
"""The roots of full tiles: those of level 1 stand over 256 leaves, those of level 2 over 256 of level 1, and so on."""

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("size", _Number, primary_key=True, autoincrement=False),
    Column("at", _Text, nullable=False),
    Column("note", _Text, nullable=False),
)
"""The signed notes that say which tree the log had, by the number of its leaves."""

signing_keys = Table(
    "signing_keys",
    metadata,
    Column("key", _Text, primary_key=True),
    Column("at", _Text, nullable=False),
)
"""The public keys whose leaf is in the tree, as verifiers take them."""

lease_documents = Table(
    "lease_documents",
    metadata,
    Column("id", _Number, primary_key=True, autoincrement=False),
    Column("environment", _Text, nullable=False),
    Column("at", _Text, nullable=False),
    Column("document", _Text, nullable=False),
    Index("lease_documents_environment", "environment", "id"),
)
"""One row for each lease document whose answers were new; its bytes are a blob of kind `lease`."""

credentials = Table(
    "credentials",
    metadata,
    Column("digest", _Text, primary_key=True),
    Column("kind", _Text, nullable=False),
    Column("name", _Text, nullable=False),
    Column("token", _Text, nullable=False),
    Column("identity", _Text, nullable=False),
    Column("sign_in", _Text, nullable=False),
    Column("scopes", _Text, nullable=False),
    Column("names", _Text, nullable=False),
    Column("created_at", _Text, nullable=False),
    Column("until", _Text),
    Column("used_at", _Text),
    Column("ended_at", _Text),
)
"""One row for each `Credential`; every column is the field of that name. Links and sessions are dropped at their end.
"""

measurements = Table(
    "measurements",
    metadata,
    Column("id", _Number, primary_key=True),
    Column("source", _Text, nullable=False),
    Column("surface", _Text, nullable=False),
    Column("model", _Text, nullable=False),
    Column("route", _Text, nullable=False),
    Column("at", _Text, nullable=False),
    Column("outcome", _Text, nullable=False),
    Column("latency", _Number, nullable=False),
    Column("first_token", _Number),
    Column("retries", _Number, nullable=False),
    Column("input_tokens", _Number),
    Column("cached_tokens", _Number),
    Column("cache_write_tokens", _Number),
    Column("output_tokens", _Number),
    Column("cost", _Text),
    Column("request", _Text, nullable=False),
    Index("measurements_at", "at"),
    Index("measurements_source", "source", "at"),
    Index("measurements_model", "model", "at"),
)
"""One row for each `Measurement`; every column but `id` is the field of that name. Rows are dropped when they are old.
"""

spending = Table(
    "spending",
    metadata,
    Column("id", _Number, primary_key=True),
    Column("surface", _Text, nullable=False),
    Column("day", _Text, nullable=False),
    Column("amount", _Text, nullable=False),
    Index("spending_day", "day", "surface"),
)
"""One row for each paid call: what was set aside for it, and once it is known what it cost. `day` is `YYYY-MM-DD` in
UTC, `amount` a decimal string: a sum in the database would be one of floats.
"""

turns = Table(
    "turns",
    metadata,
    Column("name", _Text, primary_key=True),
    Column("due_at", _Text, nullable=False),
    Column("run", _Number, nullable=False),
    Column("node", _Text, nullable=False),
    Column("begun_at", _Text),
    Column("ended_at", _Text),
    Column("polls", _Number, nullable=False),
    Column("failed", _Number, nullable=False),
    Index("turns_due_at", "due_at"),
)
"""One row for each `Turn`; every column is the field of that name."""

nodes = Table(
    "nodes",
    metadata,
    Column("name", _Text, primary_key=True),
    Column("role", _Text, nullable=False),
    Column("version", _Text, nullable=False),
    Column("configuration", _Text, nullable=False),
    Column("started_at", _Text, nullable=False),
    Column("heartbeat_at", _Text, nullable=False),
    Column("clock_off", _Number, nullable=False),
    Column("polls", _Number, nullable=False),
    Column("problems", _Number, nullable=False),
)
"""One row for each `Node`; every column is the field of that name."""

working_state = Table(
    "working_state",
    metadata,
    Column("name", _Text, primary_key=True),
    Column("content", _Text, nullable=False),
    Column("at", _Text, nullable=False),
)
"""What a process would otherwise lose with its memory, as JSON under the name of whom it is of. No part of the log."""

compatible_revisions = Table(
    "compatible_revisions",
    metadata,
    Column("revision", _Text, primary_key=True),
    Column("since", _Text, nullable=False),
)
"""A revision of the schema that only adds, and the oldest revision whose program can go on working on it."""
