#!/usr/bin/env python3
"""Checks a copy of a station's ledger. One file, nothing but Python 3.9 or newer, no network.

    python3 verify_ledger.py LEDGER_FOLDER --key KEY [--centre KEY] [--countersigned FOLDER]
                             [--against CHECKPOINT_FILE] [--recordings VAULT_FOLDER]

Written from docs/ledger.md, beside which it lies; it shares no code with the station. That page says what the
bytes are, what every kind of finding means, and what neither this program nor any other can see in a copy.

1. Only authenticated bytes count: lines by the chain and the tree, checkpoints by their signature. A
   file's name only says where to look.
2. Every finding is reported, not only the first: checking goes on with what is there.
3. Files are read twice, as streams. Memory grows with the number of checkpoints and, with --recordings, with
   the number of sealing lines, never with the size of anything.
4. What a line's ``data`` means is looked at in `station.commissioned`, `station.key_changed` and
   `recording.sealed` only: a type that is newer than this program is no finding.
5. KEY may be any that the station ever signed with; the ledger names the others. A change counts if the
   checkpoint that ends with its line bears the signatures of both keys.

Exit status: 0 good; 1 there are findings; 2 something cannot be read, or the call is wrong.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import re
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path
from typing import BinaryIO, NamedTuple

GOOD, FINDINGS, UNREADABLE = 0, 1, 2

LINE_LIMIT = 64 * 1024  # bytes of a line, newline not counted
CHECKPOINT_LIMIT = 16 * 1024
MANIFEST_LIMIT = 64 * 1024
SIGNATURES_LIMIT = 16
DEPTH_LIMIT = 64  # brackets within brackets
DIGITS_LIMIT = 4300  # of a whole number
CHUNK = 1024 * 1024
KEPT = 1000  # findings that are printed; more are counted
ORIGIN = "edged/"  # a station's key and its checkpoints are named edged/<station id>


class BadError(Exception):
    """Bytes are not what they ought to be; the text says why."""


class NewerError(BadError):
    """A line of another version."""


# --- Ed25519, verification only (RFC 8032, 5.1.7): whether R = s*B - h*A, both products in one pass -----------

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
Point = tuple[int, int, int, int]  # X, Y, Z, T: x = X/Z, y = Y/Z, x*y = T/Z
NEUTRAL: Point = (0, 1, 1, 0)
BASE: Point = (
    15112221349535400772501151409588531511454012693041857206046113283949847762202,
    46316835694926478169428394003475163141307993866256225615783033603165251855960,
    1,
    46827403850823179245072216630277197565144205554125654976674165829533817101731,
)


def plus(p: Point, q: Point) -> Point:
    a, b = (p[1] - p[0]) * (q[1] - q[0]), (p[1] + p[0]) * (q[1] + q[0])
    c, d = 2 * D * p[3] * q[3], 2 * p[2] * q[2]
    e, f, g, h = b - a, (d - c) % P, (d + c) % P, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def point_from(data: bytes) -> Point | None:
    """The point that 32 bytes name (5.1.3), or None."""
    number = int.from_bytes(data, "little")
    y, odd = number % 2**255, number >> 255
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P  # D*y*y is never -1
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * pow(2, (P - 1) // 4, P) % P
    if x * x % P != square or (x == 0 and odd):
        return None
    x = P - x if x % 2 != odd else x
    return x, y, 1, x * y % P


def bytes_of(point: Point) -> bytes:
    inverse = pow(point[2], -1, P)
    x, y = point[0] * inverse % P, point[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def verifies(public: bytes, message: bytes, signature: bytes) -> bool:
    key, s = point_from(public), int.from_bytes(signature[32:], "little")
    if key is None or len(signature) != 64 or s >= ORDER:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % ORDER
    minus_key = (P - key[0], key[1], 1, P - key[3])
    addends = (NEUTRAL, BASE, minus_key, plus(BASE, minus_key))
    result = NEUTRAL
    for bit in range(ORDER.bit_length() - 1, -1, -1):
        result = plus(result, result)
        chosen = (s >> bit & 1) | (h >> bit & 1) << 1
        if chosen:
            result = plus(result, addends[chosen])
    return bytes_of(result) == signature[:32]


# --- keys, signed notes, checkpoints (C2SP signed-note, tlog-checkpoint) --------------------------------------


class Key(NamedTuple):
    name: str
    id: bytes
    public: bytes
    text: str


class Checkpoint(NamedTuple):
    where: str
    size: int
    root: bytes
    countersigned: bool


def unbase64(text: str) -> bytes:
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except ValueError:
        raise BadError("not base64") from None
    if base64.b64encode(data).decode() != text:
        raise BadError("base64 in another than its one form")
    return data


def require_key_name(name: str) -> None:
    if not 0 < len(name) <= 200 or not name.isprintable() or " " in name or "+" in name:
        raise BadError("not a key's name")


def parse_key(text: str) -> Key:
    parts = text.split("+", 2)
    if len(parts) != 3:
        raise BadError("a key is name+hash+base64")
    require_key_name(parts[0])
    data = unbase64(parts[2])
    if len(data) != 33 or data[0] != 1:
        raise BadError("not an Ed25519 key")
    key_id = hashlib.sha256(parts[0].encode() + b"\n" + data).digest()[:4]
    if key_id.hex() != parts[1]:
        raise BadError("the hash beside the key is not its own")
    return Key(parts[0], key_id, data[1:], text)


def signature_of(row: str) -> tuple[str, bytes, bytes]:
    parts = row.split(" ")
    if len(parts) != 3 or parts[0] != "\u2014":
        raise BadError("not a signature line")
    require_key_name(parts[1])
    data = unbase64(parts[2])
    if len(data) < 5:
        raise BadError("a signature line without a signature")
    return parts[1], data[:4], data[4:]


def note_text(note: bytes, keys: Sequence[Key]) -> str:
    """The text of a note that every one of ``keys`` signed."""
    cut = note.rfind(b"\n\n")
    if cut < 0 or not note.endswith(b"\n"):
        raise BadError("not a signed note")
    try:
        text, block = note[: cut + 1].decode(), note[cut + 2 :].decode()
    except UnicodeDecodeError:
        raise BadError("a note is UTF-8") from None
    if any(c < " " and c != "\n" for c in text):
        raise BadError("a control character in a note")
    rows = [signature_of(row) for row in block.split("\n")[:-1]]
    signatures = {(name, key_id): signature for name, key_id, signature in rows}
    if not 0 < len(signatures) == len(rows) <= SIGNATURES_LIMIT:
        raise BadError("no signature, too many, or two by one key")
    for key in keys:
        signature = signatures.get((key.name, key.id))
        if signature is None:
            raise BadError(f"not signed by {key.name}")
        if not verifies(key.public, text.encode(), signature):
            raise BadError(f"the signature of {key.name} is false")
    return text


CHECKPOINT = re.compile(r"([^\n]+)\n(0|[1-9][0-9]{0,17})\n([^\n]+)\n")


class Named(NamedTuple):
    """A key of the station, and the line that names it; it answers for what comes behind."""

    line: int
    key: Key


def key_of_line(keys: Sequence[Named], seq: int) -> Key:
    return [keys[0], *(named for named in keys[1:] if named.line < seq)][-1].key


def signers(keys: Sequence[Named], size: int) -> list[Key]:
    """Who must have signed a checkpoint over ``size`` lines: at a change of keys both."""
    return [key_of_line(keys, size - 1), *(named.key for named in keys[1:] if named.line == size - 1)]


def parse_checkpoint(where: str, note: bytes, keys: Sequence[Named], centre: Key | None) -> Checkpoint:
    if len(note) > CHECKPOINT_LIMIT:
        raise BadError("too long for a checkpoint")
    claimed = re.match(rb"[^\n]+\n(0|[1-9][0-9]{0,17})\n", note)
    wanted = signers(keys, int(claimed[1])) if claimed else [keys[0].key]
    rows = CHECKPOINT.fullmatch(note_text(note, wanted if centre is None else [*wanted, centre]))
    if rows is None:
        raise BadError("a checkpoint has three lines: origin, size, root")
    size, root = int(rows[2]), unbase64(rows[3])
    if rows[1] != keys[0].key.name:
        raise BadError("a checkpoint of another origin")
    if len(root) != 32 or (size == 0 and root != Tree().root()):
        raise BadError("not a root")
    return Checkpoint(where, size, root, centre is not None)


# --- JSON in its one form -------------------------------------------------------------------------------------

STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\(?:["\\bfnrt]|u00(?:0[0-7bef]|1[0-9a-f])))*"')


def strict_json(text: str) -> object:
    """The value of JSON that is written in its one form."""
    bare = STRING.sub("0", text)  # what stands between the strings
    if re.search(r'[\s"\\]', bare):
        raise BadError("white space, or a string in another than its one form")
    if depth(bare) > DEPTH_LIMIT:
        raise BadError("nested too deeply")
    try:
        return json.loads(
            text, object_pairs_hook=members, parse_int=whole, parse_float=fraction, parse_constant=constant
        )
    except ValueError:
        raise BadError("not JSON") from None


def depth(bare: str) -> int:
    deepest = level = 0
    if bare.count("{") + bare.count("[") > DEPTH_LIMIT:
        for c in bare:
            level += (c in "{[") - (c in "}]")
            deepest = max(deepest, level)
    return deepest


def members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise BadError("a repeated name")
    return found


def whole(text: str) -> int:
    if len(text) > DIGITS_LIMIT or text == "-0":
        raise BadError("a number in another than its one form")
    return int(text)


def fraction(text: str) -> float:
    value = float(text)
    if text != shortest(value):
        raise BadError("a number in another than its one form")
    return value


def constant(name: str) -> object:
    raise BadError(f"{name} is not JSON")


def shortest(value: float) -> str:
    """The one form of a number with a fraction or an exponent."""
    if value in (float("inf"), float("-inf")):
        return ""
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    figures, point = "".join(map(str, digits)), len(digits) + int(exponent)  # value = 0.figures * 10**point
    if value == 0:
        plain = "0.0"
    elif -5 < point <= 0:
        plain = "0." + "0" * -point + figures
    elif 0 < point <= 16:
        figures = figures.ljust(point, "0")
        plain = figures[:point] + "." + (figures[point:] or "0")
    else:
        plain = figures[0] + ("." + figures[1:] if figures[1:] else "") + f"e{point - 1}"
    return "-" * sign + plain


# --- lines ----------------------------------------------------------------------------------------------------

ENVELOPE = re.compile(
    r'\{"v":1'
    r',"seq":(?P<seq>0|[1-9][0-9]{0,17})'
    r',"prev":"(?P<prev>[0-9a-f]{64})"'
    r',"time":"(?P<time>[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z)"'
    r',"boottime_ns":(?:0|-?[1-9][0-9]{0,18})'
    r',"boot_id":"[0-9a-f]{32}"'
    r',"clock":\{"class":"(?:synchronised|holdover|unknown)","max_error_ns":(?:null|0|[1-9][0-9]{0,17})\}'
    r',"type":"(?P<type>[a-z0-9_.]{1,64})"'
    r',"actor":"(?:station|(?:reader|person|account):[^\x00-\x20\x7f"\\]{1,100})"'
    r',"data":(?P<data>\{.*\})\}',
    re.DOTALL,
)
OTHER_VERSION = re.compile(r'\{"v":(?:[2-9]|[1-9][0-9]{1,8}),')


class Line(NamedTuple):
    seq: int
    prev: str
    time: str
    type: str
    data: dict[str, object]


def parse_line(raw: bytes) -> Line:
    if len(raw) > LINE_LIMIT:
        raise BadError("longer than 64 KiB")
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise BadError("not UTF-8") from None
    found = ENVELOPE.fullmatch(text)
    if found is None:
        if OTHER_VERSION.match(text):
            raise NewerError("of a newer version, or changed to look so")
        raise BadError("not a line")
    require_moment(found["time"])
    data = strict_json(found["data"])
    if not isinstance(data, dict):
        raise BadError("data is one object")
    return Line(int(found["seq"]), found["prev"], found["time"], found["type"], data)


def require_moment(text: str) -> None:
    year, month, day, hour, minute, second = map(int, re.split("[-T:.]", text)[:6])
    try:
        datetime(year, month, day, hour, minute, second, tzinfo=timezone.utc)  # noqa: UP017  # Python 3.9
    except ValueError:
        raise BadError("no such time") from None


def split(file: BinaryIO) -> Iterator[tuple[bytes, bool]]:
    """The lines of a file, newline taken off, and whether there was one; only the beginning of one too long."""
    while raw := file.readline(LINE_LIMIT + 2):
        end = raw
        while end and not end.endswith(b"\n"):
            end = file.readline(CHUNK)
        yield raw.rstrip(b"\n")[: LINE_LIMIT + 1], bool(end)


# --- the tree (RFC 6962, 2.1) ---------------------------------------------------------------------------------


class Tree:
    """Roots of the full subtrees, largest first: all that a growing tree has to remember."""

    def __init__(self) -> None:
        self.size = 0
        self.full: list[tuple[int, bytes]] = []  # number of lines below it, hash

    def append(self, line: bytes) -> None:
        self.size += 1
        lines, node = 1, hashlib.sha256(b"\x00" + line).digest()
        while self.full and self.full[-1][0] == lines:
            node = hashlib.sha256(b"\x01" + self.full.pop()[1] + node).digest()
            lines *= 2
        self.full.append((lines, node))

    def root(self) -> bytes:
        if not self.full:
            return hashlib.sha256(b"").digest()
        *left, (_, node) = self.full
        for _, peak in reversed(left):
            node = hashlib.sha256(b"\x01" + peak + node).digest()
        return node


# --- the copy -------------------------------------------------------------------------------------------------

PIECE = re.compile(r"([0-9]{12})-([0-9]{12})\.jsonl")
NOTE = re.compile(r"([0-9]{12})\.note")
CURRENT = "current.jsonl"


class Finding(NamedTuple):
    kind: str
    line: int  # -1: none in particular
    where: str
    what: str


class Sealed(NamedTuple):
    seq: int
    raw: bytes


def named_keys(ledger: Path, given: Key) -> list[Named]:
    """The station's keys as its ledger names them, if ``given`` is one of them; else that one alone."""
    found: list[Named] = []
    names = sorted(path.name for path in ledger.iterdir())
    for name in [*filter(PIECE.fullmatch, names), *(name for name in names if name == CURRENT)]:
        try:
            with opened(ledger / name) as file:
                for raw, _ in split(file):
                    take_key(found, raw)
        except OSError:
            continue  # the verification proper tells of it
    return found if given in [named.key for named in found] else [Named(0, given)]


