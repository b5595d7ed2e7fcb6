"""The way into the command line: help, unknown commands, exit codes, and what importing it costs."""

from __future__ import annotations

import inspect
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from monitor.cli import COMMANDS, RENAMED, cli
from monitor.cli.framework import Command, DefaultGroup, Entrance, Options, _folded
from monitor.core.ports import ConfigurationError, Refused, Unavailable

NAMES = [name for rows in COMMANDS.values() for name in rows]
DOCUMENTED = [
    "run",
    "poll",
    "status",
    "why",
    "events",
    "activate",
    "pause",
    "resume",
    "retire",
    "release",
    "replay",
    "verify",
    "checklist",
    "gate",
    "prices",
    "evidence",
    "notify",
    "outbox",
    "config",
    "db",
]
ROOT = Path(__file__).parents[2]


def everything() -> Iterator[tuple[list[str], click.Command]]:
    ctx = click.Context(cli)
    for name in NAMES:
        command = cli.get_command(ctx, name)
        assert command is not None
        yield [name], command
        if isinstance(command, click.Group):
            for verb in command.commands:
                yield [name, verb], command.commands[verb]


def run(args: list[str], **options: object) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-c", "from monitor.cli import main; main()", *args]
    return subprocess.run(program, cwd=ROOT, capture_output=True, text=True, timeout=60, **options)  # type: ignore[call-overload,no-any-return]


@pytest.mark.parametrize("name", DOCUMENTED)
def test_the_documented_commands_exist(name: str) -> None:
    assert name in NAMES


def test_the_help_of_every_command_shows_an_example_of_that_command() -> None:
    for words, _ in [([], cli), *everything()]:
        result = CliRunner().invoke(cli, [*words, "--help"], terminal_width=200)
        assert result.exit_code == 0, (words, result.output)
        examples = result.output.partition("Examples:\n")[2].splitlines()
        assert any(
            f"access-monitor {' '.join(words)}".strip() in line or words[-1:] == ["show"] or words[-1:] == ["list"]
            for line in examples
        ), words


def test_the_help_of_every_command_fits_a_terminal_and_begins_with_one_sentence() -> None:
    for words, command in [([], cli), *everything()]:
        text = CliRunner().invoke(cli, [*words, "--help"], terminal_width=80).output
        assert [line for line in text.splitlines() if len(line) > 80] == [], words
        first, *_ = (command.help or "").partition("\n\n")
        assert re.fullmatch(r"[A-Z][^\n]*[^.\n][.?]( The answer is the exit code\.)?", first), first


def test_a_folded_example_is_the_command_that_it_was() -> None:
    example = "access-monitor pause gpt-5.6-luna --by 'Ada L.' --reason 'a rather long reason' | jq --raw '.[].at'"
    (*folded, last) = _folded(example, 40)
    assert folded
    assert all(len(line) <= 40 for line in [*folded, last])
    assert shlex.split("".join(line.removesuffix("\\") for line in folded) + last) == shlex.split(example)


def test_summaries_in_the_help_are_what_the_commands_say_of_themselves() -> None:
    ctx = click.Context(cli)
    for rows in COMMANDS.values():
        for name, (_, summary) in rows.items():
            command = cli.get_command(ctx, name)
            assert command is not None
            assert (command.help or "").strip().splitlines()[0] == summary, name


