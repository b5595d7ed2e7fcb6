"""What a good configuration becomes: values, defaults, the order of file, environment and option."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from configurations import MINIMAL, loaded, written
from hypothesis import given
from hypothesis import strategies as st

from monitor import __version__
from monitor.core.configuration import ConfirmationRules, GateRules
from monitor.core.ports import ConfigurationError
from monitor.settings import durations, load


def test_what_is_left_out_has_the_default_of_the_core(tmp_path):
    settings = loaded(tmp_path)
    assert settings.configuration.confirmation == ConfirmationRules()
    assert settings.configuration.gate == GateRules()
    assert settings.database == "sqlite:///var/monitor.db"
    assert settings.lease_dir == tmp_path / "var/lease"
    assert (settings.web.host, settings.web.port, settings.web.tokens) == ("127.0.0.1", 8787, ())
    assert settings.network.allow == frozenset()
    assert settings.budget == Decimal("1.00")
    assert settings.heartbeat.url == ""
    assert settings.configuration.code == __version__


def test_an_empty_address_is_no_http_server_and_port_0_a_free_one(tmp_path):
    off = loaded(tmp_path, '[web]\nlisten = ""\n')
    assert (off.web.host, off.web.port) == ("", 0)
    assert loaded(tmp_path, environ={"ACCESS_MONITOR__WEB__LISTEN": ""}).web.host == ""
    assert loaded(tmp_path, '[web]\nlisten = "127.0.0.1:0"\n').web.port == 0


def test_every_key_of_the_interface_is_read(tmp_path):
    text = """
