"""Notices that the tests of wording, forms and channels share."""

from __future__ import annotations

from datetime import UTC, datetime

from monitor.core.notices import Difference, Item, Notice, Reason

SINCE = datetime(2026, 7, 30, 17, 34, 21, tzinfo=UTC)
AT = datetime(2026, 7, 30, 17, 36, 2, tzinfo=UTC)
HASH = "sha256:3f2a9c81b04d7e55aa10c0ffee11223344556677889900aabbccddeeff001122"


def paused(**changes: object) -> Item:
    fields: dict[str, object] = {
        "reason": Reason.PAUSED,
        "subject": "gpt-5.6-luna",
        "position": 17,
        "since": SINCE,
        "entry": "luna",
        "name": "GPT-5.6 Luna",
        "status": "paused",
        "source": "openai-pricing",
        "differences": (
            Difference(subject="gpt-5.6-luna", what="price.standard.short.input", old="1", new="0.2"),
            Difference(subject="gpt-5.6-luna", what="price.standard.short.cached_input", old="0.1", new=None),
        ),
        "polls": 2,
        "evidence": HASH,
        "denied": True,
        "fallback": "gpt-5.4-mini",
        "fallback_allowed": True,
        "commands": (
            "access-monitor why luna",
            'access-monitor resume luna --by YOU --reason "…" --expect 17',
        ),
    }
    return Item(**{**fields, **changes})  # type: ignore[arg-type]


def listed(number: int, **changes: object) -> Item:
    fields: dict[str, object] = {
        "reason": Reason.CHANGED,
        "subject": f"model-{number}",
        "position": 100 + number,
        "since": SINCE,
        "source": "openai-models",
        "differences": (Difference(subject=f"model-{number}", what="listed", old=None, new="yes"),),
        "polls": 2,
        "evidence": HASH,
        "commands": (f"access-monitor events --subject model-{number}",),
    }
    return Item(**{**fields, **changes})  # type: ignore[arg-type]


def notice(*items: Item, id: str = "0199c0de-0000-7000-8000-000000000017") -> Notice:
    return Notice(id=id, owner="platform", at=AT, items=items or (paused(),))


FALLBACKS: dict[str, dict[str, object]] = {
    "allowed": {},
    "denied": {"fallback_allowed": False},
    "none": {"fallback": ""},
    "spared": {"denied": False},
    "spared-by-name": {"denied": False, "spared": ("agent", "batch"), "spared_until": AT},
    "denied-before": {"reason": Reason.CHANGED, "status": "evaluating"},
}
"""What changes about a pause that says whether callers may go on."""
