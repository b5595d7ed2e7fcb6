"""What the log keeps of a configuration: every key, no secret, and the same settings again when it is read back."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest
from configurations import MINIMAL, loaded, written
from pydantic import BaseModel, ValidationError

from monitor.app.use_cases import UseCases
from monitor.core.accepted_configuration import differences, digest
from monitor.core.configuration import Configuration
from monitor.core.ports import ConfigurationError
from monitor.registry.declarations import judge
from monitor.registry.transitions import RegistryTransaction
from monitor.settings import durations, load, restore
from monitor.settings.kept import keep
from monitor.settings.schema import Document, Layers
from monitor.store import open_store, upgrade

LISTED = ("surface", "source", "owner", "entry", "deployment")

FULL: dict[str, Any] = {
    "surface": [
        {
            "key": "openai",
            "base_url": "https://api.example/v1",
            "provider": "openai",
            "api_key": "env:KEY",
            "admin_key": "env:ADMIN",
            "project": "proj_1",
            "key_header": "api-key",
            "headers": {"X-Team": "platform"},
            "region_url": "https://eu.example/v1",
        },
        {"key": "eu", "base_url": "https://eu.example/v1"},
    ],
    "source": [
        {
            "key": "everything",
            "kind": "document",
            "every": "1h",
            "surface": "openai",
            "provider": "openai",
            "url": "https://page.example/p.md",
            "format": "litellm",
            "trust": "official",
            "routes": ["retrieve"],
            "models": ["gpt-a"],
            "parameters": {"gpt-a": {"effort": "none"}},
            "parts": ["costs"],
            "makes_stale": ["safety_review"],
            "catalogue": "var/codex.json",
            "component": "Responses",
            "watch": ["preview"],
        }
    ],
    "owner": [{"key": "platform", "destinations": ["env:CHAT"], "escalate_to": "oncall"}],
    "entry": [
        {
            "key": "luna",
            "name": "Luna",
            "surface": "openai",
            "model_id": "gpt-a",
            "surfaces": {"openai": "gpt-a", "eu": "gpt-b"},
            "price_model": "gpt-a",
            "use": "chat",
            "owners": ["platform"],
            "checks": ["evals"],
            "checks_in": {"staging": ["evals"]},
            "on_pause": "deny",
            "grace": "72h",
            "callers": ["bot"],
            "pause_on": "any",
            "tiers": ["standard"],
            "usage": {"input": "1M"},
            "touches": ["agents"],
            "fallback": "mini",
            "freshness": "48h",
            "price_freshness": "14d",
            "approvers": 1,
            "check_age": {"evals": "180d"},
            "evals": {"suites": ["tools"], "baseline": "mini", "samples": 20},
        }
    ],
    "deployment": [
        {
            "key": "shop",
            "repository": "example/shop",
            "github_environment": "production",
            "environment": "production",
            "entries": ["luna"],
        }
    ],
}
"""Every key of the listed tables. No rule between tables holds here: what is proved is of single keys."""

OTHER: Mapping[str, Any] = {
    "key": "another",
    "kind": "status_page",
    "routes": ["chat"],
    "parts": ["usage"],
    "tiers": ["batch"],
    "timezone": "Europe/Berlin",
    "listen": "127.0.0.1:1",
    "headers": {"X-Team": "another"},
    "surfaces": {"eu": "gpt-b", "openai": "gpt-a"},
    "parameters": {"gpt-a": {"effort": "low"}},
    "price_names": {"Helios Large": "helios-1"},
    "usage": {"input": "2M"},
    "checks_in": {"staging": []},
    "check_age": {"evals": "90d"},
    "evals": {"suites": ["tools"], "baseline": "mini", "samples": 21},
    "destinations": ["env:OTHER"],
    "owners": ["another"],
    "repository": "example/other",
    "uses": ["v1/chat/completions"],
    "release": "2027-01-01",
    "origins": ["https://other.example"],
    "public_url": "https://other.example",
    "templates": {"text": "templates/other.j2"},
}
"""Another value for keys whose type does not tell one."""


def scalars(model: type[BaseModel], at: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield every key of a table, below the sections in it, with its type."""
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from scalars(kind, (*at, name))
        else:
            yield (*at, name), kind


