"""The region from which our gateway serves each model."""

import json
from datetime import datetime

from monitor.core.configuration import SourceSpec
from monitor.core.facts import Body, FailureReason, Known, Observation, PollFailure, Snapshot, Subject
from monitor.sources.catalog import SourceDeps
from monitor.sources.http import settled


class GatewayRegions:
    extractor = "gateway_regions/1"

    def __init__(self, spec: SourceSpec, deps: SourceDeps) -> None:
        self.spec = spec
        self._http = deps.http

    def observe(self, now: datetime, known: Known | None) -> Observation:
        got = self._http.fetch(self.spec.url, now=now, known=known)
        seen = settled(self.spec.key, got, now=now, known=known)
        return self.extract(seen, now) if isinstance(seen, Body) else seen

    def extract(self, body: Body, at: datetime) -> Observation:
        try:
            regions = json.loads(body.content)["regions"]
            facts = {Subject(self.spec.scope, model): {"region": str(region)} for model, region in regions.items()}
        except (ValueError, KeyError, TypeError, AttributeError):
            return PollFailure(
                source=self.spec.key,
                at=at,
                reason=FailureReason.INVALID_SHAPE,
                detail="no object `regions` from model to region",
                body=body,
            )
        return Snapshot(source=self.spec.key, at=at, facts=facts, extractor=self.extractor, body=body)
