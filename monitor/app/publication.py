"""Where checkpoints go so that a copy is out of reach of whoever may write the database: a folder with the tiles of the
tree, a file, a URL, a witness. And the reading of a log that was published so.

What is published already is never replaced by what does not extend it: a folder or file that disagrees with the
database is the first to show that the database was changed.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx2

from monitor.audit.translog.checkpoints import Checkpoint, checkpoint_in, read_checkpoint, written_hashes
from monitor.audit.translog.notes import ForgedSignature, InvalidNote, VerifierKey
from monitor.audit.translog.sealing import Rewritten, begins_with
from monitor.audit.translog.tiles import Tile, bundle, hashes_of, tiles_between
from monitor.core.deadline import Overdue, bounded
from monitor.core.merkle import WIDTH, Tree, leaf_hash
from monitor.core.ports import MonitorError, Refused, Store, TreeReader, Unavailable
from monitor.gate.files import replace_file

CHECKPOINT = "checkpoint"
"""The name of the checkpoint in a folder or below a URL."""

TIMEOUT = 10.0
"""Seconds that a request may take in all."""

_READABLE = 0o644
_LARGEST = 10_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where a checkpoint goes; what is empty or None is not wanted. `url` is a secret."""

    folder: Path | None = None
    entries: bool = False
    file: Path | None = None
    url: str = ""
    witness: str = ""
    witness_key: VerifierKey | None = None


