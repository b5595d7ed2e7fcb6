"""The first schema, and the triggers that keep the log and the evidence as they were written.

No model of the program is imported here: a migration says what the schema was at its time. There is no way down: taking
the schema back would delete the log.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

APPEND_ONLY = {"events": "the log", "blobs": "stored evidence"}


def upgrade() -> None:
    _tables()
    if op.get_bind().dialect.name == "sqlite":
        _sqlite_triggers()
    else:
        _postgresql_triggers()


def _tables() -> None:
    op.create_table(
        "events",
        sa.Column("position", NUMBER, primary_key=True, autoincrement=False),
        sa.Column("id", TEXT, nullable=False, unique=True),
        sa.Column("type", TEXT, nullable=False),
        sa.Column("stream", TEXT, nullable=False),
        sa.Column("version", NUMBER, nullable=False),
        sa.Column("subject", TEXT, nullable=False),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("occurred_at", TEXT, nullable=False),
        sa.Column("recorded_at", TEXT, nullable=False),
        sa.Column("actor", TEXT, nullable=False),
        sa.Column("cause", NUMBER),
        sa.Column("evidence", TEXT, nullable=False),
        sa.Column("data", TEXT, nullable=False),
        sa.UniqueConstraint("stream", "version", name="events_stream_version"),
    )
    op.create_index("events_type", "events", ["type", "position"])
    op.create_index("events_subject", "events", ["subject", "position"])
    op.create_index("events_recorded_at", "events", ["recorded_at", "position"])
    op.create_table(
        "sources",
        sa.Column("key", TEXT, primary_key=True),
        sa.Column("extractor", TEXT, nullable=False),
        sa.Column("baseline", TEXT, nullable=False),
        sa.Column("evidence", TEXT, nullable=False),
        sa.Column("subjects", NUMBER, nullable=False),
        sa.Column("body_sha256", TEXT, nullable=False),
        sa.Column("body_size", NUMBER, nullable=False),
        sa.Column("etag", TEXT, nullable=False),
        sa.Column("last_modified", TEXT, nullable=False),
        sa.Column("valid_until", TEXT),
        sa.Column("accepted_at", TEXT),
        sa.Column("good_at", TEXT),
        sa.Column("looked_at", TEXT),
        sa.Column("outage", TEXT, nullable=False),
        sa.Column("outage_since", TEXT),
        sa.Column("outage_position", NUMBER),
        sa.Column("anomaly", TEXT, nullable=False),
        sa.Column("anomaly_since", TEXT),
        sa.Column("anomaly_position", NUMBER),
        sa.Column("stale_position", NUMBER),
        sa.Column("heartbeat_at", TEXT),
        sa.Column("attention", sa.Boolean, nullable=False),
    )
    op.create_table(
        "streaks",
        sa.Column("source", TEXT, primary_key=True),
        sa.Column("ordinal", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("scope", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("field", TEXT, nullable=False),
        sa.Column("value", TEXT),
        sa.Column("seen", sa.Integer, nullable=False),
        sa.Column("first_at", TEXT, nullable=False),
        sa.Column("counted_at", TEXT, nullable=False),
        sa.Column("before", TEXT),
        sa.Column("evidence", TEXT, nullable=False),
        sa.Column("quarantine", NUMBER),
    )
    op.create_table(
        "entries",
        sa.Column("key", TEXT, primary_key=True),
        sa.Column("status", TEXT, nullable=False),
        sa.Column("position", NUMBER, nullable=False),
        sa.Column("content", TEXT, nullable=False),
    )
    op.create_table(
        "blobs",
        sa.Column("kind", TEXT, primary_key=True),
        sa.Column("hash", TEXT, primary_key=True),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.Column("size", NUMBER, nullable=False),
        sa.Column("sha256", TEXT, nullable=False),
        sa.Column("content_type", TEXT, nullable=False),
        sa.Column("url", TEXT, nullable=False),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("created_at", TEXT),
    )
    op.create_table(
        "notices",
        sa.Column("id", TEXT, primary_key=True),
        sa.Column("owner", TEXT, nullable=False),
        sa.Column("at", TEXT, nullable=False),
        sa.Column("content", TEXT, nullable=False),
    )
    op.create_table(
        "deliveries",
        sa.Column("id", NUMBER, primary_key=True),
        sa.Column("notice", TEXT, sa.ForeignKey("notices.id"), nullable=False),
        sa.Column("owner", TEXT, nullable=False),
        sa.Column("destination", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("retry_at", TEXT, nullable=False),
        sa.Column("created_at", TEXT, nullable=False),
        sa.Column("error", TEXT, nullable=False),
        sa.Column("claimed_by", TEXT, nullable=False),
        sa.Column("claimed_until", TEXT),
    )
    op.create_index("deliveries_state", "deliveries", ["state", "retry_at"])
    op.create_index("deliveries_notice", "deliveries", ["notice"])


def _sqlite_triggers() -> None:
    for table, noun in APPEND_ONLY.items():
        for act, past in (("UPDATE", "changed"), ("DELETE", "deleted")):
            op.execute(
                f"CREATE TRIGGER {table}_no_{act.lower()} BEFORE {act} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{noun} is append-only: nothing in {table} is {past}'); END"
            )
    # INSERT OR REPLACE deletes the row in its way without firing the triggers above.
    op.execute(
        "CREATE TRIGGER events_no_replace BEFORE INSERT ON events WHEN "
        "EXISTS (SELECT 1 FROM events WHERE position = NEW.position) "
        "OR EXISTS (SELECT 1 FROM events WHERE id = NEW.id) "
        "OR EXISTS (SELECT 1 FROM events WHERE stream = NEW.stream AND version = NEW.version) "
        "BEGIN SELECT RAISE(ABORT, 'the log is append-only: this event is already in events'); END"
    )
    op.execute(
        "CREATE TRIGGER blobs_no_replace BEFORE INSERT ON blobs WHEN "
        "EXISTS (SELECT 1 FROM blobs WHERE kind = NEW.kind AND hash = NEW.hash) "
        "BEGIN SELECT RAISE(ABORT, 'stored evidence is append-only: this hash is already in blobs'); END"
    )


def _postgresql_triggers() -> None:
    op.execute(
        "CREATE FUNCTION append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "RAISE EXCEPTION '% is append-only: nothing in it is changed or deleted', TG_TABLE_NAME "
        "USING ERRCODE = 'restrict_violation'; END $$"
    )
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION append_only()"
        )
        # ALWAYS: also where session_replication_role would switch ordinary triggers off.
        op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_append_only")
