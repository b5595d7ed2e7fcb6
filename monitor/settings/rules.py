"""What holds between the tables of a configuration: names that must be declared, keys that belong together, no cycle.

Each rule yields where and what, as the end of a sentence with its mend.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from ipaddress import ip_address
from typing import get_args
from urllib.parse import urlsplit

from monitor.audit.translog.notes import InvalidNote, verifier_key
from monitor.core.access import SETTINGS
from monitor.core.check_names import CHECKS, INTEGRATION, TOUCHES
from monitor.core.credentials import AccessScope
from monitor.core.entry_spec import AT, row_key
from monitor.core.names import suggest
from monitor.registry.check_expiry import BY_FRESHNESS
from monitor.settings.errors import Finding, Location
from monitor.settings.fields import address
from monitor.settings.schema import PRODUCTION, DestinationTable, Document, EntryTable
from monitor.settings.secrets import CLOUDEVENTS, is_reference
from monitor.settings.sources import check_sources, held
from monitor.sources.kinds.behaviour import Route


def check(document: Document) -> list[Finding]:
    """Return everything that is wrong with a document whose every table is well formed."""
    rules: Sequence[Callable[[Document], Iterator[Finding]]] = (
        _keys,
        _former_keys,
        check_sources,
        _web,
        _sign_in,
        _environments,
        _audit,
        _entries,
        _owners,
        _destinations,
        _escalations,
        _fallbacks,
        _deployments,
    )
    return [finding for rule in rules for finding in rule(document)]


def _keys(document: Document) -> Iterator[Finding]:
    tables = (
        ("surface", document.surface),
        ("source", document.source),
        ("owner", document.owner),
        ("entry", document.entry),
        ("deployment", document.deployment),
    )
    for name, rows in tables:
        first: dict[str, int] = {}
        for index, row in enumerate(rows):
            if first.setdefault(row.key, index) != index:
                yield (
                    (name, index, "key"),
                    f"is used already at {name}[{first[row.key]}]; rename one of the two or leave it out",
                )


def _former_keys(document: Document) -> Iterator[Finding]:
    tables = (
        ("source", [(row.key, row.was) for row in document.source]),
        ("entry", [(row.key, row.was) for row in document.entry]),
    )
    for name, keys in tables:
        living = {key for key, _ in keys}
        first: dict[str, int] = {}
        for index, (key, was) in enumerate(keys):
            if was is None:
                continue
            if was in living:
                own = "the table itself" if was == key else f"a key that another {name} has"
                yield (name, index, "was"), f"names {own}; give the old key of this {name} or leave it out"
            elif first.setdefault(was, index) != index:
                yield (name, index, "was"), f"is what {name}[{first[was]}] was already; leave it out of one of the two"


def _web(document: Document) -> Iterator[Finding]:
    if not document.web.listen:
        if document.web.public_url:
            yield ("web", "public_url"), "is where nobody listens; set web.listen, or leave it out"
        return
    if document.web.public_url and urlsplit(document.web.public_url).query:
        yield ("web", "public_url"), 'has a "?" part; write it as https://host or https://host/path'
    if document.web.user_header and not (document.web.public_url or document.web.trusted_proxy):
        yield (
            ("web", "user_header"),
            "is of the page that links in messages open, and of a proxy that signs people in; set web.public_url or "
            "web.trusted_proxy, or leave it out",
        )
    host, _ = address(document.web.listen)
    if not document.web.tokens and not _loopback(host):
        yield (
            ("web", "listen"),
            (
                'is not a loopback address, and there are no tokens; add tokens = ["env:NAME"] to [web] or listen '
                "on 127.0.0.1"
            ),
        )


def _sign_in(document: Document) -> Iterator[Finding]:
    web, oidc = document.web, document.web.oidc
    if web.trusted_proxy and not web.user_header:
        yield ("web", "trusted_proxy"), "has no effect without user_header, in which the proxy names people; add it"
    if (oidc.issuer is None) != (oidc.client_id is None):
        missing = "issuer" if oidc.issuer is None else "client_id"
        yield ("web", "oidc", missing), f"is missing: an identity provider has both; add {missing}"
    if oidc.client_secret is not None and oidc.issuer is None and oidc.client_id is None:
        yield ("web", "oidc", "client_secret"), "has no effect without issuer and client_id; add them or leave it out"
    if oidc.issuer is not None:
        parts = urlsplit(oidc.issuer)
        if parts.scheme != "https" and not _loopback(parts.hostname or ""):
            yield (
                ("web", "oidc", "issuer"),
                "is reached without TLS, so that anybody on the way can be it; write https://",
            )
        if web.listen and not web.public_url and not address(web.listen)[1]:
            yield ("web", "oidc", "issuer"), "could send nobody back to a free port; set web.public_url"
    named = bool(oidc.issuer or web.trusted_proxy)
    granted = any(getattr(web.scopes, scope) for scope in AccessScope)
    if named and not granted:
        yield ("web", "scopes"), 'is missing: nobody who signs in may anything; add scopes = { operate = ["…"] }'
    elif granted and not named:
        yield ("web", "scopes"), "names people whom nobody signs in; set oidc or trusted_proxy, or leave it out"


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _environments(document: Document) -> Iterator[Finding]:
    # Every other environment may use what is only being evaluated: a production under another name would be answered
    # like staging.
    if PRODUCTION not in document.gate.environments:
        yield ("gate", "environments"), f'must hold "{PRODUCTION}", the one environment that is judged strictly; add it'


def _audit(document: Document) -> Iterator[Finding]:
    audit = document.audit
    if (audit.witness is None) != (audit.witness_key is None):
        missing = "witness" if audit.witness is None else "witness_key"
        yield ("audit", missing), f"is missing: a witness is asked and its answer checked, or neither; add {missing}"
    if audit.witness_key is not None:
        try:
            verifier_key(audit.witness_key)
        except InvalidNote as error:
            yield ("audit", "witness_key"), str(error)
    if audit.entries and audit.folder is None:
        yield ("audit", "entries"), "has no effect without folder, which would get them; add it or leave this out"


def _entries(document: Document) -> Iterator[Finding]:
    surfaces = [row.key for row in document.surface]
    owners = [row.key for row in document.owner]
    for index, row in enumerate(document.entry):
        at: Location = ("entry", index)
        if AT in row.key:
            yield (*at, "key"), f'holds "{AT}", which separates a surface (ENTRY{AT}SURFACE); rename it'
        yield from _entry_surfaces(at, row, surfaces)
        for owner in row.owners:
            if owner not in owners:
                yield (*at, "owners"), f"names the owner {owner!r}, who is not declared; {suggest(owner, owners)}"
        yield from _entry_checks(at, row, document.gate.environments)
        yield from _entry_touches(at, row)
        for ignored in row.ignore:
            if ignored not in (ignorable := (*get_args(Route), *SETTINGS)):
                yield (
                    (*at, "ignore"),
                    f"names {ignored!r}, which is no watched route or account setting; {suggest(ignored, ignorable)}",
                )
        yield from _entry_grace(at, row)
        if row.evals is not None and row.evals.baseline not in (
            others := [e.key for e in document.entry if e is not row]
        ):
            itself = "is the entry itself" if row.evals.baseline == row.key else "is no entry"
            yield (
                (*at, "evals", "baseline"),
                f"names {row.evals.baseline!r}, which {itself}; {suggest(row.evals.baseline, others)}",
            )


def _entry_touches(at: Location, row: EntryTable) -> Iterator[Finding]:
    named = row.touches if isinstance(row.touches, dict) else {"": row.touches}
    for caller, kinds in named.items():
        place = (*at, "touches", caller) if isinstance(row.touches, dict) else (*at, "touches")
        if isinstance(row.touches, dict) and not caller.strip():
            yield place, "is for a caller without a name; name the caller, or list the kinds of use for everybody"
        for kind in kinds:
            if kind not in TOUCHES:
                yield place, f"names {kind!r}, which is no kind of use; {suggest(kind, TOUCHES)}"


def _entry_grace(at: Location, row: EntryTable) -> Iterator[Finding]:
    if row.grace is not None and row.on_pause == "deny":
        yield (*at, "grace"), 'has no effect with on_pause = "deny"; leave it out or write on_pause = "deny_new"'
    elif row.grace is not None and row.on_pause is None and not row.callers:
        yield (*at, "grace"), "has no effect without callers, whom it lets go on; name them in callers or leave it out"


def _entry_checks(at: Location, row: EntryTable, environments: Collection[str]) -> Iterator[Finding]:
    named: dict[Location, Collection[str]] = {(*at, "checks"): row.checks}
    for environment, checks in (row.checks_in or {}).items():
        place = (*at, "checks_in", environment)
        named[place] = checks
        if environment == PRODUCTION:
            yield place, "is what checks = […] says; move them there"
        elif environment not in environments:
            yield (
                place,
                f"is for an environment that gate.environments does not name; {suggest(environment, environments)}",
            )
    for name in row.check_age or {}:
        place = (*at, "check_age", name)
        if limit := BY_FRESHNESS.get(name):
            yield place, f"holds as long as its facts are fresh; set {limit} instead"
        elif name not in CHECKS:
            yield place, f"is for the check {name!r}, which there is not; {suggest(name, CHECKS)}"
    known = (*CHECKS, INTEGRATION)
    for place, names in named.items():
        for check in names:
            if check not in known:
                yield place, f"names the check {check!r}, which there is not; {suggest(check, known)}"


def _entry_surfaces(at: Location, row: EntryTable, surfaces: Collection[str]) -> Iterator[Finding]:
    if row.surfaces is not None and (row.surface is not None or row.model_id is not None):
        yield (*at, "surfaces"), "is given beside surface or model_id; keep either that pair or surfaces"
    elif row.surfaces is None and row.surface is None:
        yield (*at, "surface"), f'is missing; add surface = "{next(iter(surfaces), "…")}"'
    for name, key in (
        [("surface", row.surface)] if row.surface is not None else [("surfaces", key) for key in row.surfaces or ()]
    ):
        if key not in surfaces:
            yield (*at, name), f"names the surface {key!r}, which is not declared; {suggest(key, surfaces)}"


def _owners(document: Document) -> Iterator[Finding]:
    keys = [row.key for row in document.owner]
    for index, row in enumerate(document.owner):
        at: Location = ("owner", index)
        if not row.destinations and row.owners is None:
            yield (*at, "destinations"), 'is missing; add destinations = ["env:SLACK_URL"]'
        elif row.destinations and row.owners is not None:
            yield (
                (*at, "owners"),
                "stands beside destinations; keep one of the two, and make the group an owner of its own",
            )
        for member in row.owners or ():
            if member not in keys:
                yield (*at, "owners"), f"names the owner {member!r}, who is not declared; {suggest(member, keys)}"
    yield from _circles(document)
    fallback = document.notify.fallback_owner
    if fallback is not None and fallback not in keys:
        yield (
            ("notify", "fallback_owner"),
            f"names the owner {fallback!r}, who is not declared; {suggest(fallback, keys)}",
        )


def _circles(document: Document) -> Iterator[Finding]:
    members = {row.key: tuple(row.owners or ()) for row in document.owner}
    reported: set[str] = set()
    for index, row in enumerate(document.owner):
        path = _circle(row.key, members)
        if path and row.key not in reported:
            reported.update(path)
            yield (
                ("owner", index, "owners"),
                f"leads back to itself ({' → '.join([*path, row.key])}); take one of them out of its group",
            )


def _circle(key: str, members: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the way on which a group is its own member; empty where it is not."""
    ways, visited = [[key]], set[str]()
    while ways:
        way = ways.pop()
        for member in members.get(way[-1], ()):
            if member == key:
                return way
            if member not in visited:
                visited.add(member)
                ways.append([*way, member])
    return []


