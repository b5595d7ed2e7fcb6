"""What calls to models took, and what they cost on each day.

Neither is a part of the log: both are dropped when they are old, so no trigger guards them. The tables of the first
schema stay as they are.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "measurements",
        sa.Column("id", NUMBER, primary_key=True),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("surface", TEXT, nullable=False),
        sa.Column("model", TEXT, nullable=False),
        sa.Column("route", TEXT, nullable=False),
        sa.Column("at", TEXT, nullable=False),
        sa.Column("outcome", TEXT, nullable=False),
        sa.Column("latency", NUMBER, nullable=False),
        sa.Column("first_token", NUMBER),
        sa.Column("retries", NUMBER, nullable=False),
        sa.Column("input_tokens", NUMBER),
        sa.Column("cached_tokens", NUMBER),
        sa.Column("cache_write_tokens", NUMBER),
        sa.Column("output_tokens", NUMBER),
        sa.Column("cost", TEXT),
        sa.Column("request", TEXT, nullable=False),
    )
    op.create_index("measurements_at", "measurements", ["at"])
    op.create_index("measurements_source", "measurements", ["source", "at"])
    op.create_index("measurements_model", "measurements", ["model", "at"])
    op.create_table(
        "spending",
        sa.Column("id", NUMBER, primary_key=True),
        sa.Column("surface", TEXT, nullable=False),
        sa.Column("day", TEXT, nullable=False),
        sa.Column("amount", TEXT, nullable=False),
    )
    op.create_index("spending_day", "spending", ["day", "surface"])
