"""The tag of a damaged item on paper: a page of A6, to be tied to it (459-II.3-damaged). Pure."""

from collections.abc import Sequence

from reportlab.lib.pagesizes import A6, landscape
from reportlab.platypus import Flowable

from edged.formats import times
from edged.journals.forms import kyiv
from edged.printed.page import pdf, table, width
from edged.shift.tags import Tag

PAGE = landscape(A6)
TITLE_UK = "Бирка"
LABELS_UK = (
    "Обладнання",
    "Інвентарний номер",
    "Серійний номер",
    "Пошкодження",
    "Пошкоджено",
    "Місце зберігання",
    "Док-станція",
    "Дата бирки",
)
NONE = "—"


def render(tag: Tag) -> bytes:
    """Return the tag as PDF, the same bytes for the same tag. A long one goes on on the next page, under its number."""
    return pdf(f"{TITLE_UK} № {tag.number}", lambda: _parts(tag), (), size=PAGE)


def _parts(tag: Tag) -> Sequence[Flowable]:
    values = (
        tag.sort,
        tag.item,
        tag.serial or NONE,
        tag.description,
        kyiv(times.parse_ns(tag.since)),
        tag.place,
        ", ".join(part for part in (tag.station, tag.post) if part) or NONE,
        kyiv(times.parse_ns(tag.tagged)),
    )
    across = width(PAGE)
    rows = list(zip(LABELS_UK, values, strict=True))
    return [table((TITLE_UK, f"№ {tag.number}"), rows, (across * 0.3, across * 0.7), size=9)]
