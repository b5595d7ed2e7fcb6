"""A kind of source that another distribution brings can do what one of this package can: list, price, verify, and be
pinned.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pipeline_world import World, world_of

from monitor.core.configuration import OFFICIAL, Configuration
from monitor.core.entry import CheckState, Status
from monitor.core.ports import Refused
from monitor.settings import InvalidConfiguration, load
from monitor.sources import catalog
from monitor.sources.http import HttpClient
from monitor.sources.kind import NOTHING, SourceDeps

PROGRAM = '''
"""Our gateway: one file says which models it serves, at which prices and limits."""

import json
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

from pydantic import BaseModel, Field

from monitor.core.configuration import OFFICIAL, Capabilities
from monitor.core.facts import Body, Snapshot, Subject
from monitor.sources.kind import SourceKind


class Gateway:
    extractor = "gateway/1"

    def __init__(self, spec, deps):
        self.spec = spec

    def observe(self, now, known):
        content = Path(self.spec.options["catalogue"]).read_bytes()
        return self.extract(Body(content=content, sha256=sha256(content).hexdigest(), size=len(content)), now)

    def extract(self, body, at):
        facts = {}
        for model, row in json.loads(body.content).items():
            listed = facts.setdefault(Subject(self.spec.surface, model), {})
            listed.update(listed=True, **{"limit.requests": row["limit"]})
            facts.setdefault(Subject(self.spec.provider, model), {}).update(
                {f"price.standard.short.{meter}": row[meter] for meter in ("input", "output")}
            )
        return Snapshot(source=self.spec.key, at=at, facts=facts, extractor=self.extractor, body=body)


class Keys(BaseModel):
    surface: str
    provider: str
    catalogue: str = Field(examples=["gateway.json"])
    regions: int = 1


def check(options, around):
    if around.surface is not None and around.surface.project:
        yield "surface", "has a project, and our gateway knows none; leave it out"


KIND = SourceKind(
    factory=Gateway,
    options=Keys,
    every=timedelta(minutes=7),
    trust=OFFICIAL,
    capabilities=Capabilities(lists=True, prices=True, verifies=frozenset({"rate_limits"})),
    check=check,
)


def old_style(spec, deps):
    return Gateway(spec, deps)
'''

CONFIGURATION = """
[[surface]]
key = "gateway"
base_url = "https://gateway.example/v1"
provider = "acme"
{surface}

[[source]]
key = "ours"
kind = "{kind}"
surface = "gateway"
provider = "acme"
{options}

[[owner]]
key = "platform"
destinations = ["env:CHAT"]

[[entry]]
key = "orion"
surface = "gateway"
model_id = "orion-2"
owners = ["platform"]
checks = ["rate_limits"]
"""


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Provide a folder with a distribution that brings the kinds `gateway` and `bare`, installed as pip would do it."""
    (tmp_path / "gateway_kind.py").write_text(PROGRAM)
    metadata = tmp_path / "gateway_kind-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: gateway_kind\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(
        "[monitor.sources]\ngateway = gateway_kind:KIND\nbare = gateway_kind:old_style\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    catalog._added.cache_clear()
    yield tmp_path
    catalog._added.cache_clear()
    sys.modules.pop("gateway_kind", None)


def configured(folder: Path, kind: str = "gateway", options: str = "", surface: str = "") -> Configuration:
    path = folder / "monitor.toml"
    options = options or f'catalogue = "{folder / "gateway.json"}"'
    path.write_text(CONFIGURATION.format(kind=kind, options=options, surface=surface))
    return load(path, {}).configuration


def shown(folder: Path, **orion: Any) -> None:
    """Let the gateway show twelve models; `orion` is what differs of the one that matters."""
    row: Mapping[str, Any] = {"input": "1", "output": "6", "limit": 500}
    models = {f"m{number:02}": row for number in range(11)}
    (folder / "gateway.json").write_text(json.dumps({**models, "orion-2": {**row, **orion}}))


@pytest.fixture
def world(installed: Path) -> Iterator[World]:
    """Provide a world in which nothing but the kind of the plug-in is polled, and polled once."""
    shown(installed)
    with world_of(configured(installed)) as made:
        spec = made.conf.sources["ours"]
        deps = SourceDeps(http=HttpClient(), surface=made.conf.surfaces["gateway"], secret=str)
        made.sources["ours"] = catalog.build(spec, deps)  # type: ignore[assignment]
        made.poll()
        yield made


