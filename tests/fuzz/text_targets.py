"""Small files of the station's own and of persons: keys, passwords, marks, markers, drafts."""

import base64
import json
import os
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from drivers.cameras.password import LIMIT, parse_password
from drivers.host_clock import GoodMoment, _recall
from drivers.usbip_backend import parse_busid
from edged.cli.authority import _draft
from edged.errors import DiskError, EdgeError, FormatError
from edged.vault import marks
from edged.vault.vault import open_vault
from sync.ssh import login_key, pinned_key
from tests.fakes.memory_fs import MemoryFS
from tests.fuzz.contract import KIB, Target, must, require
from tests.fuzz.samples import hostile_json
from tests.sync.world import HOST_KEY

BOOT = "b" * 32
LINE = b"%d " + b"a" * 64 + b"%s\n"


def _host_key(data: bytes) -> None:
    key = pinned_key(data.decode("latin-1"))
    require(key.get_name() and key.asbytes(), "a key without name or bytes")


def _login_key(data: bytes) -> None:
    descriptor = os.memfd_create("key")
    try:
        os.fchmod(descriptor, 0o600)
        os.write(descriptor, data)
        key = login_key(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)
    require(key.can_sign(), "a key that signs nothing")


def _password(data: bytes) -> None:
    found = parse_password(data)
    require(1 <= len(found) <= LIMIT and found.isascii(), "a password that no camera takes")
    require(parse_password(found.encode()) == found, "one password has two values")


def _marks(data: bytes) -> None:
    found = marks.parse(data)
    text = b"".join(mark.line() for mark in found)
    require(data.startswith(text), "marks that do not stand there")
    require(marks.parse(text) == found, "marks written again are read otherwise")
    lengths = [mark.length for mark in found if not mark.sealed]
    require(lengths == sorted(set(lengths)), "marks that do not grow")


def _marker(data: bytes) -> None:
    fs = MemoryFS()
    fs.put("/vault/vault.json", data)
    try:
        vault = open_vault(fs, "/vault", station="post-1")
    finally:
        require(fs.files() == {"/vault/vault.json": data}, "opening a vault changed it")
    require(vault.vault_id, "a vault without a name")


def _moment(data: bytes) -> None:
    with TemporaryDirectory(dir="/dev/shm") as folder:
        path = Path(folder) / "clock.json"
        path.write_bytes(data)
        found = _recall(path, BOOT)
    require(
        found is None or (isinstance(found, GoodMoment) and found.boot_id == BOOT), "a moment of another boot"
    )


def _roster_draft(data: bytes) -> None:
    descriptor = os.memfd_create("draft")
    try:
        os.write(descriptor, data)
        found = _draft(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)
    with must("a draft that was read is no JSON"):
        json.dumps(found)


def _busid(data: bytes) -> None:
    found = parse_busid(data.decode("latin-1"))
    if found is not None:
        bus, ports = found
        again = f"{bus}-{'.'.join(map(str, ports))}"
        require(parse_busid(again) == found, "a port path that does not come back")


def _host_keys() -> list[bytes]:
    nist = (
        "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBEmKSENjQEezOmxkZMy7opKgwFB9"
        "nkt5YRrYMjNuG5N87uRgg6CLrbo5wAdT/y6v0mKV0U2w0WZ2YB/++Tpockg= post"
    )
    strings = (b"ssh-rsa", b"\1\0\1", b"\0" + b"\xc1" * 128)
    rsa = b"".join(len(string).to_bytes(4, "big") + string for string in strings)
    return [HOST_KEY.encode(), nist.encode(), b"ssh-rsa " + base64.b64encode(rsa)]


def _login_keys() -> list[bytes]:
    key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    forms = (PrivateFormat.OpenSSH, PrivateFormat.PKCS8)
    return [key.private_bytes(Encoding.PEM, form, NoEncryption()) for form in forms]


def _marker_seeds() -> list[bytes]:
    marker = {"type": "edged/vault/v1", "vault": "7" * 32, "station": "post-1"}
    return [json.dumps(marker).encode() + b"\n", json.dumps({**marker, "station": "post-2"}).encode()]


def _moments() -> list[bytes]:
    moment = {"boot_id": BOOT, "wall_ns": 1, "boottime_ns": 2, "max_error_ns": 3}
    return [json.dumps(moment).encode(), json.dumps({**moment, "wall_ns": 1e300}).encode()]


TARGETS = (
    Target(
        name="host-key",
        contract="Any text is an OpenSSH public key, or EdgeError.",
        body=_host_key,
        refusals=(EdgeError,),
        seeds=_host_keys,
        limit=4 * KIB,
        covers=(pinned_key,),
        steps=100_000,
    ),
    Target(
        name="login-key",
        contract="Any bytes of a key file are a private key, or EdgeError.",
        body=_login_key,
        refusals=(EdgeError,),
        seeds=_login_keys,
        limit=4 * KIB,
        covers=(login_key,),
        steps=100_000,
    ),
    Target(
        name="camera-password",
        contract="Any bytes of a password file are a password that fits a camera, or EdgeError.",
        body=_password,
        refusals=(EdgeError,),
        seeds=lambda: [b"000000\n", b"  Ab1!~\r\n", b"sixteen-letters!", b""],
        limit=4 * KIB,
        covers=(parse_password,),
    ),
    Target(
        name="vault-marks",
        contract="Any bytes are the marks that stand at their beginning, growing.",
        body=_marks,
        refusals=(),
        seeds=lambda: [LINE % (16, b"") + LINE % (32, b"") + LINE % (32, b" sealed"), LINE % (0, b"")],
        limit=64 * KIB,
        covers=(marks.parse,),
    ),
    Target(
        name="vault-marker",
        contract="Any bytes of a marker are this station's vault, or DiskError; nothing is changed.",
        body=_marker,
        refusals=(DiskError,),
        seeds=_marker_seeds,
        limit=32 * KIB,
        covers=(open_vault,),
        hostile=hostile_json,
    ),
    Target(
        name="clock-memory",
        contract="Any bytes that an earlier process left are a moment of this boot, or nothing.",
        body=_moment,
        refusals=(),
        seeds=_moments,
        limit=32 * KIB,
        covers=(_recall,),
        hostile=hostile_json,
    ),
    Target(
        name="roster-draft",
        contract="Any bytes of a person's draft are plain values, or FormatError.",
        body=_roster_draft,
        refusals=(FormatError,),
        seeds=lambda: [
            b'{\n "type": "edged/roster/v1", "version": 3,\n "persons": []\n}\n',
            b'{"a":1,"a":2}',
        ],
        limit=64 * KIB,
        covers=(_draft,),
        hostile=hostile_json,
        memory=8 * 1024 * KIB,
    ),
    Target(
        name="port-path",
        contract="Any text is a port path that comes back, or None.",
        body=_busid,
        refusals=(),
        seeds=lambda: [b"1-1.2", b"2-7", b"1-"],
        limit=64,
        covers=(parse_busid,),
    ),
)
