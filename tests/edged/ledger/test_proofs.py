"""Proofs of recordings, and the verifier for court, which shares no code with the station."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edged.court import verify_proof as court
from edged.errors import EdgeError, ErrorCode
from edged.formats.note import Signer
from edged.formats.proof import Proof, decode_proof, encode_proof, verify_proof
from edged.ledger.proofs import prove
from tests.edged.ledger.station import (
    CENTRE,
    COUNTERSIGNED,
    LEDGER,
    STATION,
    STRANGER,
    Station,
    note,
    sealed,
)

CONTENT = b"the recording's bytes" * 100
RECORDING = "7" * 32
KEYS = f"# public keys\n{STATION.verifier}\n\n{CENTRE.verifier}\n"


@pytest.fixture
async def station() -> Station:
    station = Station()
    book = await station.with_lines("one", "two")
    await book.append(sealed(RECORDING, CONTENT))
    for n in range(20):
        await book.append(note(str(n)))
    checkpointer = await station.checkpointer(book)
    await checkpointer.checkpoint()
    await checkpointer.accept_countersigned(station.countersigned(24))
    await book.append(sealed("8" * 32, CONTENT))
    await book.close()
    return station


def make(station: Station, recording: str = RECORDING) -> Proof:
    return prove(
        station.fs,
        LEDGER,
        recording,
        station=STATION.verifier,
        centre=CENTRE.verifier,
        countersigned=COUNTERSIGNED,
    )


def run(tmp_path: Path, proof: bytes, content: bytes = CONTENT, keys: str = KEYS) -> tuple[int, str]:
    """The verifier as an expert runs it: a bare interpreter, no path of ours."""
    files = {"recording.mp4": content, "proof.json": proof, "keys.txt": keys.encode()}
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    done = subprocess.run(
        [sys.executable, "-I", "-S", court.__file__, *(str(tmp_path / name) for name in files)],
        capture_output=True,
        timeout=30,
        check=False,
    )
    return done.returncode, (done.stdout + done.stderr).decode()


async def test_a_proof_holds_and_is_small(station: Station) -> None:
    proof = make(station)

    proved = verify_proof(decode_proof(encode_proof(proof)), STATION.verifier, CENTRE.verifier)

    assert proved.sealed.recording == RECORDING
    assert proved.countersigned
    assert (proof.index, proof.size) == (3, 24)
    longest = msgspec.structs.replace(proof, path=("A" * 43 + "=",) * 24)  # 16 million lines
    assert len(encode_proof(longest)) <= 4096


async def test_a_recording_that_is_not_sealed_or_not_covered_has_no_proof(station: Station) -> None:
    for recording, code in (("9" * 32, ErrorCode.NOT_FOUND), ("8" * 32, ErrorCode.CONFLICT)):
        with pytest.raises(EdgeError) as caught:
            make(station, recording)
        assert caught.value.code is code


async def test_no_proof_is_made_of_changed_lines(station: Station) -> None:
    path = f"{LEDGER}/000000000000-000000000023.jsonl"
    station.fs.put(path, station.fs.read(path).replace(b'"one"', b'"0ne"'))

    with pytest.raises(EdgeError) as caught:
        make(station)

    assert caught.value.code is ErrorCode.LEDGER_CORRUPT


async def test_a_line_of_another_place_is_no_proof(station: Station) -> None:
    proof = make(station)
    moved = msgspec.structs.replace(proof, index=4, line=proof.line.replace('"seq":3', '"seq":4'))

    with pytest.raises(EdgeError) as caught:
        verify_proof(moved, STATION.verifier)

    assert caught.value.code is ErrorCode.PROOF_BAD


# --- the verifier for court -------------------------------------------------------------------------------


def test_the_verifier_needs_python_3_9_and_its_standard_library_only() -> None:
    tree = ast.parse(Path(court.__file__).read_text(encoding="utf-8"), feature_version=(3, 9))
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [node.module or ""] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names]
        )
    }
    assert imported <= set(sys.stdlib_module_names)


@pytest.mark.slow
async def test_an_expert_sees_that_the_proof_holds(station: Station, tmp_path: Path) -> None:
    status, text = run(tmp_path, encode_proof(make(station)))

    assert status == court.HOLDS, text
    assert "THE PROOF HOLDS. / ДОКАЗ ДІЙСНИЙ." in text
    assert "centre/lviv" in text
    assert "GAT-0007" in text


@pytest.mark.slow
async def test_an_expert_sees_what_does_not_hold(station: Station, tmp_path: Path) -> None:
    proof = encode_proof(make(station))
    alone = f"{STATION.verifier}\n"

    assert run(tmp_path, proof, CONTENT[:-1])[0] == court.FAILS
    assert run(tmp_path, proof, CONTENT[:-1] + b"?")[0] == court.FAILS
    assert run(tmp_path, proof.replace(b"GAT-0007", b"GAT-0008"))[0] == court.FAILS
    assert run(tmp_path, proof, keys=f"{STRANGER.verifier}\n")[0] == court.FAILS
    assert run(tmp_path, proof, keys=alone)[0] == court.NO_WITNESS
    assert run(tmp_path, proof, keys="nonsense\n")[0] == court.UNREADABLE
    assert court.run("/nowhere", str(tmp_path / "proof.json"), str(tmp_path / "keys.txt")) == court.UNREADABLE


@pytest.mark.fault("Z01", "the court verifier answers any bytes with a value or its one error")
@settings(max_examples=60)
@given(st.binary(max_size=200))
def test_the_verifier_answers_any_bytes(data: bytes) -> None:
    with pytest.raises(court.ProofError):
        court.check_proof(data, court.parse_keys(KEYS))


@pytest.mark.fault("Z06", "a proof with any one character changed does not hold for either verifier")
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_a_spoilt_proof_does_not_hold_for_either_verifier(data: st.DataObject) -> None:
    spoilt = bytearray(GOOD)
    place = data.draw(st.integers(0, len(spoilt) - 2))
    spoilt[place] = (
        data.draw(st.sampled_from(b'0aZ{"\n ,')) if data.draw(st.booleans()) else spoilt[place] ^ 1
    )
    if bytes(spoilt) == GOOD:
        return

    with pytest.raises(EdgeError):
        verify_proof(decode_proof(bytes(spoilt)), STATION.verifier, CENTRE.verifier)
    with pytest.raises(court.ProofError):
        require_countersigned(bytes(spoilt))


def require_countersigned(data: bytes) -> None:
    """As the expert's exit status 0: a signature of an unknown key is passed over, but then one is missing."""
    if not court.check_proof(data, court.parse_keys(KEYS)).witnesses:
        raise court.ProofError("not countersigned", "не засвідчено")