def take_key(found: list[Named], raw: bytes) -> None:
    if b'"type":"station.' not in raw:
        return
    try:
        line = parse_line(raw)
        if line.type == "station.commissioned" and line.seq == 0:
            found[:] = [Named(0, parse_key(text_in(line.data, "station_key")))]
        elif line.type == "station.key_changed" and found:
            key = parse_key(text_in(line.data, "key"))
            if key.name == found[0].key.name and key not in [named.key for named in found]:
                found.append(Named(line.seq, key))
    except BadError:
        return


class Verification:
    """One pass over a copy. The counts and `findings` are the result."""

    def __init__(self, ledger: Path, keys: Sequence[Named], *, recordings: bool) -> None:
        self.ledger, self.keys, self.recordings = ledger, keys, recordings
        self.key = keys[0].key
        self.trusted = True  # until a key follows and both have not signed that
        self.findings: list[Finding] = []
        self.found = self.lines = self.checkpoints = self.signed = self.countersigned = self.compared = (
            self.due_notes
        ) = 0
        self.station = ""
        self.waiting: dict[int, list[Checkpoint]] = {}
        self.sealed: dict[str, Sealed] = {}
        self.confirmed: set[str] = set()  # since they were sealed
        self.tree = Tree()
        self.due, self.prev = 0, "0" * 64

    def find(self, kind: str, where: str, what: str, line: int = -1) -> None:
        self.found += 1
        if len(self.findings) < KEPT:
            self.findings.append(Finding(kind, line, where, what))

    # checkpoints

    def take_own(self) -> None:
        folder = self.ledger / "checkpoints"
        try:
            self.take_folder(folder, None)
        except FileNotFoundError:
            return  # a young ledger, or somebody took them away: then nothing counts as signed
        except OSError as exc:
            self.find("checkpoint-bad", folder.name, f"cannot be listed: {exc.strerror}")

    def take_folder(self, folder: Path, centre: Key | None) -> None:
        for path in sorted(folder.iterdir()):
            name = NOTE.fullmatch(path.name)
            if name is None:
                continue
            where = f"{folder.name}/{path.name}"
            try:
                self.take_checkpoint(where, read(path, CHECKPOINT_LIMIT), centre, int(name[1]))
            except OSError as exc:
                self.find("checkpoint-bad", where, f"cannot be read: {exc.strerror}")

    def take_checkpoint(self, where: str, note: bytes, centre: Key | None, named: int | None) -> None:
        try:
            checkpoint = parse_checkpoint(where, note, self.keys, centre)
        except BadError as exc:
            self.find("checkpoint-bad", where, str(exc))
            return
        if named not in (None, checkpoint.size):
            self.find("checkpoint-bad", where, f"speaks of {checkpoint.size} lines")
        self.checkpoints += 1
        self.waiting.setdefault(checkpoint.size, []).append(checkpoint)

    def compare(self) -> None:
        """Hold the lines read so far against the checkpoints of just that size."""
        here = self.waiting.pop(self.tree.size, [])
        seq = self.tree.size - 1
        if seq in [named.line for named in self.keys[1:]] and self.tree.root() not in [c.root for c in here]:
            self.trusted = False
            what = "no checkpoint of this size bears the signatures of both keys"
            self.find("key-unproved", str(self.ledger), what, seq)
        for checkpoint in here:
            if checkpoint.root != self.tree.root():
                what = "these lines are not those that were signed"
                self.find("checkpoint-differs", checkpoint.where, what, checkpoint.size - 1)
                continue
            if not self.trusted:
                continue
            self.signed = checkpoint.size
            if checkpoint.countersigned:
                self.countersigned = checkpoint.size

    # lines

    def read_pieces(self) -> None:
        self.compare()
        names = sorted(path.name for path in self.ledger.iterdir())
        for name in names:
            numbers = PIECE.fullmatch(name)
            if numbers is not None:
                self.read_piece(name, int(numbers[1]), int(numbers[2]))
        if CURRENT in names:
            self.read_file(CURRENT)
        if not self.lines:
            self.find("no-ledger", str(self.ledger), "there is no line")
        for size, checkpoints in sorted(self.waiting.items()):
            for checkpoint in checkpoints:
                what = f"{size} lines were signed, {self.lines} are there"
                self.find("behind-checkpoint", checkpoint.where, what, self.lines)

    def read_piece(self, name: str, first: int, last: int) -> None:
        before = self.lines
        if first != before or last < first:
            self.find("piece-wrong", name, f"line {before} is due", before)
        self.read_file(name)
        if self.lines - before != last - first + 1:
            self.find("piece-wrong", name, f"has {self.lines - before} lines", self.lines)

    def read_file(self, name: str) -> None:
        try:
            with opened(self.ledger / name) as file:
                for raw, ended in split(file):
                    self.take_line(name, raw, ended=ended)
        except OSError as exc:
            self.find("piece-wrong", name, f"cannot be read: {exc.strerror}", self.lines)

    def take_line(self, name: str, raw: bytes, *, ended: bool) -> None:
        if not ended:
            self.find("unended", name, "the last line has no newline", self.due)
        try:
            line = parse_line(raw)
            self.take_content(name, line, raw)
        except BadError as exc:
            kind = "line-newer" if isinstance(exc, NewerError) else "line-bad"
            self.find(kind, name, str(exc), self.due)
            self.due += 1
        else:
            self.take_number(name, line)
        self.prev = hashlib.sha256(raw).hexdigest()
        self.tree.append(raw)
        self.lines += 1
        self.compare()

    def take_number(self, name: str, line: Line) -> None:
        if line.seq != self.due:
            self.find("gap", name, f"line {line.seq} where {self.due} is due", self.due)
        elif line.prev != self.prev:
            self.find("chain-broken", name, "does not follow from the line before", line.seq)
        self.due = line.seq + 1

    def take_content(self, name: str, line: Line, raw: bytes) -> None:
        if line.type == "station.commissioned":
            self.take_beginning(name, line)
        elif line.seq == 0:
            self.find("beginning-wrong", name, f"line 0 is {line.type}", 0)
        if line.type == "recording.sealed" and self.recordings:
            self.sealed[text_in(line.data, "recording")] = Sealed(line.seq, raw)
            self.confirmed.discard(text_in(line.data, "recording"))
        elif line.type == "recording.confirmed" and self.recordings:
            self.confirmed.add(text_in(line.data, "recording"))

    def take_beginning(self, name: str, line: Line) -> None:
        station, key = text_in(line.data, "station"), text_in(line.data, "station_key")
        if line.seq != 0:
            self.find("commissioned-again", name, f"as {station}", line.seq)
            return
        self.station = station
        if key != self.key.text or ORIGIN + station != self.key.name:
            self.find("beginning-wrong", name, "line 0 names another station or another key", 0)

    # recordings

    def read_recordings(self, vault: Path) -> None:
        for recording, (seq, raw) in self.sealed.items():
            try:
                manifest = manifest_of(self.key, raw)
            except BadError as exc:
                self.find("recording-missing", recording, str(exc), seq)
                continue
            folder = vault / "recordings" / str(manifest["folder"]) / recording
            for kind, what in differences(folder, manifest, key_of_line(self.keys, seq)):
                if kind == NO_MANIFEST and recording not in self.confirmed:
                    self.due_notes += (
                        1  # cut off between line and manifest: the station's next start writes it
                    )
                else:
                    self.find("manifest-bad" if kind == NO_MANIFEST else kind, recording, what, seq)
            self.compared += 1


