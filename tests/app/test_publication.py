"""Where checkpoints go: a folder with tiles, a file, a URL, a witness; and what is never replaced there."""

from __future__ import annotations

import base64
import json
import shutil
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cli_world import am
from translog_world import OTHER_SEED, LogWorld

from monitor.app.publication import CHECKPOINT, Places, PublishedLog, Publisher, checkpoint_at
from monitor.audit.translog.checkpoints import read_checkpoint
from monitor.audit.translog.notes import COSIGNATURE, VerifierKey, verifier_key
from monitor.audit.translog.sealing import Rewritten
from monitor.core.merkle import Tree, extends, leaf_hash
from monitor.core.ports import Refused, Unavailable


@pytest.fixture
def world(tmp_path: Path) -> Iterator[LogWorld]:
    made = LogWorld(tmp_path / "monitor.db")
    yield made
    made.close()


@contextmanager
def serving(answer: object) -> Iterator[str]:
    """Serve on loopback; `answer` takes the method, path and body and returns a status and a body."""

    class Handler(BaseHTTPRequestHandler):
        def do(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, content = answer(self.command, self.path, body)  # type: ignore[operator]
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Witness:
    """A witness as C2SP `tlog-witness` has it: it verifies before it signs, and remembers one checkpoint a log."""

    def __init__(self, log_key: VerifierKey) -> None:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        self._private = Ed25519PrivateKey.from_private_bytes(base64.b64decode(OTHER_SEED))
        self.key = VerifierKey("witness.example/w1", self._private.public_key().public_bytes_raw(), COSIGNATURE)
        self._log_key = log_key
        self.size, self.root = 0, b""
        self.asked: list[int] = []

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        assert (method, path) == ("POST", "/add-checkpoint")
        head, _, note = body.decode().partition("\n\n")
        first, *lines = head.split("\n")
        old = int(first.removeprefix("old "))
        self.asked.append(old)
        checkpoint = read_checkpoint(note)
        if checkpoint.note.signers([self._log_key]) != [self._log_key]:
            return 403, b""
        if old != self.size:
            return 409, f"{self.size}\n".encode()
        path_hashes = [base64.b64decode(line) for line in lines]
        if old and not extends(self.root, old, checkpoint.root, checkpoint.size, path_hashes):
            return 422, b""
        self.size, self.root = checkpoint.size, checkpoint.root
        time = 1679315147
        message = f"cosignature/v1\ntime {time}\n{checkpoint.note.text}".encode()
        signed = self.key.id + time.to_bytes(8) + self._private.sign(message)
        stranger = base64.b64encode(b"\x00" * 76).decode()
        lines_out = f"— {self.key.name} {base64.b64encode(signed).decode()}\n— stranger.example/w9 {stranger}\n"
        return 200, lines_out.encode()


def test_a_folder_holds_the_checkpoint_and_every_tile_of_its_tree(world: LogWorld, tmp_path: Path) -> None:
    folder = tmp_path / "published"
    publisher = Publisher(world.store, Places(folder=folder))
    for count in (3, 200, 300, 40):
        world.grow(count)
        checkpoint = world.seal()
        assert publisher.publish(checkpoint) == []
        published = PublishedLog(str(folder))
        assert published.checkpoint() == checkpoint
        assert published.tree(checkpoint.size).root() == checkpoint.root
    full = checkpoint.size // 256
    assert sorted(path.name for path in (folder / "tile/0/").iterdir()) == sorted(
        [*(f"{number:03}" for number in range(full)), f"{full:03}.p"]
    )
    assert all(len((folder / f"tile/0/{number:03}").read_bytes()) == 8192 for number in range(full))
    assert len((folder / f"tile/1/000.p/{full}").read_bytes()) == 32 * full
    modes = {stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*") if path.is_file()}
    assert modes == {0o644}
    assert not (folder / "tile/entries").exists()


def test_the_entries_are_published_where_that_is_asked_for(world: LogWorld, tmp_path: Path) -> None:
    world.grow(230)
    checkpoint = world.seal()
    Publisher(world.store, Places(folder=tmp_path, entries=True)).publish(checkpoint)
    for path, hashes in (
        ("entries/000", (tmp_path / "tile/0/000").read_bytes()),
        (f"entries/001.p/{checkpoint.size - 256}", (tmp_path / f"tile/0/001.p/{checkpoint.size - 256}").read_bytes()),
    ):
        content = (tmp_path / "tile" / path).read_bytes()
        entries = []
        while content:
            length = int.from_bytes(content[:2])
            entries.append(content[2 : 2 + length])
            content = content[2 + length :]
        assert b"".join(map(leaf_hash, entries)) == hashes
        assert all(isinstance(json.loads(entry), dict) for entry in entries)


def test_what_is_published_is_not_replaced_by_what_does_not_extend_it(world: LogWorld, tmp_path: Path) -> None:
    world.grow(30)
    world.seal()
    backup = world.copy(tmp_path / "old.db")
    world.grow(30)
    places = Places(folder=tmp_path / "published", file=tmp_path / "kept")
    newest = world.seal()
    assert Publisher(world.store, places).publish(newest) == []
    old = LogWorld(backup.path)
    try:
        failures = Publisher(old.store, places).publish(old.seal())
        assert [type(failure) for failure in failures] == [Rewritten, Rewritten]
        assert "audit verify --checkpoint" in str(failures[0])
        old.grow(40)
        assert len(Publisher(old.store, places).publish(old.seal())) == 2
    finally:
        old.close()
    for path in (tmp_path / "published" / CHECKPOINT, tmp_path / "kept"):
        assert checkpoint_at(path) == newest


def test_a_log_that_was_set_back_is_published_beside_what_it_was(world: LogWorld, tmp_path: Path) -> None:
    world.grow(30)
    backup = world.copy(tmp_path / "old.db")
    world.grow(30)
    places = Places(folder=tmp_path / "published", file=tmp_path / "kept")
    lost = world.seal()
    Publisher(world.store, places).publish(lost)
    restored = LogWorld(backup.path)
    try:
        with restored.store.write() as tx:
            tx.advance_epoch(1)
        restored.grow(5)
        anew = restored.seal()
        assert Publisher(restored.store, places).publish(anew) == []
        assert anew.origin == f"{lost.origin}/2"
        restored.grow(1)
        assert Publisher(restored.store, places).publish(restored.seal()) == []
        key = (tmp_path / "key", world.key)
        key[0].write_text(key[1])
    finally:
        restored.close()
    assert checkpoint_at(tmp_path / "published" / CHECKPOINT) == lost
    assert checkpoint_at(tmp_path / "published/epoch-2" / CHECKPOINT).origin == anew.origin
    assert checkpoint_at(tmp_path / "kept").origin == anew.origin
    # The key is the same, so it counts for the new name as well; what was lost is said.
    words = ("audit", "verify", "--database", str(backup.path), "--key", str(key[0]))
    am(*words, "--checkpoint", str(tmp_path / "kept"))
    result = am(*words, "--checkpoint", str(tmp_path / "published" / CHECKPOINT), expect=1)
    assert "position 31" in result.stderr
    assert "set back" in result.stdout


def test_a_place_of_another_log_is_refused(world: LogWorld, tmp_path: Path) -> None:
    world.grow(3)
    other = LogWorld(tmp_path / "other.db")
    other.grow(3)
    places = Places(file=tmp_path / "kept")
    Publisher(other.store, places).publish(other.seal())
    other.close()
    (failure,) = Publisher(world.store, places).publish(world.seal())
    assert isinstance(failure, Refused)
    assert "another place" in str(failure)


def test_a_place_that_cannot_be_written_is_said_and_the_others_get_theirs(world: LogWorld, tmp_path: Path) -> None:
    world.grow(3)
    (tmp_path / "file").write_text("in the way")
    places = Places(folder=tmp_path / "file" / "below", file=tmp_path / "kept")
    (failure,) = Publisher(world.store, places).publish(world.seal())
    assert "cannot be written" in str(failure)
    assert (tmp_path / "kept").exists()


def test_a_url_gets_the_checkpoint_and_its_secret_is_in_no_error(world: LogWorld) -> None:
    world.grow(3)
    checkpoint, taken, status = world.seal(), [], 204

    def answer(method: str, path: str, body: bytes) -> tuple[int, bytes]:
        taken.append((method, path, body.decode()))
        return status, b""

    with serving(answer) as url:
        publisher = Publisher(world.store, Places(url=f"{url}/hook?token=s3cret"))
        assert publisher.publish(checkpoint) == []
        assert taken == [("POST", "/hook?token=s3cret", str(checkpoint))]
        status = 500
        (refused,) = publisher.publish(checkpoint)
    (away,) = publisher.publish(checkpoint)
    assert (type(refused), type(away)) == (Refused, Unavailable)
    assert "s3cret" not in f"{refused}{away}"
    assert "500" in str(refused)


def test_a_witness_signs_what_extends_what_it_signed_before(world: LogWorld, tmp_path: Path) -> None:
    world.grow(20)
    witness = Witness(verifier_key(world.key))
    with serving(witness.answer) as url:
        places = Places(folder=tmp_path / "published", witness=url, witness_key=witness.key)
        publisher = Publisher(world.store, places)
        assert publisher.publish(world.seal()) == []
        world.grow(300)
        assert publisher.publish(world.seal()) == []
        again = Publisher(world.store, places)  # as after a restart, when nothing is remembered
        world.grow(10)
        last = world.seal()
        assert again.publish(last) == []
    published = checkpoint_at(tmp_path / "published" / CHECKPOINT)
    log_key = verifier_key(world.key)
    assert published.note.signers([log_key, witness.key]) == [log_key, witness.key]
    assert "stranger" not in str(published)
    assert published.note.text == last.note.text
    assert witness.size == last.size
    first, second, unknown, told = witness.asked
    assert (first, unknown) == (0, 0)
    assert second < told < last.size


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (404, b"", "does not sign"),
        (403, b"", "does not sign"),
        (409, b"999999\n", "does not sign"),
        (422, b"", "does not sign"),
        (200, b"", "without a signature"),
        (200, b"nonsense", "without a signature"),
        (200, "— witness.example/w1 AAAA\n".encode(), "without a signature"),
    ],
)
def test_a_witness_that_does_not_sign_is_said_and_the_folder_gets_the_checkpoint(
    world: LogWorld, tmp_path: Path, status: int, body: bytes, words: str
) -> None:
    world.grow(3)
    key = Witness(verifier_key(world.key)).key
    with serving(lambda *_: (status, body)) as url:
        places = Places(folder=tmp_path / "published", witness=url, witness_key=key)
        checkpoint = world.seal()
        (failure,) = Publisher(world.store, places).publish(checkpoint)
    assert words in str(failure)
    assert checkpoint_at(tmp_path / "published" / CHECKPOINT) == checkpoint