def test_help_imports_click_and_nothing_heavy() -> None:
    code = (
        "import sys\nfrom monitor.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "heavy = {'sqlalchemy', 'openai', 'pydantic', 'apprise', 'httpx2', 'apscheduler', 'alembic', "
        "'dataclasses'} & set(sys.modules)\n"
        "heavy |= {name for name in sys.modules if name.startswith('monitor.') and not "
        "name.startswith('monitor.cli')}\n"
        "heavy |= {name for name in sys.modules if name.startswith('monitor.cli.')} - "
        "{'monitor.cli.framework', 'monitor.cli.errors'}\n"
        "sys.exit(f'imported: {sorted(heavy)}' if heavy else 0)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, "--help"], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert result.returncode == 0, result.stderr
    assert "activate" in result.stdout


def test_an_unknown_command_is_wrong_usage_and_the_nearest_is_named() -> None:
    result = CliRunner().invoke(cli, ["statsu"])
    assert result.exit_code == 2
    assert "No such command 'statsu'. Did you mean 'status'?" in result.stderr


def test_a_command_goes_by_its_old_name_for_one_version_with_one_warning_and_is_listed_by_the_new_one() -> None:
    for old, new in RENAMED.items():
        result = CliRunner().invoke(cli, [old, "--help"])
        assert result.exit_code == 0
        assert result.stderr == f"`{old}` is now `{new}`; the old name works in this version only.\n"
        assert result.stdout == CliRunner().invoke(cli, [new, "--help"]).stdout
        assert CliRunner().invoke(cli, [new, "--help"]).stderr == ""
        assert old not in NAMES
        assert not [item for item in cli.shell_complete(click.Context(cli), old) if item.value == old]


@pytest.mark.parametrize(
    ("given", "meant"),
    [("--jsn", "--json"), ("--limt", "--limit"), ("--sinc", "--since"), ("--frmat", "--format"), ("--wathever", "")],
)
def test_an_option_is_proposed_only_where_it_is_near(given: str, meant: str) -> None:
    result = CliRunner().invoke(cli, ["events", given, "1"])
    assert result.exit_code == 2
    error = result.stderr
    assert error.endswith(f"No such option '{given}'." + (f" Did you mean '{meant}'?" if meant else "") + "\n")


def test_an_unknown_option_is_wrong_usage() -> None:
    assert CliRunner().invoke(cli, ["events", "--sinse", "now"]).exit_code == 2


def test_a_bad_time_is_wrong_usage_that_says_what_to_write() -> None:
    result = CliRunner().invoke(cli, ["events", "--since", "teatime"])
    assert result.exit_code == 2
    assert "'teatime' is no time: write 2026-07-30T17:34:21Z" in result.stderr


def test_the_version_is_printed() -> None:
    from monitor import __version__

    assert CliRunner().invoke(cli, ["--version"]).stdout == f"access-monitor, version {__version__}\n"


def entrance(act: object) -> Entrance:
    """Return an entrance whose one command `go` does `act`."""

    class One(Entrance):
        def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
            return Command("go", callback=click.pass_obj(act), examples=("access-monitor go",), table=True)  # type: ignore[arg-type]

    from monitor.cli.framework import shared_options

    return One(
        "access-monitor",
        sections={"Only": {"go": ("", "Go.")}},
        examples=("access-monitor go",),
        params=shared_options(table=True),
    )


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (Refused("No."), 1, "Error: No.\n"),
        (Unavailable("Busy."), 75, "Error: Busy.\n"),
        (ConfigurationError("Wrong."), 78, "Error: Wrong.\n"),
        (
            FileNotFoundError(2, "No such file or directory", "page.md"),
            1,
            "Error: page.md: No such file or directory.\n",
        ),
        (click.UsageError("Hm."), 2, "Error: Hm.\n"),
    ],
)
def test_an_error_is_one_sentence_on_stderr_and_its_exit_code(error: Exception, code: int, said: str) -> None:
    def act(options: Options) -> None:
        raise error

    result = CliRunner().invoke(entrance(act), ["go"])
    assert (result.exit_code, result.stdout) == (code, "")
    assert result.stderr.endswith(said)


def test_an_unforeseen_error_is_one_sentence_without_its_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ACCESS_MONITOR_DEBUG", raising=False)

    def act(options: Options) -> None:
        raise RuntimeError("https://user:hunter2@host")

    result = CliRunner().invoke(entrance(act), ["go"])
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    assert "RuntimeError" in result.stderr
    assert "--debug" in result.stderr
    assert "hunter2" not in result.stderr


def test_debug_shows_the_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACCESS_MONITOR_DEBUG", "1")

    def act(options: Options) -> None:
        raise RuntimeError("boom")

    assert "Traceback (most recent call last)" in CliRunner().invoke(entrance(act), ["go"]).stderr


def test_an_interrupt_ends_with_130() -> None:
    def act(options: Options) -> None:
        raise KeyboardInterrupt

    assert CliRunner().invoke(entrance(act), ["go"]).exit_code == 130


