"""Holds that belong to what is missing, and facts that turn between values.

Neither is a part of the log: streaks and alternations are what is pending about a source, so no trigger guards them.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column("streaks", sa.Column("anomaly", NUMBER))
    op.add_column("streaks", sa.Column("held_until", TEXT))
    op.create_table(
        "alternations",
        sa.Column("source", TEXT, primary_key=True),
        sa.Column("scope", TEXT, primary_key=True),
        sa.Column("name", TEXT, primary_key=True),
        sa.Column("field", TEXT, primary_key=True),
        sa.Column("other", TEXT),
        sa.Column("turns", sa.Integer(), nullable=False),
        sa.Column("at", TEXT, nullable=False),
        sa.Column("said_at", TEXT),
        sa.Column("told_at", TEXT),
    )
