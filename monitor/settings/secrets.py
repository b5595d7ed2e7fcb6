"""Secrets by reference: what a reference looks like, and how one is resolved when it is first used.

A value that may be a secret is never quoted here, not even in the error that refuses it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from monitor.core.ports import ConfigurationError
from monitor.core.redaction import holds_key

CREDENTIALS_DIRECTORY = "CREDENTIALS_DIRECTORY"
"""Where systemd's `LoadCredential=` puts files; also set by hand."""

MASK = "***"
"""What stands where a secret is not shown."""

FORMS = 'a reference such as "env:NAME", "file:PATH" or "credential:NAME"'

APPEND = "append:"
"""What a destination begins with that is a file."""

CLOUDEVENTS = ("cloudevents+https://", "cloudevents+http://")
"""What a destination begins with that gets signed events."""

_REFERENCE = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]*|file:[^\x00-\x1f]+|credential:[A-Za-z0-9_][A-Za-z0-9_.@-]*")
_LITERAL_LENGTH = 19
"""Characters of what is taken for a key where a reference is due: the name of a file may begin like one."""

_PASSWORD = re.compile(r"(?<=://)([^/@:]*):[^/]*@|(?<=password=)[^&]*")
_TRUE_HOSTS = frozenset({
    "http", "https", "json", "jsons", "xml", "xmls", "form", "forms", "mailto", "mailtos",
    "cloudevents+http", "cloudevents+https",
})  # fmt: skip
"""Schemes whose URLs have a host where a host belongs; other Apprise services put a token there."""


def is_reference(value: str) -> bool:
    """Return whether the value says where a secret is rather than being one."""
    return _REFERENCE.fullmatch(value) is not None and not holds_secret(value)


def holds_secret(value: str) -> bool:
    """Return whether the text holds something shaped like an API key or a token."""
    return holds_key(value, _LITERAL_LENGTH)


def masked(value: str) -> str:
    """Return a destination or a URL without its secrets: references whole, URLs by scheme and, where
    that is one, host.
    """
    if is_reference(value) or value.startswith(APPEND):
        return value
    scheme, separator, _ = value.partition("://")
    if not separator:
        return MASK
    try:
        host = urlsplit(value).hostname or ""
    except ValueError:
        host = ""
    return f"{scheme}://{host}/{MASK}" if host and scheme.lower() in _TRUE_HOSTS else f"{scheme}://{MASK}"


def masked_destination(written: str | Mapping[str, Any]) -> str | Mapping[str, Any]:
    """Return a destination as it stands in the file, as a text or as a table, without the secrets of its URL."""
    return masked(written) if isinstance(written, str) else {**written, "url": masked(written["url"])}


def without_password(url: str) -> str:
    """Return the URL of a database with its password masked."""
    return _PASSWORD.sub(lambda found: f"{found[1]}:{MASK}@" if found[1] is not None else MASK, url)


def resolve(reference: str, environ: Mapping[str, str], folder: Path = Path()) -> str:
    """Read the secret that `reference` names, anew at every call so that a rotated one is seen.

    `env:NAME` is the environment variable; where that is not set, the credential of the same name in
    `$CREDENTIALS_DIRECTORY`, so that one file serves a shell and a service. `credential:NAME` is only that, `file:PATH`
    a file, a relative path counting from `folder`. White space around the secret is dropped: files end with a newline.

    Raises:
        ConfigurationError: it is not a reference, or what it names is missing, unreadable, empty or more than one line.
    """
    if not is_reference(reference):
        raise ConfigurationError(
            f"A secret was given literally where {FORMS} is due; write the reference and keep the secret out "
            "of the file."
        )
    kind, _, name = reference.partition(":")
    if kind == "file":
        path = Path(os.path.abspath(folder / os.path.expanduser(name)))
        return _clean(reference, _read(reference, path, f"create {path}"))
    if kind == "env" and name in environ:
        return _clean(reference, environ[name])
    credentials = environ.get(CREDENTIALS_DIRECTORY, "")
    if kind == "env":
        if credentials and (Path(credentials) / name).exists():
            return _clean(reference, _read(reference, Path(credentials) / name, ""))
        raise ConfigurationError(
            f"The secret {reference} is not set: export {name}, or put a file {name} into ${CREDENTIALS_DIRECTORY}."
        )
    if not credentials:
        raise ConfigurationError(
            f"The secret {reference} cannot be read because ${CREDENTIALS_DIRECTORY} is not set: "
            f"add LoadCredential={name}:PATH to the service, or set the variable to a folder that holds {name}."
        )
    return _clean(
        reference, _read(reference, Path(credentials) / name, f"add LoadCredential={name}:PATH to the service")
    )


def _read(reference: str, path: Path, mend: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ConfigurationError(f"The secret {reference} is missing: {path} does not exist; {mend}.") from error
    except OSError as error:
        raise ConfigurationError(
            f"The secret {reference} cannot be read from {path}: {error.strerror}; let this user read it."
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(
            f"The secret {reference} in {path} is not text; write the secret alone into it."
        ) from error


def _clean(reference: str, text: str) -> str:
    secret = text.strip()
    if not secret:
        raise ConfigurationError(f"The secret {reference} is empty; write the secret where it points.")
    # A line break inside would travel into an HTTP header, where it forges another one.
    if not secret.isprintable():
        raise ConfigurationError(
            f"The secret {reference} holds a line break or a control character; write the secret alone, on one line."
        )
    return secret