def test_the_kind_says_its_defaults_and_what_it_can_do(installed: Path) -> None:
    spec = configured(installed).sources["ours"]
    assert (spec.every, spec.trust, spec.route) == (timedelta(minutes=7), OFFICIAL, "list")
    assert (spec.lists, spec.prices, spec.can.verifies) == (True, True, {"rate_limits"})
    assert spec.options == {"catalogue": str(installed / "gateway.json"), "regions": 1}


def test_what_it_states_verifies_the_checks_of_an_entry(world: World) -> None:
    entry = world.entry("orion")
    assert entry.status is Status.EVALUATING
    assert {name: check.state for name, check in entry.checks.items()} == dict.fromkeys(
        ("model_id", "visibility", "pricing", "rate_limits"), CheckState.VERIFIED
    )


def test_what_it_states_is_pinned_and_pauses_when_it_moves(world: World, installed: Path) -> None:
    world.activate("orion")
    pins = {pin.key: pin.value for pin in world.entry("orion").pins if pin.scope != "config"}
    assert pins == {
        "gateway/orion-2/listed": True,
        "gateway/orion-2/limit.requests": 500,
        "acme/orion-2/price.standard.short.input": "1",
        "acme/orion-2/price.standard.short.output": "6",
    }
    shown(installed, input="2")
    world.polls(2)
    entry = world.entry("orion")
    assert (entry.status, dict(entry.deviations)) == (
        Status.PAUSED,
        {"acme/orion-2/price.standard.short.input": "2"},
    )


def test_a_third_party_s_kind_verifies_and_pins_nothing(installed: Path) -> None:
    shown(installed)
    options = f'catalogue = "{installed / "gateway.json"}"\ntrust = "third_party"'
    with world_of(configured(installed, kind="bare", options=options)) as made:
        deps = SourceDeps(http=HttpClient(), surface=made.conf.surfaces["gateway"], secret=str)
        made.sources["ours"] = catalog.build(made.conf.sources["ours"], deps)  # type: ignore[assignment]
        made.poll()
        assert made.entry("orion").status is Status.WAITING
        assert not made.entry("orion").checks
        with pytest.raises(Refused):
            made.activate("orion")


def test_a_factory_alone_is_a_kind_that_takes_any_key_and_informs(installed: Path) -> None:
    options = f'catalogue = "{installed / "gateway.json"}"\nanything = 3'
    spec = configured(installed, kind="bare", options=options).sources["ours"]
    assert (spec.every, spec.trust, spec.can) == (timedelta(hours=1), "third_party", NOTHING)
    assert spec.options == {"anything": 3, "catalogue": str(installed / "gateway.json")}


@pytest.mark.parametrize(
    ("options", "surface", "said"),
    [
        ("regions = 2", "", "catalogue ('ours') is missing, and a gateway needs it; add catalogue = \"gateway.json\""),
        ('catalogue = "a"\nregion = 2', "", "region ('ours') is not a key that a gateway has; did you mean 'regions'?"),
        (
            'catalogue = "a"\nregions = "two"',
            "",
            "regions ('ours') is not taken by a gateway: Input should be a valid integer",
        ),
        ('catalogue = "a"\nwatch = ["x"]', "", "watch ('ours') is not a key that a gateway has; leave it out"),
        ('catalogue = "a"', 'project = "p"', "surface ('ours') has a project, and our gateway knows none"),
    ],
)
def test_its_keys_are_checked_like_those_of_any_kind(installed: Path, options: str, surface: str, said: str) -> None:
    with pytest.raises(InvalidConfiguration) as refused:
        configured(installed, options=options, surface=surface)
    assert len(refused.value.problems) == 1
    assert said in str(refused.value)


def test_one_that_cannot_be_loaded_is_an_error_of_the_configuration(installed: Path) -> None:
    (installed / "gateway_kind.py").write_text("raise ImportError('it needs acme-sdk')")
    with pytest.raises(InvalidConfiguration, match=r"kind.*gateway_kind:KIND: it needs acme-sdk"):
        configured(installed)
