#!/usr/bin/env python3
"""Checks the proof of one recording, or an extract. One file, nothing but Python 3.9 or newer, no network.

    python3 verify_proof.py RECORDING PROOF KEYS
    python3 verify_proof.py --extract EXTRACT KEYS

RECORDING  the recording, as it was handed over
PROOF      the proof file of that recording
KEYS       text file with public keys, one a line (name+hash+base64); empty lines and lines with # are
           passed over. The station's key is the one whose name stands in the proof's checkpoint; every
           other key listed is a possible witness (the centre).

EXTRACT    lines of the ledger, each with its place in the tree that the station signed; printed when they hold

What is checked, in this order: the proof is one JSON object of the known kind without repeated names;
the file has the size and the SHA-256 that the ledger line says; the line is number INDEX of a Merkle
tree (RFC 6962) of SIZE lines; the root of that tree stands in the checkpoint; the station signed the
checkpoint (Ed25519, RFC 8032); who else signed it.

Exit status: 0 the proof holds and a witness signed; 1 it does not hold; 2 a file cannot be read or the
call is wrong; 3 the proof holds, but none of the listed witnesses signed.

This program shares no code with the station. docs/proof.md says the same in words.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

HOLDS, FAILS, UNREADABLE, NO_WITNESS = 0, 1, 2, 3
PROOF_LIMIT = 256 * 1024
TYPE = "edged/proof/v1"
EXTRACT_TYPE = "edged/extract/v1"


class ProofError(Exception):
    """Why the proof does not hold: in English and in Ukrainian."""

    def __init__(self, english: str, ukrainian: str) -> None:
        super().__init__(english)
        self.english, self.ukrainian = english, ukrainian


# --- Ed25519, verification only (RFC 8032, section 5.1.7). Slow and plain: one signature takes some 10 ms.

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT_OF_MINUS_1 = pow(2, (P - 1) // 4, P)
Point = tuple[int, int, int, int]  # X, Y, Z, T with x = X/Z, y = Y/Z, x*y = T/Z
NEUTRAL: Point = (0, 1, 1, 0)


def add(a: Point, b: Point) -> Point:
    m = (a[1] - a[0]) * (b[1] - b[0]) % P
    n = (a[1] + a[0]) * (b[1] + b[0]) % P
    c = 2 * a[3] * b[3] * D % P
    d = 2 * a[2] * b[2] % P
    e, f, g, h = n - m, d - c, d + c, n + m
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def times(number: int, point: Point) -> Point:
    result = NEUTRAL
    while number:
        if number & 1:
            result = add(result, point)
        point = add(point, point)
        number >>= 1
    return result


def same(a: Point, b: Point) -> bool:
    return (a[0] * b[2] - b[0] * a[2]) % P == 0 and (a[1] * b[2] - b[1] * a[2]) % P == 0


def point_of(data: bytes) -> Point | None:
    """The point that 32 bytes stand for (RFC 8032, section 5.1.3); None: they stand for none."""
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT_OF_MINUS_1 % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return (x, y, 1, x * y % P)


_BASE = point_of((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def ed25519_verifies(public: bytes, message: bytes, signature: bytes) -> bool:
    if len(public) != 32 or len(signature) != 64 or _BASE is None:
        return False
    key, commitment = point_of(public), point_of(signature[:32])
    scalar = int.from_bytes(signature[32:], "little")
    if key is None or commitment is None or scalar >= ORDER:
        return False
    digest = hashlib.sha512(signature[:32] + public + message).digest()
    challenge = int.from_bytes(digest, "little") % ORDER
    return same(times(scalar, _BASE), add(commitment, times(challenge, key)))


# --- keys and signed notes (C2SP signed-note) ------------------------------------------------------------


class Key(NamedTuple):
    name: str
    id: bytes
    public: bytes


def unbase64(text: str, what: str) -> bytes:
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except ValueError:
        data = b""
    if not data or base64.b64encode(data).decode() != text:
        raise ProofError(f"{what} is not base64.", f"{what}: це не base64.")
    return data


def parse_key(text: str) -> Key:
    parts = text.split("+", 2)
    data = unbase64(parts[2], f"the key {parts[0]!r}") if len(parts) == 3 else b""
    if len(data) != 33 or data[0] != 1:
        raise ProofError(f"not an Ed25519 verifier key: {text[:60]!r}", f"не ключ Ed25519: {text[:60]!r}")
    key_id = hashlib.sha256(parts[0].encode() + b"\n" + data).digest()[:4]
    if key_id.hex() != parts[1]:
        raise ProofError(
            f"the key {parts[0]!r} does not have the hash written beside it.",
            f"ключ {parts[0]!r} не відповідає записаному біля нього хешу.",
        )
    return Key(parts[0], key_id, data[1:])


def parse_keys(text: str) -> list[Key]:
    rows = [row.strip() for row in text.splitlines()]
    return [parse_key(row) for row in rows if row and not row.startswith("#")]


def signers_of(note: str, keys: Sequence[Key]) -> tuple[str, list[Key]]:
    """The note's text, and which of the keys signed it. A false signature of a known key spoils it."""
    cut = note.rfind("\n\n")
    if cut < 0 or not note.endswith("\n"):
        raise ProofError("The checkpoint is not a signed note.", "Контрольна точка не є підписаним записом.")
    text, signed = note[: cut + 1], []
    signed_bytes = encoded(text, "The checkpoint")
    for row in note[cut + 2 : -1].split("\n"):
        parts = row.split(" ")
        if len(parts) != 3 or parts[0] != "\u2014":
            raise ProofError("A signature line is malformed.", "Рядок підпису має хибну форму.")
        data = unbase64(parts[2], "a signature")
        for key in keys:
            if (key.name, key.id) == (parts[1], data[:4]):
                if not ed25519_verifies(key.public, signed_bytes, data[4:]):
                    raise ProofError(
                        f"The signature of {key.name!r} is false.", f"Підпис {key.name!r} недійсний."
                    )
                signed.append(key)
    return text, signed


