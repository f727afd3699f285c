"""What is handed over with a recording: everything to check it with, on a bare machine and without us. Pure.

The content itself is copied by whoever writes the bundle; here stands what lies beside it. A sealed recording is handed
over sealed: its bytes are not looked into.
"""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from edged.court.mhl import Hashed, history
from edged.formats.note import Verifier

_SPKI_ED25519 = bytes.fromhex("302a300506032b6570032100")  # RFC 8410: what stands before the key's 32 bytes
CHECK = "CHECK.txt"
SUMS = "SHA256SUMS"
PEM = "station.pem"


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """Who gave what to whom, and why (459-V.5-third-parties)."""

    recording: str
    file: str  # name of the content within the bundle
    request: str  # number and date of the request
    ground: str  # the law's provision that it rests on
    receiver: str
    decided: str  # deciding document and role, from the configuration
    persons: tuple[str, str]  # the two named persons who made it


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What the station has of a recording, as bytes."""

    manifest: bytes
    proof: bytes
    lines: bytes  # the ledger's lines about it, as they lie there
    verifier: bytes  # the one-file verifier
    station: Verifier  # the key that signed the manifest
    witnesses: tuple[Verifier, ...]  # who else has signed: the centre, the station with other keys
    more: Mapping[str, bytes] = field(default_factory=dict)  # receipt, cover sheet, by name


@dataclass(frozen=True, slots=True)
class Content:
    """The recording's file, as it was read for the bundle."""

    name: str
    size: int
    sha256: str
    sha512: bytes


def pem(key: Verifier) -> bytes:
    """Return a public key as openssl reads it."""
    body = base64.b64encode(_SPKI_ED25519 + key.public).decode()
    return f"-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n".encode()


def beside(evidence: Evidence, handover: Handover, content: Content) -> dict[str, bytes]:
    """Return what lies beside the content, by name, but for the sums and the history."""
    keys = "".join(f"{key}\n" for key in (evidence.station, *evidence.witnesses))
    return {
        "manifest.note": evidence.manifest,
        "recording.proof": evidence.proof,
        "ledger.jsonl": evidence.lines,
        "verify_proof.py": evidence.verifier,
        "keys.txt": keys.encode(),
        PEM: pem(evidence.station),
        CHECK: check_page(handover, content, evidence.station).encode(),
        **evidence.more,
    }


def sums(files: Sequence[tuple[str, str]]) -> bytes:
    """Return ``SHA256SUMS`` of names and hashes, for `sha256sum -c`."""
    return "".join(f"{sha256}  {name}\n" for name, sha256 in sorted(files)).encode()


def mhl(folder: str, files: Sequence[Hashed], made: datetime, version: str) -> dict[str, bytes]:
    return history(folder, files, made, f"edged {version}")


_PAGE = """\
ПЕРЕВІРКА ВІДЕОЗАПИСУ                                   CHECKING A RECORDING

Відеозапис / recording:        {recording}
Файл / file:                   {file}, {size} bytes
Запит / request:               {request}
Підстава / legal ground:       {ground}
Кому / handed to:              {receiver}
Рішення / decided by:          {decided}
Хто передав / made by:         {first}; {second}

Потрібні лише sha256sum, sed, cut, base64, openssl. Програма виробника не потрібна.
Only sha256sum, sed, cut, base64 and openssl are needed, no program of the maker.
Команди вводяться в цій теці. / The commands are typed in this folder.

1. Файли не змінено. / No file has changed.

    sha256sum -c SHA256SUMS

   Біля кожного файлу має бути OK (або ГАРАЗД). / OK beside each file.

2. Маніфест підписала док-станція {station}. / The station signed the manifest.

    sed '/^$/,$d' manifest.note > /tmp/manifest.txt
    sed '1,/^$/d' manifest.note | sed -n 1p | cut -d' ' -f3 | base64 -d | tail -c 64 > /tmp/manifest.sig
    openssl pkeyutl -verify -pubin -inkey station.pem -rawin -in /tmp/manifest.txt -sigfile /tmp/manifest.sig

   Має бути / expected: Signature Verified Successfully

3. Маніфест називає саме цей файл. / The manifest names this very file.

    sha256sum {file} | cut -d' ' -f1 | tr -d '\\n' > /tmp/content.sha256
    grep -c -F -f /tmp/content.sha256 /tmp/manifest.txt

   Має бути / expected: 1

4. Ключ належить станції: його відбиток оприлюднено митним органом. / The key is the station's: the customs body has
   published its fingerprint.

    openssl pkey -pubin -in station.pem -outform DER | tail -c 32 | sha256sum

   Має бути / expected: {fingerprint}

5. Запис внесено до журналу подій, який підписали станція та сервер. / The ledger, signed by the station and the server,
   holds the recording. Потрібен Python 3.9 або новіший. / Python 3.9 or newer is needed.

    python3 verify_proof.py {file} recording.proof keys.txt

   Код завершення 0 або 3 / exit status 0, or 3 while the server has not signed yet.

Перевірка доводить, що файл є тим, який станція зберегла, і коли; вона не тлумачить, що на ньому видно.
This shows that the file is the one that the station sealed, and when; it says nothing of what is to be seen in it.
"""


def check_page(handover: Handover, content: Content, station: Verifier) -> str:
    """Return the page on checking, Ukrainian and English. Its commands are those that a test runs."""
    first, second = handover.persons
    return _PAGE.format(
        recording=handover.recording,
        file=content.name,
        size=content.size,
        request=handover.request,
        ground=handover.ground,
        receiver=handover.receiver,
        decided=handover.decided,
        first=first,
        second=second,
        station=station.name,
        fingerprint=hashlib.sha256(station.public).hexdigest(),
    )


def commands(page: str) -> list[str]:
    """Return the commands of a page, in order: its lines that are indented by four."""
    return [line[4:] for line in page.splitlines() if line.startswith("    ")]
