"""What is written down of a source after a good poll: freshness, validators, and the bytes that its baseline can be
read from anew.
"""

from __future__ import annotations

from dataclasses import replace

from monitor.core.facts import Snapshot, SourceState, Unchanged


def update_source_state(
    state: SourceState,
    observation: Snapshot | Unchanged,
    *,
    extractor: str,
    held: bool,
    suspects: bool,
    moved: bool,
    evidence: str,
) -> SourceState:
    """Return the state after a poll.

    A `held` poll renews nothing. `moved` says that the baseline did, so that its evidence is another; `evidence` names
    the bytes of the poll. Bytes that also show `suspects` are not taken: read anew, they would make baselines of them.
    """
    at = observation.at
    state = replace(state, extractor=extractor, accepted_at=at, looked_at=at)
    if not held:
        state = replace(state, good_at=at, stale_position=None, heartbeat_at=at)
    if isinstance(observation, Unchanged):
        return state
    body = observation.body
    state = replace(
        state,
        body_sha256=body.sha256,
        body_size=state.body_size if held else body.size,
        etag=body.etag,
        last_modified=body.last_modified,
        valid_until=observation.valid_until,
    )
    if suspects:
        return replace(state, evidence="" if moved else state.evidence)
    return replace(state, evidence=evidence) if moved or not state.evidence else state
