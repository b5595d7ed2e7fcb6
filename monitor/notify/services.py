"""The services of our own, by what their destinations begin with; everything else is Apprise's."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from monitor.notify import alert_services, cloud_events, notices_file
from monitor.notify.service import Means, Service

_BY_SCHEME: Mapping[str, Callable[[str, Means], Service]] = {
    alert_services.PAGERDUTY: alert_services.PagerDuty,
    alert_services.JIRA: alert_services.JiraAlerts,
    **dict.fromkeys(cloud_events.SCHEMES, cloud_events.CloudEventsHook),
}

SCHEMES = tuple(_BY_SCHEME)


def service_of(url: str, means: Means) -> Service | None:
    """Return the service behind a URL; None where it is none of ours.

    Raises:
        UnusableDestination: it is one of ours, and no message can be sent to it.
    """
    if url.startswith(notices_file.PREFIX):
        return notices_file.NoticesFile(url, means)
    build = _BY_SCHEME.get(url.partition("://")[0].lower())
    return None if build is None else build(url, means)
