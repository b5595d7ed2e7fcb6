"""Templates of messages that an owner names count from the folder of the configuration; `config check` tries them."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.settings import InvalidConfiguration, load
from monitor.settings.templates import unusable_templates

FILE = """\
[[owner]]
key = "platform"
destinations = ["env:SLACK_URL"]
templates = {{ {form} = "templates/{name}" }}
"""


def configured(folder: Path, name: str, form: str = "text") -> Path:
    (folder / "templates").mkdir()
    (folder / "templates/good.j2").write_text("{{ title }}")
    (folder / "templates/bad.j2").write_text("one\n{{ titel }}")
    (folder / "monitor.toml").write_text(FILE.format(name=name, form=form))
    return folder / "monitor.toml"


def test_a_path_counts_from_the_folder_of_the_configuration(tmp_path: Path) -> None:
    settings = load(configured(tmp_path, "good.j2"), {}, further=unusable_templates)
    assert settings.configuration.owners["platform"].templates == {"text": str(tmp_path / "templates/good.j2")}


@pytest.mark.parametrize(
    ("name", "why"),
    [("gone.j2", "gone.j2 is not there"), ("bad.j2", "bad.j2, line 2: 'titel' is undefined")],
)
def test_one_that_is_missing_or_broken_is_refused_in_a_sentence_by_config_check_alone(
    tmp_path: Path, name: str, why: str
) -> None:
    path = configured(tmp_path, name)
    load(path, {})
    with pytest.raises(InvalidConfiguration) as refused:
        load(path, {}, further=unusable_templates)
    (problem,) = refused.value.problems
    assert f"owner[0].templates.text ('platform') cannot be used: {why}; correct it, or leave it out" in problem


def test_a_form_that_there_is_not_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfiguration, match=r"templates\.teams"):
        load(configured(tmp_path, "good.j2", "teams"), {})