# --- the proof -------------------------------------------------------------------------------------------


class Checked(NamedTuple):
    station: Key
    witnesses: list[Key]
    fact: dict[str, object]
    line: dict[str, object]
    size: int


def no_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ProofError("A name is repeated in the JSON.", "У JSON повторюється ім'я.")
    return found


def parse_json(text: str, what: str) -> dict[str, object]:
    try:
        value = json.loads(text, object_pairs_hook=no_repeats)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise ProofError(f"{what} is not a JSON object.", f"{what}: не об'єкт JSON.")
    return value


def encoded(text: str, what: str) -> bytes:
    """UTF-8. JSON can write half of a character that takes two; no signed text has one."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise ProofError(f"{what} is not Unicode text.", f"{what}: це не текст Unicode.") from None


def field(values: dict[str, object], name: str, kind: type) -> object:
    value = values.get(name)
    if type(value) is not kind:
        raise ProofError(f"{name!r} is missing or of the wrong kind.", f"{name!r} бракує або має хибний тип.")
    return value


def root_from(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """Root of a tree of ``size`` leaves from leaf ``index`` and its path (RFC 9162, section 2.1.3.2)."""
    number, last, node = index, size - 1, leaf
    if not 0 <= index < size:
        return None
    for sibling in path:
        if last == 0 or len(sibling) != 32:
            return None
        if number & 1 or number == last:
            node = hashlib.sha256(b"\x01" + sibling + node).digest()
            while not number & 1 and number:
                number, last = number >> 1, last >> 1
        else:
            node = hashlib.sha256(b"\x01" + node + sibling).digest()
        number, last = number >> 1, last >> 1
    return node if last == 0 else None


def parse_checkpoint(text: str) -> tuple[str, int, bytes]:
    rows = text.split("\n")
    if len(rows) != 4 or rows[3] or not re.fullmatch(r"[1-9][0-9]{0,17}", rows[1], re.ASCII):
        raise ProofError(
            "The checkpoint does not have its three lines.", "Контрольна точка не має трьох рядків."
        )
    return rows[0], int(rows[1]), unbase64(rows[2], "the checkpoint's root")


def check_proof(data: bytes, keys: Sequence[Key]) -> Checked:
    """Check all but the recording's bytes. Raises ProofError."""
    try:
        proof = parse_json(data.decode("utf-8"), "The proof")
    except UnicodeDecodeError:
        raise ProofError("The proof is not UTF-8.", "Доказ не в кодуванні UTF-8.") from None
    if set(proof) != {"type", "index", "size", "path", "line", "checkpoint"} or proof["type"] != TYPE:
        raise ProofError(f"This is no proof of the kind {TYPE}.", f"Це не доказ виду {TYPE}.")
    tree = check_tree(proof, keys)
    line = check_line(proof, tree)
    if line.get("type") != "recording.sealed" or not isinstance(line.get("data"), dict):
        raise ProofError("The ledger line seals no recording.", "Рядок журналу не фіксує запису.")
    fact = line["data"]
    assert isinstance(fact, dict)
    return Checked(tree.station, tree.witnesses, fact, line, tree.size)


