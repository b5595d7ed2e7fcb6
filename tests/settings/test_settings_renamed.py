"""Names of settings that changed: the old ones are read with one warning, both at once is refused, and what the log
kept under them is read.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from configurations import MINIMAL, loaded, written

from monitor.core.accepted_configuration import RENAMED, current_names, differences
from monitor.core.configuration import Requirement
from monitor.settings import InvalidConfiguration, restore

OLD = '[belief]\nabsence = {looks = 4, span = "1h"}\nchange = {looks = 3, span = "0s"}\ngap = "2m"\n'
NEW = '[confirmation]\nabsence = {polls = 4, span = "1h"}\nchange = {polls = 3, span = "0s"}\ngap = "2m"\n'


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def test_a_file_in_old_names_gives_the_settings_that_it_gives_in_new_ones(tmp_path: Path) -> None:
    old, new = loaded(tmp_path, OLD + MINIMAL), loaded(tmp_path, NEW + MINIMAL)
    assert old == new
    assert old.configuration.confirmation.absence == Requirement(polls=4, span=timedelta(hours=1))
    assert old.origins["confirmation.absence.polls"] == str(tmp_path / "monitor.toml")


def test_one_warning_names_every_old_name_and_the_new_one(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    loaded(tmp_path, OLD + MINIMAL)
    (said,) = warnings(caplog)
    assert said == (
        f"{tmp_path / 'monitor.toml'}: [belief] is now [confirmation], absence.looks is now absence.polls, "
        "change.looks is now change.polls; the old names are read by this version only."
    )


def test_a_file_in_new_names_warns_of_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    loaded(tmp_path, NEW + MINIMAL, {"ACCESS_MONITOR__CONFIRMATION__RECHECK": "2m"})
    assert warnings(caplog) == []


@pytest.mark.parametrize(
    ("text", "polls"),
    [
        ('[confirmation]\nabsence = {looks = 5, span = "1h"}\n', 5),
        ('[belief]\nabsence = {polls = 6, span = "1h"}\n', 6),
    ],
)
def test_each_name_is_read_by_itself(tmp_path: Path, text: str, polls: int) -> None:
    assert loaded(tmp_path, text + MINIMAL).configuration.confirmation.absence.polls == polls


def test_a_variable_in_old_names_is_read_with_one_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    environ = {"ACCESS_MONITOR__BELIEF__CHANGE__LOOKS": "5", "ACCESS_MONITOR__BELIEF__CHANGE__SPAN": "9s"}
    settings = loaded(tmp_path, MINIMAL, environ)
    assert settings.configuration.confirmation.change == Requirement(polls=5, span=timedelta(seconds=9))
    origin = "environment variable ACCESS_MONITOR__BELIEF__CHANGE__LOOKS"
    assert settings.origins["confirmation.change.polls"] == origin
    (said,) = warnings(caplog)
    assert "ACCESS_MONITOR__BELIEF__CHANGE__LOOKS is now ACCESS_MONITOR__CONFIRMATION__CHANGE__POLLS" in said
    assert "ACCESS_MONITOR__BELIEF__CHANGE__SPAN is now ACCESS_MONITOR__CONFIRMATION__CHANGE__SPAN" in said


@pytest.mark.parametrize(
    ("text", "environ", "said"),
    [
        ('[belief]\ngap = "1m"\n[confirmation]\nhold = "1h"\n', {}, "[belief] and [confirmation] are"),
        (
            '[confirmation]\nabsence = {looks = 3, polls = 3, span = "1h"}\n',
            {},
            "absence.looks and absence.polls are",
        ),
        (
            '[belief]\nchange = {looks = 3, polls = 3, span = "1h"}\n',
            {},
            "change.looks and change.polls are",
        ),
        (
            "",
            {"ACCESS_MONITOR__BELIEF__GAP": "1m", "ACCESS_MONITOR__CONFIRMATION__GAP": "1m"},
            "ACCESS_MONITOR__BELIEF__GAP and ACCESS_MONITOR__CONFIRMATION__GAP are",
        ),
        (
            '[belief]\ngap = "1m"\n',
            {"ACCESS_MONITOR__CONFIRMATION__GAP": "1m"},
            "[belief] and ACCESS_MONITOR__CONFIRMATION__GAP are",
        ),
        (
            '[confirmation]\ngap = "1m"\n',
            {"ACCESS_MONITOR__BELIEF__HOLD": "1h"},
            "ACCESS_MONITOR__BELIEF__HOLD and [confirmation] are",
        ),
    ],
    ids=[
        "sections",
        "keys",
        "keys of the old section",
        "variables",
        "old file, new variable",
        "new file, old variable",
    ],
)
def test_old_and_new_at_once_is_refused(tmp_path: Path, text: str, environ: dict[str, str], said: str) -> None:
    with pytest.raises(InvalidConfiguration) as refused:
        loaded(tmp_path, text + MINIMAL, environ)
    assert refused.value.problems == (
        f"{tmp_path / 'monitor.toml'}: {said} the old and the new name of one setting; write the new one alone.",
    )


def test_what_is_wrong_under_an_old_name_is_said_in_the_names_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfiguration) as refused:
        loaded(tmp_path, '[belief]\nabsence = {looks = 0, span = "1m"}\n' + MINIMAL)
    assert refused.value.problems == (
        f"{tmp_path / 'monitor.toml'}, line 2: belief.absence.looks is too small; write at least 1.",
    )


def test_what_is_wrong_in_an_old_variable_is_said_of_that_variable(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfiguration, match="The environment variable ACCESS_MONITOR__BELIEF__GAP"):
        loaded(tmp_path, MINIMAL, {"ACCESS_MONITOR__BELIEF__GAP": "soon"})


@pytest.mark.parametrize("name", ["ACCESS_MONITOR__BELIEF__NOTHING", "ACCESS_MONITOR__belief__gap"])
def test_a_variable_that_spells_no_old_name_is_refused_as_any_other(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidConfiguration, match=f"The environment variable {name} names no setting"):
        loaded(tmp_path, MINIMAL, {name: "1"})


def _as_before(document: Any) -> dict[str, Any]:
    """Return the document that 0.3.0 kept of the same configuration."""
    before = json.loads(json.dumps(document))
    before["belief"] = before.pop("confirmation")
    for name in ("absence", "change"):
        before["belief"][name]["looks"] = before["belief"][name].pop("polls")
    return before  # type: ignore[no-any-return]


def test_a_configuration_that_an_older_version_kept_gives_the_same_settings(tmp_path: Path) -> None:
    settings = loaded(tmp_path, NEW + MINIMAL)
    kept = _as_before(settings.configuration.document)
    assert set(kept) - set(settings.configuration.document) == {"belief"}
    again = restore(kept, settings, settings)
    assert again.configuration == settings.configuration


def test_a_renamed_key_is_no_difference_between_two_configurations(tmp_path: Path) -> None:
    document = loaded(tmp_path, NEW + MINIMAL).configuration.document
    assert differences(current_names(_as_before(document)), document) == ()


def test_the_renamings_are_the_ones_that_are_documented() -> None:
    page = (Path(__file__).parents[2] / "docs/configuration.md").read_text(encoding="utf-8")
    for old, new in RENAMED.items():
        spoken = ("[{}]" if len(old) == 1 else "{}").format(old[-1])
        assert f"`{spoken}`" in page, spoken
        assert new in page


def test_a_command_says_the_warning_once_on_stderr(tmp_path: Path) -> None:
    path = written(tmp_path, OLD + MINIMAL)
    program = [sys.executable, "-c", "from monitor.cli import main; main()", "--config", str(path)]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("ACCESS_MONITOR")}
    for words in (["config", "check"], ["db", "upgrade"], ["status"], ["config", "show", "--json"]):
        result = subprocess.run([*program, *words], capture_output=True, text=True, timeout=60, env=environ, check=True)
        assert result.stderr.count("[belief] is now [confirmation]") == 1, words
        assert "[belief]" not in result.stdout


def test_old_and_new_at_once_is_the_exit_code_of_a_wrong_configuration(tmp_path: Path) -> None:
    path = written(tmp_path, OLD + NEW + MINIMAL)
    program = [sys.executable, "-c", "from monitor.cli import main; main()", "--config", str(path)]
    result = subprocess.run([*program, "status"], capture_output=True, text=True, timeout=60)
    assert result.returncode == 78