# --- recordings -----------------------------------------------------------------------------------------------

NO_MANIFEST = "no-manifest"  # a finding only after the receipt
PLACE = {
    "recording": r"[0-9a-f]{32}",
    "sha256": r"[0-9a-f]{64}",
    "folder": r"[0-9]{4}/[0-9]{2}/[0-9]{2}",
    "file": r"content\.[a-z0-9]{1,8}",
}
COPIED = ("recording", "size", "sha256", "folder", "file", "camera", "path", "mtime", "fingerprint", "medium")
COPIED_OR: dict[str, object] = {
    "true_time": "",
    "uncertainty_ms": -1,
    "issue": "",
    "officer": "",
    "second_read": False,
    "gaps": [],
}


def manifest_of(key: Key, raw: bytes) -> dict[str, object]:
    """What the manifest of the recording that this line seals must say."""
    line = parse_line(raw)
    if any(name not in line.data for name in COPIED) or type(line.data["size"]) is not int:
        raise BadError("the line does not say what was sealed")
    if any(not re.fullmatch(form, str(line.data[name])) for name, form in PLACE.items()):
        raise BadError("the line names no place where a recording can lie")
    return {
        "type": "edged/manifest/v1",
        "station": key.name[len(ORIGIN) :],
        **{name: line.data[name] for name in COPIED},
        **{name: line.data.get(name, otherwise) for name, otherwise in COPIED_OR.items()},
        "sealed_at": line.time,
        "ledger_seq": line.seq,
        "ledger_line": hashlib.sha256(raw).hexdigest(),
    }


