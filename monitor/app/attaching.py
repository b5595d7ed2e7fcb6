"""The files that people attest checks with: kept as evidence, and where the check asks for it read first."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import TYPE_CHECKING

from monitor.core.check_names import EVALS
from monitor.core.facts import Body
from monitor.core.ports import MonitorError, Refused
from monitor.registry.acts import AttachedFile, Attestation, AttestationRequest

if TYPE_CHECKING:
    from monitor.core.request_log import Fields
    from monitor.registry.attachments import EvalPaper, RequestPaper

LARGEST = 20_000_000
"""Bytes of a file that is kept as evidence."""

LOGGING = "logging"


def attestation_of(request: AttestationRequest, fields: Fields, now: datetime) -> Attestation:
    """Return an attestation with its files read; `fields` are those of the team's request log.

    Raises:
        Refused: a file is not what the check takes.
        MonitorError: a file is too large to be kept.
    """
    check, url, files = request.check, request.url, request.files
    for file in files:
        if len(file.content) > LARGEST:
            raise MonitorError(
                f"{file.name} is larger than {LARGEST // 1_000_000} MB; give --url to where it is kept instead."
            )
    attestation = Attestation(check=check, url=url, note=request.note)
    if not files:
        return attestation
    if check == EVALS:
        return Attestation(check=check, url=url, note=request.note, paper=_of_evals(request))
    if check == LOGGING:
        return Attestation(check=check, url=url, note=request.note, paper=_of_requests(files[0], url, fields, now))
    return Attestation(check=check, url=url, note=request.note, body=_body(files[0].content, files[0].content, url))


def _of_evals(request: AttestationRequest) -> EvalPaper:
    """Return results of evals, read. Of an archive the part that was read is kept: what is compressed cannot be
    redacted.
    """
    from monitor.registry.attachments import EvalPaper
    from monitor.sources.attested import evals
    from monitor.sources.extraction import Unreadable

    results, bodies = [], []
    for file in request.files:
        try:
            reading = evals.read(file.content)
        except Unreadable as error:
            raise Refused(
                f"{file.name} cannot be read as results of evals: {error.reason}; known are {evals.KNOWN}, and "
                "--url may point to others"
            ) from error
        results.append(reading.results)
        bodies.append(_body(reading.kept, file.content, request.url))
    return EvalPaper(results=tuple(results), bodies=tuple(bodies), baseline=request.baseline, called=request.called)


def _of_requests(file: AttachedFile, url: str, fields: Fields, now: datetime) -> RequestPaper:
    """Return a sample of a request log, read. Only the configured fields are kept: the others may hold prompts."""
    from monitor.registry.attachments import RequestPaper
    from monitor.sources.attested import request_log
    from monitor.sources.extraction import Unreadable

    try:
        reading = request_log.read(file.content, fields)
    except Unreadable as error:
        raise Refused(f"{file.name} cannot be read as JSON Lines: {error.reason}") from error
    body = _body(reading.kept, file.content, url)
    return RequestPaper(requests=reading.requests, body=body, tolerance=fields.tolerance, now=now)


def _body(kept: bytes, content: bytes, url: str) -> Body:
    """Return bytes as evidence: redacted like everything that is kept, beside the hash that the file itself has."""
    from monitor.sources.redaction import redact

    return Body(content=redact(kept), sha256=hashlib.sha256(content).hexdigest(), size=len(content), url=url)
