"""Templates of messages: an owner's own is used, harmless, and never the reason that nobody hears of a pause."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path

import pytest
from notices import listed, notice, paused
from test_notice_forms import HOSTILE, Tags

from monitor.notify import rendering
from monitor.notify.forms import SLACK_BLOCK, SLACK_BLOCKS, render
from monitor.notify.rendering import FORMS, template_problem

Own = Callable[..., dict[str, str]]


@pytest.fixture
def own(tmp_path: Path) -> Own:
    """Return the paths of templates, by form, after writing them."""

    def write(**templates: str) -> dict[str, str]:
        for form, text in templates.items():
            (tmp_path / f"{form}.j2").write_text(text, encoding="utf-8")
        return {form: str(tmp_path / f"{form}.j2") for form in templates}

    return write


def test_an_owner_s_template_draws_its_form_and_no_other(own: Own) -> None:
    rendered = render(notice(), None, own(text="!! {{ title }}\n{{ footer }}\n"))
    assert rendered.text == f"!! {rendered.title}\nNotice {notice().id}"
    assert rendered.html == render(notice()).html
    assert rendered.slack == render(notice()).slack


def test_the_id_is_added_where_a_template_leaves_it_out(own: Own) -> None:
    rendered = render(notice(), None, own(text="{{ title }}", mail="<p>{{ title }}</p>", slack="{{ title }}"))
    assert rendered.text.endswith(f"Notice {notice().id}")
    assert f"Notice {notice().id}" in rendered.html
    assert rendered.slack["blocks"][-1]["elements"][0]["text"] == f"Notice {notice().id}"


def test_a_changed_template_is_read_anew(own: Own) -> None:
    paths = own(text="one {{ footer }}")
    assert render(notice(), None, paths).text.startswith("one")
    Path(paths["text"]).write_text("two and more {{ footer }}")
    assert render(notice(), None, paths).text.startswith("two")


def test_a_template_can_build_on_the_built_in_one(own: Own) -> None:
    rendered = render(notice(), None, own(text="Runbook: https://wiki.example.com\n\n{% include 'builtin/text.j2' %}"))
    assert rendered.text == f"Runbook: https://wiki.example.com\n\n{render(notice()).text}"


BROKEN = {
    "syntax": ("{{ title", "line 1"),
    "undefined": ("one\n{{ titel }}", "line 2: 'titel' is undefined"),
    "filter": ("{{ title|shout }}", "line 1"),
    "arithmetic": ("\n\n{{ 1 / 0 }}", "line 3: division by zero"),
    "secrets": ("{{ title.__class__.__mro__ }}", "unsafe"),
    "globals": ("{{ lipsum.__globals__ }}", "unsafe"),
    "files": ("{% include '/etc/passwd' %}", "is not there"),
    "above": ("{% include '../../../etc/passwd' %}", "is not there"),
    "changes": ("{{ updates.append(1) }}{{ title }}", "unsafe"),
    "nothing": ("{# nobody #}", "makes nothing"),
    "much": ("{{ 'x' * 300000 }}", "makes more than"),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("case", BROKEN)
def test_a_template_that_breaks_gives_way_to_the_built_in_and_says_so(
    own: Own, caplog: pytest.LogCaptureFixture, case: str, form: str
) -> None:
    template, why = BROKEN[case]
    paths = own(**{form: template})
    assert why in template_problem(paths[form], form)
    with caplog.at_level(logging.ERROR):
        rendered = render(notice(), None, paths)
        said = {"text": rendered.text, "mail": rendered.html, "slack": json.dumps(rendered.slack)}[form]
    assert "PAUSED GPT-5.6 Luna" in said
    last = {
        "text": rendered.text.splitlines()[-1],
        "mail": rendered.html.splitlines()[-3],
        "slack": rendered.slack["blocks"][-1]["elements"][0]["text"],
    }[form]
    assert f"Notice {notice().id} (your template failed" in last
    assert "root:" not in said
    (record,) = caplog.records
    assert "template failed" in record.getMessage()


def test_a_template_that_is_not_there_gives_way(tmp_path: Path) -> None:
    path = str(tmp_path / "gone.j2")
    assert template_problem(path, "text") == "gone.j2 is not there"
    assert "gone.j2 is not there" in render(notice(), None, {"text": path}).text.splitlines()[-1]


def test_a_template_that_does_not_end_gives_way(own: Own, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rendering, "SECONDS", 0.05)
    loop = "{% for a in range(90000) %}{% for b in range(9) %}{{ '' }}{% endfor %}{% endfor %}{{ title }}"
    rendered = render(notice(), None, own(text=loop))
    assert "took longer than 0.05 seconds" in rendered.text.splitlines()[-1]


def test_what_a_provider_writes_stays_text_in_an_owner_s_template(own: Own) -> None:
    templates = own(
        mail="<p>{{ title }}</p>{% for section in sections %}{{ section.heading|safe }}"
        "{% for line in section.lines %}{{ line.texts|join('<br>'|safe) }}{% endfor %}{% endfor %}",
        slack="{{ title|safe }}\n\n{% for section in sections %}{% for line in section.lines %}"
        "{{ line.texts|join(', ') }}{% endfor %}{% endfor %}",
    )
    rendered = render(notice(paused(name=HOSTILE, summary=HOSTILE, fallback=HOSTILE)), None, templates)
    tags = Tags()
    tags.feed(rendered.html)
    assert tags.tags <= {"p", "br"}
    assert all("<" not in block["text"]["text"] for block in rendered.slack["blocks"][1:-1])


def test_a_message_beyond_slack_s_limits_says_what_was_left_out(own: Own) -> None:
    lines = "\n".join(f"line {n} " + "x" * 90 for n in range(60))
    paragraphs = "\n\n".join(f"paragraph {n}" for n in range(80))
    rendered = render(notice(id="7.platform"), None, own(slack=f"```{lines}```\n\n{paragraphs}\n"))
    blocks = rendered.slack["blocks"]
    assert len(blocks) == SLACK_BLOCKS
    texts = [block["text"]["text"] for block in blocks[:-1]]
    assert all(len(text) <= SLACK_BLOCK for text in texts)
    assert texts[1].endswith("more lines```")
    kept = sum(text.startswith("paragraph ") for text in texts)
    assert f"{81 - kept - 1} paragraphs are left out here" in "\n".join(texts)
    assert "`access-monitor notices 7.platform --json`" in "\n".join(texts)
    assert texts[-1] == "paragraph 79"


def test_many_items_stay_within_slack_s_limits() -> None:
    items = [paused(position=n, name=f"Entry {n}", entry=f"e{n}") for n in range(80)]
    blocks = render(notice(*items, *(listed(n) for n in range(90)))).slack["blocks"]
    assert len(blocks) <= SLACK_BLOCKS


def test_a_template_is_in_the_package_for_each_form() -> None:
    folder = Path(rendering.__file__).parent / "templates"
    assert sorted(path.name for path in folder.iterdir()) == sorted(f"{form}.j2" for form in FORMS)
