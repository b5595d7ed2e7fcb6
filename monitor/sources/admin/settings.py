"""How the project and the organisation are set: status, residency, limits, permissions, retention, spend.

What the answer does not state is left open, never read as switched off; only what the provider says is not there is
`none`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from monitor.core.facts import LIMIT, SETTING, FailureReason, Refusal, Subject, Value
from monitor.sources.admin.answers import AdminProblem, AdminReading, Answers, Place
from monitor.sources.json_text import canonical_text

Read: TypeAlias = Callable[[Answers, Place], AdminReading]

NONE = "none"
"""The value of a policy or limit that nobody set."""

LIMITS = {
    "max_requests_per_1_minute": "requests_per_minute",
    "max_tokens_per_1_minute": "tokens_per_minute",
    "max_requests_per_1_day": "requests_per_day",
    "batch_1_day_max_input_tokens": "batch_input_tokens_per_day",
    "max_images_per_1_minute": "images_per_minute",
    "max_audio_megabytes_per_1_minute": "audio_megabytes_per_minute",
}
"""What the API calls a limit → what it is called here. One that is not named here keeps its own name."""

LIMIT_PREFIXES = ("max_", "batch_")


def project(answers: Answers, place: Place) -> AdminReading:
    """Status and residency of the project."""
    reading = AdminReading()
    answer = _one(answers, "project")
    _text(reading, Subject(place.surface, "project"), "status", answer.get("status"))
    _text(reading, Subject(place.surface, "residency"), "value", answer.get("residency"))
    return reading


def rate_limits(answers: Answers, place: Place) -> AdminReading:
    """Return the limits of each model. A row is no proof of access, and a limit that is null is one that the model does
    not have.
    """
    reading = AdminReading()
    for where, item in answers.items("rate_limits"):
        model = item.get("model")
        if not _usable(model):
            reading.refused.append(Refusal(where, "a rate limit without a printable, non-empty model"))
            continue
        subject = Subject(place.surface, str(model))
        for key, value in item.items():
            if not key.startswith(LIMIT_PREFIXES) or value is None:
                continue
            name = LIMIT + LIMITS.get(key, key)
            if isinstance(value, int) and not isinstance(value, bool):
                reading.state(subject, name, value)
            else:
                reading.refuse(subject, name, "not a whole number")
    return reading


def model_permissions(answers: Answers, place: Place) -> AdminReading:
    """Return the policy about models: `model_ids`, which the SDK would call `api_model_ids`."""
    reading, subject = AdminReading(), Subject(place.surface, "model_permissions")
    answer = answers.one("model_permissions")
    if answer is None or (answer.get("mode") is None and answer.get("model_ids") is None):
        return _unset(reading, subject, "mode", "models")
    _text(reading, subject, "mode", answer.get("mode"))
    _names(reading, subject, "models", answer.get("model_ids"))
    return reading


def service_tiers(answers: Answers, place: Place) -> AdminReading:
    """Return the tier of calls that name none, and those that may be named: `all`, or a list. An account that has no
    such setting says nothing.
    """
    reading, subject = AdminReading(), Subject(place.surface, "service_tiers")
    answer = answers.one("service_tiers")
    if answer is None:
        return reading
    _text(reading, subject, "default", answer.get("default"))
    enabled = answer.get("enabled_tiers")
    if isinstance(enabled, list):
        _names(reading, subject, "enabled", enabled)
    else:
        _text(reading, subject, "enabled", enabled)
    return reading


def hosted_tools(answers: Answers, place: Place) -> AdminReading:
    """Return whether each hosted tool may be used."""
    reading, subject = AdminReading(), Subject(place.surface, "hosted_tools")
    for key, permission in _one(answers, "hosted_tools").items():
        if permission is None:
            reading.doubt(subject, SETTING + key)
        elif isinstance(permission, dict):
            enabled = permission.get("enabled")
            if isinstance(enabled, bool):
                reading.state(subject, SETTING + key, enabled)
            else:
                reading.refuse(subject, SETTING + key, "`enabled` is neither true nor false")
    return reading


def data_retention(answers: Answers, place: Place) -> AdminReading:
    """Return how long data are kept, by the project and by the organisation."""
    reading, subject = AdminReading(), Subject(place.surface, "data_retention")
    for level in ("project", "organization"):
        if (answer := answers.one(f"{level}_data_retention")) is not None:
            _text(reading, subject, level, answer.get("type"))
    return reading


def spend_limit(answers: Answers, place: Place) -> AdminReading:
    """Return the hard limits on spending, of the project and of the organisation: whole cents, and whether each is
    enforced now.
    """
    reading = AdminReading()
    for question, name in (
        ("project_spend_limit", "spend_limit"),
        ("organization_spend_limit", "organization_spend_limit"),
    ):
        subject, answer = Subject(place.surface, name), answers.one(question)
        if answer is None or (answer.get("threshold_amount") is None and answer.get("enforcement") is None):
            _unset(reading, subject, "threshold", "currency", "interval", "enforcement")
            continue
        threshold = answer.get("threshold_amount")
        if isinstance(threshold, int) and not isinstance(threshold, bool):
            reading.state(subject, SETTING + "threshold", threshold)
        else:
            reading.refuse(subject, SETTING + "threshold", "not a whole number of cents")
        _text(reading, subject, "currency", answer.get("currency"))
        _text(reading, subject, "interval", answer.get("interval"))
        enforcement = answer.get("enforcement")
        status = enforcement.get("status") if isinstance(enforcement, dict) else enforcement
        _text(reading, subject, "enforcement", status)
    return reading


def _one(answers: Answers, question: str) -> Mapping[str, object]:
    answer = answers.one(question)
    if answer is None:
        raise AdminProblem(FailureReason.INVALID_SHAPE, f"there is no answer about {question.replace('_', ' ')}")
    return answer


def _unset(reading: AdminReading, subject: Subject, *names: str) -> AdminReading:
    for name in names:
        reading.state(subject, SETTING + name, NONE)
    return reading


def _text(reading: AdminReading, subject: Subject, name: str, value: object) -> None:
    if _usable(value):
        reading.state(subject, SETTING + name, str(value))
    elif value is None:
        reading.doubt(subject, SETTING + name)
    else:
        reading.refuse(subject, SETTING + name, "not a printable, non-empty string")


def _names(reading: AdminReading, subject: Subject, name: str, value: object) -> None:
    if isinstance(value, list) and all(_usable(item) for item in value):
        text: Value = canonical_text(sorted(set(value)))
        reading.state(subject, SETTING + name, text)
    elif value is None:
        reading.doubt(subject, SETTING + name)
    else:
        reading.refuse(subject, SETTING + name, "not a list of printable, non-empty strings")


def _usable(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip()) and value.isprintable()
