"""What is handed over with a recording, checked as its own page says, with what a bare machine has."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from edged.court import verify_proof as court
from edged.court.bundle import (
    CHECK,
    SUMS,
    Content,
    Evidence,
    Handover,
    beside,
    check_page,
    commands,
    mhl,
    sums,
)
from edged.court.mhl import Hashed, c4
from edged.formats.manifest import manifest_of
from edged.formats.proof import encode_proof
from edged.formats.signed import sign_document
from edged.ledger.proofs import prove
from tests.edged.ledger.station import CENTRE, COUNTERSIGNED, LEDGER, STATION, Station, note, sealed

BYTES = b"the recording's bytes" * 5000
RECORDING = "7" * 32
FILE = "content.mp4"
HANDOVER = Handover(
    recording=RECORDING,
    file=FILE,
    request="№ 12/345 від 20.11.2026",
    ground="ст. 93 КПК України",
    receiver="Слідче управління",
    decided="наказ № 7 від 01.11.2026, начальник митниці",
    persons=("Ірина Бондар", "Богдан Сова"),
)
VERIFIER = Path(court.__file__).read_bytes()
BARE = ("sha256sum", "sed", "cut", "base64", "tail", "tr", "grep", "openssl", "python3", "sh")


@pytest.fixture
async def evidence() -> Evidence:
    station = Station()
    book = await station.with_lines("one", "two")
    line = await book.append(sealed(RECORDING, BYTES))
    for n in range(20):
        await book.append(note(str(n)))
    checkpointer = await station.checkpointer(book)
    await checkpointer.checkpoint()
    await checkpointer.accept_countersigned(station.countersigned(24))
    await book.close()
    proof = prove(
        station.fs,
        LEDGER,
        RECORDING,
        station=STATION.verifier,
        centre=CENTRE.verifier,
        countersigned=COUNTERSIGNED,
    )
    return Evidence(
        manifest=sign_document(manifest_of("yahodyn-1", line), STATION),
        proof=encode_proof(proof),
        lines=line.raw + b"\n",
        verifier=VERIFIER,
        station=STATION.verifier,
        witnesses=(CENTRE.verifier,),
    )


def content(data: bytes = BYTES) -> Content:
    return Content(FILE, len(data), hashlib.sha256(data).hexdigest(), hashlib.sha512(data).digest())


def write(folder: Path, evidence: Evidence, data: bytes = BYTES) -> Path:
    files = {FILE: data, **beside(evidence, HANDOVER, content(data))}
    files[SUMS] = sums([(name, hashlib.sha256(body).hexdigest()) for name, body in files.items()])
    hashed = [Hashed(name, len(body), hashlib.sha512(body).digest()) for name, body in files.items()]
    files |= mhl(folder.name, hashed, datetime(2026, 11, 30, 12, tzinfo=UTC), "0.1.0")
    for name, body in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(body)
    return folder


@pytest.fixture
def bare(tmp_path: Path) -> dict[str, str]:
    """A machine on which there is nothing but what the page names."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in BARE:
        found = sys.executable if name == "python3" else shutil.which(name)
        assert found, name
        (tools / name).symlink_to(os.path.realpath(found) if name != "python3" else found)
    return {"PATH": str(tools), "LC_ALL": "C", "TMPDIR": str(tmp_path)}


def typed(folder: Path, bare: dict[str, str]) -> list[tuple[int, str]]:
    """What every command of the page ends with, as somebody types it."""
    page = (folder / CHECK).read_text("utf-8").replace("/tmp/", f"{bare['TMPDIR']}/")
    runs = (
        subprocess.run(
            ["sh", "-c", command],
            cwd=folder,
            env=bare,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        for command in commands(page)
    )
    return [(done.returncode, (done.stdout + done.stderr).strip()) for done in runs]


def test_the_page_names_only_tools_of_a_bare_machine() -> None:
    page = check_page(HANDOVER, content(), STATION.verifier)
    words = {re.split(r"\s", part.strip())[0] for line in commands(page) for part in line.split("|")}
    assert words <= set(BARE)


def test_every_command_of_the_page_says_what_the_page_says(
    evidence: Evidence, tmp_path: Path, bare: dict[str, str]
) -> None:
    folder = write(tmp_path / "bundle", evidence)
    said = typed(folder, bare)
    page = (folder / CHECK).read_text("utf-8")
    expected = re.findall(r"expected: (.+)", page)
    codes = [code for code, _ in said]
    assert codes == [0] * len(said)
    assert said[0][1].count(": OK") == len(said[0][1].splitlines()) > 6
    assert said[3][1] == expected[0] == "Signature Verified Successfully"
    assert said[5][1] == expected[1] == "1"
    assert said[6][1].split()[0] == expected[2]


@pytest.mark.parametrize("spoilt", [FILE, "manifest.note", "recording.proof", "ledger.jsonl", "station.pem"])
def test_a_file_that_was_changed_is_found_out(
    evidence: Evidence, tmp_path: Path, bare: dict[str, str], spoilt: str
) -> None:
    folder = write(tmp_path / "bundle", evidence)
    path = folder / spoilt
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    assert typed(folder, bare)[0][0] == 1


def test_somebody_who_makes_the_sums_anew_is_found_out_by_the_manifest(
    evidence: Evidence, tmp_path: Path, bare: dict[str, str]
) -> None:
    folder = write(tmp_path / "bundle", evidence, BYTES + b"more")  # and SHA256SUMS with it
    said = typed(folder, bare)
    assert (said[0][0], said[3][1]) == (0, "Signature Verified Successfully")
    assert said[5] == (1, "0")
    assert said[7][0] == 1


def test_a_manifest_of_another_signer_is_found_out(
    evidence: Evidence, tmp_path: Path, bare: dict[str, str]
) -> None:
    other = replace(evidence, manifest=evidence.manifest.replace(b'"medium":"', b'"medium":"x'))
    said = typed(write(tmp_path / "bundle", other), bare)
    assert said[0][0] == 0
    assert said[3] == (1, "Signature Verification Failure")


# --- the media hash list -------------------------------------------------------------------------------


def ascmhl(folder: Path, *words: str) -> int:
    """The reference tool."""
    program = Path(sys.executable).parent / "ascmhl"
    return subprocess.run(
        [program, *words, "."], cwd=folder, capture_output=True, timeout=60, check=False
    ).returncode


def test_the_reference_tool_accepts_the_history(evidence: Evidence, tmp_path: Path) -> None:
    folder = write(tmp_path / "bundle", evidence)
    assert ascmhl(folder, "diff") == 0
    assert ascmhl(folder, "create", "-h", "c4") == 0  # it hashes everything and compares


def test_the_reference_tool_finds_a_changed_and_a_missing_file(evidence: Evidence, tmp_path: Path) -> None:
    folder = write(tmp_path / "bundle", evidence)
    (folder / FILE).write_bytes(BYTES[:-1] + b"!")
    assert ascmhl(folder, "create", "-h", "c4") != 0
    (folder / FILE).unlink()
    assert ascmhl(folder, "diff") != 0


def test_a_c4_id_is_that_of_the_standard() -> None:
    """Of nothing, as the specification's own example has it."""
    assert c4(hashlib.sha512(b"").digest()) == (
        "c459dsjfscH38cYeXXYogktxf4Cd9ibshE3BHUo6a58hBXmRQdZrAkZzsWcbWtDg5oQstpDuni4Hirj75GEmTc1sFT"
    )
    assert len(c4(bytes(64))) == 90
