"""A page: letters, styles, and the one way in which a PDF is made of its parts. Pure, but for the two font files.

The same parts give the same bytes: no date, no random identifier, fonts of our own (`fonts/`).
"""

from collections.abc import Callable, Sequence
from functools import cache
from html import escape
from importlib.resources import files
from io import BytesIO

from reportlab.lib import colors
from reportlab.lib.enums import TA_CENTER, TA_LEFT
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate, Table, TableStyle

REGULAR, BOLD = "DejaVuSans", "DejaVuSans-Bold"
MARGIN = 12 * mm
FOOT = 16 * mm
FRAME = 6.0  # points; what reportlab leaves free around everything
GREY = colors.HexColor("#555555")
LINE = colors.HexColor("#808080")
SHADE = colors.HexColor("#eeeeee")
PAGE_UK = "Сторінка {page} з {pages}"
SHEET = landscape(A4)


@cache
def style(
    size: float = 8.0, *, bold: bool = False, centre: bool = False, grey: bool = False
) -> ParagraphStyle:
    """Return a style of that many points."""
    _letters()
    return ParagraphStyle(
        f"{size}{bold}{centre}{grey}",
        fontName=BOLD if bold else REGULAR,
        fontSize=size,
        leading=size * 1.3,
        textColor=GREY if grey else colors.black,
        splitLongWords=1,
        alignment=TA_CENTER if centre else TA_LEFT,
    )


@cache
def _letters() -> None:
    for name in (REGULAR, BOLD):
        data = files("edged.printed").joinpath(f"fonts/{name}.ttf").read_bytes()
        pdfmetrics.registerFont(TTFont(name, BytesIO(data)))


def text(
    words: str, size: float = 8.0, *, bold: bool = False, centre: bool = False, grey: bool = False
) -> Paragraph:
    """Return a paragraph; nothing in ``words`` is markup, a line's end is one."""
    lines = escape(printable(words)).replace("\n", "<br/>").replace("№ ", "№\u00a0")
    return Paragraph(lines, style(size, bold=bold, centre=centre, grey=grey))


def printable(words: str) -> str:
    """Return what the fonts have letters for; another character is shown as an empty box, never left out."""
    _letters()
    known = pdfmetrics.getFont(REGULAR).face.charToGlyph  # type: ignore[attr-defined]
    return "".join(c if c == "\n" or ord(c) in known else "□" for c in words)


def table(
    head: Sequence[str], rows: Sequence[Sequence[str]], widths: Sequence[float], size: float = 7.5
) -> Flowable:
    """Return a ruled table whose head stands on every page. ``widths`` in points."""
    cells = [[text(cell, size, bold=True, centre=True) for cell in head]]
    cells += [[text(cell, size) for cell in row] for row in rows]
    ruled = Table(cells, colWidths=list(widths), repeatRows=1, splitInRow=1)
    ruled.setStyle(
        TableStyle(
            [
                ("GRID", (0, 0), (-1, -1), 0.5, LINE),
                ("BACKGROUND", (0, 0), (-1, 0), SHADE),
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("LEFTPADDING", (0, 0), (-1, -1), 3),
                ("RIGHTPADDING", (0, 0), (-1, -1), 3),
            ]
        )
    )
    return ruled


def width(size: tuple[float, float] = SHEET) -> float:
    """Return how wide a page is between its margins, in points."""
    return size[0] - 2 * MARGIN - 2 * FRAME


def pdf(
    title: str,
    parts: Callable[[], Sequence[Flowable]],
    foot: Sequence[str],
    page_words: str = PAGE_UK,
    size: tuple[float, float] = SHEET,
) -> bytes:
    """Return the document. Each page has its number, and ``foot`` below. ``size`` in points.

    ``parts`` is asked twice: how many pages there are is known after the first time.
    """
    pages = _build(title, parts(), foot, page_words, size, 0)[1]
    return _build(title, parts(), foot, page_words, size, pages)[0]


def _build(
    title: str,
    parts: Sequence[Flowable],
    foot: Sequence[str],
    page_words: str,
    size: tuple[float, float],
    pages: int,
) -> tuple[bytes, int]:
    _letters()
    out = BytesIO()
    document = SimpleDocTemplate(
        out,
        pagesize=size,
        leftMargin=MARGIN,
        rightMargin=MARGIN,
        topMargin=MARGIN,
        bottomMargin=FOOT,
        invariant=1,
        title=title,
        author="edged",
        lang="uk",
    )

    def finish(canvas: Canvas, made: SimpleDocTemplate) -> None:
        canvas.setFont(REGULAR, 6.5)
        canvas.setFillColor(GREY)
        for number, line in enumerate(reversed(foot)):
            canvas.drawString(MARGIN + FRAME, 6 * mm + number * 3 * mm, printable(line))
        right = size[0] - MARGIN - FRAME
        canvas.drawRightString(right, 6 * mm, page_words.format(page=made.page, pages=pages))

    document.build(list(parts), onFirstPage=finish, onLaterPages=finish)
    return out.getvalue(), document.page
