"""The forms of Order 459 (459-A1, -A2, -A3), letter by letter, and a sheet: one form filled in. Pure.

Rule 1: columns, titles and signature lines are those of ``forms_uk.toml``, in its order; nothing is added. An
inspection round, which that order does not know, has the columns of scan-annex3 and all the rest of its own.
Rule 2: a sheet is its bytes: who signs, signs what `Sheet.text` returns.
Rule 3: a sheet says that it is an entry and no journal: the journal of the law is kept elsewhere (459-III.4-edms).
"""

import csv
import hashlib
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

import msgspec

from edged.errors import FormatError
from edged.formats import document
from edged.formats.times import KYIV, moment


class Kind(StrEnum):
    """Which journal."""

    HANDOVER = "handover"
    INCIDENT = "incident"
    MAINTENANCE = "maintenance"
    ROUND = "round"  # none of the three: kept by choice


ANNEX: Mapping[Kind, str] = MappingProxyType(
    {Kind.HANDOVER: "annex_1", Kind.INCIDENT: "annex_2", Kind.MAINTENANCE: "annex_3"}
)


ENTRY = (
    "Запис для реєстрації в системі електронного документообігу Держмитслужби; оригінал журналу ведеться там."
)
OWN = "Аркуш власного обліку підрозділу; не журнал за наказом № 459."
STATUS: Mapping[Kind, str] = MappingProxyType({**dict.fromkeys(ANNEX, ENTRY), Kind.ROUND: OWN})
"""What a sheet is. Beside the form: columns and wording are the order's (rule 1)."""
EDITION = 2  # of the bytes that are signed; sheets of the first had no status


class Form(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A page of the order, empty."""

    head: str
    title: str
    columns: tuple[str, ...]
    signatures: tuple[tuple[str, str], ...]  # position, name: what stands below each of the two lines
    footer: str


class _Scanners(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The scanners' journal, of which nothing but the columns is taken."""

    title: str
    columns: tuple[str, ...]


ROUND_HEAD = (
    "Ведеться за власним рішенням підрозділу і не є журналом Інструкції. Графи — з журналу огляду скануючих систем; "
    "СКС у них означає складову програмно-технічного комплексу."
)
ROUND_TITLE = "Огляд складових програмно-технічного комплексу на початку та наприкінці зміни"
ROUND_SIGNATURE = (
    "(Посада особи, яка здійснила огляд)",
    "(власне ім’я та прізвище особи, яка здійснила огляд)",
)
ROUND_FOOTER = (
    "Підписання здійснюється шляхом накладення кваліфікованого електронного підпису зазначеної особи."
)


def read_forms(text: str) -> Mapping[Kind, Form]:
    """Return the forms of the three journals and of a round. Raises FormatError: not that file."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        raise FormatError(reason="no TOML", why=str(exc)[:200]) from exc
    forms = {kind: document.convert(tables.get(annex), Form) for kind, annex in ANNEX.items()}
    columns = document.convert(tables.get("scan_annex_3"), _Scanners).columns
    return forms | {Kind.ROUND: Form(ROUND_HEAD, ROUND_TITLE, columns, (ROUND_SIGNATURE,), ROUND_FOOTER)}


@dataclass(frozen=True, slots=True)
class Signatory:
    position: str
    name: str


@dataclass(frozen=True, slots=True)
class Range:
    """The lines of the ledger that a sheet was made of."""

    first: int
    last: int
    root: str  # Merkle root over the lines up to the last, hex digits


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One form filled in. ``rows`` have a text for every column but the first, which is counted here."""

    kind: Kind
    volume: int  # of the journal, from 1 (459-III.4-lost-journal)
    form: Form
    rows: tuple[tuple[str, ...], ...]
    signatories: tuple[Signatory, ...]
    source: Range
    edition: int = EDITION

    def __post_init__(self) -> None:
        width = len(self.form.columns) - 1
        if any(len(row) != width for row in self.rows):
            raise ValueError(f"a row of the {self.kind} journal has {width} texts beside its number")
        if len(self.signatories) != len(self.form.signatures):
            raise ValueError(f"the {self.kind} journal is signed by {len(self.form.signatures)}")

    def numbered(self) -> tuple[tuple[str, ...], ...]:
        return tuple((str(number), *row) for number, row in enumerate(self.rows, start=1))

    def text(self) -> bytes:
        """Return the one form that is signed: JSON on one line. The same sheet always gives the same bytes."""
        status = {"status": STATUS[self.kind]} if self.edition > 1 else {}
        return document.encode(
            {
                "type": f"edged/journal-{self.kind}/v{self.edition}",
                **status,
                "volume": self.volume,
                "head": self.form.head,
                "title": self.form.title,
                "columns": self.form.columns,
                "rows": self.numbered(),
                "signatures": [[s.position, s.name] for s in self.signatories],
                "ledger": [self.source.first, self.source.last, self.source.root],
            }
        )

    def sha256(self) -> str:
        """Return the hash that a detached signature is bound to."""
        return hashlib.sha256(self.text()).hexdigest()

    def csv(self) -> str:
        """Return the table with its column titles, for a spreadsheet: these and no line more, so without the status."""
        return _csv((self.form.columns, *self.numbered()))


class _Lines(list[str]):
    def write(self, text: str) -> None:
        self.append(text)


def _csv(rows: Sequence[Sequence[str]]) -> str:
    lines = _Lines()
    csv.writer(lines, lineterminator="\r\n").writerows([_inert(cell) for cell in row] for row in rows)
    return "".join(lines)


def _inert(cell: str) -> str:
    """A spreadsheet takes what begins so for a formula."""
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell


def kyiv(at_ns: int) -> str:
    """Return a moment as the journals write it: day and time in Kyiv, and in the hour that comes twice which one."""
    local = moment(at_ns).astimezone(KYIV)
    twice = local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
    which = f" ({local:%Z})" if twice else ""
    return f"{local:%d.%m.%Y %H:%M}{which}"
