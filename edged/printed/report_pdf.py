"""A report as PDF. Draws what `edged.reports.page` says and adds nothing."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from reportlab.lib import colors
from reportlab.platypus import Flowable, KeepTogether, PageBreak, Spacer, Table, TableStyle

from edged.printed.page import GREY, LINE, REGULAR, SHADE, pdf, printable, table, text, width
from edged.reports.page import FEW, Page, Section, Tile
from edged.reports.timeline import Bar, Timeline

COLOURS: Mapping[Bar, str] = MappingProxyType(
    {
        Bar.ISSUED: "#c9d8ea",
        Bar.RECORDED: "#1f5fa8",
        Bar.GAP: "#e8a33d",
        Bar.PERHAPS: "#fbe3bd",
        Bar.OUTAGE: "#9a9a9a",
    }
)
"""Told apart by their lightness too, on a printer without colours."""
ROW, CLOSE_ROW = 13.0, 9.5  # points; where there are many, so that all stand on the first page
LABEL = 70.0
INSET: Mapping[Bar, float] = MappingProxyType(
    {Bar.ISSUED: 1.0, Bar.RECORDED: 3.0, Bar.GAP: 4.5, Bar.PERHAPS: 4.5, Bar.OUTAGE: 0.0}
)


class TimelineDrawing(Flowable):
    """One row a camera; ticks at whole hours above."""

    def __init__(self, drawn: Timeline, row: float) -> None:
        """``row``: height of one, in points."""
        super().__init__()
        self._drawn, self._row = drawn, row
        self.width, self.height = width(), row * (len(drawn.rows) + 1)

    def wrap(self, aW: float, aH: float) -> tuple[float, float]:  # noqa: ARG002, N803 - reportlab's
        return self.width, self.height

    def split(self, aW: float, aH: float) -> list[Flowable]:  # noqa: ARG002, N803 - reportlab's
        """More cameras than a page is high go on on the next, under ticks of their own."""
        fit = int(aH // self._row) - 1
        if fit < 1:
            return []
        rows, ticks = self._drawn.rows, self._drawn.ticks
        parts = (part for part in (rows[:fit], rows[fit:]) if part)
        return [TimelineDrawing(Timeline(part, ticks), self._row) for part in parts]

    def draw(self) -> None:
        canvas, across, high = self.canv, self.width - LABEL, self._row
        canvas.setFont(REGULAR, 6.5)
        for tick in self._drawn.ticks:
            x = LABEL + tick.at * across
            canvas.setStrokeColor(SHADE)
            canvas.line(x, 0, x, self.height - high + 2)
            canvas.setFillColor(GREY)
            canvas.drawCentredString(min(x, self.width - 10), self.height - high + 4, tick.label)
        for number, row in enumerate(self._drawn.rows):
            y = self.height - high * (number + 2)
            canvas.setFillColor(colors.black)
            canvas.drawString(0, y + high / 3, printable(row.label)[:18])
            for piece in row.pieces:
                inset = INSET[piece.kind] * high / ROW
                canvas.setFillColor(colors.HexColor(COLOURS[piece.kind]))
                long = max(0.4, (piece.right - piece.left) * across)
                canvas.rect(LABEL + piece.left * across, y + inset, long, high - 2 * inset, stroke=0, fill=1)


def render(page: Page) -> bytes:
    """Return the report. The same report always gives the same bytes."""
    return pdf(page.title, lambda: _parts(page), (page.foot,), page.page_words)


def _parts(page: Page) -> Sequence[Flowable]:
    attention = [text(f"● {sentence}", 8) for sentence in page.attention] or [text(page.nothing, 8)]
    return [
        text(page.title, 14, bold=True),
        Spacer(0, 2),
        text(page.subtitle, 8, grey=True),
        Spacer(0, 8),
        _tiles(page.tiles),
        Spacer(0, 8),
        text(page.attention_title, 10, bold=True),
        *attention,
        Spacer(0, 8),
        text(page.timeline_title, 10, bold=True),
        _legend(page),
        TimelineDrawing(page.timeline, ROW if len(page.timeline.rows) <= FEW else CLOSE_ROW),
        PageBreak(),
        *(part for section in page.sections for part in _section(section)),
    ]


def _tiles(tiles: Sequence[Tile]) -> Flowable:
    cells = [
        [text(tile.figure, 15, bold=True, centre=True) for tile in tiles],
        [text(tile.label, 7, centre=True) for tile in tiles],
    ]
    drawn = Table(cells, colWidths=[width() / len(tiles)] * len(tiles))
    looks = [("BOX", (at, 0), (at, 1), 0.5, LINE) for at in range(len(tiles))]
    looks += [("LINEABOVE", (at, 0), (at, 0), 3, _mark(tile)) for at, tile in enumerate(tiles)]
    drawn.setStyle(
        TableStyle([*looks, ("BOTTOMPADDING", (0, 0), (-1, 0), 10), ("VALIGN", (0, 0), (-1, -1), "TOP")])
    )
    return drawn


def _mark(tile: Tile) -> colors.Color:
    return colors.HexColor("#3c8a4e" if tile.good else "#c0392b")


def _legend(page: Page) -> Flowable:
    cells, looks = [], []
    for at, (bar, label) in enumerate(page.legend):
        cells += ["", text(label, 7)]
        looks.append(("BACKGROUND", (2 * at, 0), (2 * at, 0), colors.HexColor(COLOURS[bar])))
    letters = sum(len(label) for _, label in page.legend)
    free = width() - 30 * len(page.legend)
    widths = [part for _, label in page.legend for part in (12, 18 + free * len(label) / letters)]
    drawn = Table([cells], colWidths=widths, rowHeights=[11])
    drawn.setStyle(TableStyle([*looks, ("TOPPADDING", (0, 0), (-1, -1), 0)]))
    return drawn


def _section(section: Section) -> Sequence[Flowable]:
    head: list[Flowable] = [Spacer(0, 8), text(section.title, 10, bold=True)]
    if section.lead:
        head.append(text(section.lead, 8))
    if not section.rows:
        return [KeepTogether(head)]
    widths = [width() * share / 100 for share in section.shares]
    return [KeepTogether(head), table(section.columns, section.rows, widths, 7)]
