"""Standings that the tests of the gate share."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from monitor.core.configuration import GateRules
from monitor.core.entry import DENY, DENY_NEW, Status
from monitor.core.events import LogHead
from monitor.gate.client.verdict import PRODUCTION
from monitor.gate.decision import GateQuestion, Readiness, Standing

NOW = datetime(2026, 11, 22, 4, 35, tzinfo=UTC)
HOUR = timedelta(hours=1)
LEASE = 6 * HOUR
ENVIRONMENTS = ("production", "staging")
RULES = GateRules(environments=ENVIRONMENTS, lease=LEASE)


def question(environment: str = PRODUCTION, caller: str = "", now: datetime = NOW) -> GateQuestion:
    """Return who asks and when, under the rules of the examples."""
    return GateQuestion(rules=RULES, now=now, environment=environment, caller=caller)


def at_position(position: int) -> LogHead:
    """Return where the log of the examples stands."""
    return LogHead("log-1", 1, position)


def standing(key: str = "luna", **changes: Any) -> Standing:
    """Return an entry that production may use, with the changes."""
    values: dict[str, Any] = {
        "key": key,
        "name": key.title(),
        "model_ids": (f"gpt-5.6-{key}",),
        "status": Status.ACTIVE,
        "position": 17,
        "surface": "openai",
        "base_url": "https://api.openai.com/v1",
        "model_id": f"gpt-5.6-{key}",
        "access_until": NOW + 24 * HOUR,
        "price_until": NOW + 7 * 24 * HOUR,
    }
    return Standing(**(values | changes))


def spared(key: str = "luna", **changes: Any) -> Standing:
    """Return an entry that is paused for a price shift and spares the caller `support-agent` for three hours more."""
    values: dict[str, Any] = {
        "status": Status.PAUSED,
        "reason": "paused: input price 0.20 → 0.25",
        "on_pause": DENY_NEW,
        "price_shift": True,
        "grace_until": NOW + 3 * HOUR,
        "callers": ("support-agent",),
    }
    return standing(key, **(values | changes))


def registry(*standings: Standing) -> dict[str, Standing]:
    return {standing.key: standing for standing in standings}


LAPSES = {"production": Readiness(until=NOW + HOUR)}
UNREVIEWED = {"production": Readiness(reviewed=("vuln-scanner",), unreviewed="safety_review is blank")}
REVIEWED = {"production": Readiness(reviewed=("vuln-scanner",), review_until=NOW + HOUR)}
LOST = {"staging": Readiness(unready="test_call is blank")}

TABLE = [
    # standing, environment, caller, hours later, allowed, variant
    (standing(), "production", "", 0, True, "active"),
    (standing(), "production", "", 6, False, "stale"),
    (standing(), "staging", "anyone", 5, True, "active"),
    (standing(access_until=NOW + HOUR), "production", "", 1, False, "stale"),
    (standing(price_until=NOW), "production", "", 0, False, "stale"),
    (standing(access_until=None), "staging", "", 0, False, "stale"),
    (standing(status=Status.EVALUATING), "production", "", 0, False, "evaluating"),
    (standing(status=Status.EVALUATING), "staging", "", 0, True, "evaluating"),
    (standing(status=Status.EVALUATING), "staging", "", 6, False, "stale"),
    (standing(status=Status.EVALUATING), "elsewhere", "", 0, False, "evaluating"),
    (standing(status=Status.WAITING), "staging", "", 0, False, "waiting"),
    (standing(status=Status.RETIRED), "production", "", 0, False, "retired"),
    (standing(status=Status.WITHDRAWN), "production", "", 0, False, "withdrawn"),
    (standing(status=Status.PAUSED), "production", "", 0, False, "paused"),
    (spared(), "production", "support-agent", 0, True, "grace"),
    (spared(), "production", "support-agent", 3, False, "paused"),
    (spared(), "production", "support", 0, False, "paused"),
    (spared(), "production", "", 0, False, "paused"),
    (spared(price_shift=False), "production", "support-agent", 0, False, "paused"),
    (spared(access_until=NOW), "production", "support-agent", 0, False, "paused"),
    (spared(grace_until=None), "production", "support-agent", 3, True, "grace"),
    (spared(grace_until=None), "production", "support-agent", 6, False, "paused"),
    (spared(grace_until=None), "production", "newcomer", 3, False, "paused"),
    (standing(readiness=UNREVIEWED), "production", "", 0, True, "active"),
    (standing(readiness=UNREVIEWED), "production", "support-agent", 0, True, "active"),
    (standing(readiness=UNREVIEWED), "production", "vuln-scanner", 0, False, "stale"),
    (standing(readiness=UNREVIEWED), "elsewhere", "vuln-scanner", 0, False, "stale"),
    (standing(readiness=UNREVIEWED), "staging", "vuln-scanner", 0, True, "active"),
    (standing(readiness=REVIEWED), "production", "vuln-scanner", 0, True, "active"),
    (standing(readiness=REVIEWED), "production", "vuln-scanner", 1, False, "stale"),
    (standing(readiness=REVIEWED), "production", "support-agent", 1, True, "active"),
    (spared(readiness=UNREVIEWED, callers=("vuln-scanner",)), "production", "vuln-scanner", 0, False, "paused"),
    (
        spared(readiness=UNREVIEWED, callers=("support-agent", "vuln-scanner")),
        "production",
        "support-agent",
        0,
        True,
        "grace",
    ),
    (
        spared(readiness=UNREVIEWED, callers=("support-agent", "vuln-scanner")),
        "production",
        "vuln-scanner",
        0,
        False,
        "paused",
    ),
    (spared(readiness=REVIEWED, callers=("vuln-scanner",)), "production", "vuln-scanner", 0, True, "grace"),
    (spared(readiness=REVIEWED, callers=("vuln-scanner",)), "production", "vuln-scanner", 1, False, "paused"),
    (standing(readiness=LAPSES), "production", "", 0, True, "active"),
    (standing(readiness=LAPSES), "production", "", 1, False, "stale"),
    (standing(readiness=LAPSES), "elsewhere", "", 1, False, "stale"),
    (standing(readiness=LAPSES), "staging", "", 1, True, "active"),
    (standing(readiness=LOST), "production", "", 0, True, "active"),
    (standing(readiness=LOST), "staging", "", 0, False, "stale"),
    (standing(readiness=LOST, status=Status.EVALUATING), "staging", "", 0, False, "stale"),
    (standing(readiness=LOST, status=Status.WAITING), "staging", "", 0, False, "waiting"),
    (spared(readiness=LAPSES), "production", "support-agent", 0, True, "grace"),
    (spared(readiness=LAPSES), "production", "support-agent", 1, False, "paused"),
    (
        spared(readiness={"production": Readiness(unready="pricing is stale")}),
        "production",
        "support-agent",
        0,
        True,
        "grace",
    ),
]
"""Entry, environment, caller, hours after the lease was written, whether it is allowed, and the variant: for everyone
who answers.
"""


PAUSED = {"status": Status.PAUSED, "reason": "paused: gone"}

CHAINS = [
    # the chain behind `luna`, which is paused; environment, caller, hours later, the fallback that is named
    ((standing("sol"),), "production", "", 0, "sol"),
    ((standing("sol", status=Status.RETIRED, fallback="terra"), standing("terra")), "production", "", 0, "terra"),
    ((standing("sol", status=Status.WITHDRAWN, fallback="terra"), standing("terra")), "production", "", 0, "terra"),
    ((standing("sol", fallback="luna", **PAUSED),), "production", "", 0, ""),
    ((standing("sol", fallback="sol", **PAUSED),), "production", "", 0, ""),
    ((standing("sol", fallback="nobody", **PAUSED),), "production", "", 0, ""),
    ((standing("sol", fallback="gpt-5.6-terra", **PAUSED), standing("terra")), "production", "", 0, ""),
    ((standing("sol", status=Status.EVALUATING, fallback="terra"), standing("terra")), "production", "", 0, "terra"),
    ((standing("sol", status=Status.EVALUATING, fallback="terra"), standing("terra")), "staging", "", 0, "sol"),
    ((standing("sol", status=Status.EVALUATING, fallback="terra"), standing("terra")), "elsewhere", "", 0, "terra"),
    ((spared("sol", fallback="terra"), standing("terra")), "production", "support-agent", 0, "sol"),
    ((spared("sol", fallback="terra"), standing("terra")), "production", "support-agent", 3, "terra"),
    ((spared("sol", fallback="terra"), standing("terra")), "production", "newcomer", 0, "terra"),
    ((standing("sol", readiness=LAPSES, fallback="terra"), standing("terra")), "production", "", 0, "sol"),
    ((standing("sol", readiness=LAPSES, fallback="terra"), standing("terra")), "production", "", 1, "terra"),
    ((standing("sol", access_until=NOW + HOUR),), "production", "", 1, ""),
]
"""What is named instead of an entry that is paused, whoever answers."""


moments = st.one_of(
    st.none(),
    st.integers(-30 * 3600 * 1000, 30 * 3600 * 1000).map(lambda ms: NOW + timedelta(milliseconds=ms)),
    st.sampled_from([NOW, NOW + LEASE, NOW + LEASE / 2, NOW - timedelta(seconds=1), NOW + timedelta(seconds=1)]),
)
callers = st.sampled_from(["", "support-agent", "billing", "newcomer", "vuln-scanner"])
environments = st.sampled_from(["production", "staging", "elsewhere"])


@st.composite
def standings(draw: st.DrawFn) -> dict[str, Standing]:
    """Registries of up to four entries that share model ids and name each other, or nothing, as fallbacks."""
    keys = draw(st.lists(st.sampled_from(["luna", "sol", "terra", "gpt-a"]), min_size=1, unique=True))
    return {
        key: Standing(
            key=key,
            name=key,
            model_ids=tuple(draw(st.lists(st.sampled_from(["gpt-a", "gpt-b", "gpt-c"]), max_size=2, unique=True))),
            status=draw(st.sampled_from(Status)),
            position=draw(st.integers(1, 99)),
            model_id=draw(st.sampled_from(["", f"id-of-{key}"])),
            reason=draw(st.sampled_from(["", "because {of} this"])),
            fallback=draw(st.sampled_from(["", "luna", "sol", "terra", "nobody"])),
            access_until=draw(moments),
            price_until=draw(moments),
            on_pause=draw(st.sampled_from([DENY, DENY_NEW])),
            price_shift=draw(st.booleans()),
            grace_until=draw(moments),
            callers=tuple(draw(st.lists(st.sampled_from(["", "support-agent", "billing"]), unique=True))),
            readiness={
                environment: Readiness(
                    until=draw(moments),
                    unready=draw(st.sampled_from(["", "", "evals is stale"])),
                    reviewed=tuple(draw(st.lists(st.sampled_from(["billing", "vuln-scanner"]), unique=True))),
                    review_until=draw(moments),
                    unreviewed=draw(st.sampled_from(["", "", "safety_review is blank"])),
                )
                for environment in draw(st.lists(st.sampled_from(["production", "staging"]), unique=True))
            },
        )
        for key in keys
    }
