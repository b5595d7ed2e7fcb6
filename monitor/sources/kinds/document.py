"""`document`: a text whose paragraphs are watched."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from monitor.core.check_names import CHECKS
from monitor.core.configuration import OFFICIAL, Capabilities, SourceSpec
from monitor.core.names import suggest
from monitor.core.ports import Source
from monitor.sources.kind import Finding, Options, SourceDeps, SourceKind, Surroundings, web
from monitor.sources.options import Distinct, SourceOptions, Text, Trust


class DocumentOptions(SourceOptions):
    """The keys of a document."""

    url: str = Field(examples=["https://developers.openai.com/api/docs/pricing.md"])
    surface: str | None = None
    provider: str | None = None
    trust: Trust | None = None
    watch: list[Text] | None = Field(
        default=None, description="Words in a document whose coming or going is named in the notice."
    )
    makes_stale: Annotated[list[str], Distinct] | None = Field(
        default=None, description="Checks that a change of the document makes stale.", examples=[["safety_review"]]
    )


def build(spec: SourceSpec, deps: SourceDeps) -> Source:
    """Build a source that reads the document."""
    from monitor.sources.document import document

    web(f"source {spec.key}", "url", spec.url)
    return document(spec, deps.http)


def _check(options: Options, around: Surroundings) -> Iterator[Finding]:
    for check in options.get("makes_stale", ()):
        if check not in CHECKS:
            yield "makes_stale", f"names the check {check!r}, which there is not; {suggest(check, CHECKS)}"


KIND = SourceKind(
    factory=build, options=DocumentOptions, trust=OFFICIAL, capabilities=Capabilities(page=True), check=_check
)
