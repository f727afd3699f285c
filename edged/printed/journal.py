"""A sheet of a journal on paper, in the form of the order (459-A1, -A2, -A3), or of a round. Pure."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from reportlab.platypus import Flowable, KeepTogether, Spacer, Table, TableStyle

from edged.formats.shift_facts import Document
from edged.journals.forms import STATUS, Kind, Sheet
from edged.printed.page import pdf, table, text, width

WIDTHS: Mapping[Kind, tuple[float, ...]] = MappingProxyType(
    {
        Kind.HANDOVER: (4, 31, 14, 15, 18, 18),
        Kind.INCIDENT: (4, 41, 20, 20, 15),
        Kind.MAINTENANCE: (4, 41, 20, 20, 15),
        Kind.ROUND: (4, 13, 8, 9, 11, 8, 8, 9, 11, 8, 11),
    }
)
"""Of the columns, in percent."""

REGISTERED = "Зареєстровано в системі електронного документообігу Держмитслужби: № {number} від {date}."


def render(sheet: Sheet, registered: Document | None = None) -> bytes:
    """Return the sheet as PDF, the same bytes for the same sheet. ``registered``: its number and date over there."""
    told = STATUS[sheet.kind]
    if registered is not None:
        told = REGISTERED.format(number=registered.number, date=registered.date)
    foot = (
        f"{told} Том {sheet.volume}.",
        f"Журнал подій: записи {sheet.source.first}–{sheet.source.last}, корінь {sheet.source.root}",
        f"SHA-256 запису: {sheet.sha256()}",
    )
    return pdf(sheet.form.title, lambda: _parts(sheet), foot)


def _parts(sheet: Sheet) -> Sequence[Flowable]:
    form = sheet.form
    head = Table([["", text(form.head, 8)]], colWidths=[width() * 0.6, width() * 0.4])
    return [
        head,
        Spacer(0, 8),
        text(form.title, 11, bold=True, centre=True),
        Spacer(0, 8),
        table(form.columns, sheet.numbered(), [width() * share / 100 for share in WIDTHS[sheet.kind]]),
        Spacer(0, 12),
        KeepTogether([_signatures(sheet), Spacer(0, 8), text(form.footer, 7.5)]),
    ]


def _signatures(sheet: Sheet) -> Flowable:
    """Position and name over the captions that the form has for them."""
    rows = []
    for who, captions in zip(sheet.signatories, sheet.form.signatures, strict=True):
        rows.append([text(who.position, 9, centre=True), "", text(who.name, 9, centre=True)])
        rows.append(
            [
                text(captions[0], 6.5, centre=True, grey=True),
                "",
                text(captions[1], 6.5, centre=True, grey=True),
            ]
        )
    lines = Table(rows, colWidths=[width() * 0.45, width() * 0.1, width() * 0.45])
    under = [
        ("LINEABOVE", (at, row), (at, row), 0.5, "black") for row in range(1, len(rows), 2) for at in (0, 2)
    ]
    lines.setStyle(TableStyle([*under, ("VALIGN", (0, 0), (-1, -1), "TOP")]))
    return lines