KEYS: list[tuple[tuple[str, ...], Any]] = [
    (path, kind)
    for name, field in Document.model_fields.items()
    if name != "nodes"  # by whom the work is done is not kept
    for path, kind in (
        scalars(get_args(field.annotation)[0], (name,)) if name in LISTED else scalars(field.annotation, (name,))  # type: ignore[arg-type]
    )
]


def others(name: str, value: Any, kind: Any) -> list[Any]:
    """Values that the key may take instead; which of them it does take, the schema says."""
    text = "" if value is None else str(value)
    literals = [one for part in (kind, *get_args(kind)) if get_origin(part) is Literal for one in get_args(part)]
    longer = (
        [durations.spoken(durations.parse(text) + timedelta(seconds=7))]
        if re.fullmatch(r"\d+(ms|s|m|h|d|w)", text)
        else []
    )
    numbers = [value - 1, value + 1] if isinstance(value, int) and not isinstance(value, bool) else []
    lists = [[*value, more] for more in ("127.0.0.1", "env:MORE", "more")] if isinstance(value, list) else []
    texts = ["env:ANOTHER", "https://other.example/v1", "0.5", f"{text}another", "1h"]
    return [*([OTHER[name]] if name in OTHER else []), *literals, *longer, *numbers, *lists, not value, *texts]


def dumped(file: Mapping[str, Any]) -> Mapping[str, Any]:
    document = Document(layers=Layers(option={}, variables={}, file=file))
    return keep(document.model_dump(mode="python", exclude_none=True))


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Mapping[str, Any]], list[str]]]:
    """Provide what `config.changed` would name if a document were loaded after `FULL`."""
    path = str(tmp_path_factory.mktemp("recorded") / "monitor.db")
    upgrade(f"sqlite:///{path}")
    store, at = open_store(path), datetime(2026, 7, 1, tzinfo=UTC)
    base = dumped(FULL)
    UseCases(store, Configuration(document=base, version=digest(base)), lambda: at, published=lambda: None).declare()

    def changed(document: Mapping[str, Any]) -> list[str]:
        with store.read() as reader:
            register = RegistryTransaction(reader.head(), reader.entries())
            judge(reader, register, Configuration(document=document, version=digest(document)), at)
        names: list[str] = register.events[0].data["changed"]
        return names

    yield changed
    store.close()


@pytest.mark.parametrize(("path", "kind"), KEYS, ids=[".".join(path) for path, _ in KEYS])
def test_a_change_of_any_key_of_the_schema_is_named(
    path: tuple[str, ...], kind: Any, recorded: Callable[[Mapping[str, Any]], list[str]]
) -> None:
    base = dumped(FULL)
    section, *names = path
    file = json.loads(json.dumps(FULL))
    table = base[section][0] if section in LISTED else base[section]
    target = file[section][0] if section in LISTED else file.setdefault(section, {})
    for name in names[:-1]:
        if name not in target:
            target[name] = dict(table[name])
        table, target = table[name], target[name]
    after = base
    for value in others(names[-1], table.get(names[-1]), kind):
        target[names[-1]] = value
        with suppress(ValidationError):
            after = dumped(file)
        if after != base:
            break
    named = [difference.path for difference in differences(base, after)]
    assert recorded(after) == named
    key = FULL[section][0]["key"] if section in LISTED else ""
    if section in LISTED and names == ["key"]:
        assert named == sorted([f"{section}.{key}", f"{section}.another"])
    else:
        expected = ".".join([section, *([key] if key else []), *names])
        assert len(named) == 1
        assert named[0] == expected or named[0].startswith(f"{expected}.")
    assert digest(base) != digest(after)


def test_what_was_kept_gives_the_same_settings_again(tmp_path: Path) -> None:
    shipped = load(Path(__file__).parents[2] / "config/monitor.toml", {"ACCESS_MONITOR__GATE__LEASE": "2h"})
    again = restore(json.loads(json.dumps(shipped.configuration.document, sort_keys=True)), shipped, shipped)
    assert again.configuration == shipped.configuration
    assert replace(again, origins={}, document={}) == replace(shipped, origins={}, document={})


SECRETS = """
[database]
url = "postgresql://ada:hunter2@db.example/monitor"

[[owner]]
key = "second"
destinations = ["slack://tokena/tokenb/tokenc", "mailtos://u:hunter2@a.example", "env:CHAT"]

[[surface]]
key = "private"
base_url = "https://private.example/v1"
headers = { X-Auth-Token = "hunter2", X-Team = "platform", X-Key = "env:KEY" }

[[source]]
key = "page"
kind = "document"
url = "https://page.example/p.md?token=hunter2"
"""


