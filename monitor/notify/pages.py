"""The URL at which people see what a source states."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

from monitor.core.configuration import Configuration


def page(configuration: Configuration, source: str) -> str:
    """Return the URL of a source, or that of the list of its surface, without what may be secret in it; empty where it
    has none.
    """
    spec = configuration.sources.get(source)
    if spec is None:
        return ""
    if spec.url:
        return _bare(spec.url)
    surface = configuration.surfaces.get(spec.surface)
    return _bare(f"{surface.base_url.rstrip('/')}/models") if surface is not None and spec.can.lists else ""


def _bare(url: str) -> str:
    """Return a URL without user, query and fragment, where a token may stand; empty where it is no web address."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        port = "" if parts.port is None else f":{parts.port}"
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or not host:
        return ""
    return urlunsplit((parts.scheme, f"[{host}]{port}" if ":" in host else host + port, parts.path, "", ""))
