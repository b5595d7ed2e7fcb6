"""A database that the disk changed: noticed at the start and by `db check`, called damaged wherever it is met."""

from __future__ import annotations

import random
import shutil
import sqlite3
from pathlib import Path

import pytest
from click.testing import CliRunner
from sizes import sizes

from monitor.cli import cli
from monitor.core import zstd
from monitor.store import open_store
from monitor.store.errors import Damaged

STORED = Path(__file__).parents[1] / "store" / "databases"
PAGE = 4096
COMMANDS = (
    ("status",),
    ("events", "--limit", "100000", "--format", "jsonl"),
    ("alerts",),
    ("why", "gpt-5"),
    ("checklist", "gpt-5.5"),
    ("db", "check"),
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Provide a folder with a database of version 0.2.0 that was brought up to date, and the configuration of it."""
    folder = tmp_path_factory.mktemp("whole")
    (folder / "monitor.db").write_bytes(zstd.decompress((STORED / "0.2.0.db.zst").read_bytes()))
    shutil.copy(STORED / "0.2.0.toml", folder / "monitor.toml")
    (folder / "api-key").write_text("sk-sandbox\n")
    assert run(folder, "db", "upgrade") == (0, "")
    with sqlite3.connect(folder / "monitor.db") as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    return folder


def run(folder: Path, *words: str) -> tuple[int, str]:
    """Return how a command ends and the last line that it says of an error."""
    result = CliRunner().invoke(cli, ["--config", str(folder / "monitor.toml"), *words])
    errors = [line for line in result.stderr.splitlines() if line.startswith(("Error", "Traceback"))]
    return result.exit_code, errors[-1] if errors else ""


def changed(content: bytes, dice: random.Random) -> bytes:
    """Return a database of which one page is what a broken disk may make of it; the first stays."""
    pages = len(content) // PAGE
    start, other = dice.randrange(1, pages) * PAGE, dice.randrange(1, pages) * PAGE
    page = bytearray(content[start : start + PAGE])
    match dice.randrange(5):
        case 0:
            page = bytearray(PAGE)
        case 1:
            page = bytearray(dice.randbytes(PAGE))
        case 2:
            page = bytearray(content[other : other + PAGE])
        case 3:
            page[dice.randrange(PAGE)] ^= 1 << dice.randrange(8)
        case _:
            for _ in range(20):
                page[dice.randrange(PAGE)] = dice.randrange(256)
    return content[:start] + bytes(page) + content[start + PAGE :]


@pytest.mark.parametrize("times", sizes(12, 500))
def test_a_damaged_page_is_called_damaged_by_every_command_and_by_nobody_a_defect(
    whole: Path, tmp_path: Path, times: int
) -> None:
    shutil.copytree(whole, tmp_path, dirs_exist_ok=True)
    content, dice, noticed = (whole / "monitor.db").read_bytes(), random.Random(17), 0
    for _ in range(times):
        (tmp_path / "monitor.db").write_bytes(changed(content, dice))
        for words in COMMANDS:
            code, error = run(tmp_path, *words)
            assert "defect" not in error, (words, error)
            assert "Traceback" not in error, (words, error)
            assert code in (0, 1, 2), (words, error)
            if words == ("db", "check"):
                noticed += code == 1
                assert code == 0 or "damaged" in error or "does not fit" in error or "is not what" in error, error
    assert noticed > times / 2, "most pages are in use, and what is in use is examined"


def test_the_daemon_does_not_start_on_a_damaged_database(whole: Path, tmp_path: Path) -> None:
    content = bytearray((whole / "monitor.db").read_bytes())
    with sqlite3.connect(whole / "monitor.db") as database:
        (page,) = database.execute("SELECT rootpage FROM sqlite_master WHERE name = 'sent_messages'").fetchone()
    database.close()
    content[(page - 1) * PAGE : page * PAGE] = b"\xff" * PAGE
    (tmp_path / "monitor.db").write_bytes(content)
    store = open_store(str(tmp_path / "monitor.db"))
    with pytest.raises(Damaged, match=r"is damaged: .*db check.*db backup"):
        store.check_pages()
    store.close()
    shutil.copy(whole / "monitor.toml", tmp_path)
    (tmp_path / "api-key").write_text("sk-sandbox\n")
    code, error = run(tmp_path, "run")
    assert (code, "is damaged" in error) == (1, True), error


def test_a_whole_database_is_whole(whole: Path) -> None:
    store = open_store(str(whole / "monitor.db"), migrate=False)
    assert store.damage() == []
    assert store.damage(thorough=True) == []
    store.close()