[database]
url = "var/other.db"
[[surface]]
key = "openai"
base_url = "https://api.openai.com/v1/"
provider = "openai-inc"
api_key = "env:OPENAI_API_KEY"
admin_key = "file:secrets/admin"
project = "proj_1"
[[surface]]
key = "codex"
base_url = "http://127.0.0.1:9/v1"
[[source]]
key = "page"
kind = "pricing_page"
url = "https://example.com/pricing.md"
provider = "openai-inc"
every = "45m"
trust = "third_party"
[[source]]
key = "feed"
kind = "price_feed"
format = "llm_prices"
url = "https://example.com/prices.json"
[[source]]
key = "behaviour"
kind = "behaviour"
surface = "openai"
routes = ["retrieve", "responses"]
[[source]]
key = "card"
kind = "document"
url = "https://example.com/card"
watch = ["limited preview"]
[confirmation]
absence = {polls = 4, span = "1h"}
change = {polls = 3, span = "0s"}
gap = "0s"
recheck = "0.5s"
hold = "12h"
[budget]
per_day = 2.5
[network]
allow = ["127.0.0.1", "Lab.Example", "::1"]
[web]
listen = "[::1]:9000"
tokens = ["credential:web"]
[gate]
lease_dir = "leases"
environments = ["production", "canary"]
freshness = "36h"
price_freshness = "2w"
lease = "90m"
[heartbeat]
url = "env:HEARTBEAT_URL"
[notify]
timeout = "3s"
attempts = 5
timezone = "UTC"
[run]
workers = 2
drain = "0s"
[[owner]]
key = "platform"
destinations = ["env:SLACK_URL", "mailtos://user:hunter2@mail.example"]
[[entry]]
key = "luna"
name = "GPT-5.6 Luna"
surfaces = {codex = "luna-c", openai = "luna-o"}
price_model = "luna-p"
use = "cheap"
owners = ["platform"]
checks = ["rate_limits", "evals"]
on_pause = "deny_new"
grace = "72h"
callers = ["support-agent"]
pause_on = "worse"
tiers = ["standard", "fast"]
fallback = "mini"
freshness = "48h"
price_freshness = "21d"
[[entry]]
key = "mini"
surface = "openai"
owners = ["platform"]
"""
    settings = loaded(tmp_path, text)
    configuration = settings.configuration
    assert settings.database == "var/other.db"
    surface = configuration.surfaces["openai"]
    assert (surface.base_url, surface.provider) == ("https://api.openai.com/v1", "openai-inc")
    assert (surface.api_key, surface.admin_key, surface.project) == (
        "env:OPENAI_API_KEY",
        "file:secrets/admin",
        "proj_1",
    )
    assert configuration.surfaces["codex"].provider == "codex"
    page, feed = configuration.sources["page"], configuration.sources["feed"]
    assert (page.every, page.trust, page.scope) == (timedelta(minutes=45), "third_party", "openai-inc")
    assert (feed.every, feed.trust, feed.format) == (timedelta(hours=1), "third_party", "llm_prices")
    assert {(spec.model, spec.route) for spec in configuration.sources.values() if spec.kind == "behaviour"} == {
        ("luna-o", "retrieve"),
        ("luna-o", "responses"),
    }
    assert configuration.sources["card"].options == {"watch": ("limited preview",)}
    assert configuration.confirmation.absence.polls == 4
    assert configuration.confirmation.change.span == timedelta()
    assert configuration.confirmation.recheck == timedelta(milliseconds=500)
    assert settings.budget == Decimal("2.5")
    assert settings.network.allow == {"127.0.0.1", "lab.example", "::1"}
    assert (settings.web.host, settings.web.port, settings.web.tokens) == ("::1", 9000, ("credential:web",))
    assert configuration.gate.environments == ("production", "canary")
    assert configuration.gate.price_freshness == timedelta(days=14)
    assert configuration.gate.lease == timedelta(minutes=90)
    assert settings.lease_dir == tmp_path / "leases"
    assert settings.heartbeat.url == "env:HEARTBEAT_URL"
    assert (settings.notify.timeout, settings.notify.attempts) == (timedelta(seconds=3), 5)
    assert (settings.run.workers, settings.run.drain) == (2, timedelta())
    luna = configuration.entries["luna"]
    assert (luna.surface, luna.model_id, dict(luna.surfaces)["openai"]) == ("codex", "luna-c", "luna-o")
    assert (luna.price_model, luna.checks, luna.callers) == ("luna-p", ("rate_limits", "evals"), ("support-agent",))
    assert (luna.on_pause, luna.grace, luna.pause_on) == ("deny_new", timedelta(hours=72), "worse")
    assert (luna.freshness, luna.price_freshness) == (timedelta(hours=48), timedelta(days=21))


def test_a_tier_has_one_name_whatever_the_file_calls_it(tmp_path):
    text = MINIMAL + 'tiers = ["standard", "fast"]\n'
    assert loaded(tmp_path, text).configuration.entries["luna"].tiers == ("standard", "priority")


def test_a_model_id_that_is_not_known_stays_blank(tmp_path):
    entry = loaded(tmp_path, MINIMAL.replace('model_id = "gpt-5.6-luna"\n', "")).configuration.entries["luna"]
    assert (entry.surface, entry.model_id) == ("openai", "")


def test_the_environment_wins_over_the_file_and_the_option_over_both(tmp_path):
    path = written(tmp_path, '[database]\nurl = "a.db"\n[gate]\nlease = "1h"\n' + MINIMAL)
    environ = {
        "ACCESS_MONITOR__DATABASE__URL": "b.db",
        "ACCESS_MONITOR__GATE__LEASE": "2h",
        "ACCESS_MONITOR__CONFIRMATION__ABSENCE__POLLS": "5",
        "ACCESS_MONITOR__CONFIRMATION__ABSENCE__SPAN": "10m",
        "ACCESS_MONITOR__NETWORK__ALLOW": "127.0.0.1, ::1",
        "ACCESS_MONITOR__GATE__ENVIRONMENTS": '["production", "lab"]',
        "OPENAI_API_KEY": "elsewhere",
    }
    settings = load(path, environ)
    assert settings.database == "b.db"
    assert settings.configuration.gate.lease == timedelta(hours=2)
    assert settings.configuration.gate.environments == ("production", "lab")
    assert settings.configuration.confirmation.absence.polls == 5
    assert settings.network.allow == {"127.0.0.1", "::1"}
    assert load(path, environ, "c.db").database == str(Path.cwd() / "c.db")


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("GATE__ENVIRONMENTS", "production,lab", ["production", "lab"]),
        ("GATE__ENVIRONMENTS", " production , lab ,", ["production", "lab"]),
        ("GATE__ENVIRONMENTS", '["production", "lab"]', ["production", "lab"]),
        ("GATE__ENVIRONMENTS", "production", ["production"]),
        ("NETWORK__ALLOW", "::1", ["::1"]),
        ("NETWORK__ALLOW", "[::1]", ["::1"]),
        ("NETWORK__ALLOW", "", []),
        ("NETWORK__ALLOW", "[]", []),
        ("WEB__TOKENS", "env:A,credential:b", ["env:A", "credential:b"]),
    ],
)
def test_a_list_in_a_variable_is_json_or_stands_between_commas(tmp_path, variable, value, expected):
    text = '[network]\nallow = ["127.0.0.1"]\n' + MINIMAL
    section, key = variable.lower().split("__")
    assert loaded(tmp_path, text, {f"ACCESS_MONITOR__{variable}": value}).document[section][key] == expected


def test_a_variable_replaces_its_key_and_leaves_the_rest_of_the_section(tmp_path):
    text = '[gate]\nlease = "1h"\nfreshness = "3h"\n[confirmation]\nabsence = {polls = 4, span = "1h"}\n' + MINIMAL
    environ = {"ACCESS_MONITOR__GATE__LEASE": "2h", "ACCESS_MONITOR__CONFIRMATION__ABSENCE__POLLS": "5"}
    configuration = loaded(tmp_path, text, environ).configuration
    assert (configuration.gate.lease, configuration.gate.freshness) == (timedelta(hours=2), timedelta(hours=3))
    assert (configuration.confirmation.absence.polls, configuration.confirmation.absence.span) == (
        5,
        timedelta(hours=1),
    )


def test_only_the_environment_that_was_handed_in_is_read_and_no_other_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ACCESS_MONITOR__GATE__LEASE", "2h")
    monkeypatch.setenv("GATE", '{"lease": "2h"}')
    (tmp_path / ".env").write_text("ACCESS_MONITOR__GATE__LEASE=2h\n")
    settings = loaded(tmp_path, MINIMAL, {"GATE": '{"lease": "2h"}', "access_monitor__gate__lease": "2h"})
    assert settings.configuration.gate == GateRules()


def test_the_file_is_the_option_then_the_variable_then_the_first_place_that_has_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("monitor.settings.loading.PLACES", (Path("config/monitor.toml"), tmp_path / "etc.toml"))
    with pytest.raises(ConfigurationError, match="--config FILE"):
        load(None, {})
    for name in ("etc.toml", "config/monitor.toml", "named.toml", "option.toml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(MINIMAL)
        environ = {"ACCESS_MONITOR_CONFIG": "named.toml"} if (tmp_path / "named.toml").exists() else {}
        found = load(Path("option.toml") if name == "option.toml" else None, environ).path
        assert found == (tmp_path / name if name == "etc.toml" else Path(name))


def test_the_version_names_the_declaration_and_not_its_spelling(tmp_path):
    version = loaded(tmp_path).configuration.version
    respelled = "# a comment\n" + MINIMAL.replace('key = "luna"', "key = 'luna'") + 'tiers = ["standard"]\n'
    assert loaded(tmp_path, respelled).configuration.version == version
    assert loaded(tmp_path, MINIMAL + 'use = "another"\n').configuration.version != version
    assert (
        load(tmp_path / "monitor.toml", {}, "other.db").configuration.version
        == loaded(tmp_path, MINIMAL + 'use = "another"\n').configuration.version
    )


def test_the_version_knows_which_surface_the_gate_speaks_for(tmp_path):
    def version(surfaces: str) -> str:
        text = MINIMAL.replace("[[source]]", '[[surface]]\nkey = "eu"\nbase_url = "https://eu.example/v1"\n[[source]]')
        text = text.replace('surface = "openai"\nmodel_id = "gpt-5.6-luna"', f"surfaces = {surfaces}")
        return loaded(tmp_path, text).configuration.version

    assert version('{openai = "a", eu = "b"}') != version('{eu = "b", openai = "a"}')


def test_nothing_of_an_inline_secret_reaches_the_version(tmp_path):
    versions = {
        loaded(tmp_path, MINIMAL.replace("env:SLACK_URL", url)).configuration.version
        for url in ("slack://tokena/tokenb/tokenc", "slack://other/tokens/here")
    }
    assert len(versions) == 1
    hosts = {
        loaded(tmp_path, MINIMAL.replace("env:SLACK_URL", url)).configuration.version
        for url in ("mailtos://u:one@a.example", "mailtos://u:two@a.example", "mailtos://u:one@b.example")
    }
    assert len(hosts) == 2


def test_the_values_of_an_entry_can_be_copied_and_recorded(tmp_path):
    from dataclasses import asdict

    entry = asdict(loaded(tmp_path).configuration.entries["luna"])
    assert entry["surfaces"] == {"openai": "gpt-5.6-luna"}


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("90s", timedelta(seconds=90)),
        ("5m", timedelta(minutes=5)),
        ("24h", timedelta(days=1)),
        ("7d", timedelta(days=7)),
        ("2w", timedelta(days=14)),
        ("0s", timedelta()),
        ("250ms", timedelta(milliseconds=250)),
        ("1.5h", timedelta(minutes=90)),
    ],
)
def test_a_duration_is_a_number_with_a_unit(text, span):
    assert durations.parse(text) == span


@pytest.mark.parametrize(
    "text", ["5", 5, 5.0, "", "m", "-5m", "5 m", "5min", "1e3s", "5m\n", "٥m", "9" * 400 + "s", "400d", None, True]
)
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(ValueError, match="duration"):
        durations.parse(text)


@given(st.integers(min_value=0, max_value=366 * 86_400_000_000))
def test_a_spoken_duration_reads_back_as_itself(microseconds):
    span = timedelta(microseconds=microseconds)
    assert durations.parse(durations.spoken(span)) == span
