"""Running commands as a user does, and the names that their tests share."""

from __future__ import annotations

import json
from typing import Any

from click.testing import CliRunner, Result

from monitor.cli import cli
from monitor.sandbox import Sandbox

BY = ("--by", "Ada L.", "--reason", "evals passed")
LUNA = "gpt-5.6-luna"
MINI = "gpt-5.4-mini"


def am(*args: str, expect: int = 0) -> Result:
    """Run a command; anything but the expected end fails the test with what was said."""
    result = CliRunner().invoke(cli, args)
    assert result.exit_code == expect, (args, result.exit_code, result.output, result.stderr)
    return result


def activate(sandbox: Sandbox) -> None:
    """Let the models be listed and confirmed, and activate one of them."""
    am("poll")
    for _ in range(2):
        sandbox.advance()
        am("poll")
        am("poll")
    am("activate", LUNA, *BY)


def data(*args: str, expect: int = 0) -> Any:
    return json.loads(am(*args, "--json", expect=expect).stdout)