def differences(folder: Path, manifest: dict[str, object], key: Key) -> Iterator[tuple[str, str]]:
    """What lies in a recording's folder, against what its sealing line says."""
    try:
        found = size_and_hash(folder / str(manifest["file"]))
        if found != (manifest["size"], manifest["sha256"]):
            yield "recording-differs", f"{found[0]} bytes, SHA-256 {found[1]}; not what was sealed"
    except OSError as exc:
        yield "recording-missing", f"cannot be read: {exc.strerror}"
    try:
        if normal(opened_manifest(read(folder / "manifest.note", MANIFEST_LIMIT), key)) != normal(manifest):
            yield "manifest-bad", "says other than the ledger"
    except FileNotFoundError:
        yield NO_MANIFEST, "is not there"
    except OSError as exc:
        yield "manifest-bad", f"cannot be read: {exc.strerror}"
    except BadError as exc:
        yield "manifest-bad", str(exc)


def opened_manifest(note: bytes, key: Key) -> object:
    text = note_text(note, [key])
    if text.count("\n") != 1 or not text.startswith('{"type":"'):
        raise BadError("not a signed document")
    return strict_json(text[:-1])


def normal(value: object) -> str:
    """For comparing; to Python itself 1, 1.0 and True are equal."""
    return json.dumps(value, sort_keys=True)


