"""`verify`: the word of a person for a check, and the files behind it, which are read where the check asks for it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from monitor.cli import papers
from monitor.cli.acts import by_person, recorded_text, show, via
from monitor.cli.framework import Options, command
from monitor.cli.names import complete_checks, complete_entries
from monitor.cli.opening import opened
from monitor.cli.surface import row_of, surface_option

if TYPE_CHECKING:
    from monitor.registry.attachments import Paper


@command(
    "verify",
    table=True,
    examples=(
        "access-monitor verify gpt-5.6-luna evals --by 'Ada L.' --from output.json --baseline gpt-5.4-mini",
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
@click.option("--url", metavar="U", default="", callback=recorded_text, help="Where the proof is.")
@click.option("--note", metavar="TEXT", default="", callback=recorded_text, help="What was seen.")
@click.option(
    "--from",
    "files",
    metavar="FILE",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file to keep as evidence; of evals (several may be given) and logging it is read.",
)
@click.option("--baseline", metavar="ENTRY|MODEL", default="", help="Of evals: what production runs now.")
@click.option("--called", metavar="NAME", default="", help="Of evals: what the files call the model of ENTRY.")
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

    `access-monitor checklist ENTRY` lists the checks. At least one of --url, --note and --from says what the word rests
    on. Results of promptfoo, inspect-ai and OpenAI evals are read: what they say of ENTRY stands beside what they say
    of the baseline. A sample of the request log (JSON Lines) is read for the check logging, and held against the
    accepted model id and prices. Of an entry on several surfaces a word about the model (evals, safety_review, logging,
    pricing) holds on all of them unless one is named, any other on the first.
    """
    if (baseline or called) and (check != "evals" or not files):
        raise click.UsageError(
            "--baseline and --called are about the files of evals; leave them out, or give --from FILE."
        )
    if len(files) > 1 and check != "evals":
        raise click.UsageError(f"Only evals take several files; give one --from for {check}.")
    with opened(options) as monitor:
        body = None
        paper: Paper | None = None
        if files and check == "evals":
            paper = papers.of_evals(files, url, baseline, called)
        elif files and check == "logging":
            paper = papers.of_requests(files[0], url, monitor.settings.logging, monitor.clock())
        elif files:
            body = papers.evidence_of(files[0], url)
        key = row_of(monitor, entry, surface)
        everywhere = not surface and key == entry
        event = monitor.operator.verify(
            key, check, by=by, via=via(), url=url, note=note, body=body, paper=paper, everywhere=everywhere
        )
        show(options, monitor, event)
    if not options.json:
        papers.tell(event)