class Tree(NamedTuple):
    station: Key
    witnesses: list[Key]
    size: int
    root: bytes


def check_tree(stated: dict[str, object], keys: Sequence[Key]) -> Tree:
    """The tree that the station signed. Raises ProofError."""
    text, signed = signers_of(str(field(stated, "checkpoint", str)), keys)
    origin, size, root = parse_checkpoint(text)
    stations = [key for key in signed if key.name == origin]
    if not stations:
        raise ProofError(
            f"The checkpoint is not signed by a listed key of the station {origin!r}.",
            f"Контрольну точку не підписано жодним із наведених ключів станції {origin!r}.",
        )
    if stated["size"] != size:
        raise ProofError(
            "Proof, line and checkpoint name different numbers.",
            "Доказ, рядок і контрольна точка називають різні номери.",
        )
    return Tree(stations[0], [key for key in signed if key.name != origin], size, root)


def check_line(stated: dict[str, object], tree: Tree) -> dict[str, object]:
    """A line of that tree. Raises ProofError."""
    line_text = str(field(stated, "line", str))
    line = parse_json(line_text, "The ledger line")
    path = [unbase64(step, "a hash of the path") for step in _texts(field(stated, "path", list))]
    if line.get("seq") != field(stated, "index", int):
        raise ProofError(
            "Proof, line and checkpoint name different numbers.",
            "Доказ, рядок і контрольна точка називають різні номери.",
        )
    leaf = hashlib.sha256(b"\x00" + encoded(line_text, "The ledger line")).digest()
    if root_from(leaf, int(str(stated["index"])), tree.size, path) != tree.root:
        raise ProofError(
            "The ledger line is not in the tree that the station signed.",
            "Рядка журналу немає в дереві, яке підписала станція.",
        )
    return line


def check_row(row: str, tree: Tree) -> dict[str, object]:
    stated = parse_json(row, "The row")
    if set(stated) != {"index", "path", "line"}:
        raise ProofError("The row is malformed.", "Рядок має хибну форму.")
    return check_line(stated, tree)


def check_extract(text: str, keys: Sequence[Key]) -> tuple[Tree, list[dict[str, object]]]:
    """Every line of an extract. Raises ProofError, naming the row."""
    rows = text.split("\n")
    if rows.pop():
        raise ProofError("The last row is cut off.", "Останній рядок обірвано.")
    head = parse_json(rows[0] if rows else "", "The extract's head")
    if set(head) != {"type", "about", "size", "checkpoint"} or head["type"] != EXTRACT_TYPE:
        raise ProofError(
            f"This is no extract of the kind {EXTRACT_TYPE}.", f"Це не витяг виду {EXTRACT_TYPE}."
        )
    tree = check_tree(head, keys)
    lines = []
    for number, row in enumerate(rows[1:], start=2):
        try:
            lines.append(check_row(row, tree))
        except ProofError as exc:
            raise ProofError(f"Row {number}: {exc.english}", f"Рядок {number}: {exc.ukrainian}") from None
    return tree, lines


def _texts(values: object) -> list[str]:
    if not isinstance(values, list) or len(values) > 63 or not all(isinstance(v, str) for v in values):
        raise ProofError("The path is malformed.", "Шлях у дереві має хибну форму.")
    return values


def hash_file(path: str) -> tuple[int, str]:
    digest, size = hashlib.sha256(), 0
    with Path(path).open("rb") as file:
        while chunk := file.read(1024 * 1024):
            digest.update(chunk)
            size += len(chunk)
    return size, digest.hexdigest()


def require_content(fact: dict[str, object], size: int, digest: str) -> None:
    if field(fact, "size", int) != size:
        raise ProofError(
            f"The file has {size} bytes, the sealed recording had {fact['size']}.",
            f"Файл має {size} байтів, а зафіксований запис мав {fact['size']}.",
        )
    if field(fact, "sha256", str) != digest:
        raise ProofError(
            f"The file's SHA-256 is {digest}, the sealed one is {fact['sha256']}.",
            f"SHA-256 файлу {digest}, а зафіксовано {fact['sha256']}.",
        )


# --- what a person reads ---------------------------------------------------------------------------------


def printable(value: object) -> str:
    return "".join(c if c.isprintable() else "?" for c in str(value))[:200]


