"""Tokens, links and sessions of the HTTP server, each by the digest of its secret."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "credentials",
        sa.Column("digest", TEXT, primary_key=True),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("token", TEXT, nullable=False),
        sa.Column("identity", TEXT, nullable=False),
        sa.Column("sign_in", TEXT, nullable=False),
        sa.Column("scopes", TEXT, nullable=False),
        sa.Column("names", TEXT, nullable=False),
        sa.Column("created_at", TEXT, nullable=False),
        sa.Column("until", TEXT),
        sa.Column("used_at", TEXT),
        sa.Column("ended_at", TEXT),
    )
