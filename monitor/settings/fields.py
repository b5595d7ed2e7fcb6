"""The types of single values in the file: how each is read and refused. Which table has which is in `schema`.

A validator's message ends a sentence that began with the key path, gives the mend and never quotes a value that may be
a secret.
"""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from ipaddress import ip_address, ip_network
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    PlainSerializer,
    PlainValidator,
    StrictInt,
    StrictStr,
    WithJsonSchema,
)
from pydantic.config import JsonDict

from monitor.core import client_version
from monitor.core.check_names import INTEGRATION
from monitor.core.cost import usage
from monitor.core.names import suggest
from monitor.notify.headlines import STATES
from monitor.settings import durations
from monitor.settings.secrets import APPEND, FORMS, holds_secret, is_reference
from monitor.sources.options import Distinct, text

_ALIASES = {"fast": "priority", "fast mode": "priority"}
"""Names of a tier under which the registry does not keep it: one price would have two identities."""

_DEFAULT_PORTS = {"http": 80, "https": 443}
_DATABASES = frozenset({"sqlite", "postgresql", "postgresql+psycopg", "postgres"})
_ENDPOINT = re.compile(r"v[0-9][a-z0-9]*(?:/[A-Za-z0-9_.-]+)+")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
_REPOSITORY = re.compile(r"[A-Za-z0-9._-]+/[A-Za-z0-9._-]+")
_TIME = re.compile(r"[0-9]{1,2}:[0-9]{2}")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://\S+")


def _key(value: str) -> str:
    if not value:
        raise ValueError("is empty; give it a name")
    if ".." in value or value[0] in "-/" or any(c in "?#" or c.isspace() or not c.isprintable() for c in value):
        raise ValueError(
            'holds "?", "#", "..", a space or a leading "-" or "/", which a URL or a command line would '
            "misread; rename it"
        )
    return value


def _client_version(value: str) -> str:
    if client_version.order(value) is None:
        raise ValueError('is no version; write digits and dots, such as "0.48.0"')
    return value.strip()


def _endpoint(value: str) -> str:
    path = value.strip("/")
    if _ENDPOINT.fullmatch(path) is None:
        raise ValueError('is no endpoint; write its path as the provider does, such as "v1/responses"')
    return path


def _log_name(value: str) -> str:
    if not value or "+" in value or value[0] == "/" or value[-1] == "/" or any(c.isspace() for c in value):
        raise ValueError(
            'is empty, begins or ends with "/", or holds a space or "+"; write it as a URL without its scheme, such as '
            '"monitor.example.com/log"'
        )
    return value


def _header(value: str) -> str:
    if not value.isascii() or not value.isprintable() or " " in value:
        raise ValueError("holds a character that no HTTP header may carry; write it exactly as the provider shows it")
    return text(value)


def _reference(value: str) -> str:
    if not is_reference(value):
        raise ValueError(f"must be {FORMS}, never the secret itself; keep the secret outside and refer to it")
    return value


def _destination(value: str) -> str:
    path = value.removeprefix(APPEND)
    if path != value:
        if not path.strip() or not path.isprintable() or ".." in path.split("/"):
            raise ValueError('is not a file below the state folder; write it as in "append:notices.jsonl"')
    elif not is_reference(value) and _SCHEME.fullmatch(value) is None:
        raise ValueError(f'is neither {FORMS} nor an Apprise URL such as "mailtos://…"; write one of them')
    return value


def _when(value: object) -> object:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        return value
    names = [" ".join(re.split(r"[\s_-]+", name.strip().lower())) for name in value]
    known = {state.lower() for state in STATES.values()}
    for name in names:
        if name not in known:
            shown = "something" if holds_secret(name) else repr(name)
            raise ValueError(f"names {shown}, which is no reason of a message; {suggest(name, known)}")
    return names


def _time_of_day(value: object) -> time:
    if isinstance(value, time):  # TOML has times of its own
        return value
    try:
        if not isinstance(value, str) or _TIME.fullmatch(value.strip()) is None:
            raise ValueError
        return time.fromisoformat(value.strip().zfill(5))
    except ValueError:
        raise ValueError('is not a time of day; write hours and minutes, as in "08:00"') from None


