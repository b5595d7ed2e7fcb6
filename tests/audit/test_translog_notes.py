"""Signed notes, checkpoints and proof files: published vectors, and everything that is refused."""

from __future__ import annotations

import base64

import pytest
from translog_world import OTHER_SEED, SEED

from monitor.audit.translog.checkpoints import (
    InclusionProof,
    checkpoint_text,
    read_checkpoint,
    read_proof,
)
from monitor.audit.translog.notes import (
    COSIGNATURE,
    ForgedSignature,
    InvalidNote,
    VerifierKey,
    read_note,
    sign,
    signing_key,
    verifier_key,
)
from monitor.core.merkle import leaf_hash

# The example of the Go package that signed notes come from.
NEUMANN = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
NEUMANN_NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
# The example of C2SP tlog-cosignature.
COSIGNED = (
    "example.com/behind-the-sofa\n"
    "20852163\n"
    "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    "\n"
    "— example.com/behind-the-sofa "
    "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
    "— witness.example.com/w1 "
    "jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n"
)
# The example of C2SP tlog-proof, with the signatures of the checkpoint above, since its own are shortened.
PROOF = (
    "c2sp.org/tlog-proof@v1\n"
    "index 73894\n"
    "gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=\n"
    "B95lDa8R83lS8n0eG+o0buTxRKQTYFi//1U8anccXmA=\n"
    "\n"
) + COSIGNED

ORIGIN = "monitor.example.com/log/7f3a"
KEY = signing_key(ORIGIN, SEED)
OTHER = signing_key(ORIGIN, OTHER_SEED)
ROOT = bytes(range(32))
TEXT = checkpoint_text(ORIGIN, 13, ROOT)
NOTE = str(sign(TEXT, [KEY]))


def test_the_example_of_the_package_that_notes_come_from():
    key = verifier_key(NEUMANN)
    assert str(key) == NEUMANN
    note = read_note(NEUMANN_NOTE)
    assert note.signers([key]) == [key]
    assert str(note) == NEUMANN_NOTE


def test_the_example_of_a_cosigned_checkpoint():
    checkpoint = read_checkpoint(COSIGNED)
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20852163)
    assert base64.b64encode(checkpoint.root).decode() == "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="
    assert [signature.name for signature in checkpoint.note.signatures] == [
        "example.com/behind-the-sofa",
        "witness.example.com/w1",
    ]
    assert checkpoint.note.signers([KEY.verifier]) == []  # nobody whose key is known
    assert str(checkpoint) == COSIGNED


def test_the_example_of_a_proof():
    proof = read_proof(PROOF)
    assert (proof.index, len(proof.path), proof.content) == (73894, 2, b"")
    assert str(proof) == PROOF
    assert not proof.holds


def test_a_note_is_signed_by_who_has_the_key_and_by_nobody_else():
    note = read_note(NOTE)
    assert note.signers([KEY.verifier]) == [KEY.verifier]
    assert note.signers([OTHER.verifier]) == []
    assert note.signers([KEY.verifier.renamed("monitor.example.com/other")]) == []
    assert SEED not in repr(KEY) + str(KEY)


def test_one_wrong_signature_of_a_known_key_refuses_the_note_whoever_else_signed():
    both = str(sign(TEXT, [KEY, OTHER]))
    assert read_note(both).signers([KEY.verifier, OTHER.verifier]) == [KEY.verifier, OTHER.verifier]
    forged = both.replace("\n13\n", "\n14\n")
    with pytest.raises(ForgedSignature):
        read_note(forged).signers([KEY.verifier])
    assert read_note(forged).signers([]) == []


def test_sixteen_signatures_of_strangers_are_passed_over():
    strangers = [signing_key(f"stranger.example/{number}", OTHER_SEED) for number in range(16)]
    assert read_note(str(sign(TEXT, [*strangers, KEY]))).signers([KEY.verifier]) == [KEY.verifier]


def test_a_text_may_have_blank_lines_of_its_own():
    note = sign("one\n\ntwo\n", [KEY])
    assert read_note(str(note)).text == "one\n\ntwo\n"