def test_no_secret_is_kept_and_each_comes_back_from_the_file_at_hand(tmp_path: Path) -> None:
    settings = loaded(tmp_path, MINIMAL + SECRETS)
    kept = settings.configuration.document
    assert "hunter2" not in str(kept)
    assert "tokenb" not in str(kept)
    again = restore(kept, settings, settings).configuration
    assert again.owners == settings.configuration.owners
    assert again.surfaces == settings.configuration.surfaces
    assert again.sources == settings.configuration.sources


def test_a_secret_that_left_the_file_comes_from_what_runs_and_is_masked_where_nothing_does(tmp_path: Path) -> None:
    running = loaded(tmp_path, MINIMAL + SECRETS)
    kept = running.configuration.document
    bare = loaded(tmp_path)
    assert restore(kept, bare, running).configuration.owners == running.configuration.owners
    masked = restore(kept, bare, bare).configuration
    assert masked.owners["second"].destinations == ("slack://***", "mailtos://a.example/***", "env:CHAT")
    assert masked.surfaces["private"].headers["X-Auth-Token"] == "***"


def test_where_things_are_says_the_file_at_hand(tmp_path: Path) -> None:
    kept = loaded(tmp_path).configuration.document
    moved = '[run]\nstate_dir = "state"\n[gate]\nlease_dir = "out"\n[database]\nurl = "m.db"\n'
    again = restore(kept, loaded(tmp_path, moved + MINIMAL), loaded(tmp_path, moved + MINIMAL))
    assert (again.folder, again.lease_dir) == (tmp_path / "state", tmp_path / "state/out")
    assert again.database == "m.db"
    assert again.configuration.document == kept


def test_values_that_json_has_no_word_for_come_back() -> None:
    plug_in = {"key": "mine", "kind": "regions", "ratio": 0.5, "since": datetime(2026, 1, 2, 3, 4, 5)}
    kept = dumped({"source": [plug_in]})
    from monitor.settings.kept import _told

    row = _told(json.loads(json.dumps(kept)))["source"][0]
    assert (row["ratio"], row["since"]) == (0.5, datetime(2026, 1, 2, 3, 4, 5))


def test_what_this_version_does_not_take_is_refused_with_the_key(tmp_path: Path) -> None:
    settings = loaded(tmp_path)
    kept = {**settings.configuration.document, "confirm": {}}
    with pytest.raises(ConfigurationError, match="confirm"):
        restore(kept, settings, settings)


def test_the_order_of_tables_says_nothing(tmp_path: Path) -> None:
    second = '[[owner]]\nkey = "second"\ndestinations = ["env:CHAT"]\n'
    one, other = loaded(tmp_path, MINIMAL + second), loaded(tmp_path, second + MINIMAL)
    assert one.configuration.version == other.configuration.version
    assert differences(one.configuration.document, other.configuration.document) == ()


def test_an_option_for_the_database_is_no_part_of_what_is_declared(tmp_path: Path) -> None:
    path = written(tmp_path, MINIMAL)
    assert load(path, {}, "other.db").configuration.document == load(path, {}).configuration.document
    variable = {"ACCESS_MONITOR__DATABASE__URL": "third.db"}
    named = differences(load(path, {}).configuration.document, load(path, variable, "x.db").configuration.document)
    assert [difference.path for difference in named] == ["database.url"]


def test_what_was_renamed_is_compared_with_what_it_was() -> None:
    before = {
        "source": [{"key": "page", "url": "https://a.example", "every": "30m"}, {"key": "feed", "every": "1h"}],
        "entry": [{"key": "luna", "use": "chat"}],
    }
    after = {
        "source": [{"key": "prices", "was": "page", "url": "https://b.example", "every": "30m"}, before["source"][1]],
        "entry": [{"key": "luna", "was": "moon", "use": "chat"}, {"key": "sol", "was": "luna", "use": "chat"}],
    }
    assert [(row.path, row.old, row.new) for row in differences(before, after)] == [
        ("entry.luna.was", None, "moon"),
        ("entry.sol", None, {"key": "sol", "was": "luna", "use": "chat"}),
        ("source.prices.key", "page", "prices"),
        ("source.prices.url", "https://a.example", "https://b.example"),
    ]
