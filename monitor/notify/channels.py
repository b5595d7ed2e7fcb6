"""The channel: one attempt to one destination, bounded in time, with an outcome that holds no secret.

What `services` has not goes through Apprise. Its own retries are off, since the outbox is the retry loop; its log is
kept from other handlers, since it holds URLs.
"""

from __future__ import annotations

import json
import logging
import re
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import tzinfo
from hashlib import sha256
from urllib.parse import unquote, urlsplit

from apprise import Apprise, AppriseAsset, NotifyBase, NotifyFormat, NotifyType, OverflowMode
from apprise.manager_plugins import NotificationManager
from apprise.plugins.email.base import NotifyEmail
from apprise.plugins.slack import NotifySlack, SlackMode
from apprise.result import AppriseResult, AppriseResultStatus

from monitor.core.deadline import Overdue, bounded
from monitor.core.names import did_you_mean
from monitor.core.notices import SERIOUS, Notice, Reason
from monitor.core.ports import ConfigurationError, NotSent, Sent
from monitor.core.redaction import redact
from monitor.notify import capture, slackhook
from monitor.notify.ack_url import secrets_of
from monitor.notify.forms import Rendered, render
from monitor.notify.replies import Reply, ReplyRefusal, judge_of, seconds
from monitor.notify.routing import NotConfigured, Resolve
from monitor.notify.service import Means, Outgoing, Service, UnusableDestination
from monitor.notify.services import SCHEMES, service_of

TIMEOUT = 15.0
"""Seconds one attempt may take."""

CONNECT_TIMEOUT = 5.0

_GONE = re.compile(r"error=(404|410)\b")
_SLACK_URLS = (
    (re.compile(r"^https://(hooks\.slack(?:-gov)?\.com/services/\S+)$"), "slackhooks://{}"),
    (re.compile(r"^slack://(\w+/\w+/\w+)/?$"), "slackhooks://hooks.slack.com/services/{}"),
)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]{0,15}")
_SECRET_LENGTH = 4
_REASON_LENGTH = 300


class AppriseChannel:
    """`ports.Channel` over Apprise.

    `timeout` is in seconds for one attempt; `zone` is the time zone told beside UTC. `templates` returns the paths of
    the templates that an owner has of its own, by form. `means` returns what a service of our own needs for a
    destination; without it there is none of them. Safe to use from several threads.
    """

    def __init__(
        self,
        resolve: Resolve,
        timeout: float = TIMEOUT,
        zone: tzinfo | None = None,
        templates: Callable[[str], Mapping[str, str]] = lambda owner: {},
        means: Callable[[str], Means] | None = None,
    ) -> None:
        self._resolve = resolve
        self._templates = templates
        self._labels: dict[bytes, str] = {}
        self._means = means
        self._here = threading.local()
        self._timeout = timeout
        self._zone = zone
        self._asset = AppriseAsset(
            app_id="access-monitor", app_desc="access-monitor", app_url="", async_mode=False, service_timeout=0
        )
        slackhook.register()
        _silence()

    def send(self, notice: Notice, destination: str) -> Sent | NotSent:
        """Make one attempt; every failure is an outcome."""
        try:
            url = _known(self._resolve(destination))
            ours = self._own_service(url, destination)
            service = None if ours is not None else self._service(url)
        except NotConfigured as error:
            return NotSent(reason=str(error), permanent=True)
        except ConfigurationError as error:
            return NotSent(reason=f"destination {destination} cannot be resolved: {error}")
        except UnusableDestination as error:
            return NotSent(reason=f"destination {destination} {error}", permanent=True)
        if ours is not None:
            return self._send_ours(ours, notice, url)
        if service is None:
            return NotSent(reason=f"destination {destination} {_unknown(url)}", permanent=True)
        return self._send_by_apprise(service, notice, url)

    def problem(self, destination: str) -> str:
        """Return why no message can be sent to a destination, as the end of a sentence that begins with its name;
        empty where one can be. Nothing is sent.

        Raises:
            ConfigurationError: a secret that it refers to is not there.
        """
        url = _known(self._resolve(destination))
        try:
            if self._own_service(url, destination) is not None:
                return ""
        except UnusableDestination as error:
            return str(error)
        return "" if self._service(url) is not None else _unknown(url)

    def _own_service(self, url: str, destination: str) -> Service | None:
        return None if self._means is None else service_of(url, self._means(destination))

    def _send_ours(self, service: Service, notice: Notice, url: str) -> Sent | NotSent:
        rendered = render(notice, self._zone, self._templates(notice.owner))
        outgoing = Outgoing(notice=notice, rendered=rendered, zone=self._zone)
        try:
            outcome = bounded(lambda: service.send(outgoing), self._timeout)
        except Overdue as overdue:
            return NotSent(reason=str(overdue))
        if isinstance(outcome, Sent):
            return outcome
        return replace(outcome, reason=redact(outcome.reason, _secrets(url) | secrets_of(notice))[:_REASON_LENGTH])

    def _send_by_apprise(self, service: NotifyBase, notice: Notice, url: str) -> Sent | NotSent:
        _join_incident(service, notice)
        rendered = render(notice, self._zone, self._templates(notice.owner))
        body, form = _form(service, rendered)
        title = "" if isinstance(service, slackhook.SlackHook) else rendered.title

        def attempt() -> tuple[AppriseResult, list[Reply]]:
            sender = self._sender_here()
            sender.add(service)
            with capture.replies() as replies:
                result = sender.notify(body=body, title=title, body_format=form, notify_type=_type(notice.reason))
            return result, replies

        try:
            # Apprise's own timeout leaves a thread behind that the interpreter waits for at its end.
            result, replies = bounded(attempt, self._timeout)
        except Overdue as overdue:
            return NotSent(reason=str(overdue))
        outcome = _outcome(result, service, replies, _secrets(url) | secrets_of(notice))
        if isinstance(outcome, NotSent):
            return outcome
        kind = "slack" if isinstance(service, slackhook.SlackHook) else "html" if form is NotifyFormat.HTML else "text"
        return Sent(form=kind, title=rendered.title, body=body, thread=_thread(service, notice, replies))

    def _sender_here(self) -> Apprise:
        """Return a sender of this thread without services: each new one searches the disk for its language."""
        sender: Apprise | None = getattr(self._here, "sender", None)
        if sender is None:
            sender = self._here.sender = Apprise(asset=self._asset)
        sender.clear()
        return sender

    def label(self, destination: str) -> str:
        """Return kind and host (`slack://hooks.slack.com`); the reference itself where it cannot be resolved."""
        try:
            url = _known(self._resolve(destination))
            ours = self._own_service(url, destination)
        except (ConfigurationError, UnusableDestination):
            return destination
        if ours is not None:
            return ours.label
        name = sha256(url.encode()).digest()  # no secret is kept
        if name not in self._labels:
            service = self._service(url)
            if service is None:
                return destination
            self._labels[name] = _label(service, url)
        return self._labels[name]

    def _service(self, url: str) -> NotifyBase | None:
        service = Apprise.instantiate(url, asset=self._asset)
        if service is None and url.startswith(("http://", "https://")) and _has_host(url):
            # Apprise took the addresses it knows; any other plain webhook is taken to speak Slack's shape, as most do.
            service = Apprise.instantiate("slackhook" + url.removeprefix("http"), asset=self._asset)
        if service is None:
            return None
        # What a URL may ask of Apprise must not undo the outbox: its retries would hide attempts, `optional` turns any
        # failure into a success, and an unsplit message is refused whole by services with a short limit.
        service.retry = 0
        service.optional = False
        if service.overflow_mode == OverflowMode.UPSTREAM:
            service.overflow_mode = OverflowMode.SPLIT
        service.socket_connect_timeout = min(CONNECT_TIMEOUT, self._timeout)
        service.socket_read_timeout = self._timeout
        return service


