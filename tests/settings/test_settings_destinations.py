"""What may be set for a destination, for a group and for the fallback owner, and how each mistake is refused."""

from __future__ import annotations

from datetime import time
from pathlib import Path

import pytest
from configurations import MINIMAL, loaded

from monitor.core.configuration import DestinationRules
from monitor.settings import InvalidConfiguration, restore, show

RULES = """
[[owner]]
key = "oncall"
destinations = [
  "env:CHAT",
  { url = "env:PAGER", when = ["paused", "Source Down", "held-for_review"] },
  { url = "mailtos://u:hunter2@mail.example", quiet = "22:00-7:00", digest = 08:00:00, zone = "Europe/Berlin" },
  { url = "cloudevents+https://hooks.example/hunter2", secret = "env:SIGNING" },
  "append:notices/all.jsonl",
]
"""


def destination(table: str, zone: str = "") -> str:
    notify = f'[notify]\ntimezone = "{zone}"\n' if zone else ""
    return f'{MINIMAL}{notify}[[owner]]\nkey = "oncall"\ndestinations = [{table}]\n'


def problems(folder: Path, text: str) -> list[str]:
    with pytest.raises(InvalidConfiguration) as caught:
        loaded(folder, text)
    return list(caught.value.problems)


def test_a_destination_is_a_text_or_a_table_with_what_goes_there_when(tmp_path: Path) -> None:
    owner = loaded(tmp_path, MINIMAL + RULES).configuration.owners["oncall"]
    assert owner.destinations == (
        "env:CHAT",
        "env:PAGER",
        "mailtos://u:hunter2@mail.example",
        "cloudevents+https://hooks.example/hunter2",
        "append:notices/all.jsonl",
    )
    assert owner.rules == {
        2: DestinationRules(when=frozenset({"paused", "source down", "held for review"})),
        3: DestinationRules(quiet=(time(22), time(7)), digest=time(8), zone="Europe/Berlin"),
        4: DestinationRules(secret="env:SIGNING"),
    }


def test_the_zone_is_that_of_messages_unless_the_destination_has_its_own(tmp_path: Path) -> None:
    text = destination('{ url = "env:X", digest = "08:00" }', zone="Asia/Tokyo")
    assert loaded(tmp_path, text).configuration.owners["oncall"].rules[1].zone == "Asia/Tokyo"


def test_what_is_kept_and_shown_has_the_rules_and_no_secret_and_comes_back(tmp_path: Path) -> None:
    settings = loaded(tmp_path, MINIMAL + RULES)
    kept = settings.configuration.document
    assert "hunter2" not in str(kept)
    assert restore(kept, settings, settings).configuration.owners == settings.configuration.owners
    (shown,) = [str(row.value) for row in show(settings) if row.key == "owner[1].destinations"]
    assert "hunter2" not in shown
    assert "env:PAGER (when paused, source down, held for review)" in shown
    assert "mailtos://mail.example/*** (quiet 22:00-07:00; digest 08:00; zone Europe/Berlin)" in shown
    assert "append:notices/all.jsonl" in shown