def _destinations(document: Document) -> Iterator[Finding]:
    for index, owner in enumerate(document.owner):
        for place, row in enumerate(owner.destinations):
            at: Location = ("owner", index, "destinations", place)
            table = DestinationTable(url=row) if isinstance(row, str) else row
            timed = table.quiet is not None or table.digest is not None
            if timed and not table.zone and not document.notify.timezone:
                yield (*at, "zone"), 'is missing; add zone = "Europe/Berlin", or timezone to [notify]'
            if table.zone and not timed:
                yield (*at, "zone"), "has no effect without quiet or digest; add one of them or leave it out"
            signed = table.url.startswith(CLOUDEVENTS)
            if signed and table.secret is None:
                yield at, 'is a webhook whose events are signed; write { url = "…", secret = "env:NAME" }'
            elif table.secret is not None and not signed and not is_reference(table.url):
                yield (*at, "secret"), 'has no effect but with url = "cloudevents+https://…"; leave it out'


def _escalations(document: Document) -> Iterator[Finding]:
    owners = [row.key for row in document.owner]
    for index, row in enumerate(document.owner):
        if row.escalate_to is not None and (row.escalate_to not in owners or row.escalate_to == row.key):
            others = [key for key in owners if key != row.key]
            yield (
                ("owner", index, "escalate_to"),
                f"names {row.escalate_to!r}, which is no other owner; {suggest(row.escalate_to, others)}",
            )