def _has_host(url: str) -> bool:
    try:
        return bool(urlsplit(url).hostname)
    except ValueError:
        return False


def _unknown(url: str) -> str:
    """Return why Apprise makes no service of a URL, without anything of it but its scheme."""
    scheme = url.partition("://")[0].lower()
    manager = NotificationManager()  # type: ignore[no-untyped-call]
    schemes = sorted({"http", "https", *SCHEMES, *manager.schemas()})  # type: ignore[no-untyped-call]
    if scheme in ("http", "https"):
        return "is a webhook without a host; write it as https://host/path"
    if scheme in schemes:
        return f"is no whole {scheme}:// URL; compare it with {manager[scheme].setup_url}"
    shown = f'has the scheme "{scheme}"' if _SCHEME.fullmatch(scheme) else "has a scheme"
    meant = did_you_mean(scheme, schemes) or "see https://appriseit.com/services/"
    return f"{shown}, which no service has; {meant}"


def _known(url: str) -> str:
    """Return the URL to give to Apprise: Slack's own webhooks go to `slackhook`, which shows blocks and hears why they
    are refused.
    """
    for pattern, form in _SLACK_URLS:
        if match := pattern.match(url):
            return form.format(match.group(1))
    return url


def _form(service: NotifyBase, rendered: Rendered) -> tuple[str, NotifyFormat | None]:
    """Return the body in the form that the service shows best. Without a format Apprise passes it on unchanged."""
    if isinstance(service, slackhook.SlackHook):
        return json.dumps(rendered.slack), None
    if isinstance(service, NotifyEmail):
        return rendered.html, NotifyFormat.HTML
    return rendered.text, NotifyFormat.TEXT


def _join_incident(service: NotifyBase, notice: Notice) -> None:
    """Let a message stand in the thread of its incident, where the service has threads.

    Mail clients gather what refers to one message, also to one that was never sent. Slack names a thread by its first
    message, and lets only a bot write into it.
    """
    if isinstance(service, NotifyEmail):
        roots = " ".join(f"<{incident}@incident.access-monitor>" for incident in notice.incidents[:_ROOTS])
        service.headers.update({"References": roots, "In-Reply-To": roots.partition(" ")[0]})
        service.headers["Auto-Submitted"] = "auto-generated"
        if notice.reason in _URGENT:
            service.headers["X-Priority"] = "1"
    channels = _thread_channels(service)
    if len(channels) == 1 and notice.earlier is not None and notice.earlier.thread:
        channels[0] = f"{channels[0].partition(':')[0]}:{notice.earlier.thread}"


