"""A report as one HTML file that needs nothing beside it: no script, no font, no picture from elsewhere."""

from collections.abc import Iterator
from html import escape

from edged.printed.report_pdf import COLOURS, INSET
from edged.reports.page import Page, Section
from edged.reports.timeline import Timeline

STYLE = """
body { font: 14px/1.4 "DejaVu Sans", Arial, sans-serif; margin: 24px auto; max-width: 1200px; color: #111; }
h1 { font-size: 22px; margin: 0; } h2 { font-size: 16px; margin: 24px 0 6px; } p { margin: 4px 0; }
.grey { color: #555; } .tiles { display: flex; gap: 8px; margin: 16px 0; }
.tile { flex: 1; border: 1px solid #999; border-top: 5px solid #3c8a4e; padding: 8px; text-align: center; }
.tile.bad { border-top-color: #c0392b; } .tile b { display: block; font-size: 26px; }
table { border-collapse: collapse; width: 100%; } thead { display: table-header-group; }
th, td { border: 1px solid #999; padding: 3px 6px; text-align: left; vertical-align: top; overflow-wrap: anywhere; }
th { background: #eee; } svg { width: 100%; } .key { display: inline-block; margin-right: 16px; }
.key i { display: inline-block; width: 14px; height: 10px; margin-right: 4px; }
"""
ROW = 20
LABEL = 110
ACROSS = 1090


def render(page: Page) -> str:
    """Return the document. Whatever a person entered stands in it as text."""
    return "".join(_document(page))


def _document(page: Page) -> Iterator[str]:
    yield f'<!doctype html>\n<html lang="{page.lang}">\n<head><meta charset="utf-8"><title>{escape(page.title)}</title>'
    yield f"<style>{STYLE}</style></head>\n<body>\n<h1>{escape(page.title)}</h1>\n"
    yield f'<p class="grey">{escape(page.subtitle)}</p>\n<div class="tiles">\n'
    for tile in page.tiles:
        look = "tile" if tile.good else "tile bad"
        yield f'<div class="{look}"><b>{escape(tile.figure)}</b>{escape(tile.label)}</div>\n'
    yield f"</div>\n<h2>{escape(page.attention_title)}</h2>\n"
    if page.attention:
        yield "<ul>" + "".join(f"<li>{escape(one)}</li>" for one in page.attention) + "</ul>\n"
    else:
        yield f"<p>{escape(page.nothing)}</p>\n"
    yield f"<h2>{escape(page.timeline_title)}</h2>\n<p>"
    for bar, label in page.legend:
        yield f'<span class="key"><i style="background:{COLOURS[bar]}"></i>{escape(label)}</span>'
    yield "</p>\n"
    yield from _drawn(page.timeline)
    for section in page.sections:
        yield from _section(section)
    yield f'<p class="grey">{escape(page.foot)}</p>\n</body>\n</html>\n'


def _drawn(drawn: Timeline) -> Iterator[str]:
    high = ROW * (len(drawn.rows) + 1)
    yield f'<svg viewBox="0 0 {LABEL + ACROSS} {high}" font-size="11" role="img">\n'
    for tick in drawn.ticks:
        x = LABEL + tick.at * ACROSS
        yield f'<path d="M{x:.1f} {ROW - 4}V{high}" stroke="#ddd"/>'
        yield f'<text x="{min(x, LABEL + ACROSS - 14):.1f}" y="11" text-anchor="middle">{escape(tick.label)}</text>\n'
    for number, row in enumerate(drawn.rows, start=1):
        y = ROW * number
        yield f'<text x="0" y="{y + 13}">{escape(row.label)}</text>'
        for piece in row.pieces:
            inset = INSET[piece.kind] * ROW / 13
            long = max(0.5, (piece.right - piece.left) * ACROSS)
            yield f'<rect x="{LABEL + piece.left * ACROSS:.1f}" y="{y + inset:.1f}" width="{long:.1f}" '
            yield f'height="{ROW - 2 * inset:.1f}" fill="{COLOURS[piece.kind]}"/>'
        yield "\n"
    yield "</svg>\n"


def _section(section: Section) -> Iterator[str]:
    yield f"<h2>{escape(section.title)}</h2>\n"
    if section.lead:
        yield f"<p>{escape(section.lead)}</p>\n"
    if section.rows:
        head = "".join(f"<th>{escape(one)}</th>" for one in section.columns)
        yield f"<table><thead><tr>{head}</tr></thead><tbody>\n"
        for row in section.rows:
            yield "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>\n"
        yield "</tbody></table>\n"
