"""What CONTRIBUTING.md says of the code is so: every file and every name in it exists."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
WALKS = TEXT.partition("\n## Walks\n")[2].partition("\n## ")[0]

PATHS = sorted(set(re.findall(r"(?:monitor|tests|docs|config|bench)/[\w./-]*", TEXT)))
NAMES = sorted(
    {
        (name, path)
        for names, path in re.findall(r"((?:`\w+` and )?`\w+`) in `([\w/]+\.py)`", WALKS)
        for name in re.findall(r"\w+", names)
        if name != "and"
    }
)


def defined(path: Path) -> set[str]:
    """Return the names that a module defines, and those of the methods and fields of its classes."""
    found: set[str] = set()
    waiting: list[ast.stmt] = list(ast.parse(path.read_text(encoding="utf-8")).body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            waiting += node.body
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        found |= {target.id for target in targets if isinstance(target, ast.Name)}
    return found


@pytest.mark.parametrize("path", PATHS)
def test_every_file_and_folder_that_is_named_exists(path: str) -> None:
    assert (ROOT / path).exists()


@pytest.mark.parametrize(("name", "path"), NAMES)
def test_every_name_that_is_named_is_defined_in_its_file(name: str, path: str) -> None:
    assert name in defined(ROOT / path)


def test_there_is_a_walk_for_everything_that_is_added_often_and_each_names_files_and_names() -> None:
    walks = dict(re.findall(r"^### ([^\n]+)\n(.*?)(?=^### |\Z)", WALKS, re.MULTILINE | re.DOTALL))
    assert {"A check", "An event", "A kind of source", "A command", "A form of notices", "A price meter"} <= set(walks)
    for title, walk in walks.items():
        assert re.search(r"`\w+` (?:and `\w+` )?in `monitor/[\w/]+\.py`", walk), title


def test_every_folder_of_the_package_has_tests() -> None:
    rows = dict(re.findall(r"^\| `(monitor/\w+/)` \| (.+) \|$", TEXT, re.MULTILINE))
    folders = {f"monitor/{path.parent.name}/" for path in (ROOT / "monitor").glob("*/__init__.py")}
    assert set(rows) == folders
    assert all("`tests/" in tests for tests in rows.values())
