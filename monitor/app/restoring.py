"""Putting a backup in the place of a SQLite database, so that nobody can take the past for the present.

The restored log begins a new epoch at once: leases of the future that is lost are replaced, and checkpoints go on under
another name. What the replaced database shows as sent is not sent again.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from monitor.audit.rebuild import check
from monitor.core.ports import DeliveryState, MonitorError, Refused
from monitor.store import SqlStore, open_store
from monitor.store.location import PRIVATE, SqliteLocation, locate, prepare_folder

_BESIDE = ("-wal", "-shm")


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What was put in place.

    Attributes:
        events: how many events its log holds.
        lost: how many events of the replaced database it does not hold; None where that cannot be read, or is another
            log.
        sent: how many of its waiting deliveries were sent since.
        replaced: where the replaced database is now; None where there was none.
    """

    events: int
    lost: int | None
    sent: int
    replaced: Path | None


def restore(url: str, backup: Path, now: datetime) -> Restored:
    """Put a backup in the place of a database, once all of it verifies.

    Raises:
        Refused: the backup is none or does not verify, a daemon runs, or the database is no SQLite file.
        ConfigurationError: no database can be at that place.
    """
    location = locate(url)
    if not isinstance(location, SqliteLocation):
        raise Refused(f"The {location.name} is not restored by this program: use pg_restore, then `db check`.")
    target = location.path
    if not backup.is_file():
        raise Refused(f"There is no backup {backup}: name a file that `access-monitor db backup` wrote.")
    if target.exists() and backup.samefile(target):
        raise Refused(f"The file {backup} is the database itself: name a backup of it.")
    prepare_folder(target, create=True)
    with _no_daemon(target), _copied(backup, target) as fresh:
        with closing(open_store(str(fresh))) as store:
            _verify(store, backup)
            lost, sent = _settle(store, target)
            with store.read() as reader:
                events = reader.head()
        replaced = _swap(fresh, target, now)
    return Restored(events=events, lost=lost, sent=sent, replaced=replaced)


@contextmanager
def _no_daemon(target: Path) -> Iterator[None]:
    """Hold the daemon's lock of the database that is replaced; one that cannot be opened has none."""
    try:
        store = open_store(str(target), migrate=False)
    except MonitorError:
        yield
        return
    with closing(store), store.sole():
        yield


@contextmanager
def _copied(backup: Path, target: Path) -> Iterator[Path]:
    """Provide a copy of the backup beside the database; what is left of it goes when the block ends."""
    fresh = target.with_name(f"{target.name}.restoring")
    _remove(fresh)
    try:
        os.close(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE))
        with (
            closing(sqlite3.connect(f"file:{backup}?mode=ro", uri=True)) as source,
            closing(sqlite3.connect(fresh)) as to,
        ):
            source.backup(to)
        yield fresh
    except sqlite3.Error:
        raise Refused(f"The file {backup} is no database of this program: name a backup of one.") from None
    except OSError as error:
        raise Refused(f"The backup cannot be copied beside {target} ({error.strerror}): see that it can be.") from None
    finally:
        _remove(fresh)


def _verify(store: SqlStore, backup: Path) -> None:
    with store.read() as reader:
        result = check(reader)
    if not result.fits:
        why = (
            result.verification.misfits[0].sentence
            if not result.verification.fits
            else (f"the entry {result.differing[0]} is not what the log says of it")
        )
        raise Refused(f"The backup {backup} does not verify, {why}: restore another one.")


def _settle(store: SqlStore, target: Path) -> tuple[int | None, int]:
    """Begin a new epoch beyond that of the replaced database, and settle what that shows as sent."""
    with store.read() as reader:
        head = reader.log_head()
    lost, epoch, delivered = None, head.epoch, set()
    with suppress(MonitorError), closing(open_store(str(target), migrate=False)) as old, old.read() as reader:
        before = reader.log_head()
        if before.log == head.log:
            lost, epoch = max(before.position - head.position, 0), max(epoch, before.epoch)
            delivered = {(row.notice, row.destination) for row in reader.deliveries(DeliveryState.SENT)}
    with store.write() as tx:
        tx.advance_epoch(epoch)
        rows = tx.deliveries(DeliveryState.WAITING, DeliveryState.SENDING)
        sent = [row for row in rows if (row.notice, row.destination) in delivered]
        for row in sent:
            tx.settle(replace(row, state=DeliveryState.SENT))
    return lost, len(sent)


def _swap(fresh: Path, target: Path, now: datetime) -> Path | None:
    """Put the new file in place; the old one stays beside it under another name.

    At no moment is there no database at its place: who restores again after an interruption still finds in the old one
    what was sent and which epoch it had.
    """
    _write_back(fresh)
    if os.geteuid() == 0:  # a service that runs as somebody else could not open what root makes
        owner = (target if target.exists() else target.parent).stat()
        os.chown(fresh, owner.st_uid, owner.st_gid)
    replaced = None
    if target.exists():
        replaced = target.with_name(f"{target.name}.before-{now:%Y%m%dT%H%M%SZ}")
        with suppress(sqlite3.Error):  # of one that is damaged, the write-ahead log moves as it is
            _write_back(target)
        for suffix in _BESIDE:
            with suppress(FileNotFoundError):
                os.rename(f"{target}{suffix}", f"{replaced}{suffix}")
        try:
            replaced.unlink(missing_ok=True)
            os.link(target, replaced)
        except OSError:  # a file system without links
            os.rename(target, replaced)
    os.replace(fresh, target)
    return replaced


def _write_back(path: Path) -> None:
    """Bring what stands in the write-ahead log of a database into the file itself, which then moves without it."""
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _remove(path: Path) -> None:
    for suffix in ("", *_BESIDE):
        Path(f"{path}{suffix}").unlink(missing_ok=True)
