"""`verify`: the word of a person for a check, and the files behind it, which are read where the check asks for it."""

from __future__ import annotations

from pathlib import Path

import click

from monitor.cli import papers
from monitor.cli.acts import actor, by_person, recorded_text, show
from monitor.cli.framework import Options, command
from monitor.cli.names import complete_checks, complete_entries
from monitor.cli.opening import opened
from monitor.cli.surface import surface_option
from monitor.core.check_names import EVALS


@command(
    "verify",
    table=True,
    examples=(
        "access-monitor verify gpt-5.6-luna evals --by 'Ada L.' --from output.json",
        (
            "access-monitor verify gpt-5.6-luna safety_review --by 'Ada L.' --from review.pdf --note 'approved for "
            "support'"
        ),
    ),
)
@click.argument("entry", shell_complete=complete_entries)
@click.argument("check", shell_complete=complete_checks)
@surface_option
@by_person
@click.option("--url", metavar="U", default="", callback=recorded_text, help="A link to the evidence.")
@click.option("--note", metavar="TEXT", default="", callback=recorded_text, help="What was observed.")
@click.option(
    "--from",
    "files",
    metavar="FILE",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file to keep as evidence; read for evals (may be repeated) and logging.",
)
@click.option(
    "--baseline", metavar="ENTRY|MODEL", default="", help="For evals without [entry.evals]: what production runs now."
)
@click.option("--called", metavar="NAME", default="", help="For evals: what the files call the model of ENTRY.")
@click.pass_obj
def verify(
    options: Options,
    *,
    entry: str,
    check: str,
    surface: str,
    by: str,
    url: str,
    note: str,
    files: tuple[Path, ...],
    baseline: str,
    called: str,
) -> None:
    """Attest a readiness check.

    `access-monitor checklist ENTRY` lists the checks. An attestation needs evidence: pass --url, --note or --from.

    For evals, files of promptfoo, inspect-ai and OpenAI evals are read and compared with the baseline. For logging,
    a sample of your request log (JSON Lines) is compared with the accepted model id and prices. On several
    surfaces, evals, safety_review, logging and pricing count on all of them unless one is named; other checks on
    the first.
    """
    from monitor.registry.acts import ActTarget, AttestationRequest
    from monitor.registry.evals import matrix

    request = AttestationRequest(
        check=check, url=url, note=note, files=papers.attached(files), baseline=baseline, called=called
    )
    with opened(options) as monitor:
        attestation = monitor.attestation(request)
        done = monitor.acts.verify(ActTarget(entry=entry, surface=surface), actor(by), attestation)
        show(options, monitor, *done.events)
        with monitor.store.read() as reader:
            entries = reader.entries()
    if not options.json:
        papers.tell(done.events[-1], matrix(entries[done.key], entries) if check == EVALS else None)
