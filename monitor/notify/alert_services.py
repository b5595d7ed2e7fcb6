"""PagerDuty (Events API v2) and the alerts of Jira Service Management: raised, acknowledged and closed under one key.

The key is the incident's, so that a repeat raises nothing new and the end closes what the beginning raised. Apprise can
raise an alert at either, and no more: it acknowledges nothing at PagerDuty, cuts a long message into several alerts,
and closes at the other only what the same process raised.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

from monitor.core.events import rfc3339
from monitor.core.notices import ENDING, PAUSING, SERIOUS, Item, Reason
from monitor.core.ports import NotSent, Sent
from monitor.notify.headlines import HOLDABLE, state_of, title_of
from monitor.notify.posting import post
from monitor.notify.replies import Reply, ReplyRefusal, webhook
from monitor.notify.service import Means, Outgoing, UnusableDestination

PAGERDUTY = "pagerduty"
JIRA = "jsm"

_PAGERDUTY_URLS = {
    "us": "https://events.pagerduty.com/v2/enqueue",
    "eu": "https://events.eu.pagerduty.com/v2/enqueue",
}
_JIRA_URL = "https://api.atlassian.com/jsm/ops/integration/v2/alerts"

_KEY_LENGTH = 255
_SUMMARY_LENGTH = 1024
_MESSAGE_LENGTH = 130
_TEXT_LENGTH = 15_000

_AGAIN = frozenset({408, 425, 429})
"""Statuses that say that the same request may be taken later; any other 4xx is final."""


class Action(StrEnum):
    """What is done to an alert."""

    RAISE = "trigger"
    ACKNOWLEDGE = "acknowledge"
    CLOSE = "resolve"


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentAlert:
    """One incident at an alert service: its key, what is done to it in order, and what it says.

    `severity` is `critical`, `error`, `warning` or `info`.
    """

    key: str
    actions: tuple[Action, ...]
    item: Item
    title: str
    severity: str


def incident_alerts(outgoing: Outgoing) -> Iterator[IncidentAlert]:
    """Yield the alerts of a message: one for each incident, the most serious first."""
    order = list(Reason)
    by_incident: dict[str, list[Item]] = {}
    for item in sorted(outgoing.notice.items, key=lambda item: order.index(item.reason)):
        by_incident.setdefault(item.incident or outgoing.notice.incidents[0], []).append(item)
    for incident, items in by_incident.items():
        yield IncidentAlert(
            key=_key(incident),
            actions=_actions(items),
            item=items[0],
            title=title_of(items, outgoing.notice.at, outgoing.zone),
            severity=_severity(items[0]),
        )


def _actions(items: Sequence[Item]) -> tuple[Action, ...]:
    """Return what is done for what an incident's items tell.

    News of an entry that is paused belongs to the alert of its pause, which it leaves as it is. Any other that has no
    end which could be told is raised and closed in one go, so that nothing stays open for ever.
    """
    if any(_ends(item) for item in items):
        return (Action.CLOSE,)
    lasting = [item for item in items if item.reason in SERIOUS or item.reason is Reason.APPROVAL]
    acknowledged = any(
        item.reason is Reason.ACKNOWLEDGED or (item.holder is not None and item.reason in HOLDABLE) for item in items
    )
    if lasting and all(item.since_then is not None and item.since_then.over for item in lasting):
        return (Action.CLOSE,)
    if lasting:
        return (Action.RAISE, Action.ACKNOWLEDGE) if acknowledged else (Action.RAISE,)
    if acknowledged:
        return (Action.ACKNOWLEDGE,)
    return () if any(_of_the_pause(item) for item in items) else (Action.RAISE, Action.CLOSE)


def _ends(item: Item) -> bool:
    """Return whether an item tells the end of its incident.

    Not what ends within a pause that goes on, as a fallback that is back: that is a part of the pause's incident.
    """
    if item.reason is Reason.VISIBLE:
        return bool(item.by)  # what somebody asked for, and another confirmed
    return item.reason in ENDING and not _of_the_pause(item)


def _of_the_pause(item: Item) -> bool:
    """Return whether an item is part of the incident of a pause that goes on."""
    return item.status == "paused" and bool(item.pause) and item.incident == item.pause


def _severity(item: Item) -> str:
    if item.reason in PAUSING or item.reason in (Reason.UNACKNOWLEDGED, Reason.TROUBLE):
        return "critical"
    if item.reason is Reason.STALE:
        return "critical" if item.denied or item.refusal else "info"
    if item.reason in (Reason.FALLBACK_LOST, Reason.UNDELIVERED):
        return "error"
    return "warning" if item.reason in SERIOUS else "info"


def _key(incident: str) -> str:
    """Return the name of an incident as a key; a longer one than services take ends in its hash."""
    if len(incident) <= _KEY_LENGTH:
        return incident
    return f"{incident[: _KEY_LENGTH - 33]}-{hashlib.sha256(incident.encode()).hexdigest()[:32]}"


class PagerDuty:
    """Raises, acknowledges and resolves alerts by PagerDuty's Events API v2.

    Its URL is `pagerduty://INTEGRATION_KEY`, with `?region=eu` for an account there; the further parts that Apprise's
    URL has for the same service are taken as well: `pagerduty://INTEGRATION_KEY@API_KEY/SOURCE/COMPONENT`.
    """

    def __init__(self, url: str, means: Means) -> None:
        parts = urlsplit(url)
        self._means = means
        self._routing_key = _service_key(parts.netloc.partition("@")[0], "pagerduty://INTEGRATION_KEY")
        self._options = _options(parts.query)
        region = self._options.get("region", "us").lower()
        if region not in _PAGERDUTY_URLS:
            raise UnusableDestination("names a region that PagerDuty does not have; write ?region=us or ?region=eu")
        self._url = _endpoint(self._options, _PAGERDUTY_URLS[region])
        self.label = f"{PAGERDUTY}://{urlsplit(self._url).hostname}"
        self._source, self._component = (*(unquote(part) for part in parts.path.split("/")[1:3]), "", "")[:2]

    def send(self, outgoing: Outgoing) -> Sent | NotSent:
        """Send what is done to each alert, in order; the first refusal ends the attempt, and a repeat of it is harmless
        by the keys.
        """
        for alert in incident_alerts(outgoing):
            for action in alert.actions:
                refusal = _refusal(self._post(self._event(alert, action, outgoing)))
                if refusal is not None:
                    return refusal
        return _sent(PAGERDUTY, outgoing)

    def _post(self, event: Mapping[str, Any]) -> Reply | ReplyRefusal:
        return post(self._url, _json(event), {"Content-Type": "application/json"}, self._means.timeout)

    def _event(self, alert: IncidentAlert, action: Action, outgoing: Outgoing) -> dict[str, Any]:
        event: dict[str, Any] = {
            "routing_key": self._routing_key,
            "event_action": action.value,
            "dedup_key": alert.key,
        }
        if action is not Action.RAISE:
            return event
        item = alert.item
        payload = {
            "summary": alert.title[:_SUMMARY_LENGTH],
            "severity": self._options.get("severity") or alert.severity,
            "source": self._source or "access-monitor",
            "timestamp": rfc3339(item.since),
            "component": self._component or item.entry or item.subject,
            "group": self._options.get("group") or item.surface or item.provider,
            "class": self._options.get("class") or state_of(item),
            "custom_details": _details(alert, outgoing),
        }
        event |= {"client": "access-monitor", "payload": {name: value for name, value in payload.items() if value}}
        if item.url:
            event["links"] = [{"href": item.url, "text": "Evidence"}]
        return event


class JiraAlerts:
    """Raises, acknowledges and closes alerts by the integration events of Jira Service Management.

    Its URL is `jsm://API_KEY`, the key of an integration of the kind API. The same requests are understood by Opsgenie,
    whose alerts these were: `?url=https://api.opsgenie.com/v2/alerts`.
    """

    def __init__(self, url: str, means: Means) -> None:
        parts = urlsplit(url)
        self._means = means
        self._api_key = _service_key(parts.netloc, "jsm://API_KEY")
        self._url = _endpoint(_options(parts.query), _JIRA_URL).rstrip("/")
        self.label = f"{JIRA}://{urlsplit(self._url).hostname}"

    def send(self, outgoing: Outgoing) -> Sent | NotSent:
        """Send what is done to each alert, in order; the first refusal ends the attempt, and a repeat of it is harmless
        by the keys.
        """
        for alert in incident_alerts(outgoing):
            for action in alert.actions:
                refusal = _refusal(self._post(alert, action, outgoing))
                if refusal is not None:
                    return refusal
        return _sent(JIRA, outgoing)

    def _post(self, alert: IncidentAlert, action: Action, outgoing: Outgoing) -> Reply | ReplyRefusal:
        url, body = self._url, _note(alert)
        if action is Action.RAISE:
            body = _jira_alert(alert, outgoing)
        else:
            verb = "acknowledge" if action is Action.ACKNOWLEDGE else "close"
            url = f"{self._url}/{quote(alert.key, safe='')}/{verb}?identifierType=alias"
        headers = {"Content-Type": "application/json", "Authorization": f"GenieKey {self._api_key}"}
        return post(url, _json(body), headers, self._means.timeout)


_PRIORITIES = {"critical": "P1", "error": "P2", "warning": "P3", "info": "P5"}


def _jira_alert(alert: IncidentAlert, outgoing: Outgoing) -> dict[str, Any]:
    return {
        "message": alert.title[:_MESSAGE_LENGTH],
        "alias": alert.key,
        "description": outgoing.rendered.text[:_TEXT_LENGTH],
        "priority": _PRIORITIES[alert.severity],
        "source": "access-monitor",
        "entity": alert.item.entry or alert.item.subject,
        "tags": [state_of(alert.item)],
        "details": {name: value for name, value in _details(alert, outgoing).items() if name != "message"},
    }


def _note(alert: IncidentAlert) -> dict[str, Any]:
    return {"source": "access-monitor", "note": alert.title}


def _details(alert: IncidentAlert, outgoing: Outgoing) -> dict[str, str]:
    item = alert.item
    details = {
        "notice": outgoing.notice.id,
        "entry": item.entry,
        "model": item.model,
        "provider": item.provider,
        "surface": item.surface,
        "evidence": item.url,
        "run next": "\n".join(item.commands),
        "message": outgoing.rendered.text[:_TEXT_LENGTH],
    }
    return {name: value for name, value in details.items() if value}


def _refusal(reply: Reply | ReplyRefusal) -> NotSent | None:
    """Return why an event was not taken; None where it was."""
    refusal = webhook(reply) if isinstance(reply, Reply) else reply
    if refusal is None:
        return None
    status = reply.status if isinstance(reply, Reply) else 0
    final = refusal.permanent or (400 <= status < 500 and status not in _AGAIN)
    return NotSent(reason=refusal.reason, permanent=final, retry_after=refusal.retry_after)


def _sent(form: str, outgoing: Outgoing) -> Sent:
    """Return what is kept of the events that went out: what was done to which alert, and the words in it."""
    done = [
        f"{', '.join(action.value for action in alert.actions)} {alert.key}: {alert.title}"
        for alert in incident_alerts(outgoing)
        if alert.actions
    ]
    body = "\n".join([*(done or ["No alert was raised or closed."]), "", outgoing.rendered.text])
    return Sent(form=form, title=outgoing.rendered.title, body=body)


def _service_key(written: str, shape: str) -> str:
    key = unquote(written)
    if re.fullmatch(r"[A-Za-z0-9_-]+", key) is None:
        raise UnusableDestination(f"holds no key of the service; write it as in {shape}")
    return key


def _options(query: str) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_qs(query).items()}


def _endpoint(options: Mapping[str, str], usual: str) -> str:
    """Return where the service is asked: elsewhere than usual, as through a proxy, where `?url=` says so."""
    url = options.get("url", usual)
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UnusableDestination("has a ?url= that is none; write it as https://host/path, or leave it out")
    return url


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