def test_a_watch_over_http_advances_the_kept_checkpoint_and_sees_a_rewritten_log(
    world: LogWorld, tmp_path: Path
) -> None:
    world.grow(40)
    folder, kept, key = tmp_path / "published", tmp_path / "kept", tmp_path / "key"
    key.write_text(world.key)
    kept.write_text(str(world.seal()))
    world.grow(300)
    newest = world.seal()
    assert Publisher(world.store, Places(folder=folder)).publish(newest) == []

    def answer(method: str, path: str, body: bytes) -> tuple[int, bytes]:
        file = folder / path.lstrip("/")
        return (200, file.read_bytes()) if file.is_file() else (404, b"")

    with serving(answer) as url:
        am("audit", "watch", str(kept), "--log", url, "--key", str(key))
        assert kept.read_text() == str(newest)
        am("audit", "watch", str(kept), "--log", url, expect=1)  # nobody said which key
        am("audit", "watch", str(kept), "--log", str(folder), "--key", str(key))
        forged = world.copy(tmp_path / "forged.db")
        forged.run("UPDATE events SET actor = 'x' WHERE position = 20")
        forged.recompute()
        forged.forget_checkpoints()
        other = LogWorld(forged.path)
        other.grow(5)
        Publisher(other.store, Places(folder=tmp_path / "forged")).publish(other.seal())
        other.close()
        folder = tmp_path / "forged"
        result = am("audit", "watch", str(kept), "--log", url, "--key", str(key), expect=1)
        assert "does not extend" in result.stderr
        assert kept.read_text() == str(newest)
        shutil.rmtree(folder / "tile/1")
        assert "lacks tiles" in am("audit", "watch", str(kept), "--log", url, "--key", str(key), expect=1).stderr


def test_a_published_tree_proves_what_the_store_proves(world: LogWorld, tmp_path: Path) -> None:
    world.grow(600)
    checkpoint = world.seal()
    Publisher(world.store, Places(folder=tmp_path / "published")).publish(checkpoint)
    published = PublishedLog(str(tmp_path / "published")).tree(checkpoint.size)
    with world.store.read() as reader:
        own = Tree(reader.tree.tile, checkpoint.size)
        for index in (0, 255, 256, checkpoint.size - 1):
            assert published.inclusion(index) == own.inclusion(index)
        for size in (1, 255, 256, 300, checkpoint.size):
            assert published.consistency(size) == own.consistency(size)
