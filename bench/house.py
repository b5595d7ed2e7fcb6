"""Measure how the package is cut: statements, names, and the way of one observation to the outbox.

python bench/house.py [CHECKOUT]      another checkout of this project is measured by the same means

The way is traced: one poll that changes a pinned price is run, and every module of the package that is entered until
its notices are enqueued is counted but for those of `core`, with the times that a call goes back up into a folder which
stands above the caller's. Nothing here is timed.
"""

from __future__ import annotations

import ast
import builtins
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

BARE = frozenset(
    [
        "one",
        "ones",
        "found",
        "said",
        "told",
        "asked",
        "stated",
        "held",
        "kept",
        "seen",
        "given",
        "known",
        "made",
        "taken",
        "moved",
        "lost",
        "it",
        "them",
        "this",
        "that",
        "those",
    ]
)
"""Local names that say how a thing came to be, or nothing, and not what it is."""


def modules(root: Path) -> list[Path]:
    """Return the modules of the package but for the sandbox, which is a provider and no part of the monitor."""
    return [path for path in sorted((root / "monitor").rglob("*.py")) if "sandbox" not in path.parts]


def statements(trees: list[ast.AST]) -> int:
    """Return all nodes of type `stmt`."""
    return sum(isinstance(node, ast.stmt) for tree in trees for node in ast.walk(tree))


def class_names(trees: list[ast.AST]) -> list[str]:
    """Return the names that more than one class has."""
    names = Counter(node.name for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef))
    return sorted(name for name, times in names.items() if times > 1)


def local_names(trees: list[ast.AST]) -> Iterator[str]:
    """Yield every name that a function binds, once a function; parameters are its interface and not counted."""
    for tree in trees:
        for function in ast.walk(tree):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                yield from {
                    node.id
                    for node in ast.walk(function)
                    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and not hasattr(builtins, node.id)
                }


TRACED = """
import sys
from pathlib import Path

root = Path(sys.argv[1])
sys.path[:0] = [str(root), *(str(root / "tests" / folder) for folder in ("", "pipeline", "support"))]
from pipeline_world import INPUT, LUNA, furnish, world_of

FOLDERS = "cli app daemon web bootstrap audit notify gate registry pipeline detection domain core".split()
entered, climbs = set(), set()


def module(frame):
    name = frame.f_globals.get("__name__", "")
    return name if name.startswith("monitor.") and name.split(".")[1] in FOLDERS else ""


def height(name):
    return FOLDERS.index(name.split(".")[1])


def traced(frame, event, argument):
    if event != "call" or not (name := module(frame)):
        return
    if not name.startswith("monitor.core."):
        entered.add(name)
    caller = frame.f_back
    while caller is not None and not module(caller):
        caller = caller.f_back
    if caller is not None and height(name) < height(module(caller)):
        climbs.add((module(caller), name))


with world_of() as world:
    poll = getattr(world, "poll", None) or world.look  # its name in earlier checkouts
    furnish(world)
    world.activate()
    world.sources["page"].set(LUNA, input="2")
    poll("page")
    sys.setprofile(traced)
    poll("page")
    sys.setprofile(None)
    assert world.entry().status == "paused"
print(len(entered), len(climbs), *sorted(entered))
"""
"""Runs in a process of its own, so that the checkout that is measured is the one that is imported."""


def way(root: Path) -> tuple[str, str, list[str]]:
    """Return how many modules one confirming poll enters, how many calls go up, and which modules."""
    ended = subprocess.run(
        [sys.executable, "-c", TRACED, str(root)], cwd=root, capture_output=True, text=True, check=False
    )
    if ended.returncode:
        return "?", "?", [ended.stderr.strip().splitlines()[-1]]
    entered, climbs, *names = ended.stdout.split()
    return entered, climbs, names


def main() -> int:
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1]
    paths = modules(root)
    trees: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8")) for path in paths]
    names = Counter(local_names(trees))
    bare = sum(times for name, times in names.items() if name in BARE)
    twice = class_names(trees)
    print(f"modules                                  {len(paths):>8}")
    print(f"statements                               {statements(trees):>8}")
    print(f"class names with two meanings            {len(twice):>8}  {' '.join(twice)}")
    print(f"local names that are bare                {bare / names.total():>8.1%}  of {names.total()}")
    entered, climbs, names_entered = way(root.resolve())
    print(f"modules entered by an observation        {entered:>8}")
    print(f"  calls back up                          {climbs:>8}")
    print("  " + "\n  ".join(names_entered))
    return 0


if __name__ == "__main__":
    sys.exit(main())
