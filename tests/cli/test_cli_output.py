"""Tables and colour."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.cli import output


def on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stdout as a terminal of 40 columns. No fixture: stdout is another object while fixtures are made."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "40")


def test_columns_line_up_and_numbers_stand_to_the_right(capsys: pytest.CaptureFixture[str]) -> None:
    output.table(("ENTRY", "AT"), [("gpt-4.1", "7"), ("模型", "1,234")], numbers=("AT",))
    assert capsys.readouterr().out == "ENTRY       AT\ngpt-4.1      7\n模型     1,234\n"


def test_a_file_is_never_cut(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    output.table(("A", "B"), [("x", "long " * 30)])
    assert ("long " * 30).strip() in capsys.readouterr().out


def test_on_a_terminal_the_last_column_goes_on_below_itself_and_is_never_cut(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    on_a_terminal(monkeypatch)
    monkeypatch.setenv("NO_COLOR", "1")
    output.table(("A", "B"), [("x", "words that go on " * 4)])
    header, *lines = capsys.readouterr().out.splitlines()
    assert header.rstrip() == "A  B"
    assert all(len(line) <= 40 for line in lines)
    assert [line[:3] for line in lines] == ["x  ", *["   "] * (len(lines) - 1)]
    assert " ".join(" ".join(lines).split()) == "x " + ("words that go on " * 4).strip()


def test_a_row_that_has_no_room_for_its_last_column_is_a_record(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    on_a_terminal(monkeypatch)
    monkeypatch.setenv("NO_COLOR", "1")
    row = ("gpt-5.6-luna", "active, DENIED: prices expired", "2026-07-30 17:34:21Z", "", "because of " * 6)
    output.table(("ENTRY", "STATUS", "SINCE", "BLANK", "REASON"), [row], coloured="STATUS")
    shown = capsys.readouterr().out
    assert all(len(line) <= 40 for line in shown.splitlines())
    assert "…" not in shown
    assert "blank" not in shown
    flowing = " ".join(shown.split())
    assert flowing.startswith(
        "ENTRY gpt-5.6-luna status active, DENIED: prices expired since 2026-07-30 17:34:21Z reason"
    )
    assert flowing.count("because of") == 6


def test_colour_stands_on_a_terminal_only(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    on_a_terminal(monkeypatch)
    assert output.status("paused") == "\x1b[31mpaused\x1b[0m"
    monkeypatch.setattr(sys.stdout, "isatty", lambda: False)
    assert output.status("paused") == "paused"


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_colour_can_be_turned_off(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    on_a_terminal(monkeypatch)
    monkeypatch.setenv(name, value)
    assert output.status("paused") == "paused"


def test_colour_does_not_move_columns(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    on_a_terminal(monkeypatch)
    output.table(("S", "REST"), [("paused", "r"), ("active", "r")], coloured="S")
    assert capsys.readouterr().out.splitlines()[1] == "\x1b[31mpaused\x1b[0m  r"


def test_an_active_entry_that_production_is_denied_is_red(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    on_a_terminal(monkeypatch)
    assert output.status("active, DENIED: prices expired").startswith("\x1b[31m")


def test_a_model_id_cannot_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    output.table(("MODEL",), [("\x1b]0;owned\x07\u202egpt\n\ud800",)])
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert shown.splitlines()[1] == r"\x1b]0;owned\x07\u202egpt\n\ud800"


@given(st.text(alphabet=st.characters(exclude_categories=("C", "Mn", "Mc", "Me")), max_size=60), st.integers(2, 30))
def test_a_wrapped_text_keeps_every_character_and_no_line_is_too_long(text: str, width: int) -> None:
    lines = output.wrapped(text, width)
    assert all(output.cells(line) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


@pytest.mark.parametrize(
    ("count", "noun", "said"),
    [(1, "event", "1 event"), (0, "look", "0 looks"), (1200, "entry", "1,200 entries"), (2, "day", "2 days")],
)
def test_counts_are_said_in_words(count: int, noun: str, said: str) -> None:
    assert output.plural(count, noun) == said