def test_a_reader_that_left_is_a_quiet_end() -> None:
    code = (
        "import sys, click\nfrom monitor.cli import errors\nfrom monitor.cli.framework import *\n"
        "@command('go', examples=('go',))\ndef go():\n    [click.echo('x' * 100) for _ in range(10_000)]\n"
        "class E(Entrance):\n    def get_command(self, ctx, name): return go\n"
        "E('m', sections={'': {'go': ('', '')}}, examples=())(['go'])"
    )
    writer = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert writer.stdout is not None
    writer.stdout.read(10)
    writer.stdout.close()
    assert writer.stderr is not None
    assert writer.stderr.read() == b""
    assert writer.wait(30) == 141
    writer.stderr.close()


@pytest.mark.parametrize(
    "args",
    [
        ["--config", "a.toml", "--database", "x.db", "--json", "go"],
        ["go", "--config", "a.toml", "--json", "--database", "x.db"],
        ["--json", "go", "--config=a.toml", "--database=x.db"],
    ],
)
def test_global_options_stand_before_or_after_the_command(args: list[str]) -> None:
    seen: list[Options] = []
    assert CliRunner().invoke(entrance(seen.append), args).exit_code == 0
    assert (seen[0].config, seen[0].database, seen[0].json) == ("a.toml", "x.db", True)


def test_what_a_command_returns_is_the_exit_code() -> None:
    assert CliRunner().invoke(entrance(lambda options: 10), ["go"]).exit_code == 10


def noun() -> DefaultGroup:
    group = DefaultGroup("noun", default="show", examples=("access-monitor noun x",))

    def say(word: str) -> object:
        return lambda thing, flag=False: click.echo(f"{word} {thing} {flag}")

    argument = click.Argument(["thing"])
    group.add_command(
        Command("show", callback=say("show"), params=[argument, click.Option(["--flag"], is_flag=True)], examples=())
    )  # type: ignore[arg-type]
    group.add_command(Command("extract", callback=say("extract"), params=[argument], examples=()))  # type: ignore[arg-type]
    return group


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["x"], "show x False"),
        (["--flag", "x"], "show x True"),
        (["x", "--flag"], "show x True"),
        (["extract", "x"], "extract x False"),
        (["--config", "extract", "x"], "show x False"),
    ],
)
def test_a_noun_without_a_verb_means_its_default(args: list[str], said: str) -> None:
    assert CliRunner().invoke(noun(), args).output == f"{said}\n"


@pytest.mark.parametrize("args", [["--help"], ["x", "--help"]])
def test_the_help_of_a_noun_shows_its_default_and_its_verbs(args: list[str]) -> None:
    shown = CliRunner().invoke(noun(), args).output
    assert "--flag" in shown
    assert "extract" in shown


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_script_is_printed(shell: str) -> None:
    result = CliRunner().invoke(cli, ["completion", shell])
    assert result.exit_code == 0
    assert "_ACCESS_MONITOR_COMPLETE" in result.stdout


def test_commands_are_completed_without_importing_them() -> None:
    environment = {
        **os.environ,
        "_ACCESS_MONITOR_COMPLETE": "bash_complete",
        "COMP_WORDS": "access-monitor re",
        "COMP_CWORD": "1",
    }
    result = run([], env=environment)
    assert result.stdout.split() == ["plain,report", "plain,replay", "plain,resume", "plain,retire", "plain,release"]


@pytest.mark.parametrize(
    ("words", "command"), list(everything()), ids=lambda value: " ".join(value) if isinstance(value, list) else ""
)
def test_a_command_that_prints_a_table_or_records_an_act_takes_json_and_minds_it(
    words: list[str], command: click.Command
) -> None:
    if command.callback is None or isinstance(command, click.Group) or words == ["gate"]:
        return
    code = inspect.getsource(inspect.unwrap(command.callback))
    takes = any("--json" in param.opts for param in command.params)
    assert takes == ("options.json" in code or "show(options" in code)
    assert takes or not any(call in code for call in ("output.table(", "output.as_json([", "told("))


def test_json_is_refused_before_a_command_that_has_none() -> None:
    result = CliRunner().invoke(cli, ["--json", "completion", "bash"])
    assert result.exit_code == 2
    assert "completion has no JSON to print" in result.stderr
