"""Examine what the monitor stands on: clock, zones, disk, database, keys, destinations, lease folder.

Free calls only, and nothing is sent to a person. Each examination is one finding: well, or what is wrong with the fix.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from monitor.app.bootstrap import Monitor, database_url, monitor_over, utc_now
from monitor.audit.node_status import CLOCK_OFF, NodeCondition, node_rows, nothing_ticks
from monitor.core.configuration import Owner, Surface
from monitor.core.events import rfc3339
from monitor.core.facts import PollFailure
from monitor.core.ports import EventQuery, MonitorError, Refused
from monitor.core.text import duration_in_words
from monitor.settings import Settings, resolve
from monitor.store.location import PostgresLocation, locate

STEP = timedelta(minutes=5)
"""How far a clock may be behind the last event of the log."""

LEAST_FREE = 200 * 1024 * 1024
"""Bytes that the disk of the database should have left."""

_WELL_KNOWN_ZONE = "Europe/Berlin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one examination found: `subject` is what was examined, `detail` says how it is, with the fix where it is not
    well.
    """

    subject: str
    ok: bool
    detail: str


def examine(settings: Settings, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Yield one finding after the other; a database that cannot be opened ends none of the rest."""
    yield _zones(settings)
    with ExitStack() as stack:
        try:
            url = database_url(settings, environ)
            yield _disk(url)
            monitor = stack.enter_context(monitor_over(settings, environ))
        except MonitorError as error:
            yield Finding(subject="database", ok=False, detail=str(error))
            yield from _without_database(settings, environ)
            return
        yield _clock(monitor)
        yield _attempt(
            "database", f"{monitor.store.name}: at the newest schema, whole, can be written", monitor, _written
        )
        if isinstance(locate(url), PostgresLocation):
            yield _attempt("pooler", "a session is this connection's alone", monitor, _sole)
            yield from _nodes(monitor)
        for surface in settings.configuration.surfaces.values():
            yield from _keys(monitor, surface)
        for owner in settings.configuration.owners.values():
            yield from _destinations(monitor, owner)
    yield _lease_folder(settings)


def _without_database(settings: Settings, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Examine what needs no database: whether the keys are there, and the lease folder."""
    for surface in settings.configuration.surfaces.values():
        for reference in filter(None, (surface.api_key, surface.admin_key)):
            subject = f"key {surface.key}"
            try:
                resolve(reference, environ, settings.folder)
            except MonitorError as error:
                yield Finding(subject=subject, ok=False, detail=str(error))
            else:
                yield Finding(subject=subject, ok=True, detail=f"{reference} is there; not tried without a database")
    yield _lease_folder(settings)


def _attempt(subject: str, well: str, monitor: Monitor, act: Callable[[Monitor], None]) -> Finding:
    try:
        act(monitor)
    except MonitorError as error:
        return Finding(subject=subject, ok=False, detail=str(error))
    return Finding(subject=subject, ok=True, detail=well)


def _written(monitor: Monitor) -> None:
    monitor.store.check_pages()
    monitor.store.check_writable()


def _sole(monitor: Monitor) -> None:
    # A daemon that runs holds the lock, and so proved that it can be held.
    lock = monitor.store.company if monitor.settings.nodes.engine else monitor.store.sole
    with suppress(Refused), lock():
        pass


def _nodes(monitor: Monitor) -> Iterator[Finding]:
    """Examine the other nodes, as they last said how they are."""
    with monitor.store.read() as reader:
        now = monitor.clock()
        rows, since = node_rows(reader, monitor.configuration, now), nothing_ticks(reader, now)
    if since is not None:
        detail = f"none says what is due since {rfc3339(since)}: start `access-monitor run` on one."
        yield Finding(subject="nodes", ok=False, detail=detail)
    for row in rows:
        heard = f"heard of {duration_in_words(timedelta(seconds=int((now - row.heartbeat_at).total_seconds())))} ago"
        faults = []
        if row.state is NodeCondition.SILENT:
            faults.append("start it again, or leave it to be forgotten after a day")
        if abs(row.clock_off) > CLOCK_OFF.total_seconds():
            faults.append(f"set its clock, which is {row.clock_off:+d} s off, as with `timedatectl set-ntp true`")
        faults += [f"give it the {name} of the node that ticks" for name in row.differs]
        detail = "; ".join((f"{row.state.value} ({row.role} {row.version}), {heard}", *faults))
        yield Finding(subject=f"node {row.name}", ok=not faults, detail=detail)


def _clock(monitor: Monitor) -> Finding:
    now = utc_now()
    with monitor.store.read() as reader:
        last = next(reader.events(EventQuery(newest_first=True, limit=1)), None)
    if last is not None and last.recorded_at - now > STEP:
        behind = duration_in_words(timedelta(seconds=int((last.recorded_at - now).total_seconds())))
        detail = (
            f"{rfc3339(now)} is {behind} before the last event of the log: set the clock, as with "
            "`timedatectl set-ntp true`."
        )
        return Finding(subject="clock", ok=False, detail=detail)
    return Finding(subject="clock", ok=True, detail=f"{rfc3339(now)}, not behind the log")


def _zones(settings: Settings) -> Finding:
    name = settings.notify.timezone or _WELL_KNOWN_ZONE
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        detail = f"the zone {name} is not known here: install the system's tzdata, or `pip install tzdata`."
        return Finding(subject="time zones", ok=False, detail=detail)
    return Finding(subject="time zones", ok=True, detail=f"{name} is known")


def _disk(url: str) -> Finding:
    location = locate(url)
    if isinstance(location, PostgresLocation):
        return Finding(subject="disk", ok=True, detail="the database lies on a server, which watches its own")
    folder = _nearest(location.path.parent)
    free = shutil.disk_usage(folder).free
    words = f"{free // 1024**2:,} MiB free at {folder}"
    if free < LEAST_FREE:
        return Finding(
            subject="disk", ok=False, detail=f"only {words}: free some space, or move the database (database.url)."
        )
    return Finding(subject="disk", ok=True, detail=words)


def _nearest(path: Path) -> Path:
    """Return the folder itself, or the nearest above it that exists."""
    return next(folder for folder in (path, *path.parents) if folder.exists())


def _keys(monitor: Monitor, surface: Surface) -> Iterator[Finding]:
    """Try the key of a surface with the free call that lists its models."""
    from monitor.sources.catalog import SourceDeps, build, source_spec

    subject = f"key {surface.key}"
    if not surface.api_key and not surface.headers:
        yield Finding(subject=subject, ok=True, detail="the surface needs none")
    else:
        spec = source_spec(key=subject, kind="models_list", surface=surface.key, every=timedelta(hours=1))
        try:
            source = build(spec, SourceDeps(http=monitor.http, surface=surface, secret=monitor.secret))
            observation = source.observe(monitor.clock(), None)
        except MonitorError as error:
            yield Finding(subject=subject, ok=False, detail=str(error))
        else:
            yield _judged(subject, surface, observation if isinstance(observation, PollFailure) else None)
    if surface.admin_key:
        subject = f"admin key {surface.key}"
        well = f"{surface.admin_key} is there; it is tried by sources of kind admin alone"
        yield _attempt(subject, well, monitor, lambda monitor: _read(monitor, surface.admin_key))


def _read(monitor: Monitor, reference: str) -> None:
    monitor.secret(reference)


def _judged(subject: str, surface: Surface, failure: PollFailure | None) -> Finding:
    if failure is None:
        return Finding(subject=subject, ok=True, detail=f"{surface.base_url} lists models to it")
    fix = f"correct what {surface.api_key or 'the headers'} refers to, or base_url of surface {surface.key}"
    return Finding(subject=subject, ok=False, detail=f"{failure.reason}: {failure.detail}; {fix}.")


def _destinations(monitor: Monitor, owner: Owner) -> Iterator[Finding]:
    """Instantiate each destination of an owner; nothing is sent."""
    from monitor.notify.destinations import destinations

    for destination in destinations(owner):
        subject = f"destination {destination}"
        try:
            problem = monitor.channel.problem(destination)
        except MonitorError as error:
            yield Finding(subject=subject, ok=False, detail=str(error))
            continue
        label = monitor.channel.label(destination)
        detail = problem or f"{label}; `access-monitor notify test {owner.key}` sends"
        yield Finding(subject=subject, ok=not problem, detail=detail)


def _lease_folder(settings: Settings) -> Finding:
    folder = settings.lease_dir
    nearest = _nearest(folder)
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        detail = f"{nearest} cannot be written to: give this user the right to, or set gate.lease_dir."
        return Finding(subject="lease folder", ok=False, detail=detail)
    there = "can be written" if nearest == folder else "is made by `run` and `poll`"
    return Finding(subject="lease folder", ok=True, detail=f"{folder} {there}")