class Publisher:
    """Publishes checkpoints. What could not be reached is tried again with the next one."""

    def __init__(self, store: Store, places: Places) -> None:
        self._store = store
        self._places = places
        self._witnessed = 0

    def publish(self, checkpoint: Checkpoint) -> list[MonitorError]:
        """Bring a checkpoint everywhere; return what went wrong, by place, in sentences.

        A witness is asked first, so that its signature is in what all others get.
        """
        places, failures = self._places, []

        def attempt(act: Callable[[], None]) -> None:
            try:
                act()
            except MonitorError as error:
                failures.append(error)
            except OSError as error:
                where = error.filename or places.folder or places.file
                failures.append(
                    MonitorError(f"The checkpoint cannot be written to {where} ({error.strerror}): see [audit].")
                )

        if places.witness and places.witness_key is not None:
            try:
                checkpoint = self._witness(checkpoint, places.witness, places.witness_key)
            except MonitorError as error:
                failures.append(error)
        if places.folder is not None:
            folder = places.folder
            attempt(lambda: self._to_folder(checkpoint, folder))
        if places.file is not None:
            file = places.file
            attempt(lambda: self._to_file(checkpoint, file))
        if places.url:
            attempt(lambda: _accepted(_post(places.url, str(checkpoint)), places.url))
        return failures

    def _to_folder(self, checkpoint: Checkpoint, root: Path) -> None:
        # A log that was set back begins anew beside what it published before.
        folder = root / f"epoch-{epoch}" if (epoch := _epoch(checkpoint.origin)) > 1 else root
        earlier = self._extended(checkpoint, folder / CHECKPOINT)
        before = 0 if earlier is None else earlier.size
        closed: list[Path] = []
        with self._store.read() as reader:
            for tile in tiles_between(before, checkpoint.size):
                hashes = reader.tree.tile(tile.level, tile.number, tile.width)
                self._write_tile(folder / tile.path, b"".join(hashes), tile, closed)
                if self._places.entries and tile.level == 0:
                    self._write_tile(folder / tile.entries_path, _entries(reader.tree, tile), tile, closed)
        # Last, so that who reads a checkpoint finds every tile of its tree.
        publish_file(folder / CHECKPOINT, str(checkpoint).encode())
        for partial in closed:
            shutil.rmtree(partial, ignore_errors=True)

    def _write_tile(self, path: Path, content: bytes, tile: Tile, closed: list[Path]) -> None:
        publish_file(path, content)
        if tile.width == WIDTH:
            closed.append(path.with_name(f"{path.name}.p"))

    def _to_file(self, checkpoint: Checkpoint, file: Path) -> None:
        path = file / CHECKPOINT if file.is_dir() else file
        self._extended(checkpoint, path)
        publish_file(path, str(checkpoint).encode())

    def _extended(self, checkpoint: Checkpoint, path: Path) -> Checkpoint | None:
        """Return the checkpoint that stands at a path, None where there is none; one of an earlier epoch is replaced.

        Raises:
            Rewritten: ours does not extend it.
            Refused: it is of another log, or no checkpoint.
        """
        if not path.exists():
            return None
        earlier = checkpoint_at(path)
        if earlier.origin != checkpoint.origin:
            if _log(earlier.origin) == _log(checkpoint.origin) and _epoch(earlier.origin) < _epoch(checkpoint.origin):
                return None
            raise Refused(f"The checkpoint {path} is of the log {earlier.origin}: name another place in [audit].")
        with self._store.read() as reader:
            if not begins_with(Tree(reader.tree.tile, checkpoint.size), earlier):
                raise Rewritten(
                    f"The log is not the one that the checkpoint {path} was signed of, so nothing is published there: "
                    f"`access-monitor audit verify --checkpoint {path}` names the first position that does not fit."
                )
        return earlier

    def _witness(self, checkpoint: Checkpoint, prefix: str, key: VerifierKey) -> Checkpoint:
        """Return the checkpoint with the signature of a witness.

        Raises:
            Unavailable: it cannot be reached.
            Refused: it does not sign.
        """
        url = f"{prefix.rstrip('/')}/add-checkpoint"
        answer = _post(url, self._request(checkpoint, self._witnessed))
        if answer.status_code == 409 and answer.text.strip().isdecimal():
            # It knows another size than we remember: that of the last checkpoint that it signed.
            self._witnessed = int(answer.text.strip()[:20])
            if self._witnessed <= checkpoint.size:
                answer = _post(url, self._request(checkpoint, self._witnessed))
        if answer.status_code != 200:
            raise Refused(
                f"The witness {urlsplit(prefix).hostname} does not sign the checkpoint (HTTP {answer.status_code}): "
                "see that it knows the key of `access-monitor audit key`."
            )
        lines = "".join(f"{line}\n" for line in answer.text.splitlines() if line.startswith(f"— {key.name} "))
        try:
            cosigned = checkpoint.note.signed_also(lines)
            signed = key in cosigned.signers([key])
        except (InvalidNote, ForgedSignature):
            signed = False
        if not signed:
            raise Refused(f"The witness {key.name} answered without a signature by audit.witness_key: correct the key.")
        self._witnessed = checkpoint.size
        return read_checkpoint(str(cosigned))

    def _request(self, checkpoint: Checkpoint, old: int) -> str:
        with self._store.read() as reader:
            path = Tree(reader.tree.tile, checkpoint.size).consistency(old)
        return f"old {old}\n{written_hashes(path)}\n{checkpoint}"


def checkpoint_at(path: Path) -> Checkpoint:
    """Read a checkpoint from a file: it alone, or a text that holds one, such as a digest that was kept.

    Raises:
        Refused: the file cannot be read, or holds none.
    """
    try:
        written = path.read_bytes()[:_LARGEST].decode()
        return read_checkpoint(written)
    except FileNotFoundError:
        raise Refused(f"There is no checkpoint {path}: keep one with `access-monitor audit checkpoint`.") from None
    except OSError as error:
        raise Refused(f"The checkpoint {path} cannot be read ({error.strerror}): let this user read it.") from None
    except UnicodeDecodeError:
        raise Refused(f"The file {path} is no checkpoint: it is not text.") from None
    except InvalidNote as error:
        if (found := checkpoint_in(written.replace("\r\n", "\n"))) is not None:
            return found
        raise Refused(f"The file {path} {error}.") from None


def tiles_beside(path: Path) -> Callable[[int, int, int], Sequence[bytes]] | None:
    """Return the tiles that stand in the folder of a checkpoint; None where there are none."""
    folder = path.parent
    if not (folder / "tile").is_dir():
        return None

    def read(name: str) -> bytes | None:
        with suppress(OSError):
            return (folder / name).read_bytes()
        return None

    return _tiles(read)