def text_in(data: dict[str, object], name: str) -> str:
    value = data.get(name)
    if not isinstance(value, str):
        raise BadError(f"{name} is missing or no text")
    return value


def size_and_hash(path: Path) -> tuple[int, str]:
    digest, size = hashlib.sha256(), 0
    with opened(path) as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
            size += len(chunk)
    return size, digest.hexdigest()


def opened(path: Path) -> BinaryIO:
    """A plain file; a pipe or a device in its place could be read for ever."""
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise OSError(0, "not a plain file")
    return path.open("rb")


def read(path: Path, limit: int) -> bytes:
    with opened(path) as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise OSError(0, "too long")
    return data


# --- what a person reads --------------------------------------------------------------------------------------


def printable(text: str) -> str:
    """Names and texts out of the copy may hold anything; a terminal may take ASCII only."""
    return "".join(c if " " <= c <= "~" else "?" for c in text)[:200]


def report(done: Verification) -> list[str]:
    unsigned = max(0, done.lines - done.signed)
    rows = [
        f"NOT GOOD: {done.found} findings" if done.found else "GOOD",
        f"station        {printable(done.station) or '-'}",
        f"lines          {done.lines}",
        f"signed         {done.signed}",
        f"countersigned  {done.countersigned}",
        f"not signed     {unsigned}"
        + (" (chained, but whoever holds the disk can write them)" if unsigned else ""),
        f"checkpoints    {done.checkpoints}",
        f"recordings     {done.compared}",
        f"manifests due  {done.due_notes}",
    ]
    for finding in done.findings:
        line = f"line {finding.line}" if finding.line >= 0 else "-"
        rows.append(f"{finding.kind:<19} {line:<12} {printable(finding.where)}: {printable(finding.what)}")
    if done.found > len(done.findings):
        rows.append(f"and {done.found - len(done.findings)} more")
    return rows


def arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Checks a copy of a station's ledger (docs/ledger.md).")
    parser.add_argument("ledger", type=Path, metavar="LEDGER_FOLDER", help="the folder that holds the pieces")
    parser.add_argument("--key", required=True, help="the station's public key, name+hash+base64")
    parser.add_argument("--centre", metavar="KEY", help="the centre's public key")
    parser.add_argument("--countersigned", type=Path, metavar="FOLDER", help="countersigned checkpoints")
    parser.add_argument("--against", type=Path, metavar="FILE", help="a checkpoint that was kept elsewhere")
    parser.add_argument("--recordings", type=Path, metavar="VAULT", help="the folder that holds recordings/")
    given = parser.parse_args(words)
    if given.countersigned and not given.centre:
        parser.error("--countersigned needs --centre, the key that countersigned")
    return given


def verify(given: argparse.Namespace) -> Verification:
    """Raises BadError for a key that is none, OSError for what was named and cannot be read."""
    keys = named_keys(given.ledger, parse_key(given.key))
    done = Verification(given.ledger, keys, recordings=given.recordings is not None)
    done.take_own()
    if given.countersigned:
        done.take_folder(given.countersigned, parse_key(given.centre))
    if given.against:
        done.take_checkpoint("against", read(given.against.resolve(), CHECKPOINT_LIMIT), None, None)
    done.read_pieces()
    if given.recordings:
        done.read_recordings(given.recordings)
    return done


def main(words: Sequence[str] | None = None) -> int:
    try:
        done = verify(arguments(words))
    except OSError as exc:
        sys.stderr.write(f"cannot be read: {exc}\n")
        return UNREADABLE
    except BadError as exc:
        sys.stderr.write(f"a key: {exc}\n")
        return UNREADABLE
    sys.stdout.write("\n".join(report(done)) + "\n")
    return FINDINGS if done.found else GOOD


if __name__ == "__main__":
    sys.exit(main())
