"""Messages as they went out, which the database refuses to change or to delete."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "sent_messages",
        sa.Column("id", NUMBER, primary_key=True),
        sa.Column("notice", TEXT, nullable=False),
        sa.Column("owner", TEXT, nullable=False),
        sa.Column("destination", TEXT, nullable=False),
        sa.Column("label", TEXT, nullable=False),
        sa.Column("at", TEXT, nullable=False),
        sa.Column("incidents", TEXT, nullable=False),
        sa.Column("form", TEXT, nullable=False),
        sa.Column("thread", TEXT, nullable=False),
        sa.Column("title", TEXT, nullable=False),
        sa.Column("body", TEXT, nullable=False),
    )
    op.create_index("sent_messages_notice", "sent_messages", ["notice"])
    op.create_index("sent_messages_destination", "sent_messages", ["destination", "id"])
    if op.get_bind().dialect.name == "sqlite":
        for act, past in (("UPDATE", "changed"), ("DELETE", "deleted")):
            op.execute(
                f"CREATE TRIGGER sent_messages_no_{act.lower()} BEFORE {act} ON sent_messages BEGIN "
                f"SELECT RAISE(ABORT, 'what was sent is append-only: nothing in sent_messages is {past}'); END"
            )
        # INSERT OR REPLACE deletes the row in its way without firing the triggers above.
        op.execute(
            "CREATE TRIGGER sent_messages_no_replace BEFORE INSERT ON sent_messages WHEN "
            "EXISTS (SELECT 1 FROM sent_messages WHERE id = NEW.id) "
            "BEGIN SELECT RAISE(ABORT, 'what was sent is append-only: this message is already in sent_messages'); END"
        )
        return
    op.execute(
        "CREATE TRIGGER sent_messages_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON sent_messages "
        "FOR EACH STATEMENT EXECUTE FUNCTION append_only()"
    )
    op.execute("ALTER TABLE sent_messages ENABLE ALWAYS TRIGGER sent_messages_append_only")
