"""What several nodes agree upon: their turns and the nodes themselves; state that outlives a process; and which
versions of the program can work on which schema.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "turns",
        sa.Column("name", TEXT, primary_key=True),
        sa.Column("due_at", TEXT, nullable=False),
        sa.Column("run", NUMBER, nullable=False),
        sa.Column("node", TEXT, nullable=False),
        sa.Column("begun_at", TEXT),
        sa.Column("ended_at", TEXT),
        sa.Column("polls", NUMBER, nullable=False),
        sa.Column("failed", NUMBER, nullable=False),
    )
    op.create_index("turns_due_at", "turns", ["due_at"])
    long_ago = "2000-01-01T00:00:00.000000Z"
    op.execute(
        "INSERT INTO turns (name, due_at, run, node, begun_at, polls, failed) "
        f"VALUES ('ticking', '{long_ago}', 0, '', '{long_ago}', 0, 0)"
    )
    op.create_table(
        "nodes",
        sa.Column("name", TEXT, primary_key=True),
        sa.Column("role", TEXT, nullable=False),
        sa.Column("version", TEXT, nullable=False),
        sa.Column("configuration", TEXT, nullable=False),
        sa.Column("started_at", TEXT, nullable=False),
        sa.Column("heartbeat_at", TEXT, nullable=False),
        sa.Column("clock_off", NUMBER, nullable=False),
        sa.Column("polls", NUMBER, nullable=False),
        sa.Column("problems", NUMBER, nullable=False),
    )
    op.create_table(
        "working_state",
        sa.Column("name", TEXT, primary_key=True),
        sa.Column("content", TEXT, nullable=False),
        sa.Column("at", TEXT, nullable=False),
    )
    op.create_table(
        "compatible_revisions",
        sa.Column("revision", TEXT, primary_key=True),
        sa.Column("since", TEXT, nullable=False),
    )