def _quiet(value: object) -> tuple[time, time]:
    if isinstance(value, tuple):
        return value
    try:
        begin, end = (_time_of_day(part) for part in str(value).split("-"))
    except ValueError:
        raise ValueError('is not a span of a day; write two times of it, as in "22:00-07:00"') from None
    if begin == end:
        raise ValueError('has no length; write two different times, as in "22:00-07:00"')
    return begin, end


def _spoken_time(value: time) -> str:
    return value.isoformat("minutes")


def _url(value: str) -> str:
    try:
        parts = urlsplit(value)
        # Only reading the port finds out that it is none.
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ValueError("is not a URL; write it as https://host/path") from None
    if parts.scheme not in ("http", "https"):
        raise ValueError("is no web address: its scheme must be http or https; write it as https://host/path")
    if not host or any(c.isspace() or not c.isprintable() for c in value):
        raise ValueError("is a URL without a host or with a space in it; write it as https://host/path")
    if "@" in parts.netloc:
        raise ValueError("carries a user or a password; take them out of the URL and refer to the key with api_key")
    if parts.fragment:
        raise ValueError('has a "#" part, which no server sees; leave that out')
    return value


def _base_url(value: str) -> str:
    return _url(value).rstrip("/")


def _origin(value: str) -> str:
    mend = 'write scheme and host, and a port where it has one, as in "https://app.example.com"'
    try:
        parts = urlsplit(_url(value))
    except ValueError:
        parts = urlsplit("")
    if not parts.scheme or "*" in value or parts.path or parts.query:
        raise ValueError(f"is not the origin of a page; {mend}")
    port = "" if parts.port in (None, _DEFAULT_PORTS[parts.scheme]) else f":{parts.port}"
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{parts.scheme}://{host}{port}"  # as browsers write it


def _database(value: str) -> str:
    scheme, separator, _ = value.partition("://")
    if not value or (separator and scheme not in _DATABASES):
        raise ValueError(
            'is no database; write "sqlite:///var/monitor.db", a path, "postgresql://…" or a reference to one'
        )
    return value


def _host(value: str) -> str:
    try:
        return str(ip_address(value.strip("[]")))
    except ValueError:
        if _NAME.fullmatch(value) is None:
            raise ValueError(
                'is not a host; write a name or an address alone, without scheme and port, as in "127.0.0.1"'
            ) from None
    return value.lower()


def address(value: str) -> tuple[str, int]:
    """Split `host:port`; an IPv6 host stands in brackets.

    Raises:
        ValueError: it is not of that shape.
    """
    host, _, port = value.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535 or (":" in host and not host.startswith("[")):
        raise ValueError('is not an address to listen on; write host and port, as in "127.0.0.1:8787"')
    return host.strip("[]"), int(port)


def _ip_network(value: str) -> str:
    try:
        return str(ip_network(value, strict=False))
    except ValueError:
        raise ValueError('is no address and no network; write it as in "127.0.0.1" or "10.0.0.0/8"') from None


def _listen(value: str) -> str:
    if value:
        address(value)
    return value


def _timezone(value: str) -> str:
    if value:
        from zoneinfo import ZoneInfo  # reads the disk; few configurations name a zone

        try:
            ZoneInfo(value)
        except (ValueError, OSError, KeyError):
            raise ValueError('is not a time zone; write its IANA name, as in "Europe/Berlin"') from None
    return value


def _environment(value: str) -> str:
    if _NAME.fullmatch(value) is None:
        raise ValueError(
            "is the name of a lease file and so may hold only letters, digits, dots, dashes and underscores; rename it"
        )
    return value


def _repository(value: str) -> str:
    if _REPOSITORY.fullmatch(value) is None:
        raise ValueError('is not a repository of GitHub; write its owner and name, as in "example/shop"')
    return value


def _tier(value: object) -> object:
    return _ALIASES.get(value, value) if isinstance(value, str) else value


def _money(value: object) -> Decimal:
    try:
        amount = Decimal(str(value))
    except ArithmeticError:
        amount = Decimal("NaN")
    if isinstance(value, bool) or not amount.is_finite() or amount < 0:
        raise ValueError('is not an amount of USD; write a decimal string, as in "1.00"')
    return amount


def _share(value: object) -> Decimal:
    try:
        share = Decimal(str(value))
    except ArithmeticError:
        share = Decimal("NaN")
    if isinstance(value, bool) or not share.is_finite() or not 0 <= share < 1:
        raise ValueError('is not a share of one; write a decimal string, as in "0.01" for one in a hundred')
    return share


