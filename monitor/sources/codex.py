"""What Codex offers: the catalogue that an installed `codex` carries, or a catalogue in a file.

Codex is a door of its own. Being in its catalogue says nothing of the API, and the reverse; so its facts have the
surface that this source is given and no other. The account's private catalogue is not polled.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from monitor.core.configuration import SourceSpec, Surface
from monitor.core.facts import (
    LISTED,
    Body,
    Fact,
    FailureReason,
    Known,
    Observation,
    PollFailure,
    Refusal,
    Snapshot,
    Subject,
    Unchanged,
    Value,
)
from monitor.sources.json_text import NotJson, canonical_text, parse
from monitor.sources.redaction import one_line, redact

EXTRACTOR = "codex/1"

COMMAND = ("codex", "debug", "models", "--bundled")
"""What prints the catalogue that an installed Codex carries: offline, without an account."""

TIMEOUT = 60.0
"""Seconds that the command may take; it is a large binary, and starts cold."""

LARGEST = 5_000_000
"""Bytes of a catalogue; many times the one of November 2026."""

SHOWN = "list"
"""The visibility of a model that Codex offers; the others are hidden or gone."""

PLAIN = ("visibility", "supported_in_api", "minimal_client_version", "context_window")
NAMED = {"service_tiers": ("id", "name", "slug"), "supported_reasoning_levels": ("effort",), "upgrade": ("model", "id")}
"""Keys whose values are objects or lists of objects → what names such an object; its prose is no fact."""


class CodexFailed(Exception):
    """A catalogue that could not be had, and why."""

    def __init__(self, reason: FailureReason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


class Codex:
    """The catalogue of Codex on one surface. `path` is the search path for the command."""

    extractor = EXTRACTOR

    def __init__(
        self, spec: SourceSpec, surface: Surface, *, path: str | None = None, timeout: float = TIMEOUT
    ) -> None:
        self.spec = spec
        self._surface = surface
        self._path = path
        self._timeout = timeout

    def observe(self, now: datetime, known: Known | None) -> Observation:
        """Poll once."""
        catalogue = self.spec.option("catalogue")
        try:
            content = _file(Path(catalogue)) if catalogue else self._command()
        except CodexFailed as failed:
            return PollFailure(source=self.spec.key, at=now, reason=failed.reason, detail=one_line(failed.detail))
        digest = sha256(content).hexdigest()
        if known is not None and known.sha256 == digest:
            return Unchanged(source=self.spec.key, at=now)
        body = Body(content=redact(content), sha256=digest, size=len(content), content_type="application/json")
        return self.extract(body, now)

    def extract(self, body: Body, at: datetime) -> Observation:
        """Read a stored catalogue anew."""
        try:
            facts, unclear, refused = read(body.content, self._surface.key)
        except CodexFailed as failed:
            return PollFailure(source=self.spec.key, at=at, reason=failed.reason, detail=failed.detail, body=body)
        return Snapshot(
            source=self.spec.key,
            at=at,
            facts=facts,
            extractor=self.extractor,
            body=body,
            unclear=frozenset(unclear),
            refused=tuple(refused),
        )

    def _command(self) -> bytes:
        """Return what the command prints.

        It gets an empty home and none of our environment: no key, no proxy and no account that it could print or use.
        """
        program = shutil.which(COMMAND[0], path=self._path)
        if program is None:
            raise CodexFailed(
                FailureReason.MISCONFIGURED,
                (
                    f"there is no `codex` on the search path; install the Codex CLI, or give {self.spec.key} a "
                    "file as `catalogue`"
                ),
            )
        path = self._path or os.environ.get("PATH", os.defpath)
        with tempfile.TemporaryDirectory(prefix="access-monitor-codex-") as home:
            environment = {"PATH": path, "HOME": home, "CODEX_HOME": home, "LANG": "C.UTF-8", "NO_COLOR": "1"}
            try:
                process = subprocess.Popen(
                    [program, *COMMAND[1:]],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    cwd=home,
                    env=environment,
                    start_new_session=True,
                )
            except OSError as error:
                raise CodexFailed(FailureReason.MISCONFIGURED, f"{program} cannot be run: {error.strerror}") from error
            return self._output(process, program)

    def _output(self, process: subprocess.Popen[bytes], program: str) -> bytes:
        late = threading.Event()

        def stop() -> None:
            late.set()
            _kill(process)

        # A timer ends the whole group: a reader of its pipe would otherwise wait for a grandchild that keeps it open.
        timer = threading.Timer(self._timeout, stop)
        timer.daemon = True
        timer.start()
        try:
            assert process.stdout is not None
            content = process.stdout.read(LARGEST + 1)
            if len(content) > LARGEST:
                raise CodexFailed(FailureReason.TOO_LARGE, f"{program} prints more than {LARGEST} bytes")
            process.stdout.close()
            code = process.wait()
        finally:
            timer.cancel()
            _kill(process)
            process.wait()
            if process.stdout is not None:
                process.stdout.close()
        if late.is_set():
            raise CodexFailed(FailureReason.TIMEOUT, f"{program} did not end within {self._timeout:g} s")
        if code:
            raise CodexFailed(
                FailureReason.INVALID_SHAPE,
                (
                    f"`{' '.join(COMMAND)}` ended with {code}; update the Codex CLI, or give {self.spec.key} a "
                    "file as `catalogue`"
                ),
            )
        return content


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End the command and whatever it started; it leads a process group of its own."""
    if process.returncode is None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)


