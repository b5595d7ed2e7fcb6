"""The tree over the log: its leaves, the hashes above them, signed checkpoints, the keys that signed, lease documents.

The database refuses to change any of them. The leaves of what is in the log already are written after this by the
program itself, which alone knows how an event is hashed.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

KEYS = {
    "leaves": ("number",),
    "tree_nodes": ("level", "number"),
    "checkpoints": ("size",),
    "signing_keys": ("key",),
    "lease_documents": ("id",),
}


def upgrade() -> None:
    op.create_table(
        "leaves",
        sa.Column("number", NUMBER, primary_key=True, autoincrement=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("position", NUMBER, nullable=False),
        sa.Column("reference", TEXT, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "tree_nodes",
        sa.Column("level", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("number", NUMBER, primary_key=True, autoincrement=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "checkpoints",
        sa.Column("size", NUMBER, primary_key=True, autoincrement=False),
        sa.Column("at", TEXT, nullable=False),
        sa.Column("note", TEXT, nullable=False),
    )
    op.create_table(
        "signing_keys",
        sa.Column("key", TEXT, primary_key=True),
        sa.Column("at", TEXT, nullable=False),
    )
    op.create_table(
        "lease_documents",
        sa.Column("id", NUMBER, primary_key=True, autoincrement=False),
        sa.Column("environment", TEXT, nullable=False),
        sa.Column("at", TEXT, nullable=False),
        sa.Column("document", TEXT, nullable=False),
    )
    op.create_index("lease_documents_environment", "lease_documents", ["environment", "id"])
    for table, columns in KEYS.items():
        if op.get_bind().dialect.name == "sqlite":
            _sqlite_triggers(table, columns)
        else:
            op.execute(
                f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
                "FOR EACH STATEMENT EXECUTE FUNCTION append_only()"
            )
            op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_append_only")


def _sqlite_triggers(table: str, columns: tuple[str, ...]) -> None:
    for act, past in (("UPDATE", "changed"), ("DELETE", "deleted")):
        op.execute(
            f"CREATE TRIGGER {table}_no_{act.lower()} BEFORE {act} ON {table} BEGIN "
            f"SELECT RAISE(ABORT, 'the tree over the log is append-only: nothing in {table} is {past}'); END"
        )
    # INSERT OR REPLACE deletes the row in its way without firing the triggers above.
    same = " AND ".join(f"{column} = NEW.{column}" for column in columns)
    op.execute(
        f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} WHEN EXISTS (SELECT 1 FROM {table} WHERE {same}) "
        f"BEGIN SELECT RAISE(ABORT, 'the tree over the log is append-only: this is already in {table}'); END"
    )
