"""Evidence may lose its bytes, and get them back when they are seen again; its description and all else stay.

Whether an event names it is the program's business: it is asked once for all that is pruned, not for every row.
"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

DESCRIPTION = ("kind", "hash", "size", "sha256", "content_type", "url", "source", "created_at")


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        _sqlite()
    else:
        _postgresql()


def _sqlite() -> None:
    op.execute("DROP TRIGGER blobs_no_update")
    same = " AND ".join(f"NEW.{column} IS OLD.{column}" for column in DESCRIPTION)
    op.execute(
        "CREATE TRIGGER blobs_no_update BEFORE UPDATE ON blobs WHEN "
        f"NOT (OLD.kind = 'evidence' AND {same} AND (length(NEW.content) = 0 OR length(OLD.content) = 0)) "
        "BEGIN SELECT RAISE(ABORT, 'stored evidence is append-only: nothing in blobs is changed'); END"
    )


def _postgresql() -> None:
    op.execute("DROP TRIGGER blobs_append_only ON blobs")
    op.execute(
        "CREATE TRIGGER blobs_append_only BEFORE DELETE OR TRUNCATE ON blobs "
        "FOR EACH STATEMENT EXECUTE FUNCTION append_only()"
    )
    same = " AND ".join(f"NEW.{column} IS NOT DISTINCT FROM OLD.{column}" for column in DESCRIPTION)
    op.execute(
        "CREATE OR REPLACE FUNCTION blobs_prunable() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF OLD.kind = 'evidence' AND {same} AND (length(NEW.content) = 0 OR length(OLD.content) = 0) "
        "THEN RETURN NEW; END IF; "
        "RAISE EXCEPTION 'blobs is append-only: nothing in it is changed or deleted' "
        "USING ERRCODE = 'restrict_violation'; END $$"
    )
    op.execute(
        "CREATE OR REPLACE TRIGGER blobs_no_update BEFORE UPDATE ON blobs "
        "FOR EACH ROW EXECUTE FUNCTION blobs_prunable()"
    )
    for trigger in ("blobs_append_only", "blobs_no_update"):
        # ALWAYS: also where session_replication_role would switch ordinary triggers off.
        op.execute(f"ALTER TABLE blobs ENABLE ALWAYS TRIGGER {trigger}")