def _usage(value: dict[str, str | int]) -> dict[str, str | int]:
    try:
        usage((name, str(count)) for name, count in value.items())
    except ValueError as error:
        raise ValueError(f"cannot be read: {error}") from None
    return value


def _day(value: object) -> object:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value.isoformat()  # TOML has days of its own
    if not isinstance(value, str):
        return value
    try:
        return date.fromisoformat(value).isoformat()
    except ValueError:
        raise ValueError('is not a day; write it as in "2026-06-26"') from None


def _checks(value: object) -> object:
    return [value] if value == INTEGRATION else value


def _touches(value: object) -> object:
    for kinds in value.values() if isinstance(value, dict) else [value]:
        if not isinstance(kinds, list) or not all(isinstance(kind, str) for kind in kinds):
            raise ValueError(
                "is neither a list of kinds of use nor a table of such lists by caller; write it as in "
                '["agents"] or { vuln-scanner = ["vulnerability_work"] }'
            )
        if len(set(kinds)) != len(kinds):
            raise ValueError("names something twice; leave one of them out")
    return value


Duration = Annotated[
    timedelta,
    BeforeValidator(durations.parse),
    PlainSerializer(durations.spoken),
    WithJsonSchema({"type": "string", "pattern": durations.PATTERN}),
]
Span = Annotated[Duration, AfterValidator(durations.positive)]
Money = Annotated[
    Decimal,
    BeforeValidator(_money),
    PlainSerializer(str),
    WithJsonSchema({"type": "string", "pattern": r"^\d+(\.\d+)?$"}),
]
Share = Annotated[
    Decimal,
    BeforeValidator(_share),
    PlainSerializer(str),
    WithJsonSchema({"type": "string", "pattern": r"^0(\.\d+)?$"}),
]
Day = Annotated[str, BeforeValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]
_NAMES: JsonDict = {"type": "array", "items": {"type": "string"}}
Checks = Annotated[
    list[str],
    Distinct,
    BeforeValidator(_checks),
    WithJsonSchema({"anyOf": [_NAMES, {"type": "string", "const": INTEGRATION}]}),
]
Touches = Annotated[
    list[str] | dict[str, list[str]],
    PlainValidator(_touches),
    WithJsonSchema({"anyOf": [_NAMES, {"type": "object", "additionalProperties": _NAMES}]}),
]
"""The kinds of use of everybody, or caller → kinds."""

Usage = Annotated[dict[str, StrictStr | StrictInt], AfterValidator(_usage)]
Key = Annotated[str, AfterValidator(_key)]
ClientVersion = Annotated[str, AfterValidator(_client_version)]
Endpoint = Annotated[str, AfterValidator(_endpoint)]
LogName = Annotated[str, AfterValidator(_log_name)]
Header = Annotated[str, AfterValidator(_header)]
Reference = Annotated[str, AfterValidator(_reference)]
Destination = Annotated[str, AfterValidator(_destination)]
When = Annotated[list[str], Distinct, BeforeValidator(_when)]
TimeOfDay = Annotated[
    time,
    PlainValidator(_time_of_day),
    PlainSerializer(_spoken_time),
    WithJsonSchema({"type": "string", "pattern": r"^[0-9]{1,2}:[0-9]{2}$"}),
]
QuietHours = Annotated[
    tuple[time, time],
    PlainValidator(_quiet),
    PlainSerializer(lambda span: "-".join(map(_spoken_time, span))),
    WithJsonSchema({"type": "string", "pattern": r"^[0-9]{1,2}:[0-9]{2}-[0-9]{1,2}:[0-9]{2}$"}),
]
Url = Annotated[str, AfterValidator(_url)]
Origin = Annotated[str, AfterValidator(_origin)]
BaseUrl = Annotated[str, AfterValidator(_base_url)]
Tier = Annotated[Literal["standard", "batch", "flex", "priority", "ultrafast"], BeforeValidator(_tier)]
Database = Annotated[str, AfterValidator(_database)]
Host = Annotated[str, AfterValidator(_host)]
ProxyAddress = Annotated[str, AfterValidator(_ip_network)]
Listen = Annotated[str, AfterValidator(_listen)]
Timezone = Annotated[str, AfterValidator(_timezone)]
Repository = Annotated[str, AfterValidator(_repository)]
Environment = Annotated[str, AfterValidator(_environment)]
