"""Statements about what calls took and cost. They are run by the reader and the writer; nothing here is a part of the
log.

Measurements are asked for with any mixture of conditions, so their query is put together anew each time.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import Select, bindparam, delete, insert, select, update

from monitor.core import records
from monitor.core.ports import MeasurementQuery
from monitor.store.schema import measurements, spending
from monitor.store.statements import CompiledStatement

_COLUMNS = tuple(column for column in measurements.c if column.name != "id")

NEW_MEASUREMENTS = CompiledStatement(
    insert(measurements).inline().values({measured.name: bindparam(measured.name) for measured in _COLUMNS})
)
FORGET_MEASUREMENTS = CompiledStatement(delete(measurements).where(measurements.c.at < bindparam("before")))
FORGET_SPENDING = CompiledStatement(delete(spending).where(spending.c.day < bindparam("day")))

SPENT = CompiledStatement(
    select(spending.c.amount).where(spending.c.day == bindparam("day"), spending.c.surface == bindparam("surface"))
)
RESERVE = CompiledStatement(
    insert(spending).values({name: bindparam(name) for name in ("surface", "day", "amount")}).returning(spending.c.id)
)
SETTLE = CompiledStatement(
    update(spending).where(spending.c.id == bindparam("b_id")).values(amount=bindparam("amount"))
)


def asked(query: MeasurementQuery) -> Select[Any]:
    """Return the statement that a query means, in order of time; what began together, in the order in which it was
    written.
    """
    c = measurements.c
    search = select(*_COLUMNS)
    for column, value in (
        (c.source, query.source),
        (c.surface, query.surface),
        (c.model, query.model),
        (c.route, query.route),
    ):
        if value:
            search = search.where(column == value)
    if query.since is not None:
        search = search.where(c.at >= records.time_text(query.since))
    if query.until is not None:
        search = search.where(c.at < records.time_text(query.until))
    if query.limit is not None:
        search = search.limit(query.limit)
    order = (c.at.desc(), c.id.desc()) if query.newest_first else (c.at, c.id)
    return search.order_by(*order)


def day_of(at: datetime) -> date:
    """Return the UTC day on whose budget a call counts."""
    return at.astimezone(UTC).date()