def report(checked: Checked) -> list[str]:
    fact, line = checked.fact, checked.line
    rows = [
        "THE PROOF HOLDS. / ДОКАЗ ДІЙСНИЙ.",
        "",
        f"Recording / Запис:              {printable(fact.get('recording'))}",
        f"Size, bytes / Розмір, байтів:   {printable(fact.get('size'))}",
        f"SHA-256:                        {printable(fact.get('sha256'))}",
        f"Camera / Камера:                {printable(fact.get('camera'))}",
        f"Issue / Видача:                 {printable(fact.get('issue') or '-')}",
        f"Officer / Посадова особа:       {printable(fact.get('officer') or '-')}",
        f"End of recording, UTC / Кінець запису: {printable(fact.get('true_time') or '-')}"
        f" (± ms / мс: {printable(fact.get('uncertainty_ms'))})",
        f"Sealed, UTC / Зафіксовано:      {printable(line.get('time'))}",
        f"Ledger line / Рядок журналу:    {printable(line.get('seq'))} of / з {checked.size}",
        f"Station / Станція:              {checked.station.name}",
    ]
    if fact.get("gaps"):
        rows.append("DAMAGED: parts of the camera's memory could not be read; the file has gaps.")
        rows.append("ПОШКОДЖЕНО: частини пам'яті камери не прочитано; у файлі є пропуски.")
    if checked.witnesses:
        rows.append(f"Countersigned / Засвідчено:     {', '.join(key.name for key in checked.witnesses)}")
    else:
        rows.append(
            "NOT COUNTERSIGNED by a listed witness: the station alone vouches for the time and order."
        )
        rows.append("НЕ ЗАСВІДЧЕНО жодним із наведених свідків: час і порядок підтверджує лише сама станція.")
    return rows


def say(rows: Sequence[str]) -> None:
    sys.stdout.write("\n".join(rows) + "\n")


def run(recording: str, proof: str, keys: str) -> int:
    try:
        known = parse_keys(Path(keys).read_text(encoding="utf-8"))
        with Path(proof).open("rb") as file:
            data = file.read(PROOF_LIMIT)
        size, digest = hash_file(recording)
    except (OSError, UnicodeDecodeError) as exc:
        say([f"A file cannot be read: {exc}", f"Файл не читається: {exc}"])
        return UNREADABLE
    except ProofError as exc:
        say([f"The file of keys: {exc.english}", f"Файл ключів: {exc.ukrainian}"])
        return UNREADABLE
    try:
        checked = check_proof(data, known)
        require_content(checked.fact, size, digest)
    except ProofError as exc:
        say(["THE PROOF DOES NOT HOLD. / ДОКАЗ НЕДІЙСНИЙ.", "", exc.english, exc.ukrainian])
        return FAILS
    say(report(checked))
    return HOLDS if checked.witnesses else NO_WITNESS


def run_extract(extract: str, keys: str) -> int:
    try:
        known = parse_keys(Path(keys).read_text(encoding="utf-8"))
        text = Path(extract).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        say([f"A file cannot be read: {exc}", f"Файл не читається: {exc}"])
        return UNREADABLE
    except ProofError as exc:
        say([f"The file of keys: {exc.english}", f"Файл ключів: {exc.ukrainian}"])
        return UNREADABLE
    try:
        tree, lines = check_extract(text, known)
    except ProofError as exc:
        say(["THE EXTRACT DOES NOT HOLD. / ВИТЯГ НЕДІЙСНИЙ.", "", exc.english, exc.ukrainian])
        return FAILS
    say(report_extract(tree, lines))
    return HOLDS if tree.witnesses else NO_WITNESS


def report_extract(tree: Tree, lines: Sequence[dict[str, object]]) -> list[str]:
    names = ", ".join(key.name for key in tree.witnesses) or "-"
    rows = [
        "THE EXTRACT HOLDS: these lines stand in the ledger, word for word.",
        "ВИТЯГ ДІЙСНИЙ: ці рядки є в журналі дослівно.",
        "That there are no others, only the whole ledger shows. / Що інших немає, показує лише весь журнал.",
        f"Station / Станція: {tree.station.name}. Countersigned / Засвідчено: {names}",
        "",
    ]
    for line in lines:
        data = json.dumps(line.get("data"), ensure_ascii=False)
        told = (line.get("seq"), line.get("time"), line.get("type"), line.get("actor"), data)
        rows.append("  ".join("".join(c if c.isprintable() else "?" for c in str(part)) for part in told))
    return rows


def main(arguments: Sequence[str]) -> int:
    if len(arguments) == 3 and arguments[0] == "--extract":
        return run_extract(arguments[1], arguments[2])
    if len(arguments) != 3:
        sys.stderr.write(str(__doc__))
        return UNREADABLE
    return run(*arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
