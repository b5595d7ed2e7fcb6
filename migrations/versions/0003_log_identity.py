"""Which log this is: an id that no other database has, and an epoch that moves on when the log was set back.

A lease file names both, so that an answer from another log, or from a time that a restored backup has forgotten, is
replaced.
"""

from uuid import uuid4

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    table = op.create_table(
        "log",
        sa.Column("id", TEXT, primary_key=True),
        sa.Column("epoch", NUMBER, nullable=False),
        sa.Column("written_at", TEXT),
    )
    op.bulk_insert(table, [{"id": str(uuid4()), "epoch": 1, "written_at": None}])
