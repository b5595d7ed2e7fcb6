"""Views over the log under names that stay, for whoever asks the database itself, and indexes of what
people did and when notices were composed.

Nothing is stored twice: each view reads the log by the JSON functions of its database. What their columns mean stands
in `deploy/datasette/metadata.json`. A later revision that changes a table which a view reads drops the view first.
"""

from collections.abc import Callable

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

RENAMES = """
  SELECT position, stream AS later, 'entry/' || {carried_from} AS earlier
  FROM events WHERE type = 'entry.renamed'
"""

ROWS_OF_NOW = """
RECURSIVE renames AS (
  {renames}
),
hops AS (
  SELECT position, stream, position AS at FROM events WHERE type IN ({types})
  UNION ALL
  SELECT hops.position, renames.later, renames.position
  FROM hops JOIN renames ON renames.earlier = hops.stream AND renames.position > hops.at
),
last_hops AS (
  SELECT position, stream, row_number() OVER (PARTITION BY position ORDER BY at DESC) AS nth FROM hops
)
"""
"""Each event with the stream that the row of its entry has now: a row that was renamed goes on under another key."""

PRICE_HISTORY = """
SELECT position, recorded_at, occurred_at, type, source, {trust} AS trust, {provider} AS provider, subject AS model,
  {tier} AS tier, {context} AS context, {modality} AS modality, {meter} AS meter, {condition} AS condition,
  {unit} AS unit, {currency} AS currency, {old} AS old_amount, {new} AS new_amount, {date} AS announced_for,
  {reason} AS reason, actor, evidence
FROM events
WHERE type IN ('price.listed', 'price.changed', 'price.removed', 'price.reported', 'price.quarantined',
  'price.announced')
"""

STATUSES = {
    "entry.declared": "waiting",
    "entry.visible": "evaluating",
    "entry.hidden": "waiting",
    "entry.activated": "active",
    "entry.paused": "paused",
    "entry.resumed": "active",
    "entry.retired": "retired",
    "entry.withdrawn": "withdrawn",
}

ENTRY_STATUS_HISTORY = """
WITH {rows_of_now}
SELECT events.position, events.recorded_at, events.occurred_at AS since,
  lead(events.occurred_at) OVER (PARTITION BY last_hops.stream ORDER BY events.position) AS until,
  events.subject AS entry, {surface} AS surface, substr(last_hops.stream, 7) AS entry_row,
  CASE events.type {cases} ELSE coalesce({carried_status}, 'waiting') END AS status,
  events.type, events.actor, {reason} AS reason, events.cause
FROM events JOIN last_hops ON last_hops.position = events.position AND last_hops.nth = 1
"""

PAUSES = """
WITH {rows_of_now},
turns AS (
  SELECT events.*, substr(last_hops.stream, 7) AS entry_row,
    lead(events.position) OVER following AS ended_position, lead(events.type) OVER following AS ended_type,
    lead(events.occurred_at) OVER following AS ended_at, lead(events.actor) OVER following AS ended_by
  FROM events JOIN last_hops ON last_hops.position = events.position AND last_hops.nth = 1
  WINDOW following AS (PARTITION BY last_hops.stream ORDER BY events.position)
)
SELECT position, subject AS entry, {surface} AS surface, entry_row, occurred_at AS began_at, ended_at,
  {seconds} AS seconds, actor AS began_by, ended_by, ended_type, ended_position, {reason} AS reason, {pin} AS pin,
  {old} AS old_value, {new} AS new_value, cause
FROM turns WHERE type = 'entry.paused'
"""

NOTICES_SENT = """
SELECT sent_messages.id, sent_messages.notice, sent_messages.at AS sent_at, notices.at AS composed_at,
  sent_messages.owner, sent_messages.destination, sent_messages.label AS service, {reason} AS reason,
  {entries} AS entries, sent_messages.form, sent_messages.title, sent_messages.body
FROM sent_messages JOIN notices ON notices.id = sent_messages.notice
"""

SOURCE_HEALTH = """
WITH endings AS MATERIALIZED (
  SELECT position, stream, cause, occurred_at FROM events
  WHERE type IN ('source.failed', 'source.recovered') AND cause IS NOT NULL
)
SELECT opened.position, opened.source,
  CASE opened.type WHEN 'source.failed' THEN 'down' WHEN 'source.stale' THEN 'stale' ELSE 'held' END AS state,
  opened.occurred_at AS began_at, ended.occurred_at AS ended_at, {seconds} AS seconds, {reason} AS reason,
  {detail} AS detail, {last_good} AS last_good_at, ended.position AS ended_position, opened.evidence
FROM events AS opened
LEFT JOIN endings AS ended ON ended.cause = opened.position AND ended.stream = opened.stream
WHERE opened.type IN ('source.failed', 'source.stale', 'source.anomaly')
"""

