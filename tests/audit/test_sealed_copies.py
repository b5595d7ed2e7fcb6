"""Sealed copies: what `audit seal` writes, and who reads it without the database."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cli_world import am
from translog_world import NOW, OTHER_SEED, Forger, LogWorld

from monitor.app import sealed_copies
from monitor.app.sealed_copies import seal_into, sealed_log
from monitor.audit.translog.sealed_copy import DamagedCopy
from monitor.audit.translog.sealing import Rewritten, Sealer
from monitor.core import zstd
from monitor.core.ports import Refused
from monitor.store import open_store


class Copies:
    """A log, its sealed copies in three files, and what an auditor kept."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "sealed"
        self.world = LogWorld(folder / "monitor.db")
        self.world.grow(20)
        self.kept = folder / "kept.checkpoint"
        self.kept.write_text(str(self.world.seal()), encoding="utf-8")
        self.seal()
        for _ in range(2):
            self.world.grow(140)
            self.seal()
        self.key = folder / "kept.key"
        self.key.write_text(f"{self.world.key}\n", encoding="utf-8")

    def seal(self) -> sealed_copies.SealedNow:
        return seal_into(self.world.store, self.folder, self.world.seal(), NOW)


@pytest.fixture(scope="module")
def copies(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copies]:
    made = Copies(tmp_path_factory.mktemp("log"))
    yield made
    made.world.close()


@pytest.fixture
def forged(copies: Copies, tmp_path: Path) -> Path:
    """Provide a copy of the folder for somebody to write into."""
    return Path(shutil.copytree(copies.folder, tmp_path / "sealed"))


def verified(copies: Copies, folder: Path, *more: object, expect: int = 1) -> dict[str, Any]:
    words = ("audit", "verify", "--sealed", folder, "--checkpoint", copies.kept, "--key", copies.key, *more, "--json")
    answer: dict[str, Any] = json.loads(am(*map(str, words), expect=expect).stdout)
    return answer


def edit(path: Path, change: Callable[[list[dict[str, Any]]], None]) -> None:
    """Change the lines of a segment as somebody does who knows its form."""
    lines = [json.loads(line) for line in zstd.decompress(path.read_bytes()).decode().splitlines()]
    change(lines)
    path.write_bytes(zstd.compress("".join(f"{json.dumps(line)}\n" for line in lines).encode(), level=3))


def test_the_copies_verify_without_the_database_and_read_as_the_log_does(copies: Copies) -> None:
    answer = verified(copies, copies.folder, expect=0)
    assert (answer["events"], answer["fits"], answer["covered"]) == (300, True, answer["leaves"])
    database = ("--database", str(copies.world.path))
    for words in (
        ("--format", "csv"),
        ("--type", "price.*", "--after", "7", "--limit", "9", "--format", "jsonl"),
        ("--subject", "gpt-?una", "--newest", "--limit", "3", "--format", "cloudevents"),
        ("--cause", "116", "--actor", "system", "--format", "jsonl"),
        ("--since", "2026-07-30T18:00:00Z", "--until", "2026-07-30T18:10:00Z", "--source", "openai-pricing", "--json"),
    ):
        config = ("--config", str(_config(copies)))
        kept = am(*config, "events", *words, "--sealed", str(copies.folder)).stdout
        assert kept == am(*config, "events", *words, *database).stdout
        assert kept


def _config(copies: Copies) -> Path:
    path = copies.folder.parent / "monitor.toml"
    path.write_text(
        '[[source]]\nkey = "openai-pricing"\nkind = "pricing_page"\nurl = "https://example.com/"\nprovider = "openai"\n'
    )
    return path


def test_sealing_again_adds_what_is_missing_and_leaves_the_rest(copies: Copies, forged: Path) -> None:
    files = sorted(forged.glob("*.zst"))
    before = {path: path.read_bytes() for path in files}
    assert len(before) == 3
    checkpoint = copies.world.seal()
    assert seal_into(copies.world.store, forged, checkpoint, NOW).files == 0
    assert {path: path.read_bytes() for path in files} == before
    for path in files[1:]:
        path.unlink()
    assert seal_into(copies.world.store, forged, checkpoint, NOW).files == 1
    verified(copies, forged, expect=0)