class PublishedLog:
    """A log as it was published, in a folder or below a URL."""

    def __init__(self, place: str) -> None:
        self._place = place.rstrip("/")
        self._remote = place.startswith(("http://", "https://"))

    def checkpoint(self) -> Checkpoint:
        """Read its checkpoint.

        Raises:
            Refused: there is none.
            Unavailable: it cannot be reached.
        """
        if not self._remote:
            return checkpoint_at(Path(self._place) / CHECKPOINT)
        content = self._fetch(CHECKPOINT)
        if content is None:
            raise Refused(
                f"There is no checkpoint at {self._place}: name the folder or URL that the log is published in."
            )
        try:
            return read_checkpoint(content.decode())
        except (InvalidNote, UnicodeDecodeError):
            raise Refused(f"What stands at {self._place}/{CHECKPOINT} is no checkpoint.") from None

    def tree(self, size: int) -> Tree:
        """Return its tree of a size; a tile that is not there makes it raise `MissingHashes` when it is asked."""
        return Tree(_tiles(self._fetch), size)

    def _fetch(self, name: str) -> bytes | None:
        if not self._remote:
            with suppress(OSError):
                return (Path(self._place) / name).read_bytes()
            return None
        answer = _request("GET", f"{self._place}/{name}", None)
        return answer.content if answer.status_code == 200 else None


def _tiles(read: Callable[[str], bytes | None]) -> Callable[[int, int, int], Sequence[bytes]]:
    def tile(level: int, number: int, width: int) -> Sequence[bytes]:
        # A partial tile may be gone once the full one is there.
        content = read(Tile(level, number, width).path)
        if content is None and width < WIDTH:
            content = read(Tile(level, number, WIDTH).path)
        return hashes_of(content or b"", width)

    return tile


def _entries(tree: TreeReader, tile: Tile) -> bytes:
    contents: list[bytes] = []
    for leaf in tree.leaves(tile.number * WIDTH):
        if len(contents) == tile.width:
            break
        content = tree.content(leaf)
        if content is None or leaf_hash(content) != leaf.hash:
            raise Rewritten(
                f"What leaf {leaf.number} of the tree is of was changed, so it is not published: `access-monitor audit "
                "verify` names the first position that does not fit."
            )
        contents.append(content)
    return bundle(contents)


def _log(origin: str) -> str:
    head, _, last = origin.rpartition("/")
    return head if last.isdecimal() else origin


def _epoch(origin: str) -> int:
    last = origin.rpartition("/")[2]
    return int(last) if last.isdecimal() else 1


def publish_file(path: Path, content: bytes) -> None:
    """Write a file for everybody to read, with the folders that it needs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, content, _READABLE)


def _post(url: str, body: str) -> httpx2.Response:
    return _request("POST", url, body.encode())


def _accepted(answer: httpx2.Response, url: str) -> None:
    if not 200 <= answer.status_code < 300:
        raise Refused(
            f"The checkpoint was not taken by {urlsplit(url).hostname} (HTTP {answer.status_code}): see audit.url."
        )


def _request(method: str, url: str, body: bytes | None) -> httpx2.Response:
    """Ask once, within a total time. The URL may hold a secret: the error names its host only."""
    logging.getLogger("httpx2").setLevel(logging.WARNING)  # it logs every request with its URL at INFO
    headers = {"User-Agent": "access-monitor", "Content-Type": "text/plain; charset=utf-8"}

    def ask() -> httpx2.Response:
        with httpx2.Client(timeout=TIMEOUT, follow_redirects=False) as client:
            return client.request(method, url, content=body, headers=headers)

    try:
        return bounded(ask, TIMEOUT)
    except (Overdue, httpx2.HTTPError, httpx2.InvalidURL) as error:
        why = str(error) if isinstance(error, Overdue) else type(error).__name__
        raise Unavailable(f"{urlsplit(url).hostname or 'The host'} could not be reached ({why}): try again.") from None
