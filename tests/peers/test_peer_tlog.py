"""The transparency log against other people's verifiers: Go's `sumdb`, which signed notes and tiles come from, and
Sigstore's for Node.

Go and its package come from the system: `apt-get install golang-go golang-golang-x-mod-dev`.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from translog_world import LogWorld

from monitor.app.publication import Places, Publisher
from monitor.audit.translog.checkpoints import Checkpoint, written_hashes
from monitor.audit.translog.notes import read_note, verifier_key
from monitor.audit.translog.proving import prove
from monitor.core.merkle import Tree

HERE = Path(__file__).parent
PEERS = HERE.parents[1] / ".peers"
GOPATH = Path("/usr/share/gocode")


@pytest.fixture(scope="module")
def sumdb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compile the verifier on Go's own packages."""
    if shutil.which("go") is None or not (GOPATH / "src/golang.org/x/mod/sumdb/tlog").exists():
        pytest.skip("Go's sumdb is not installed: apt-get install golang-go golang-golang-x-mod-dev")
    folder = tmp_path_factory.mktemp("sumdb")
    environment = {
        **os.environ,
        "GO111MODULE": "off",
        "GOPATH": str(GOPATH),
        "GOCACHE": str(folder / "cache"),
        "GOFLAGS": "",
    }
    command = ["go", "build", "-o", str(folder / "tlog"), str(HERE / "tlog/main.go")]
    subprocess.run(command, check=True, env=environment, cwd=folder, timeout=300)
    return folder / "tlog"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LogWorld]:
    made = LogWorld(tmp_path_factory.mktemp("log") / "monitor.db")
    yield made
    made.close()


@pytest.fixture(scope="module")
def checkpoints(world: LogWorld) -> list[Checkpoint]:
    """Provide checkpoints of a log that grew over two tiles."""
    signed = []
    for count in (1, 6, 100, 120, 230):
        world.grow(count)
        signed.append(world.seal())
    return signed


def verified(command: Path, *words: str, stdin: str = "", expect: int = 0) -> str:
    result = subprocess.run(
        [str(command), *words], input=stdin, capture_output=True, text=True, timeout=60, check=False
    )
    assert result.returncode == expect, (words[0], result.stderr)
    return result.stdout


def test_go_opens_every_checkpoint_and_no_forged_one(
    sumdb: Path, world: LogWorld, checkpoints: list[Checkpoint]
) -> None:
    for checkpoint in checkpoints:
        printed = verified(sumdb, "note", world.key, stdin=str(checkpoint))
        assert printed == f"{checkpoint.note.text}{checkpoint.origin}\n"
        forged = str(checkpoint).replace(f"\n{checkpoint.size}\n", f"\n{checkpoint.size + 1}\n")
        verified(sumdb, "note", world.key, stdin=forged, expect=1)


def test_a_note_that_go_signed_is_opened(sumdb: Path) -> None:
    text = "monitor.example.com/log\n13\n" + base64.b64encode(bytes(32)).decode() + "\n"
    vkey, _, note = verified(sumdb, "sign", "monitor.example.com/log", stdin=text).partition("\n")
    key = verifier_key(vkey)
    assert str(key) == vkey
    assert read_note(note).signers([key]) == [key]
    assert str(read_note(note)) == note


def test_go_verifies_the_proof_of_every_position_it_is_given(
    sumdb: Path, world: LogWorld, checkpoints: list[Checkpoint]
) -> None:
    last = checkpoints[-1]
    with world.store.read() as reader:
        proofs = {position: str(prove(reader.tree, position)) for position in (1, 2, 100, 255, 256, 457)}
    for position, proof in proofs.items():
        event = json.loads(verified(sumdb, "proof", world.key, stdin=proof))
        assert event["position"] == position
        index = proof.partition("index ")[2].partition("\n")[0]
        moved = proof.replace(f"index {index}\n", f"index {(int(index) + 1) % last.size}\n")
        verified(sumdb, "proof", world.key, stdin=moved, expect=1)


def test_go_verifies_that_each_checkpoint_extends_every_earlier_one(
    sumdb: Path, world: LogWorld, checkpoints: list[Checkpoint], tmp_path: Path
) -> None:
    files = []
    for number, checkpoint in enumerate(checkpoints):
        files.append(tmp_path / str(number))
        files[-1].write_text(str(checkpoint))
    with world.store.read() as reader:
        for newer, checkpoint in enumerate(checkpoints):
            for older, before in enumerate(checkpoints[:newer]):
                path = Tree(reader.tree.tile, checkpoint.size).consistency(before.size)
                words = ("extends", str(files[older]), str(files[newer]))
                verified(sumdb, *words, stdin=written_hashes(path))
                verified(sumdb, *words, stdin=written_hashes([*path[:-1], bytes(32)]), expect=1)


def test_go_reads_the_published_tiles_and_entries(
    sumdb: Path, world: LogWorld, checkpoints: list[Checkpoint], tmp_path: Path
) -> None:
    publisher = Publisher(world.store, Places(folder=tmp_path, entries=True))
    for checkpoint in checkpoints[-2:]:
        assert publisher.publish(checkpoint) == []
        printed = verified(sumdb, "folder", world.key, str(tmp_path))
        assert printed == f"{checkpoint.size} leaves, {checkpoint.size} entries\n"
    (tmp_path / "tile/0/000").write_bytes(bytes(8192))
    verified(sumdb, "folder", world.key, str(tmp_path), expect=1)


@pytest.fixture
def sigstore() -> Path:
    if shutil.which("node") is None:
        pytest.skip("node is not installed: Sigstore's verifier is not run here")
    if not (PEERS / "node_modules/@sigstore/verify").exists():
        pytest.skip("Sigstore's verifier is not installed: run `make test-peers`")
    return PEERS / "node_modules"


def test_sigstore_verifies_checkpoints_and_proofs(
    sigstore: Path, world: LogWorld, checkpoints: list[Checkpoint]
) -> None:
    key = verifier_key(world.key)
    asked = []
    with world.store.read() as reader:
        for position in (1, 100, 300, 457):
            proof = prove(reader.tree, position)
            asked.append(
                {
                    "envelope": str(proof.checkpoint),
                    "index": str(proof.index),
                    "hashes": [base64.b64encode(hash).decode() for hash in proof.path],
                    "content": base64.b64encode(proof.content).decode(),
                }
            )
    forged = [
        {**asked[0], "index": "3"},
        {**asked[1], "content": base64.b64encode(b"{}").decode()},
        {**asked[2], "envelope": asked[2]["envelope"].replace(f"\n{checkpoints[-1].size}\n", "\n7\n")},
        {**asked[3], "hashes": asked[3]["hashes"][:-1]},
    ]
    result = subprocess.run(
        ["node", str(HERE / "tlog.cjs"), key.name, key.id.hex(), base64.b64encode(key.public).decode()],
        input=json.dumps([*asked, *forged]),
        env={"PATH": os.environ["PATH"], "NODE_PATH": str(sigstore)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout) == [True] * len(asked) + [False] * len(forged)