def test_a_cosignature_holds_its_time():
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    private = Ed25519PrivateKey.from_private_bytes(base64.b64decode(OTHER_SEED))
    witness = VerifierKey("witness.example/w1", private.public_key().public_bytes_raw(), COSIGNATURE)
    time = 1679315147
    signed = time.to_bytes(8) + private.sign(f"cosignature/v1\ntime {time}\n{TEXT}".encode())
    line = f"— witness.example/w1 {base64.b64encode(witness.id + signed).decode()}\n"
    cosigned = read_note(NOTE).signed_also(line)
    assert cosigned.signers([KEY.verifier, witness]) == [KEY.verifier, witness]
    later = (time + 1).to_bytes(8) + signed[8:]
    forged = read_note(NOTE).signed_also(f"— witness.example/w1 {base64.b64encode(witness.id + later).decode()}\n")
    with pytest.raises(ForgedSignature):
        forged.signers([witness])


@pytest.mark.parametrize(
    "written",
    [
        "",
        "\n",
        TEXT,
        TEXT + "\n",
        NOTE.rstrip("\n"),
        NOTE.replace("— ", "- "),
        NOTE.replace(f"— {ORIGIN} ", "— "),
        NOTE.replace(ORIGIN, f"{ORIGIN}+x"),
        NOTE[:-5] + "!" + NOTE[-4:],
        NOTE + "no signature\n",
        NOTE + f"— {ORIGIN} AAAA\n",
        NOTE.replace("\n13\n", "\n13\t\n"),
        NOTE.replace("\n13\n", "\n13\r\n"),
        NOTE + NOTE.split("\n\n")[1] * 200,
        "x" * 2_000_000,
    ],
)
def test_what_is_no_note_is_refused(written):
    with pytest.raises(InvalidNote):
        read_note(written)


@pytest.mark.parametrize("size", ["013", "-1", "1.0", "", " 13", "1_3", "١٣", "13 ", "9" * 400])
def test_a_size_is_written_in_one_way(size):
    with pytest.raises(InvalidNote):
        read_checkpoint(NOTE.replace("\n13\n", f"\n{size}\n"))


@pytest.mark.parametrize("root", ["", "AAAA", base64.b64encode(bytes(31)).decode(), "!" * 44])
def test_a_root_is_one_hash(root):
    with pytest.raises(InvalidNote):
        read_checkpoint(NOTE.replace(base64.b64encode(ROOT).decode(), root))


def test_further_lines_of_a_checkpoint_are_signed_and_passed_over():
    note = sign(TEXT + "Timestamp: 1666181253219567000\n", [KEY])
    checkpoint = read_checkpoint(str(note))
    assert (checkpoint.size, checkpoint.root) == (13, ROOT)
    assert checkpoint.note.signers([KEY.verifier]) == [KEY.verifier]


@pytest.mark.parametrize(
    "written",
    [
        "",
        "PeterNeumann",
        "PeterNeumann+c74f20a3",
        NEUMANN.replace("c74f20a3", "c74f20a4"),
        NEUMANN.replace("PeterNeumann", ""),
        NEUMANN.replace("PeterNeumann", "Peter Neumann"),
        NEUMANN[:-4],
        NEUMANN.replace("ARpc", "Arpc"),
    ],
)
def test_what_is_no_verifier_key_is_refused(written):
    with pytest.raises(InvalidNote):
        verifier_key(written)


@pytest.mark.parametrize("written", ["", "AAAA", SEED[:-4], f"{SEED}\n{SEED}", "ä" * 44])
def test_what_is_no_signing_key_is_refused_and_not_shown(written):
    with pytest.raises(InvalidNote) as refused:
        signing_key(ORIGIN, written)
    assert not written or written not in str(refused.value)


def test_a_proof_of_a_tree_with_one_leaf_has_no_hashes():
    content = b'{"position":1}'
    checkpoint = read_checkpoint(str(sign(checkpoint_text(ORIGIN, 1, leaf_hash(content)), [KEY])))
    proof = InclusionProof(0, (), checkpoint, content)
    assert proof.holds
    assert read_proof(str(proof)) == proof
    assert not InclusionProof(0, (), checkpoint, content + b" ").holds
    assert not InclusionProof(1, (), checkpoint, content).holds


@pytest.mark.parametrize(
    "written",
    [
        "",
        COSIGNED,
        PROOF.replace("@v1", "@v2"),
        PROOF.replace("index 73894", "index 073894"),
        PROOF.replace("index 73894\n", ""),
        PROOF.replace("index 73894", "extra !\nindex 73894"),
        PROOF.replace("gSKy", "gSK"),
        PROOF.replace(
            "gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=\n", "gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=\n" * 64
        ),
        PROOF.partition("\n\n")[0],
    ],
)
def test_what_is_no_proof_is_refused(written):
    with pytest.raises(InvalidNote):
        read_proof(written)