def _good() -> bytes:
    """One proof, made once: the tree of a single sealing line after line 0."""
    import asyncio

    async def build() -> bytes:
        station = Station()
        book = await station.create()
        await book.append(sealed(RECORDING, CONTENT))
        checkpointer = await station.checkpointer(book)
        await checkpointer.checkpoint()
        await checkpointer.accept_countersigned(station.countersigned(2))
        await book.close()
        return encode_proof(make(station))

    return asyncio.run(build())


GOOD = _good()


# RFC 8032, section 7.1, tests 1, 2, 3 and 1024 bytes shortened to the first three.
RFC_8032 = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
        "d25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c"
        "387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc659"
        "4a7c15e9716ed28dc027beceea1ec40a",
    ),
]


@pytest.mark.parametrize(("public", "message", "signature"), RFC_8032)
def test_ed25519_gives_the_answers_of_rfc_8032(public: str, message: str, signature: str) -> None:
    key, text, signed = (bytes.fromhex(value) for value in (public, message, signature))

    assert court.ed25519_verifies(key, text, signed)
    assert not court.ed25519_verifies(key, text + b"x", signed)
    assert not court.ed25519_verifies(key, text, signed[:-1] + bytes([signed[-1] ^ 1]))
    more = (int.from_bytes(signed[32:], "little") + court.ORDER).to_bytes(32, "little")
    assert not court.ed25519_verifies(key, text, signed[:32] + more)  # the same scalar, written another way


@settings(max_examples=15, deadline=None)
@given(st.binary(min_size=32, max_size=32), st.binary(max_size=100))
def test_ed25519_agrees_with_the_library(seed: bytes, message: bytes) -> None:
    signer = Signer.from_seed("x", seed)
    text = court.unbase64(signer.signature_line(message).decode().split(" ")[2].strip(), "signature")[4:]

    assert court.ed25519_verifies(signer.verifier.public, message, text)
    assert not court.ed25519_verifies(signer.verifier.public, message + b"!", text)


def test_keys_are_read_as_the_station_writes_them() -> None:
    found = court.parse_keys(KEYS)

    assert [(key.name, key.public) for key in found] == [
        (signer.name, signer.verifier.public) for signer in (STATION, CENTRE)
    ]
    with pytest.raises(court.ProofError):
        court.parse_keys(str(STATION.verifier).replace("yahodyn", "krakivets"))


async def test_the_proof_file_is_one_json_object(station: Station) -> None:
    assert json.loads(encode_proof(make(station)))["type"] == "edged/proof/v1"
