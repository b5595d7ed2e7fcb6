"""Signing checkpoints. None is signed of a tree that does not begin with the one that was signed before."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from monitor.audit.translog.checkpoints import Checkpoint, checkpoint_text, read_checkpoint
from monitor.audit.translog.notes import InvalidNote, SigningKey, sign, signing_key
from monitor.core.events import LogHead
from monitor.core.leaves import KeptCheckpoint
from monitor.core.merkle import MissingHashes, Tree
from monitor.core.ports import Clock, ConfigurationError, MonitorError, Store, TreeReader


class Rewritten(MonitorError):
    """The log is not what an earlier checkpoint says of it."""


def origin_of(prefix: str, head: LogHead) -> str:
    """Name a log for its checkpoints. One that was set back goes on under another name: what was signed of its lost
    future stays true of the old one.
    """
    origin = f"{prefix}/{head.log}"
    return origin if head.epoch == 1 else f"{origin}/{head.epoch}"


def begins_with(tree: Tree, checkpoint: Checkpoint) -> bool:
    """Return whether a tree begins with that of a checkpoint."""
    try:
        return checkpoint.size <= tree.size and tree.root_at(checkpoint.size) == checkpoint.root
    except MissingHashes:
        return False


class Sealer:
    """Signs a checkpoint whenever the tree has grown.

    `secrets` returns the private keys as they are kept, and is asked anew each time; the first is that of the log, the
    others are of keys that verifiers still know it by.
    """

    def __init__(self, store: Store, clock: Clock, prefix: str, secrets: Callable[[], Sequence[str]]) -> None:
        self._store = store
        self._clock = clock
        self._prefix = prefix
        self._secrets = secrets
        self._last: Checkpoint | None = None

    def keys(self, head: LogHead) -> list[SigningKey]:
        """Return the keys that sign.

        Raises:
            ConfigurationError: one of them is not there, or is none.
        """
        origin = origin_of(self._prefix, head)
        try:
            return [signing_key(origin, secret) for secret in self._secrets()]
        except InvalidNote as error:
            raise ConfigurationError(
                f"What audit.signing_keys refers to {error}: write one with `openssl rand -base64 32`."
            ) from None

    def seal(self) -> Checkpoint:
        """Return a checkpoint of the tree as it stands: the last one, where nothing was added since.

        Raises:
            ConfigurationError: a key is not there.
            Rewritten: the log was changed behind an earlier checkpoint, so none is signed.
        """
        with self._store.read() as reader:
            keys = self.keys(reader.log_head())
            last = self._kept(reader.tree)
            if last is not None and last.size == reader.tree.size() and self._signed(last, keys):
                self.check(Tree(reader.tree.tile, last.size), last.origin, last)
                self._last = last
                return last
        with self._store.write() as tx:
            now = self._clock()
            head = tx.log_head()
            keys = self.keys(head)
            for key in keys:
                if str(key.verifier) not in tx.tree.signing_keys():
                    tx.keep_signing_key(str(key.verifier), now)
            origin = origin_of(self._prefix, head)
            tree = Tree(tx.tree.tile, tx.tree.size())
            self.check(tree, origin, self._kept(tx.tree))
            note = sign(checkpoint_text(origin, tree.size, tree.root()), keys)
            tx.keep_checkpoint(KeptCheckpoint(size=tree.size, at=now, note=str(note)))
        self._last = read_checkpoint(str(note))
        return self._last

    def check(self, tree: Tree, origin: str, *earlier: Checkpoint | None) -> None:
        """See that the tree begins with what was signed before, by this process or by another one.

        Raises:
            Rewritten: it does not.
        """
        signed = [checkpoint for checkpoint in earlier if checkpoint is not None]
        # A log that was set back has another origin, and its own checkpoints.
        if self._last is not None and self._last.origin == origin:
            signed.append(self._last)
        for checkpoint in signed:
            if not begins_with(tree, checkpoint):
                raise Rewritten(
                    f"The log is not the one whose first {checkpoint.size} leaves were signed, so no further "
                    "checkpoint is: `access-monitor audit verify` names the first position that does not fit."
                )

    def _kept(self, tree: TreeReader) -> Checkpoint | None:
        last = tree.last_checkpoint()
        if last is None:
            return None
        try:
            return read_checkpoint(last.note)
        except InvalidNote as error:
            raise Rewritten(
                f"The checkpoint of {last.size} leaves in the database {error}, so no further one is signed: restore "
                "the database from a backup."
            ) from None

    def _signed(self, checkpoint: Checkpoint, keys: Sequence[SigningKey]) -> bool:
        signers = {(signature.name, signature.key_id) for signature in checkpoint.note.signatures}
        return all((key.verifier.name, key.verifier.id) in signers for key in keys)