def _file(path: Path) -> bytes:
    try:
        # A pipe would be waited for without end.
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise CodexFailed(
            FailureReason.MISCONFIGURED, f"the catalogue {path} cannot be read ({error.strerror}); check `catalogue`"
        ) from error
    if len(content) > LARGEST:
        raise CodexFailed(FailureReason.TOO_LARGE, f"the catalogue {path} has more than {LARGEST} bytes")
    return content


def read(content: bytes, scope: str) -> tuple[Mapping[Subject, Mapping[str, Value]], set[Fact], list[Refusal]]:
    """Read a catalogue: the facts, those that two items of one slug state differently, and the items that are none.

    Raises:
        Failed: it is no catalogue.
    """
    try:
        answer = parse(content)
    except NotJson as error:
        raise CodexFailed(FailureReason.NOT_JSON, error.reason) from error
    items = answer.get("models") if isinstance(answer, dict) else None
    if not isinstance(items, list):
        raise CodexFailed(FailureReason.INVALID_SHAPE, "an object without an array `models`, so no catalogue of Codex")
    facts: dict[Subject, dict[str, Value]] = {}
    unclear: set[Fact] = set()
    refused: list[Refusal] = []
    for index, item in enumerate(items):
        slug = item.get("slug") if isinstance(item, dict) else None
        if not isinstance(item, dict) or not isinstance(slug, str) or not slug.strip() or not slug.isprintable():
            refused.append(Refusal(f"models[{index}]", "an item without a printable, non-empty string as its slug"))
            continue
        subject = Subject(scope, slug)
        fields = dict(_stated(item))
        before = facts.setdefault(subject, fields)
        unclear |= {Fact(subject, field) for field, _ in before.items() ^ fields.items()}
    if items and not facts:
        raise CodexFailed(FailureReason.INVALID_SHAPE, f"none of the {len(items)} items has a slug")
    for fact in unclear:
        facts[fact.subject].pop(fact.field, None)
    return facts, unclear, refused


def _stated(item: Mapping[str, object]) -> Iterator[tuple[str, Value]]:
    if item.get("visibility") == SHOWN:
        yield LISTED, True
    for key in PLAIN:
        value = item.get(key)
        if isinstance(value, bool | int) or (isinstance(value, str) and value.isprintable()):
            yield key, value
        elif value is not None:
            yield key, canonical_text(value)
    for key, names in NAMED.items():
        value = item.get(key)
        if isinstance(value, list):
            yield key, ", ".join(sorted(_name(element, names) for element in value))
        elif value:
            yield key, _name(value, names)


def _name(value: object, names: tuple[str, ...]) -> str:
    if isinstance(value, dict):
        value = next((value[name] for name in names if isinstance(value.get(name), str)), value)
    return value if isinstance(value, str) and value.isprintable() else canonical_text(value)