_ROOTS = 10
"""How many incidents a mail refers to; it has one, unless several began at once."""

_URGENT = frozenset({Reason.PAUSED, Reason.PAUSE_EXTENDED, Reason.UNACKNOWLEDGED})


def _thread_channels(service: NotifyBase) -> list[str]:
    """Return the channels to which a Slack bot writes; empty for any other service."""
    channels = getattr(service, "channels", None)
    is_bot = isinstance(service, NotifySlack) and service.mode == SlackMode.BOT
    return channels if is_bot and isinstance(channels, list) else []


def _thread(service: NotifyBase, notice: Notice, replies: Sequence[Reply]) -> str:
    """Return by what Slack names the thread that a message began or stands in; empty where it has none."""
    if len(_thread_channels(service)) != 1:
        return ""
    if notice.earlier is not None and notice.earlier.thread:
        return notice.earlier.thread
    try:
        answer = json.loads(replies[-1].text) if replies else {}
    except ValueError:
        return ""
    stamp = answer.get("ts", "") if isinstance(answer, dict) else ""
    return stamp if isinstance(stamp, str) and _STAMP.fullmatch(stamp) else ""


_GOOD = frozenset({Reason.RESUMED, Reason.RECOVERED, Reason.ENDED, Reason.ACKNOWLEDGED, Reason.VISIBLE})

_STAMP = re.compile(r"[0-9]{1,20}\.[0-9]{1,20}")


def _type(reason: Reason) -> NotifyType:
    if reason in _URGENT:
        return NotifyType.FAILURE
    if reason in _GOOD:
        return NotifyType.SUCCESS
    return NotifyType.WARNING if reason in SERIOUS else NotifyType.INFO


def _outcome(
    result: AppriseResult, service: NotifyBase, replies: Sequence[Reply], secrets: Iterable[str]
) -> Sent | NotSent:
    refusal = _refusal(result, service, replies)
    if refusal is not None:
        reason = redact(refusal.reason, secrets)
        return NotSent(reason=reason, permanent=refusal.permanent, retry_after=refusal.retry_after)
    if result.status == AppriseResultStatus.SUCCESS:
        return Sent()
    if result.status == AppriseResultStatus.NOMATCH:
        return NotSent(reason="Apprise knows no service for this destination", permanent=True)
    messages = [
        entry.message for outcome in result.results for entry in outcome.logs() if entry.level in ("WARNING", "ERROR")
    ]
    # No part of the URL that may be secret, and cut only then: half a secret is not recognised.
    line = redact(" ".join("; ".join(messages).split()), secrets, least=_SECRET_LENGTH)
    reason = line[:_REASON_LENGTH] or "refused without a reason"
    if result.status == AppriseResultStatus.PARTIAL:
        reason = f"only some of its targets took it: {reason}"
    retry_after = seconds(replies[-1].retry_after) if replies else None
    return NotSent(reason=reason, permanent=bool(_GONE.search(reason)), retry_after=retry_after)


def _refusal(result: AppriseResult, service: NotifyBase, replies: Sequence[Reply]) -> ReplyRefusal | None:
    """Return a refusal that we read ourselves, from our own service or from a body that Apprise took for a yes."""
    if isinstance(service, slackhook.SlackHook):
        return service.refusal
    judge = judge_of(service)
    if judge is None or result.status != AppriseResultStatus.SUCCESS:
        return None
    return next((refusal for reply in replies if (refusal := judge(reply)) is not None), None)


def _secrets(url: str) -> set[str]:
    """Return everything in a URL that may be secret: all of it but scheme and very short words."""
    rest = url.partition("://")[2]
    words = {url, rest, *re.split(r"[/?&=:@#,]", rest)}
    return {form for word in words for form in (word, unquote(word)) if len(form) >= _SECRET_LENGTH}


def _label(service: NotifyBase, url: str) -> str:
    if isinstance(service, slackhook.SlackHook):
        return f"slack://{service.host}"
    kind = url.partition("://")[0].lower()
    # For most services the place of the host holds a token; only where every template has a host is it one.
    templates: tuple[str, ...] = service.templates
    if service.host and all("{host}" in template for template in templates):
        return f"{kind}://{service.host}"
    host = urlsplit(str(service.service_url or "")).hostname
    return f"{kind}://{host}" if host else kind


def _silence() -> None:
    """Keep URLs out of the process's log: outcomes come back as values, and the clients write addresses."""
    log = logging.getLogger("apprise")
    log.setLevel(logging.WARNING)
    log.propagate = False
    if not log.handlers:
        log.addHandler(logging.NullHandler())
    for name in ("urllib3", "httpx2"):
        logging.getLogger(name).setLevel(logging.WARNING)
