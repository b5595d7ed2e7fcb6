"""Lease files: the answers of the gate as flagd flag definitions, one file an environment, good until their lease ends.

A flagd client evaluates them without us: the rule of a flag holds the end of the lease, so that a monitor that died
denies by itself. Two mistakes that this module exists to avoid: a flag that is `DISABLED` or has a null default answers
with whatever default the caller wrote, which may be `true`; and a writer that was overtaken must not put back an older
answer.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeAlias

from monitor.core.configuration import GateRules
from monitor.core.entry import Status
from monitor.core.events import LogHead
from monitor.core.ports import ConfigurationError, MonitorError
from monitor.gate.client.lease import SERVED, SURFACE, written_served
from monitor.gate.client.verdict import GRACE, PAUSED, PRODUCTION, STALE, judge, rfc3339
from monitor.gate.decision import Answer, GateQuestion, Readiness, Standing, decide, named_keys, resolve
from monitor.gate.files import leave_to_owner, replace_file

SCHEMA = "https://flagd.dev/schema/v0/flags.json"
FLAG_SET = "access-monitor"

LEASE_RENEWAL = timedelta(minutes=5)
"""The longest time between two renewals of the leases; half a lease where that is shorter."""

PRIVATE = 0o600
"""The rights of a lease file unless told: its owner alone reads it."""

_READ = stat.S_IRGRP | stat.S_IROTH

_LARGEST = 2**53
"""The largest number that every reader of JSON takes for what it is."""

Document: TypeAlias = dict[str, Any]

_RENEWED = frozenset(
    ("version", "written_at", "lease_until", "expires_at", "access_until", "price_until", "checks_until", "access")
)
"""What moves in a document that answers as before: ends and places in the log, and `access`, which counts polls."""

_MENDS = {
    errno.ENOSPC: "free some space on that file system",
    errno.EDQUOT: "free some space in that quota",
    errno.EACCES: "let the user of the monitor write there",
    errno.EPERM: "let the user of the monitor write there",
    errno.EROFS: "mount that file system writable, or set gate.lease_dir to another folder",
}


def lease_documents(
    standings: Mapping[str, Standing], rules: GateRules, now: datetime, head: LogHead
) -> dict[str, Document]:
    """Return the document of every configured environment, and of production in any case: environments that nobody
    configured are judged by it.
    """
    return {
        environment: lease_document(standings, GateQuestion(rules=rules, now=now, environment=environment), head)
        for environment in dict.fromkeys((*rules.environments, PRODUCTION))
    }


def lease_document(standings: Mapping[str, Standing], question: GateQuestion, head: LogHead) -> Document:
    """Return the flag definitions of one environment: a flag for each entry, and for each model id that exactly one
    entry holds; `ENTRY@SURFACE` and `ID@SURFACE` where there are several.
    """
    flags = {}
    for key in named_keys(standings):
        standing = resolve(key, standings)
        if isinstance(standing, Standing):
            flags[key] = _flag(standing, standings, question)
    return {
        "$schema": SCHEMA,
        "flags": flags,
        "metadata": {
            "flagSetId": FLAG_SET,
            "log": head.log,
            "epoch": head.epoch,
            "version": str(head.position),
            "environment": question.environment,
            "written_at": rfc3339(question.now),
            "lease_until": rfc3339(question.lease_until),
            **{
                SURFACE + standing.surface: standing.base_url
                for standing in standings.values()
                if standing.surface and standing.base_url and standing.status is not Status.WITHDRAWN
            },
        },
    }


def _flag(standing: Standing, standings: Mapping[str, Standing], question: GateQuestion) -> Document:
    ready = standing.ready(question)
    callers = sorted({caller for caller in standing.callers if caller and not ready.lacks_review(caller)})
    best = judge(
        status=standing.status.value,
        reason=standing.reason,
        evaluable=question.evaluates,
        access_until=standing.access_until,
        price_until=standing.price_until,
        spares=standing.spares,
        grace_until=standing.grace_until,
        spared=bool(callers),
        lease_until=question.lease_until,
        now=question.now,
        checks_until=ready.until,
        unready=ready.unready,
    )
    variants = {status.value: False for status in Status}
    variants |= {Status.ACTIVE.value: True, Status.EVALUATING.value: question.evaluates, STALE: False}
    flag: Document = {"state": "ENABLED", "variants": variants, "defaultVariant": best.variant}
    if best.allowed:
        rule: Document = {"<": [{"var": "$flagd.timestamp"}, int(best.until.timestamp())]}
        otherwise = STALE
        if best.variant == GRACE:
            variants[GRACE] = True
            rule = {"and": [{"in": [{"var": "targetingKey"}, callers]}, rule]}
            otherwise = PAUSED
        flag["defaultVariant"] = otherwise
        flag["targeting"] = {"if": [*_unreviewed(ready, otherwise), rule, best.variant, otherwise]}
    flag["metadata"] = _metadata(standing, ready, decide(standing, question, standings))
    return flag


def _unreviewed(ready: Readiness, denying: str) -> list[object]:
    """Return the part of a rule that comes first and denies the callers whose safety review is not verified, or no
    longer is; nothing where nobody needs one, or it has no date.
    """
    if not ready.reviewed or not (ready.unreviewed or ready.review_until):
        return []
    since = 0 if ready.unreviewed or ready.review_until is None else int(ready.review_until.timestamp())
    late: Document = {">=": [{"var": "$flagd.timestamp"}, since]}
    return [{"and": [{"in": [{"var": "targetingKey"}, list(ready.reviewed)]}, late]}, denying]


def _metadata(standing: Standing, ready: Readiness, answer: Answer) -> dict[str, bool | int | str]:
    metadata: dict[str, bool | int | str] = {
        "status": answer.status,
        "position": answer.position,
        "reason": answer.reason,
        "fallback": answer.fallback,
        "entry": standing.key,
        "name": standing.name,
        "model_id": standing.model_id,
        "surface": standing.surface,
        "declared_fallback": standing.fallback,
    }
    # Metadata cannot hold null, so what has no date has no key.
    dates = {
        "expires_at": answer.expires_at,
        "access_until": standing.access_until,
        "price_until": standing.price_until,
        "grace_until": standing.grace_until if standing.spares else None,
        "checks_until": ready.until,
        "since": standing.since,
    }
    if ready.unready:
        metadata["unready"] = ready.unready
    if standing.served:
        metadata[SERVED] = written_served(standing.served)
    if standing.access:
        metadata["access"] = standing.access
    if ready.unreviewed:
        metadata["unreviewed"] = ready.unreviewed
    if standing.spares:
        metadata["spares"] = True
    return metadata | {key: rfc3339(at) for key, at in dates.items() if at is not None}


def lease_bytes(document: Document) -> bytes:
    """Return a document as it is written and sent."""
    return (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode()


def lease_answers(written: bytes) -> object:
    """Return what a document answers, without what moves at each renewal or poll."""
    document = json.loads(written)
    flags = {
        key: {
            **flag,
            "targeting": _without_times(flag.get("targeting")),
            "metadata": {name: value for name, value in flag["metadata"].items() if name not in _RENEWED},
        }
        for key, flag in document["flags"].items()
    }
    metadata = {name: value for name, value in document["metadata"].items() if name not in _RENEWED}
    return flags, metadata


def _without_times(rule: Any) -> Any:
    if isinstance(rule, dict):
        return {name: _without_times(inner) for name, inner in rule.items()}
    if isinstance(rule, list):
        return [_without_times(inner) for inner in rule]
    return None if isinstance(rule, int) else rule


def write_lease(
    folder: Path, documents: Mapping[str, Document], head: LogHead, mode: int = PRIVATE
) -> dict[str, LogHead]:
    """Write `{environment}.json` for each document; return where the files stand that are ahead of `head` in the same
    log, and were left alone.

    A file of another log is replaced, wherever that log stood. A reader sees the old file or the new one, never a part.
    All are tried before an error is raised: that staging's file cannot be written is no reason to keep production's.
    `mode` are the rights of each file, whatever the umask.

    Raises:
        ConfigurationError: an environment's name cannot be a file's.
        MonitorError: a file could not be written; the old one stays and denies when its lease ends.
    """
    for environment in documents:
        if not environment or environment.startswith(".") or "/" in environment or "\0" in environment:
            raise ConfigurationError(
                f"gate.environments names {environment!r}, which cannot be the name of a lease file: use "
                "letters, digits, - and _."
            )
    ahead: dict[str, LogHead] = {}
    failures: list[MonitorError] = []
    with _locked(folder, mode):
        for environment, document in documents.items():
            path = folder / f"{environment}.json"
            standing = lease_head(path)
            if standing is not None and standing.log == head.log and standing > head:
                ahead[environment] = standing
                continue
            try:
                replace_file(path, lease_bytes(document), mode)
            except OSError as error:
                failures.append(_failure(path, error))
    if failures:
        raise failures[0]
    return ahead


@contextmanager
def _locked(folder: Path, mode: int) -> Iterator[None]:
    """Hold the folder's lock; the operating system frees it at death."""
    try:
        _make(folder, mode)
        lock = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE)
        leave_to_owner(lock, folder)
    except OSError as error:
        raise _failure(folder, error) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def lease_head(path: Path) -> LogHead | None:
    """Return where the log stood when a lease file was written; None where there is no file that a reader could use, or
    one that names no such place.
    """
    try:
        if not path.is_file():
            return None
        metadata = json.loads(path.read_bytes())["metadata"]
        head = LogHead(str(metadata["log"]), int(metadata["epoch"]), int(metadata["version"]))
    except (OSError, ValueError, TypeError, KeyError, RecursionError, OverflowError):
        return None
    return head if max(head.epoch, head.position) <= _LARGEST else None  # no log of ours ever came so far


def _make(folder: Path, mode: int) -> None:
    """Make the folder where it is missing, and let into it whoever may read its files."""
    wanted = stat.S_IRWXU | mode & _READ | (mode & _READ) >> 2
    if not folder.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(wanted)
    elif (rights := stat.S_IMODE(folder.stat().st_mode)) & wanted != wanted:
        folder.chmod(rights | wanted)


def _failure(path: Path, error: OSError) -> MonitorError:
    mend = _MENDS.get(error.errno or 0, "see that gate.lease_dir names a folder the monitor may write in")
    return MonitorError(f"The lease file {path} could not be written ({error.strerror}): {mend}.")
