"""Every decoder of shipped code has a target, or a reason why it has none."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.fuzz.contract import FOUND
from tests.fuzz.targets import TARGETS, covered

ROOT = Path(__file__).parent.parent.parent
SHIPPED = ("edged", "sync", "drivers", "firmware_protocol")
FORMATS = ("firmware_protocol", "edged/formats", "edged/court", "drivers/fat", "sync/sftp_wire.py")
"""Where everything public with a decoder's name is one."""
NAMES = re.compile(r"(?:decode|parse|open|receive|feed)(?:_|$)|total_length")
PARSERS = {
    "b64decode", "from_bytes", "fromhex", "fromisoformat", "iter_unpack", "json.Decoder", "json.decode",
    "load_pem_private_key", "loads", "msgspec.convert", "unpack", "unpack_from",
}  # fmt: skip
"""Calls that make values out of bytes; the last one or two words of the call."""

NO_TARGET = {
    "drivers/fat/entries.py:Layout.parse": "an interface",
    "drivers/fat/exfat_layout.py:ExfatLayout.parse": "passes on to exfat_entries.parse",
    "drivers/fat/fat_layout.py:FatLayout.parse": "passes on to fat_entries.parse",
    "edged/formats/signed.py:open_signed": "what open_document does",
    "firmware_protocol/session.py:DeviceEnd.open": "a property: whether a session runs",
}
"""Functions with a decoder's name that are none."""

READ_ELSEWHERE = {
    "drivers/fat/cluster_set.py": "part of a card's volume: card-fat, card-exfat",
    "drivers/fat/exfat_layout.py": "part of a card's volume: card-exfat",
    "drivers/fat/table.py": "part of a card's volume: card-fat, card-exfat",
    "edged/cli/moments.py": "a person's own arguments",
    "edged/cli/rekey.py": "the station's own identity, which `station init` wrote",
    "edged/cli/printing.py": "a person's own arguments, and what the daemon has answered",
    "edged/control/office_verbs.py": "what the request's type bounds, lines that decode_line took: control-request",
    "edged/failed_start.py": "the daemon's own file: tests/e2e/test_failed_start.py, with whatever may stand there",
    "edged/films.py": "facts that decode_line took: tests/edged/test_films.py, with whatever may stand there",
    "edged/cli/online.py": "a person's own arguments, and lines of the daemon that decode_line took",
    "edged/control/verbs.py": "hex digits that the request's type has checked: control-request",
    "edged/court/bundle.py": "a constant",
    "edged/court/mhl.py": "a hash of our own",
    "edged/journals/cms.py": "part of a signature: journal-signature",
    "edged/journals/forms.py": "the package's own file of the order's forms",
    "edged/shift/acts.py": "what a person enters: tests/edged/shift/test_acts.py, with whatever may be entered",
    "edged/shift/scene.py": "what a person enters: tests/edged/shift/test_acts.py, with whatever may be entered",
    "edged/station/desk.py": "the host's own random bytes",
    "edged/station/slot_work.py": "the host's own random bytes",
    "sync/centre/desk.py": "part of a pass of the centre: centre-intake",
    "edged/vault/layout.py": "the day in a folder's name that this station gave: ledger-line",
    "sync/centre/known.py": "part of a pass of the centre: centre-intake",
    "sync/centre/ledger.py": "part of a pass of the centre: centre-intake",
}
"""Modules that make values out of bytes without a target of their own."""


def calls(tree: ast.AST) -> Iterator[str]:
    """The last one and two words of every call."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            words = ast.unparse(node.func).split(".")
            yield words[-1]
            yield ".".join(words[-2:])


def functions(tree: ast.Module) -> Iterator[str]:
    """Public functions and methods, by qualified name."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name
        elif isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from (f"{node.name}.{part.name}" for part in node.body if isinstance(part, ast.FunctionDef))


def modules() -> Iterator[tuple[str, ast.Module]]:
    for package in SHIPPED:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield str(path.relative_to(ROOT)), ast.parse(path.read_text())


def decoders() -> set[str]:
    return {
        f"{path}:{name}"
        for path, tree in modules()
        if path.startswith(FORMATS)
        for name in functions(tree)
        if NAMES.match(name.rpartition(".")[2])
    }


def parsing() -> set[str]:
    return {path for path, tree in modules() if PARSERS.intersection(calls(tree))}


def test_every_decoder_has_a_target_or_is_none() -> None:
    assert decoders() - covered() == NO_TARGET.keys()


def test_every_module_that_makes_values_out_of_bytes_has_a_target_or_says_where_it_is_tried() -> None:
    with_target = {place.partition(":")[0] for place in covered()}
    assert parsing() - with_target == READ_ELSEWHERE.keys()


def test_a_new_decoder_would_be_noticed() -> None:
    tree = ast.parse("class Box:\n    def parse(self): return json.loads(b'')\ndef encode(): ...\n")
    assert [name for name in functions(tree) if NAMES.match(name.rpartition(".")[2])] == ["Box.parse"]
    assert PARSERS.intersection(calls(tree)) == {"loads"}


def test_every_kept_input_belongs_to_a_target() -> None:
    assert {path.name for path in FOUND.iterdir()} <= TARGETS.keys()


def test_every_contract_is_a_sentence() -> None:
    for target in TARGETS.values():
        assert target.contract.endswith("."), target.name
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", target.name)
