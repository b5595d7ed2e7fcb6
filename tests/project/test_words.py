"""What people read is plain English: none of the words that only the authors understood."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from docs_pages import READ, ROOT, prose

RIDDLES = re.compile(
    r"\b(believed|believes|beliefs?|nobody's word|by the word of|unless told|takes this on|(is|was|are|were) told|"
    r"hears nothing|speaks (for|of)|until morning|mend (it|that|this)|stood for)\b",
    re.IGNORECASE,
)
NAMES = {"believed", "[belief]", "belief"}
"""Names of earlier versions that are read or written still, and are no words of a sentence."""


def strings(path: Path) -> Iterator[tuple[int, str]]:
    """Yield what a module may print: its texts, and the docstrings of commands, which are their help."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    silent: set[int] = set()
    for node in ast.walk(tree):
        for statement in getattr(node, "body", ()) if isinstance(getattr(node, "body", ()), list) else ():
            if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
                decorators = " ".join(ast.unparse(each) for each in getattr(node, "decorator_list", ()))
                if "command(" not in decorators:
                    silent.add(id(statement.value))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in silent:
            yield node.lineno, node.value


@pytest.mark.parametrize("room", sorted(path.parent.name for path in (ROOT / "monitor").glob("*/__init__.py")))
def test_no_text_of_the_program_is_a_riddle(room: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}: {text.strip()}"
        for path in sorted((ROOT / "monitor" / room).rglob("*.py"))
        for line, text in strings(path)
        if text not in NAMES and RIDDLES.search(text)
    ]
    assert found == []


@pytest.mark.parametrize("path", [*READ, ROOT / "config/monitor.toml"], ids=lambda path: path.name)
def test_no_page_and_no_comment_of_the_configuration_is_a_riddle(path: Path) -> None:
    text = re.sub(r"`[^`]+`", "", prose(path.read_text(encoding="utf-8")))
    assert [match[0] for match in RIDDLES.finditer(text)] == []


def test_a_riddle_is_found() -> None:
    assert RIDDLES.search("The owners were told")
    assert RIDDLES.search("verified by the list and by nobody's word")