def test_destinations_that_are_all_tables_show_no_secret(tmp_path: Path) -> None:
    settings = loaded(tmp_path, destination('{ url = "slack://tokena/tokenb/hunter2", when = ["paused"] }'))
    assert "hunter2" not in str(show(settings))
    assert "tokenb" not in str(show(settings))


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ('{ url = "env:X", when = ["pausd"] }', ".when ('oncall') names 'pausd', which is no reason of a message; did"),
        ('{ url = "env:X", when = ["serious"] }', "names 'serious', which is no reason of a message; "),
        ('{ url = "env:X", when = [] }', ".when ('oncall') is empty; name at least one, as in"),
        ('{ url = "env:X", when = "paused" }', ".when ('oncall') must be a list; write when ="),
        ('{ url = "env:X", when = ["paused", "PAUSED"] }', "names something twice"),
        (
            '{ url = "env:X", quiet = "22-7", zone = "UTC" }',
            ".quiet ('oncall') is not a span of a day; write two times",
        ),
        ('{ url = "env:X", quiet = "22:00-24:10", zone = "UTC" }', "is not a span of a day"),
        ('{ url = "env:X", quiet = "07:00-07:00", zone = "UTC" }', "has no length"),
        ('{ url = "env:X", quiet = "22:00-07:00" }', ".zone ('oncall') is missing; add zone = \"Europe/Berlin\""),
        ('{ url = "env:X", digest = "8am", zone = "UTC" }', ".digest ('oncall') is not a time of day; write"),
        ('{ url = "env:X", digest = "25:00", zone = "UTC" }', "is not a time of day"),
        ('{ url = "env:X", digest = "08:00", zone = "Berlin" }', ".zone ('oncall') is not a time zone; write its IANA"),
        ('{ url = "env:X", zone = "UTC" }', "has no effect without quiet or digest"),
        (
            '{ url = "env:X", quite = "22:00-07:00" }',
            ".quite ('oncall') is not a key that there is; did you mean 'quiet'?",
        ),
        ('{ when = ["paused"] }', ".url ('oncall') is missing; add url = \"env:SLACK_URL\""),
        ('{ url = "hunter2" }', ".url ('oncall') is neither a reference such as"),
        ('"cloudevents+https://hooks.example/x"', "is a webhook whose events are signed; write { url ="),
        ('{ url = "json://hooks.example", secret = "env:S" }', ".secret ('oncall') has no effect but with url ="),
        ('{ url = "cloudevents+https://h.example/x", secret = "whsec_abc" }', "must be a reference such as"),
        ('"append:"', "is not a file below the state folder"),
        ('"append:../outside.jsonl"', "is not a file below the state folder"),
        ("5", "must be a text"),
    ],
)
def test_each_mistake_in_a_destination_is_one_sentence(tmp_path: Path, table: str, said: str) -> None:
    (problem,) = problems(tmp_path, destination(table))
    assert said in problem, problem
    assert "owner[1].destinations[0]" in problem
    assert "hunter2" not in problem
    assert "|" not in problem


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[[owner]]\nkey = "all"\n', "owner[1].destinations ('all') is missing; add destinations ="),
        ('[[owner]]\nkey = "all"\nowners = ["platfrom"]\n', "names the owner 'platfrom', who is not declared; did you"),
        ('[[owner]]\nkey = "all"\nowners = []\n', "owner[1].owners ('all') is empty"),
        (
            '[[owner]]\nkey = "all"\nowners = ["platform"]\ndestinations = ["env:X"]\n',
            "owner[1].owners ('all') stands beside destinations; keep one of the two",
        ),
        ('[[owner]]\nkey = "all"\nowners = ["all"]\n', "owner[1].owners ('all') leads back to itself (all → all)"),
        (
            '[[owner]]\nkey = "a"\nowners = ["platform", "b"]\n[[owner]]\nkey = "b"\nowners = ["a"]\n',
            "owner[1].owners ('a') leads back to itself (a → b → a); take one of them out of its group",
        ),
        (
            '[notify]\nfallback_owner = "onkall"\n',
            "notify.fallback_owner names the owner 'onkall', who is not declared",
        ),
    ],
)
def test_each_mistake_in_a_group_is_one_sentence(tmp_path: Path, text: str, said: str) -> None:
    (problem,) = problems(tmp_path, MINIMAL + text)
    assert said in problem, problem


def test_a_group_and_a_fallback_owner_are_declared(tmp_path: Path) -> None:
    text = MINIMAL + '[[owner]]\nkey = "all"\nowners = ["platform"]\n[notify]\nfallback_owner = "all"\n'
    configuration = loaded(tmp_path, text).configuration
    assert configuration.owners["all"].members == ("platform",)
    assert configuration.fallback_owner == "all"


def test_a_file_without_any_of_it_is_the_same_declaration_as_before(tmp_path: Path) -> None:
    (owner,) = loaded(tmp_path).configuration.document["owner"]
    assert owner == {"key": "platform", "destinations": ["env:SLACK_URL"]}
    assert loaded(tmp_path).configuration.document["notify"].keys().isdisjoint({"fallback_owner"})