def _fallbacks(document: Document) -> Iterator[Finding]:
    fallback = {row.key: row.fallback for row in document.entry}
    reported: set[str] = set()
    for index, row in enumerate(document.entry):
        if row.fallback is not None and row.fallback not in fallback:
            at = ("entry", index, "fallback")
            yield (
                at,
                (
                    f"names the entry {row.fallback!r}, which is not declared; "
                    f"{suggest(row.fallback, fallback.keys() - {row.key})}"
                ),
            )
        path = [row.key]
        while (following := fallback.get(path[-1])) is not None and following not in path:
            path.append(following)
        if following == row.key and row.key not in reported:
            reported.update(path)
            yield (
                ("entry", index, "fallback"),
                f"leads back to itself ({' → '.join([*path, row.key])}); let one of them fall back to nothing",
            )


def _deployments(document: Document) -> Iterator[Finding]:
    github, entries, environments = document.github, [row.key for row in document.entry], document.gate.environments
    rows = {*entries, *(row_key(entry.key, surface) for entry in document.entry for surface in held(entry))}
    if (github.webhook_secret is None) != (github.token is None):
        missing = "token" if github.token is None else "webhook_secret"
        yield (
            ("github", missing),
            f'is missing: [github] needs both token and webhook_secret; add {missing} = "env:NAME"',
        )
    first: dict[tuple[str, str], int] = {}
    for index, row in enumerate(document.deployment):
        at: Location = ("deployment", index)
        if github.webhook_secret is None:
            yield at, "has no effect without webhook_secret and token in [github]; add them or leave it out"
        for entry in row.entries:
            if entry not in rows:
                yield (*at, "entries"), f"names the entry {entry!r}, which is not declared; {suggest(entry, entries)}"
        if row.environment not in environments:
            yield (
                (*at, "environment"),
                (
                    f"names the environment {row.environment!r}, which gate.environments does not; "
                    f"{suggest(row.environment, environments)}"
                ),
            )
        place = row.repository.lower(), row.github_environment
        if first.setdefault(place, index) != index:
            yield at, f"is asked about like deployment[{first[place]}]; put their entries into one of them"
