"""Running commands as a user does, and the names that their tests share."""

from __future__ import annotations

import json
from typing import Any

from click.testing import CliRunner, Result

from monitor.cli import cli

BY = ("--by", "Ada L.", "--reason", "evals passed")
LUNA = "gpt-5.6-luna"
MINI = "gpt-5.4-mini"


def am(*args: str, expect: int = 0) -> Result:
    """Run a command; anything but the expected end fails the test with what was said."""
    result = CliRunner().invoke(cli, args)
    assert result.exit_code == expect, (args, result.exit_code, result.output, result.stderr)
    return result


def data(*args: str, expect: int = 0) -> Any:
    return json.loads(am(*args, "--json", expect=expect).stdout)
