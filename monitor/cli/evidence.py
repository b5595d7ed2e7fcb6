"""`evidence`: the bytes that a source sent, as they were stored: redacted, else untouched."""

from __future__ import annotations

import difflib
import json
import sys
from pathlib import Path

import click

from monitor.app.streams import harmless
from monitor.cli import output
from monitor.cli.framework import Options, command
from monitor.cli.opening import opened
from monitor.core.facts import Body
from monitor.core.ports import MonitorError, Reader, Refused


class NoEvidence(MonitorError):
    """No stored bytes have this hash."""

    def __init__(self, hash: str) -> None:
        super().__init__(
            f"No evidence {hash} is stored; `access-monitor events --json` names the evidence of every event."
        )


@command(
    "evidence",
    examples=(
        "access-monitor evidence sha256:3f9a2c41",
        "access-monitor evidence 3f9a2c41 --diff 77d0be12",
        "access-monitor evidence 3f9a2c41 --out page.md",
    ),
)
@click.argument("hash")
@click.option("--diff", "other", metavar="HASH", help="Print how HASH differs from this evidence, line by line.")
@click.option(
    "--out", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path), help="Write to a file instead of stdout."
)
@click.pass_obj
def evidence(options: Options, *, hash: str, other: str | None, out: Path | None) -> None:
    """Print the bytes that a source sent.

    HASH is printed by `events` and `why`; its first eight digits are enough. With --diff, HASH is the old side;
    JSON is first laid out one value a line.
    """
    with opened(options) as monitor, monitor.store.read() as reader:
        body = stored(reader, hash)
        changed = difference(body, stored(reader, other), hash, other) if other else ""
        content = changed.encode() if other else body.content
    if out is not None:
        out.write_bytes(content)
        origin = "" if other else f" ({', '.join(part for part in (body.content_type, body.url) if part)})"
        output.note(f"Wrote {output.plural(len(content), 'byte')} to {out}{origin}.")
        return
    if other:
        click.echo(changed, nl=False)
        return
    if sys.stdout.isatty() and not _showable(content):
        raise MonitorError(
            "This evidence holds bytes that a terminal would act on; write it to a file with --out FILE, or pipe it on."
        )
    sys.stdout.buffer.write(content)


def stored(reader: Reader, hash: str) -> Body:
    """Return the evidence of a hash, with or without `sha256:`, whole or its first digits.

    Raises:
        NoEvidence: none, or more than one, begins so.
    """
    digits = hash.strip().lower().removeprefix("sha256:").removesuffix("…")
    if len(digits) < 8 or digits.strip("0123456789abcdef"):
        raise click.UsageError(f"{hash!r} is no hash: give at least its first eight digits, such as 3f9a2c41.")
    body = reader.evidence(f"sha256:{digits}")
    if body is None:
        if any(piece.pruned and piece.hash.startswith(f"sha256:{digits}") for piece in reader.kept_evidence()):
            raise Refused(
                f"The bytes of {hash} were pruned: no event named them, and evidence.keep says how long such are kept."
            )
        raise NoEvidence(hash)
    return body


def difference(old: Body, new: Body, old_name: str, new_name: str) -> str:
    """Return a unified diff of two bodies, harmless to a terminal; empty where they say the same."""
    lines = difflib.unified_diff(_lines(old.content), _lines(new.content), old_name, new_name, lineterm="")
    return "".join(f"{harmless(line)}\n" for line in lines)


def _lines(content: bytes) -> list[str]:
    text = content.decode("utf-8", "replace")
    try:
        # A models list is one line of 40 KB: a difference between two of them would be both of them.
        return json.dumps(json.loads(text), indent=1, ensure_ascii=False).splitlines()
    except ValueError:
        return text.splitlines()


def _showable(content: bytes) -> bool:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    lines = text.replace("\r\n", "\n")
    return harmless(lines) == lines
