"""`audit`: verify the log, sign and print its checkpoints, prove a position, watch it from elsewhere.

What verifies needs no configuration, where --database names what is verified.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from monitor.cli import output
from monitor.cli.audit_questions import QUESTIONS
from monitor.cli.framework import Group, Options, command
from monitor.cli.names import complete_entries
from monitor.cli.opening import opened, opened_store
from monitor.cli.times import time_option
from monitor.core.moments import Moment
from monitor.core.ports import EventQuery, MonitorError, Refused

if TYPE_CHECKING:
    from monitor.audit.translog.checkpoint_comparison import OutsideCheckpoint
    from monitor.audit.translog.checkpoints import Checkpoint
    from monitor.audit.translog.notes import VerifierKey
    from monitor.audit.translog.verification import Verification

_SHOWN = 20

key_option = click.option(
    "--key",
    "keys",
    metavar="KEY|FILE",
    multiple=True,
    help="A verifier key that you trust, or a file with some; else those that the log itself names.",
)


@command(
    "verify",
    table=True,
    examples=(
        "access-monitor audit verify",
        "access-monitor audit verify --database copy.db --checkpoint kept.checkpoint --key kept.key",
        "access-monitor audit verify --proof event-17.tlog-proof --key kept.key",
        "access-monitor audit verify --sealed /mnt/worm/log --key kept.key",
    ),
)
@click.option(
    "--checkpoint",
    "checkpoints",
    metavar="FILE",
    multiple=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="A checkpoint that was kept elsewhere; several may be given.",
)
@key_option
@click.option(
    "--proof",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Verify this proof file instead, without a database.",
)
@click.option(
    "--sealed",
    metavar="FOLDER|FILE",
    type=click.Path(path_type=Path),
    help="Verify these sealed copies instead, without a database.",
)
@click.pass_obj
def verify(
    options: Options, *, checkpoints: tuple[Path, ...], keys: tuple[str, ...], proof: Path | None, sealed: Path | None
) -> None:
    """Verify the log and name the first position that does not fit.

    Offline; exits 1 where something does not fit. Every row is held against the tree, the tree against every signed
    checkpoint, and every piece of evidence against its hash. A checkpoint that was kept elsewhere shows what the
    database cannot: a log that was rewritten or cut together with its tree, and an older copy. Where the tiles of
    the tree stand beside it, the position is exact.
    """
    trusted = _keys(keys)
    if sealed is not None and (proof is not None or options.database is not None):
        raise click.UsageError("--sealed is what is verified: leave --proof and --database out.")
    if proof is not None:
        if checkpoints:
            raise click.UsageError("--proof brings its own checkpoint; leave --checkpoint out.")
        _verify_proof(options, proof, trusted)
        return
    outside = [_outside(path) for path in checkpoints]
    from monitor.audit.translog.verification import verify as verified

    if sealed is not None:
        from monitor.app.sealed_copies import sealed_log

        result = verified(sealed_log(sealed), outside=outside, keys=trusted, bytes_too=False)
    else:
        with opened_store(options) as store, store.read() as reader:
            result = verified(reader, outside=outside, keys=trusted)
    _show(options, result, compared=len(outside))


@command("checkpoint", examples=("access-monitor audit checkpoint > kept.checkpoint",))
@click.pass_obj
def checkpoint(options: Options) -> None:
    """Sign a checkpoint of the log and print it.

    Keep it where nobody can write who writes the database. It also goes to the places that [audit] names.
    """
    with opened(options) as monitor:
        signed, failures = monitor.seal()
    click.echo(str(signed), nl=False)
    if failures:
        raise MonitorError(" ".join(map(str, failures)))


@command("seal", examples=("access-monitor audit seal --out /mnt/worm/log",))
@click.option(
    "--out",
    metavar="FOLDER",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder of the copies; what is sealed there already stays as it is.",
)
@click.pass_obj
def seal(options: Options, *, out: Path) -> None:
    """Copy the log into sealed files.

    Signs a checkpoint and adds what the folder lacks, compressed, one file a segment; an interrupted run goes on where
    it was. `audit verify --sealed` and `events --sealed` read them without the database. They hold the log and its
    tree, not the bytes of evidence or the words of messages, and take the place of nothing.
    """
    from monitor.app.sealed_copies import seal_into

    with opened(options) as monitor:
        signed, failures = monitor.seal()
        sealed = seal_into(monitor.store, out, signed, monitor.clock())
    click.echo(
        f"Sealed {sealed.leaves:,} leaves of the tree in {output.plural(sealed.files, 'file')}; "
        f"{out} has {sealed.size:,}."
    )
    if failures:
        raise MonitorError(" ".join(map(str, failures)))


@command(
    "proof",
    examples=(
        "access-monitor audit proof 17 > event-17.tlog-proof",
        "access-monitor audit proof 17 --out 17.tlog-proof",
    ),
)
@click.argument("position", type=click.IntRange(min=1))
@click.option(
    "--out",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write it to this file instead of standard output.",
)
@click.pass_obj
def proof(options: Options, *, position: int, out: Path | None) -> None:
    """Print the proof that an event is in the log.

    For somebody who has no copy of it, in the format C2SP tlog-proof. It holds the event and the last checkpoint;
    `audit verify --proof FILE` verifies it.
    """
    from monitor.audit.translog.proving import prove

    with opened_store(options) as store, store.read() as reader:
        proven = str(prove(reader.tree, position))
    if out is None:
        click.echo(proven, nl=False)
        return
    try:
        out.write_text(proven, encoding="utf-8")
    except OSError as error:
        raise Refused(f"The proof cannot be written to {out} ({error.strerror}): name another file.") from None


@command(
    "watch",
    examples=(
        "access-monitor audit watch kept.checkpoint --key kept.key",
        "access-monitor audit watch kept.checkpoint --log https://monitor.example.com/log",
    ),
)
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--log",
    "place",
    metavar="URL|FOLDER",
    default="",
    help="Watch the log as it is published there, instead of the database.",
)
@key_option
@click.pass_obj
def watch(options: Options, *, file: Path, place: str, keys: tuple[str, ...]) -> None:
    """Compare the log with a checkpoint that is kept elsewhere.

    Exits 1 where the log does not extend the checkpoint in FILE. Meant for cron on another host. After a comparison
    that fits, FILE holds the newest checkpoint, so that the next one covers more; otherwise it is left as it is.
    """
    from monitor.app.publication import publish_file

    earlier = _outside(file)
    trusted = _keys(keys)
    newest = _watch_published(earlier, place, trusted) if place else _watch_database(options, earlier, trusted)
    if newest is not None and newest.size > earlier.checkpoint.size:
        try:
            publish_file(file, str(newest).encode())
        except OSError as error:
            raise Refused(
                f"The log fits, but {file} cannot be brought up to date ({error.strerror}): let this user write there."
            ) from None
    size = earlier.checkpoint.size if newest is None else newest.size
    click.echo(f"The log extends the checkpoint of {earlier.checkpoint.size} leaves, and has {size} signed now.")


@command("key", examples=("access-monitor audit key > kept.key",))
@click.pass_obj
def key(options: Options) -> None:
    """Print the public keys that sign checkpoints.

    One a line, as verifiers take them: give them to who verifies.
    """
    with opened(options) as monitor, monitor.store.read() as reader:
        verifiers = [signer.verifier for signer in monitor.sealer.keys(reader.log_head())]
    for verifier in verifiers:
        click.echo(str(verifier))


@command(
    "export",
    examples=(
        "access-monitor audit export gpt-5.6-luna --out luna.zip",
        "access-monitor audit export --since 2026-07-01 --until 2026-08-01 --out july.zip",
    ),
)
@click.argument("entry", required=False, default="", shell_complete=complete_entries)
@time_option("--since", "Only what was recorded at this time or later.")
@time_option("--until", "Only what was recorded up to this time.")
@click.option(
    "--out",
    metavar="FILE",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The ZIP file to write; none is replaced.",
)
@click.pass_obj
def export(options: Options, *, entry: str, since: Moment | None, until: Moment | None, out: Path) -> None:
    """Write a bundle for an auditor.

    It holds events with everything that they follow from, evidence, messages and proofs. ENTRY is all that concerns
    one; without it everything in the time that is given. A page for reading is in it, and how to verify it with
    programs that every system has.
    """
    if not entry and since is None and until is None:
        raise click.UsageError("Say what to export: an entry, --since or --until.")
    if out.exists():
        raise Refused(f"The file {out} exists: name another one for the bundle.")
    from monitor.app.bootstrap import utc_now
    from monitor.audit.concerning import of_entry, passing
    from monitor.audit.translog.bundle import bundle, positions_with_causes
    from monitor.cli.bundle_page import write_bundle

    now = utc_now()
    with opened_store(options) as store, store.read() as reader:
        query = EventQuery(
            since=since.resolve(now) if since else None,
            until=until.resolve(now) if until else None,
        )
        chosen = of_entry(reader, entry) if entry else None
        events = positions_with_causes(reader, list(passing(reader, query, chosen, None)))
        write_bundle(out, entry, events, bundle(reader, events))
    click.echo(f"Wrote {output.plural(len(events), 'event')} with their proofs to {out}.")


audit = Group(
    "audit",
    commands=(*QUESTIONS, verify, checkpoint, seal, proof, watch, key, export),
    help="Ask the log what auditors ask; verify it, sign it, prove what is in it.",
    examples=(*verify.examples[:1], *checkpoint.examples, *proof.examples[:1]),
)


def _outside(path: Path) -> OutsideCheckpoint:
    from monitor.app.publication import checkpoint_at, tiles_beside
    from monitor.audit.translog.checkpoint_comparison import OutsideCheckpoint

    return OutsideCheckpoint(f"the checkpoint {path}", checkpoint_at(path), tiles_beside(path))


def _keys(written: Sequence[str]) -> list[VerifierKey]:
    """Read the keys that were given, or those in the files that were."""
    from monitor.audit.translog.notes import InvalidNote, verifier_key

    keys: list[VerifierKey] = []
    for word in written:
        lines = [word]
        if "+" not in word or Path(word).is_file():
            try:
                lines = [line for line in Path(word).read_text(encoding="utf-8").splitlines() if line.strip()]
            except (OSError, UnicodeDecodeError):
                raise Refused(
                    f"The key {word} is neither a verifier key nor a file with some: print them with `access-monitor "
                    "audit key`."
                ) from None
        try:
            keys += [verifier_key(line) for line in lines]
        except InvalidNote as error:
            raise Refused(f"The key {word} {error}.") from None
    return keys


def _show(options: Options, result: Verification, *, compared: int) -> None:
    first = None if result.fits else result.misfits[0]
    if options.json:
        output.as_json(
            {
                "fits": result.fits,
                "position": None if first is None else first.position,
                "events": result.events,
                "leaves": result.leaves,
                "covered": result.covered,
                "checkpoints": result.checkpoints,
                "misfits": [
                    {
                        "position": misfit.position,
                        "until": misfit.until,
                        "reason": misfit.reason.value,
                        "sentence": misfit.sentence,
                    }
                    for misfit in result.misfits
                ],
            }
        )
    else:
        for misfit in result.misfits[:_SHOWN]:
            click.echo(output.printable(misfit.sentence))
        if len(result.misfits) > _SHOWN:
            click.echo(f"… and {len(result.misfits) - _SHOWN:,} more; --json lists them.")
    if first is not None:
        raise Refused(f"The log does not verify: position {first.position} is the first that does not fit.")
    if not options.json:
        click.echo(
            f"The log verifies: {output.plural(result.events, 'event')}, {result.covered:,} of "
            f"{result.leaves:,} leaves signed, {output.plural(result.checkpoints, 'checkpoint')}."
        )
    if not compared:
        output.note(
            "Nothing outside the database was compared: give --checkpoint FILE with one that was kept elsewhere."
        )


def _verify_proof(options: Options, path: Path, trusted: Sequence[VerifierKey]) -> None:
    from monitor.audit.translog.proving import check_proof

    try:
        written = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise Refused(
            f"The proof {path} cannot be read: name a file that `access-monitor audit proof` wrote."
        ) from None
    proven = check_proof(written, str(path), trusted)
    if options.json:
        output.as_json(
            {
                "fits": True,
                "index": proven.index,
                "origin": proven.checkpoint.origin,
                "size": proven.checkpoint.size,
                "content": proven.content.decode(),
            }
        )
        return
    click.echo(proven.content.decode())
    output.note(
        f"It is leaf {proven.index} of the {proven.checkpoint.size:,} that {proven.checkpoint.origin} has signed."
    )


def _watch_database(options: Options, kept: OutsideCheckpoint, trusted: Sequence[VerifierKey]) -> Checkpoint | None:
    from monitor.audit.translog.checkpoints import read_checkpoint
    from monitor.audit.translog.verification import verify as verified

    with opened_store(options) as store, store.read() as reader:
        result = verified(reader, outside=[kept], keys=trusted)
        last = reader.tree.last_checkpoint()
    if not result.fits:
        first = result.misfits[0]
        raise Refused(f"The log does not extend {kept.label}, {first.sentence}.")
    return None if last is None else read_checkpoint(last.note)


def _watch_published(kept: OutsideCheckpoint, place: str, trusted: Sequence[VerifierKey]) -> Checkpoint:
    from monitor.app.publication import PublishedLog
    from monitor.audit.translog.proving import check_extension

    published = PublishedLog(place)
    newest = published.checkpoint()
    check_extension(kept.checkpoint, newest, published.tree(newest.size), trusted)
    return newest
