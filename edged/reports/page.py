"""A report in words, laid out as tiles, sentences, a timeline and tables: what HTML and PDF draw alike. Pure."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from edged.journals.papers import PAPERS, Paper
from edged.reports.alert_words import alert_cells
from edged.reports.alert_words import attention as about_alert
from edged.reports.build import Read
from edged.reports.data import CameraRow, IssueRow, PaperRow, Reconciliation, Report
from edged.reports.issue_words import addressed, issue_cells
from edged.reports.moments import NONE, when
from edged.reports.texts import Lang, say, word
from edged.reports.timeline import Bar, Timeline, timeline
from edged.shift.rows import Place

FEW = 13  # cameras beside whose timeline there is room for all sentences
SENTENCES, SENTENCES_BESIDE_MANY = (
    16,
    8,
)  # of what needs attention, so that the timeline stands on the same page


@dataclass(frozen=True, slots=True)
class Tile:
    """One number, read from two metres away."""

    figure: str
    label: str
    good: bool


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    shares: tuple[int, ...]  # of the columns, in percent
    lead: str = ""  # a sentence before the table


@dataclass(frozen=True, slots=True)
class Page:
    lang: Lang
    title: str
    subtitle: str
    tiles: tuple[Tile, ...]
    attention_title: str
    attention: tuple[str, ...]  # empty: nothing needs any
    nothing: str
    timeline_title: str
    timeline: Timeline
    legend: tuple[tuple[Bar, str], ...]
    sections: tuple[Section, ...]
    foot: str
    page_words: str  # {page} {pages}


def compose(report: Report, lang: Lang) -> Page:
    """Return the report in one language."""
    period = f"{when(report.began)} – {when(report.ended)}"
    drawn = timeline(report)
    room = SENTENCES if len(drawn.rows) <= FEW else SENTENCES_BESIDE_MANY
    return Page(
        lang=lang,
        title=f"{say('title', lang)} · {report.post} · {report.station}",
        subtitle=f"{say('period', lang)}: {period}. {say('as-of', lang)} {when(report.made)}",
        tiles=tuple(_tiles(report, lang)),
        attention_title=say("attention", lang),
        attention=_shortened(tuple(_attention(report, lang)), lang, room),
        nothing=say("nothing", lang),
        timeline_title=say("timeline", lang),
        timeline=drawn,
        legend=tuple((bar, say(f"legend-{bar}", lang)) for bar in Bar),
        sections=tuple(_sections(report, lang)),
        foot=say("foot", lang, first=report.first, last=report.last, root=report.root),
        page_words=say("page", lang, page="{page}", pages="{pages}"),
    )


# --- tiles and what needs attention --------------------------------------------------------------------


def _cameras(report: Report, *places: Place) -> list[str]:
    return [number for row in report.equipment if row.place in places for number in row.numbers]


def _tiles(report: Report, lang: Lang) -> Iterator[Tile]:
    in_place = len(_cameras(report, Place.SLOT, Place.SAFE))
    absent = len(_cameras(report, Place.ABSENT))
    everything = sum(len(row.numbers) for row in report.equipment if row.place)
    asked = sum(issue.asked_s for issue in report.issues)
    recorded = sum(issue.recorded_s for issue in report.issues)
    unconfirmed = len(_unconfirmed(report))
    behind = report.reconciliation.made - report.reconciliation.confirmed
    incidents = sum(incident.stage != "rejected" for incident in report.incidents)
    yield Tile(say("of", lang, part=in_place, whole=everything), say("tile-cameras", lang), absent == 0)
    yield Tile(str(len(report.issues)), say("tile-issues", lang), True)
    share = f"{100 * recorded // asked} %" if asked else NONE
    label = "tile-coverage-least" if any(issue.at_least for issue in report.issues) else "tile-coverage"
    yield Tile(share, say(label, lang), True)  # a number, never a verdict: breaks are allowed
    yield Tile(str(unconfirmed), say("tile-unconfirmed", lang), unconfirmed == 0)
    yield Tile(str(incidents), say("tile-incidents", lang), incidents == 0)
    yield Tile(str(behind), say("tile-behind", lang), behind == 0)
    yield Tile(str(len(report.alerts)), say("tile-alerts", lang), not report.alerts)


def _unconfirmed(report: Report) -> list[IssueRow]:
    return [issue for issue in report.issues if issue.returned and not issue.confirmed]


def _attention(report: Report, lang: Lang) -> Iterator[str]:
    yield from _about_cameras(report, lang)
    for incident in report.incidents:
        if incident.stage == "draft":
            yield say("attend-incident", lang, text=incident.text[lang])
    for about, papers in _overdue(report, lang).items():
        yield say("attend-paper", lang, about=about, papers=", ".join(papers))
    for one in report.reconciliation.differences:
        if one.why in {"damaged", "corrupt", "held"}:
            yield say("attend-recording", lang, recording=one.recording[:8], why=word(f"why-{one.why}", lang))
    if strays := len(report.strays) + report.strays_left_out:
        yield say("attend-strays", lang, number=strays)
    for alert in report.alerts:
        yield about_alert(alert, report, lang)


def _overdue(report: Report, lang: Lang) -> dict[str, list[str]]:
    """What it is about → its papers, each with its author and deadline."""
    found: dict[str, list[str]] = {}
    for row in report.papers:
        if row.overdue:
            author = word(f"party-{PAPERS[Paper(row.paper)].author}", lang)
            paper = f"{word(f'paper-{row.paper}', lang)} ({author}, {when(row.due)})"
            found.setdefault(_about(row, lang), []).append(paper)
    return found


def _shortened(sentences: tuple[str, ...], lang: Lang, room: int) -> tuple[str, ...]:
    if len(sentences) <= room:
        return sentences
    shown = sentences[: room - 1]
    return *shown, say("attention-more", lang, more=len(sentences) - len(shown))


def _about_cameras(report: Report, lang: Lang) -> Iterator[str]:
    if absent := _cameras(report, Place.ABSENT):
        yield say("attend-absent", lang, numbers=", ".join(absent))
    out = [issue for issue in report.issues if not issue.returned and report.ended <= report.made]
    for text, issues in (("attend-out", out), ("attend-return", _unconfirmed(report))):
        for issue in issues:
            yield say(text, lang, number=issue.number or issue.camera, officer=issue.officer)


# --- tables --------------------------------------------------------------------------------------------


def _sections(report: Report, lang: Lang) -> Iterator[Section]:
    tables: tuple[tuple[str, tuple[int, ...], Sequence[tuple[str, ...]]], ...] = (
        ("issues", (8, 17, 11, 11, 11, 12, 30), [issue_cells(one, lang) for one in report.issues]),
        ("strays", (10, 24, 26, 12, 12, 16), _strays(report, lang)),
        ("equipment", (25, 20, 10, 45), _equipment(report, lang)),
        ("cameras", (12, 8, 38, 12, 14, 16), _camera_rows(report, lang)),
        ("alerts", (48, 26, 16, 10), [alert_cells(one, report, lang) for one in report.alerts]),
        ("incidents", (14, 46, 26, 14), _incidents(report, lang)),
        ("works", (18, 14, 14, 54), _works(report, lang)),
        ("papers", (42, 32, 14, 12), _papers(report, lang)),
        ("reconciliation", (24, 16, 34, 26), _differences(report, lang)),
        ("refusals", (70, 30), [(word(f"refusal-{r}", lang), str(n)) for r, n in report.refusals.items()]),
    )
    for name, shares, rows in tables:
        lead = _LEADS[name](report, lang) if name in _LEADS else ""
        columns = tuple(say(f"{name}-columns", lang).split("|"))
        yield Section(
            say(name, lang), columns, tuple(rows), shares, lead or ("" if rows else say("none", lang))
        )


def _strays(report: Report, lang: Lang) -> list[tuple[str, ...]]:
    return [
        (
            row.number or row.camera,
            row.recording,
            row.path,
            when(row.began) if row.began else say("unknown", lang),
            when(row.ended) if row.ended else say("unknown", lang),
            word(f"stray-{row.why}", lang),
        )
        for row in report.strays
    ]


def _strays_lead(report: Report, lang: Lang) -> str:
    return say("more", lang, left_out=report.strays_left_out) if report.strays_left_out else ""


def _equipment(report: Report, lang: Lang) -> list[tuple[str, ...]]:
    return [
        (
            word(f"sort-{row.sort}", lang),
            word(f"place-{row.place}", lang) if row.place else NONE,
            str(len(row.numbers)),
            ", ".join(row.numbers),
        )
        for row in report.equipment
    ]


def _camera_rows(report: Report, lang: Lang) -> list[tuple[str, ...]]:
    return [
        (
            row.number or row.camera,
            str(row.slot or NONE),
            _readiness(row, lang),
            str(row.charge_percent) if row.charge_percent >= 0 else say("unknown", lang),
            f"{row.free_bytes / 1e9:.1f}" if row.free_bytes >= 0 else say("unknown", lang),
            f"{row.offset_ms / 1000:+.1f} ± {max(0, row.uncertainty_ms) / 1000:.1f}"
            if row.offset_ms is not None
            else say("unknown", lang),
        )
        for row in report.cameras
    ]


def _readiness(row: CameraRow, lang: Lang) -> str:
    if row.ready:
        return say("ready", lang)
    reasons = ", ".join(word(f"reason-{reason}", lang) for reason in row.reasons)
    if reasons:
        return say("not-ready", lang, reasons=reasons)
    return say("checked", lang) if row.slot else NONE


def _incidents(report: Report, lang: Lang) -> list[tuple[str, ...]]:
    return [
        (when(row.happened), row.text[lang], row.equipment[lang], word(f"stage-{row.stage}", lang))
        for row in report.incidents
    ]


def _works(report: Report, lang: Lang) -> list[tuple[str, ...]]:
    return [
        (
            word(f"kind-{r.kind}", lang),
            when(r.began),
            when(r.ended) if r.ended else say("goes-on", lang),
            r.text[lang],
        )
        for r in report.works
    ]


def _papers(report: Report, lang: Lang) -> list[tuple[str, ...]]:
    return [
        (_paper(row, lang), _about(row, lang), when(row.due), say("yes" if row.overdue else "no", lang))
        for row in report.papers
    ]


def _about(row: PaperRow, lang: Lang) -> str:
    """What happened, when, and the beginning of the id under which it is listed."""
    number = (
        "" if row.paper == Paper.WARNING else f", № {row.about[:8]}"
    )  # that one's id is our name of an alert
    return f"{row.what[lang].rstrip('.')}, {when(row.since)}{number}"


def _paper(row: PaperRow, lang: Lang) -> str:
    kind = PAPERS[Paper(row.paper)]
    to = ", ".join(word(f"party-{party}", lang) for party in kind.addressees)
    return f"{word(f'paper-{row.paper}', lang)} ({word(f'party-{kind.author}', lang)} → {to})"


def _reconciled(report: Report, lang: Lang) -> str:
    all_ = report.reconciliation
    line = say(
        "reconciliation-line",
        lang,
        made=all_.made,
        sealed=all_.sealed,
        delivered=_delivered(all_, lang),
        confirmed=all_.confirmed,
    )
    said = [f"{line}.", say(f"account-{all_.account}", lang, at=when(all_.account_time))]
    if all_.left_out:
        said.append(say("more", lang, left_out=all_.left_out))
    return " ".join(said)


def _delivered(all_: Reconciliation, lang: Lang) -> str:
    return str(all_.delivered) if all_.account == Read.WHOLE else say("at-least", lang, value=all_.delivered)


def _differences(report: Report, lang: Lang) -> list[tuple[str, ...]]:
    return [
        (one.recording, one.camera, one.path, word(f"why-{one.why}", lang))
        for one in report.reconciliation.differences
    ]


_LEADS: Mapping[str, Callable[[Report, Lang], str]] = MappingProxyType(
    {"issues": addressed, "strays": _strays_lead, "reconciliation": _reconciled}
)