ACTS = """
SELECT position, recorded_at, occurred_at, actor AS person, type AS act, subject, {surface} AS surface,
  {reason} AS reason, {note} AS note, {account} AS account, {host} AS host, {channel} AS channel,
  {expect} AS seen_position, cause, evidence, data
FROM events WHERE actor <> 'system'
"""


def upgrade() -> None:
    acts = sa.text("actor <> 'system'")
    op.create_index("events_acts", "events", ["position"], sqlite_where=acts, postgresql_where=acts)
    op.create_index("notices_at", "notices", ["at"])
    for name, body in views(op.get_bind().dialect.name).items():
        op.execute(sa.text(f"CREATE VIEW {name} AS {body}".replace(":", r"\:")))


def views(dialect: str) -> dict[str, str]:
    """Return the views of a database: name → query."""
    text = _sqlite_text if dialect == "sqlite" else _postgresql_text
    seconds = _sqlite_seconds if dialect == "sqlite" else _postgresql_seconds
    data = _values_of(text, "data")
    moves = ("entry.paused", "entry.resumed", "entry.retired", "entry.withdrawn")
    return {
        "price_history": PRICE_HISTORY.format_map(data),
        "entry_status_history": ENTRY_STATUS_HISTORY.format_map(
            _values_of(text, "events.data")
            | {
                "rows_of_now": _rows_of_now(text, (*STATUSES, "entry.renamed")),
                "cases": " ".join(f"WHEN '{type}' THEN '{status}'" for type, status in STATUSES.items()),
            }
        ),
        "pauses": PAUSES.format_map(
            data | {"rows_of_now": _rows_of_now(text, moves), "seconds": seconds("occurred_at", "ended_at")}
        ),
        "notices_sent": NOTICES_SENT.format(
            reason=_sqlite_text("notices.content", "items[0]", "reason")
            if dialect == "sqlite"
            else _postgresql_text("notices.content", "items", "0", "reason"),
            entries=_sqlite_entries() if dialect == "sqlite" else _postgresql_entries(),
        ),
        "source_health": SOURCE_HEALTH.format_map(
            _values_of(text, "opened.data") | {"seconds": seconds("opened.occurred_at", "ended.occurred_at")}
        ),
        "acts": ACTS.format_map(data),
    }


NAMES = (
    *("surface", "reason", "note", "detail", "pin", "trust", "provider", "tier", "context", "modality", "meter"),
    *("condition", "unit", "currency", "old", "new", "date", "last_good"),
)


def _values_of(text: Callable[..., str], column: str) -> dict[str, str]:
    """Return how each value of the data of an event is read."""
    return {
        **{name: text(column, name) for name in NAMES},
        "expect": f"CAST({text(column, 'expect')} AS INTEGER)",
        **{name: text(column, "via", name) for name in ("host", "channel")},
        "account": f"coalesce({text(column, 'via', 'user')}, {text(column, 'via', 'identity')})",
        "carried_status": text(column, "carried", "status"),
    }


def _rows_of_now(text: Callable[..., str], types: tuple[str, ...]) -> str:
    renames = RENAMES.format(carried_from=text("data", "carried", "from"))
    return ROWS_OF_NOW.format(renames=renames, types=", ".join(f"'{type}'" for type in types))


def _sqlite_text(column: str, *path: str) -> str:
    # What is true is 1 there, and `true` in the text of PostgreSQL and of JSON itself.
    at = f"{column}, '$.{'.'.join(path)}'"
    return (
        f"CASE WHEN json_type({at}) IN ('true', 'false') THEN json_type({at}) ELSE CAST(json_extract({at}) AS TEXT) END"
    )


def _postgresql_text(column: str, *path: str) -> str:
    return f"(CAST({column} AS json) #>> '{{{','.join(path)}}}')"


def _sqlite_seconds(begun: str, ended: str) -> str:
    return f"CAST(round((julianday({ended}) - julianday({begun})) * 86400) AS INTEGER)"


def _postgresql_seconds(begun: str, ended: str) -> str:
    span = f"CAST({ended} AS timestamptz) - CAST({begun} AS timestamptz)"
    return f"CAST(round(extract(epoch FROM {span})) AS bigint)"


def _sqlite_entries() -> str:
    return (
        "(SELECT group_concat(name, ', ') FROM (SELECT DISTINCT json_extract(item.value, '$.entry') AS name "
        "FROM json_each(notices.content, '$.items') AS item ORDER BY name) WHERE name <> '')"
    )


def _postgresql_entries() -> str:
    return (
        "(SELECT string_agg(name, ', ' ORDER BY name) FROM (SELECT DISTINCT item ->> 'entry' AS name "
        "FROM json_array_elements(CAST(notices.content AS json) -> 'items') AS item) AS named WHERE name <> '')"
    )