def test_an_interrupted_sealing_goes_on_where_it_was(
    copies: Copies, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whenever it is interrupted, what is there is whole, and the next run ends with the same log."""
    monkeypatch.setattr(sealed_copies, "LARGEST_SEGMENT", 50)
    real, folder, interruptions = sealed_copies.replace_file, tmp_path / "sealed", 0

    def interrupted(path: Path, content: bytes, mode: int) -> None:
        nonlocal interruptions
        interruptions += 1
        if interruptions % 2:
            path.with_name(f".{path.name}.tmp").write_bytes(content[: len(content) // 2])
            raise KeyboardInterrupt
        real(path, content, mode)

    monkeypatch.setattr(sealed_copies, "replace_file", interrupted)
    checkpoint = copies.world.seal()
    for _ in range(100):
        try:
            seal_into(copies.world.store, folder, checkpoint, NOW)
        except KeyboardInterrupt:
            if list(folder.glob("*.zst")):
                assert sealed_log(folder).tree.size() % 50 == 0
            continue
        break
    assert sealed_log(folder).tree.size() == checkpoint.size
    verified(copies, folder, expect=0)


def test_an_edited_event_is_named_by_its_position(copies: Copies, forged: Path) -> None:
    def another_person(lines: list[dict[str, Any]]) -> None:
        event = next(line["event"] for line in lines if line.get("event", {}).get("position") == 117)
        event["actor"] = "somebody else"

    edit(sorted(forged.glob("*.zst"))[1], another_person)
    assert verified(copies, forged)["position"] == 117


def test_an_edited_event_with_its_leaf_computed_anew_does_not_fit_the_checkpoint(copies: Copies, forged: Path) -> None:
    import base64

    from monitor.audit.translog.sealed_copy import _sealed_leaf
    from monitor.core.merkle import leaf_hash

    def another_person(lines: list[dict[str, Any]]) -> None:
        line = next(line for line in lines if line.get("event", {}).get("position") == 17)
        line["event"]["actor"] = "somebody else"
        line["hash"] = base64.b64encode(leaf_hash(_sealed_leaf(0, json.dumps(line)).content)).decode()

    edit(sorted(forged.glob("*.zst"))[0], another_person)
    answer = verified(copies, forged)
    assert answer["position"] <= 17 <= max(misfit["until"] or 0 for misfit in answer["misfits"])
    assert {misfit["reason"] for misfit in answer["misfits"]} == {"rewritten"}


@pytest.mark.parametrize("which", [0, 1, 2])
def test_a_copy_that_is_gone_is_missed(copies: Copies, forged: Path, which: int) -> None:
    sorted(forged.glob("*.zst"))[which].unlink()
    newest = ("--checkpoint", copies.folder / "checkpoint")
    answer = verified(copies, forged, *newest)
    assert answer["position"] == {0: 1, 1: 21, 2: 161}[which]


def test_a_forged_checkpoint_in_a_copy(copies: Copies, forged: Path) -> None:
    forger = Sealer(copies.world.store, lambda: NOW, "monitor.example.com/log", lambda: [OTHER_SEED])
    with copies.world.store.read() as reader:
        (other,) = forger.keys(reader.log_head())

    def signed_by_another(lines: list[dict[str, Any]]) -> None:
        text = lines[0]["checkpoint"].partition("\n\n")[0] + "\n"
        lines[0]["checkpoint"] = f"{text}\n{other.signature(text)}"

    edit(sorted(forged.glob("*.zst"))[2], signed_by_another)
    assert {misfit["reason"] for misfit in verified(copies, forged)["misfits"]} == {"signature"}


def test_a_damaged_copy_and_none_are_said_in_a_sentence(copies: Copies, forged: Path, tmp_path: Path) -> None:
    last = sorted(forged.glob("*.zst"))[2]
    whole = last.read_bytes()
    for damaged in (b"", b"oops", whole[:-7], whole[: len(whole) // 2], zstd.compress(b"{}\n"), zstd.compress(b"[1]")):
        last.write_bytes(damaged)
        result = am("audit", "verify", "--sealed", str(forged), expect=1)
        assert "cannot be read: it is damaged or none" in result.stderr
        assert result.stderr.count("\n") == 1
    edit(sorted(forged.glob("*.zst"))[1], lambda lines: lines.pop())
    assert "cannot be read" in am("events", "--sealed", str(forged), expect=1).stderr
    (tmp_path / "empty").mkdir()
    assert "There is no sealed copy" in am("audit", "verify", "--sealed", str(tmp_path / "empty"), expect=1).stderr
    assert "There is no sealed copy" in am("events", "--sealed", str(tmp_path / "none"), expect=1).stderr


def test_nothing_is_sealed_that_was_changed_or_set_back(copies: Copies, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(copies.folder, tmp_path / "sealed"))
    copies.world.store.backup(tmp_path / "edited.db")
    edited = Forger(tmp_path / "edited.db")
    edited.run("UPDATE events SET actor = 'somebody else' WHERE position = 17")
    edited.recompute()
    checkpoint = copies.world.seal()
    store = open_store(str(edited.path), migrate=False)
    with pytest.raises(Rewritten, match="was rewritten or set back"):
        seal_into(store, folder, checkpoint, NOW)
    store.close()
    copies.world.store.backup(tmp_path / "changed.db")
    Forger(tmp_path / "changed.db").run("UPDATE events SET actor = 'somebody else' WHERE position = 17")
    store = open_store(str(tmp_path / "changed.db"), migrate=False)
    with pytest.raises(Rewritten, match="so it is not sealed"):
        seal_into(store, tmp_path / "new", checkpoint, NOW)
    store.close()
    other = LogWorld(tmp_path / "other.db")
    other.grow(3)
    with pytest.raises(Refused, match="copies of the log"):
        seal_into(other.store, folder, other.seal(), NOW)
    other.close()
    sorted(folder.glob("*.zst"))[0].unlink()
    with pytest.raises(Refused, match="lacks the leaves 0 to"):
        seal_into(copies.world.store, folder, checkpoint, NOW)
    with pytest.raises(DamagedCopy):
        sealed_log(tmp_path / "nowhere")
