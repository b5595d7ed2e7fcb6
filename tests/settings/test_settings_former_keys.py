"""`was` says what a source or an entry was called: which keys it maps, and what it may not name."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.core.ports import ConfigurationError
from monitor.settings import load

TABLES = """
[[surface]]
key = "openai"
base_url = "https://api.example/v1"
[[owner]]
key = "platform"
destinations = ["env:SLACK_URL"]
[[source]]
key = "list"
kind = "models_list"
surface = "openai"
{source}
[[source]]
key = "probes"
kind = "behaviour"
surface = "openai"
routes = ["retrieve", "chat"]
{probes}
[[entry]]
key = "luna"
surface = "openai"
model_id = "gpt-luna"
owners = ["platform"]
{entry}
[[entry]]
key = "sol"
surface = "openai"
model_id = "gpt-sol"
owners = ["platform"]
{other}
"""


def loaded(folder: Path, **lines: str):
    path = folder / "monitor.toml"
    path.write_text(TABLES.format(**{"source": "", "probes": "", "entry": "", "other": "", **lines}))
    return load(path, {}).configuration


def test_every_source_that_a_renamed_table_makes_has_its_former_key(tmp_path: Path) -> None:
    conf = loaded(tmp_path, probes='was = "calls"', entry='was = "moon"')
    assert conf.former_sources == {
        "probes/gpt-luna/retrieve": "calls/gpt-luna/retrieve",
        "probes/gpt-luna/chat": "calls/gpt-luna/chat",
        "probes/gpt-sol/retrieve": "calls/gpt-sol/retrieve",
        "probes/gpt-sol/chat": "calls/gpt-sol/chat",
    }
    assert conf.former_entries == {"luna": "moon"}
    assert conf.sources["probes/gpt-luna/chat"].options.keys() & {"was"} == set()


@pytest.mark.parametrize(
    ("lines", "refusal"),
    [
        ({"entry": 'was = "sol"'}, r"entry\[0\]\.was .*names a key that another entry has"),
        ({"entry": 'was = "luna"'}, r"entry\[0\]\.was .*names the table itself"),
        ({"entry": 'was = "moon"', "other": 'was = "moon"'}, r"entry\[1\]\.was .*is what entry\[0\] was already"),
        ({"source": 'was = "probes"'}, r"source\[0\]\.was .*names a key that another source has"),
        ({"source": 'was = "a b"'}, r"source\[0\]\.was"),
    ],
)
def test_a_former_key_that_is_living_or_claimed_twice_is_refused(
    tmp_path: Path, lines: dict[str, str], refusal: str
) -> None:
    with pytest.raises(ConfigurationError, match=refusal):
        loaded(tmp_path, **lines)
