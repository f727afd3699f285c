"""What a report says of a shift, in both languages, on paper and on a screen."""

import re
from collections.abc import Iterable
from dataclasses import replace
from html.parser import HTMLParser
from string import Formatter
from typing import Any

import msgspec
import pytest

from edged.access import Refusal
from edged.clock_drift import Off
from edged.coverage import Kind as Found
from edged.coverage import Unknown
from edged.formats import facts as f
from edged.formats import shift_facts as sf
from edged.formats import times
from edged.formats.facts import AlertRaised
from edged.journals.papers import Paper, Party
from edged.printed import report_html, report_pdf
from edged.printed.page import printable
from edged.readiness import NotReady
from edged.reports import strays
from edged.reports.alert_words import ABOUT, alert_cells
from edged.reports.build import DIFFERENCES, Read, Why, why_behind
from edged.reports.data import AlertRow, Report
from edged.reports.issue_row import Other
from edged.reports.page import SENTENCES, Section, _attention, compose
from edged.reports.period import Made, Period
from edged.reports.source import Account
from edged.reports.texts import _TABLE, Lang, say
from edged.reports.timeline import Bar, timeline
from edged.shift.inventory import Sort
from edged.shift.kinds import KINDS_UK
from edged.shift.manual import ENTRIES
from edged.shift.records import Stage
from edged.shift.rows import Place
from tests.edged.reports.alert_kinds import alert_kinds
from tests.edged.reports.samples import BEGAN, ENDED, busy, film, report_of
from tests.edged.shift.office import NAMES, Office

VALUES: dict[str, Iterable[str]] = {
    "place": Place,
    "sort": Sort,
    "stage": Stage,
    "why": Why,
    "found": [*Found, *Other],
    "unknown": Unknown,
    "off": Off,
    "stray": strays.Why,
    "account": Read,
    "reason": NotReady,
    "refusal": Refusal,
    "legend": Bar,
    "paper": Paper,
    "party": Party,
    "incident": KINDS_UK,
    "entry": ENTRIES,
    "item": Sort,
}


ACCOUNT = Account(time="2026-11-27T08:00:00.000Z", delivered=frozenset({"d", "d" * 32}), whole=True)


@pytest.fixture(scope="module")
def report() -> Report:
    return busy()


# --- words ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("prefix", sorted(VALUES))
def test_every_value_has_a_word(prefix: str) -> None:
    assert [value for value in VALUES[prefix] if f"{prefix}-{value}" not in _TABLE] == []


@pytest.mark.parametrize("key", sorted(_TABLE))
def test_both_languages_say_the_same_things_with_letters_that_there_are(key: str) -> None:
    ukrainian, english = _TABLE[key]
    fields = [{name for _, name, _, _ in Formatter().parse(words) if name} for words in (ukrainian, english)]
    assert fields[0] == fields[1]
    assert ukrainian.count("|") == english.count("|")
    assert printable(ukrainian) == ukrainian


def test_no_column_without_a_share_and_no_row_without_a_cell(report: Report) -> None:
    for lang in Lang:
        for section in compose(report, lang).sections:
            assert sum(section.shares) == 100, section.title
            assert {len(section.columns), len(section.shares), *map(len, section.rows)} == {
                len(section.columns)
            }


# --- what it says --------------------------------------------------------------------------------------


def test_the_tiles_say_how_the_shift_stands(report: Report) -> None:
    tiles = {tile.label: (tile.figure, tile.good) for tile in compose(report, Lang.EN).tiles}
    assert tiles == {
        "cameras in place": ("22 of 24", False),
        "issues": ("12", True),
        "coverage": ("92 %", True),
        "returns not confirmed": ("1", False),
        "incidents": ("2", False),
        "recordings not at the server": ("1", False),
        "alerts": ("1", False),
    }


def test_what_needs_attention_is_said_in_sentences(report: Report) -> None:
    said = compose(report, Lang.EN).attention
    assert said[:4] == (
        "Not where they are kept: inv. No 124",
        "Issued and not returned: inv. No 105, Петро Гнатюк",
        "Return not confirmed: inv. No 109, Петро Гнатюк",
        "Draft incident without a decision: A camera was taken out of the dock without authorisation",
    )
    assert said[-1].startswith("Alert: the vault is nearly full, E6003, since ")


def test_what_is_said_of_a_late_paper_names_what_it_is_about() -> None:
    office = Office(now="2026-11-27T07:00:00.000Z")
    for incident in ("a" * 32, "b" * 32):
        office.draft(incident, camera="GAT-1")
        office.later(1 / 60)
    assert not any("Overdue" in line for line in compose(report_of(office, {}), Lang.EN).attention)
    office.later(1)  # what is due at once is late now
    office.record(AlertRaised(alert="centre-unreachable", code=3001))
    office.later(1)
    said = [line for line in compose(report_of(office, {}), Lang.EN).attention if line.startswith("Overdue")]
    assert len(said) == 3
    assert said[0] == (
        "Overdue, A camera was taken out of the dock without authorisation, 27.11.2026 09:00, № aaaaaaaa: "
        "Information on an incident (responsible person, 27.11.2026 09:00), "
        "Information on an incident (security administrator, 27.11.2026 09:00)"
    )
    assert "09:01, № bbbbbbbb" in said[1]
    (warning,) = [line for line in said if say("alert-centre-unreachable", Lang.EN) in line]
    assert "centre-unreachable" not in warning


def test_a_quiet_shift_needs_no_attention() -> None:
    page = compose(report_of(Office(inventory=type(Office().inventory)([])), {}), Lang.UK)
    assert page.attention == ()
    assert all(tile.good for tile in page.tiles)


def test_what_needs_attention_leaves_room_for_the_timeline_and_says_how_much_more_there_is() -> None:
    office = Office(now="2026-11-27T07:00:00.000Z")
    for number in range(50):
        office.record(AlertRaised(alert=f"slot-fault:{number}", code=1301))
    page = compose(report_of(office, {}), Lang.EN)
    assert len(page.attention) == SENTENCES
    assert (
        page.attention[-1]
        == f"and {len(tuple(_attention(report_of(office, {}), Lang.EN))) - SENTENCES + 1} more: see the tables"
    )


TYPED = "Власноруч «введене»"


def eventful() -> Report:
    """All that a report tells of incidents, papers and works; what persons typed is TYPED, and names."""
    office = Office(now="2026-11-27T07:00:00.000Z")
    for kind, item in zip(("loss", "damage", "malfunction"), ("101", "301", ""), strict=True):
        about = {"cause": kind, "happened": office.now, "description": TYPED, "item": item, "person": "olena"}
        office.act("iryna", "incident open", **about)
    office.draft(camera="GAT-2", slot=2)
    office.draft("j" * 32, camera="FOREIGN-1")
    works = {"entry": "cleaning", "grounds": TYPED, "items": ["202"], "persons": [TYPED]}
    office.act("taras", "works start", **works)
    office.act("taras", "repair damaged", item="401", description=TYPED)
    office.act("iryna", "outage start", cause=TYPED, since=office.now)
    office.record(AlertRaised(alert="vault-nearly-full", code=6003))
    request = sf.Document(number=TYPED, date="2026-11-27")
    export = "e" * 32
    office.record(
        sf.ExportRequested(export=export, recording="r" * 32, request=request, law=TYPED, receiver=TYPED)
    )
    office.record(sf.ExportMade(export=export, recording="r" * 32, folder="x", sha256="0" * 64, size=1))
    return report_of(office, {})


def test_what_the_station_says_is_english_in_the_english_report() -> None:
    """Typed words and names of persons stay as they are; nothing else is Ukrainian."""
    page = compose(eventful(), Lang.EN)
    said = [*page.attention, *(cell for section in page.sections for row in section.rows for cell in row)]
    typed = "|".join(map(re.escape, (TYPED, *NAMES.values())))
    assert [text for text in said if re.search("[А-яЇїЄєІіҐґ]", re.sub(typed, "", text))] == []
    assert len([text for text in said if TYPED in text]) > 5


def test_the_ukrainian_report_names_things_as_the_journals_do() -> None:
    sections = {one.title: one.rows for one in compose(eventful(), Lang.UK).sections}
    first, *_, last = sections[say("incidents", Lang.UK)]
    assert first[1:3] == (
        f"Втрата складової комплексу. {TYPED}. Олена Коваль",
        "індивідуальна портативна відеокамера інв. № 101",
    )
    assert last[2] == "відеокамера FOREIGN-1"
    about = "\n".join(row[1] for row in sections[say("papers", Lang.UK)])
    assert "очищення контактів слотів док-станції та роз’ємів відеокамер, " in about
    assert f"{say('alert-vault-nearly-full', Lang.UK)}, " in about


@pytest.mark.parametrize("lang", Lang)
def test_every_open_alert_stands_in_a_table_however_many_there_are(lang: Lang) -> None:
    """Whatever the list of what needs attention had no room for, is found there."""
    office = Office(now="2026-11-27T07:00:00.000Z")
    for number in range(50):
        office.record(AlertRaised(alert=f"slot-fault:{number}", code=1201))
    (table,) = [
        one for one in compose(report_of(office, {}), lang).sections if one.title == say("alerts", lang)
    ]
    assert {row[1] for row in table.rows} == {say("about-slot", lang, name=number) for number in range(50)}
    assert {row[2:] for row in table.rows} == {("27.11.2026 09:00", "E1201")}
    html = report_html.render(compose(report_of(office, {}), lang))
    assert html.count(say("alert-slot-fault", lang)) >= 50


def about(alert: str) -> tuple[str, str]:
    office = Office(now="2026-11-27T07:00:00.000Z")
    office.dock("GAT-1", 1)
    office.record(AlertRaised(alert=alert, code=1201))
    (row,) = report_of(office, {}).alerts
    uk, en = (alert_cells(row, report_of(office, {}), lang) for lang in Lang)
    return f"{uk[0]} | {uk[1]}", f"{en[0]} | {en[1]}"


@pytest.mark.parametrize(
    ("alert", "said"),
    [
        ("camera-out:GAT-1", "a camera is out after the end of its shift | camera inv. No 101"),
        ("camera-unknown:X", "a camera is not in the list | No X"),
        (
            "update-unannounced:station",
            "the version has changed and no works announced it | software of the dock station",
        ),
        ("papers-late:ab12", "a paper is late | about ab12"),
        ("clock-unknown", "the station’s time cannot be relied on | —"),
        ("of-tomorrow:7", "of-tomorrow | 7"),
    ],
)
def test_an_alert_says_what_it_is_about(alert: str, said: str) -> None:
    uk, en = about(alert)
    assert en == said
    assert uk == en or re.search("[а-яїєі]", uk)


@pytest.mark.parametrize("lang", Lang)
def test_an_alert_of_a_late_paper_says_what_the_paper_is_about(lang: Lang) -> None:
    report = eventful()
    for paper in report.papers:
        row = alert_cells(AlertRow(alert=f"papers-late:{paper.about}", code=7007, since=BEGAN), report, lang)
        assert row[:2] == (say("alert-papers-late", lang), paper.what[lang])
    assert len({paper.about for paper in report.papers}) == 8  # incidents, works, a copy, an alert


def test_every_kind_of_alert_has_words_and_what_it_is_about() -> None:
    """Of every call in edged/station that raises one; what a call does not show is named here."""
    kinds = alert_kinds()
    assert len(kinds) > 50
    assert {kind for kind in kinds if f"alert-{kind}" not in _TABLE} == set()
    assert {key.removeprefix("alert-") for key in _TABLE if key.startswith("alert-")} == set(kinds)
    assert {kind for kind, subject in kinds.items() if subject} == set(ABOUT)


def test_a_report_accuses_nobody(report: Report) -> None:
    """A gap is a number beside a legend that says what it may be."""
    for lang in Lang:
        page = compose(report, lang)
        assert dict(page.legend)[Bar.GAP] == say("legend-gap", lang)
        assert next(t for t in page.tiles if t.label == say("tile-coverage", lang)).good


@pytest.mark.clause(
    "459-IV.1-continuous",
    "each row of time without a recording bears a mark, and above the table stands that it may be a private break",
)
@pytest.mark.parametrize("lang", Lang)
def test_each_gap_bears_a_mark_that_says_what_it_may_be(lang: Lang) -> None:
    office = Office(now="2026-11-27T07:00:00.000Z")
    brought_back(office, 3)
    seal(office, "1" * 32, "j", true_time="2026-11-27T08:00:00.000Z")
    seal(office, "2" * 32, "j", true_time="2026-11-27T09:00:00.000Z")
    made = report_of(office, {})
    assert [one.kind for one in made.issues[0].findings] == ["late", "gap", "gap"]
    issues = table(made, "issues", lang)
    assert [cell.count("*") for cell in issues.rows[0]] == [0, 0, 0, 0, 0, 0, 3]
    (said,) = re.findall(r"\* [^*]+\.", issues.lead)
    assert say("break", lang) in said
    quiet = report_of(Office(now="2026-11-27T07:00:00.000Z"), {})
    assert "*" not in table(quiet, "issues", lang).lead


def test_an_issue_that_began_before_the_period_belongs_to_it() -> None:
    office = Office(now="2026-11-26T20:00:00.000Z")
    office.dock("GAT-1", 1)
    office.issue("GAT-1", "olena", 1, "night")
    office.now = "2026-11-27T07:00:00.000Z"
    office.dock("GAT-1", 1)
    assert [row.issue for row in report_of(office, {}).issues] == ["night"]


def test_an_issue_that_ended_before_the_period_does_not() -> None:
    office = Office(now="2026-11-26T20:00:00.000Z")
    office.issue("GAT-1", "olena", 1, "before")
    office.later(1)
    office.dock("GAT-1", 1)
    office.now = "2026-11-27T19:00:00.000Z"
    office.issue("GAT-1", "olena", 1, "after")
    assert report_of(office, {}).issues == ()


def test_of_a_camera_that_is_out_nothing_is_said_to_be_missing() -> None:
    office = Office(now="2026-11-27T07:00:00.000Z")
    office.issue("GAT-1", "olena", 1, "j")
    office.later(4)
    (row,) = report_of(office, {}).issues
    assert (row.asked_s, row.findings) == (0, ())


@pytest.mark.clause(
    "459-III.3-control",
    "coverage is addressed to the heads of the department and of the post, what was done to clock or medium to the "
    "security administrator too",
)
@pytest.mark.parametrize("volume", ["v", "w"])
def test_whom_coverage_is_addressed_to(volume: str) -> None:
    office = Office(now="2026-11-27T07:00:00.000Z")
    office.dock("GAT-1", 1)
    for number, (issue, medium) in enumerate((("i", "v"), ("j", volume)), start=1):
        office.issue("GAT-1", "olena", 1, issue)
        office.later(1)
        office.dock("GAT-1", 1)
        clip = f.ClipFact(recording=f"{number:032x}", path="A.MP4", size=9, mtime="", first_cluster=number)
        office.record(
            f.CameraListed(
                camera="GAT-1",
                slot=1,
                volume=medium,
                filesystem="fat32",
                complete=True,
                clips=(clip,),
                issue=issue,
            )
        )
    found = report_of(office, {})
    kinds = [[one.kind for one in row.findings] for row in found.issues]
    assert ["medium-changed" in of_issue for of_issue in kinds] == [False, volume == "w"]
    lead = next(section.lead for section in compose(found, Lang.EN).sections if section.title == "Issues")
    assert lead.startswith("Coverage is addressed to the heads of the clearance department and of the post.")
    assert ("security administrator" in lead) == (volume == "w")


def test_an_outage_is_not_asked_for() -> None:
    office = Office(now="2026-11-27T07:00:00.000Z")
    office.issue("GAT-1", "olena", 1, "j")
    office.later(2)
    office.act("iryna", "outage start", cause="живлення", since="2026-11-27T08:00:00.000Z")
    office.act(
        "iryna",
        "outage end",
        outage=next(iter(office.shift.outages)),
        acts="так",
        at="2026-11-27T08:30:00.000Z",
    )
    office.dock("GAT-1", 1)
    films = {"j": (film("1" * 32, "07:00", "08:00"), film("2" * 32, "08:30", "09:00"))}
    (row,) = report_of(office, films).issues
    assert (row.asked_s, row.recorded_s, row.findings) == (5400, 5400, ())


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ({}, Why.ON_CAMERA),
        ({"sealed": True}, Why.WAITING),
        ({"sealed": True, "recording": "d"}, Why.DELIVERED),
        ({"sealed": True, "held": "no"}, Why.HELD),
        ({"sealed": True, "damaged": True}, Why.DAMAGED),
        ({"sealed": True, "confirmed": True, "corrupt": True}, Why.CORRUPT),
        ({"sealed": True, "confirmed": True}, None),
    ],
)
def test_why_a_recording_is_not_through(how: dict[str, Any], why: Why | None) -> None:
    made = Made(**{"recording": "r", "camera": "c", "path": "p", "issue": "", **how})
    assert why_behind(made, ACCOUNT) is why


@pytest.mark.clause(
    "scan-VI.2-reconcile",
    "made, sealed, delivered and confirmed are four figures; delivered is the courier's own account, and where that "
    "could not be read the report says so and guesses nothing",
)
@pytest.mark.parametrize(
    ("account", "delivered", "said", "whys"),
    [
        (
            ACCOUNT,
            2,
            "made 4, sealed 3, delivered 2, confirmed by the server 1. Account of deliveries as of 27.11.2026 10:00.",
            ["delivered", "waiting", "on-camera"],
        ),
        (
            replace(ACCOUNT, whole=False),
            2,
            "made 4, sealed 3, delivered at least 2, confirmed by the server 1. "
            "The account of deliveries as of 27.11.2026 10:00 is not whole: more may have been delivered.",
            ["delivered", "sealed", "on-camera"],
        ),
        (
            None,
            1,
            "made 4, sealed 3, delivered at least 1, confirmed by the server 1. The account of deliveries could not be "
            "read: only what the server confirmed is known to be delivered.",
            ["sealed", "sealed", "on-camera"],
        ),
    ],
    ids=["whole", "in part", "not read"],
)
def test_the_four_figures_and_every_difference(
    account: Account | None, delivered: int, said: str, whys: list[str]
) -> None:
    office = Office(now="2026-11-27T07:00:00.000Z")
    for recording in ("c", "d", "e"):
        seal(office, recording * 32, "")
    office.film("GAT-1", "f" * 32)
    office.confirm("c" * 32)
    made = report_of(office, {}, account=account)
    assert made.reconciliation.delivered == delivered
    assert [one.why for one in made.reconciliation.differences] == whys
    assert table(made, "reconciliation").lead == said


def test_differences_beyond_those_shown_are_counted() -> None:
    office = Office(now=BEGAN)
    for number in range(1, DIFFERENCES + 8):
        office.film("GAT-1", f"{number:032x}")
    found = report_of(office, {}).reconciliation
    assert (len(found.differences), found.left_out, found.made) == (DIFFERENCES, 7, DIFFERENCES + 7)


def test_the_lines_it_was_made_of_are_named(report: Report) -> None:
    period = Period(BEGAN, ENDED)
    office = Office(now="2026-11-27T05:00:00.000Z")
    for hours in range(20):
        office.film("GAT-1", f"{hours + 1:032x}")
        office.later(1)
    for line in office.lines:
        period.take(line)
    assert (period.first, period.last) == (1, 12)
    assert report.first > 0


# --- what else was found of an issue -------------------------------------------------------------------


def seal(office: Office, recording: str, issue: str, **how: Any) -> None:
    """A film of half an hour that ends now, with a measured clock unless ``how`` says otherwise."""
    sealed = f.RecordingSealed(
        recording=recording,
        camera="GAT-1",
        path=f"CLIP{recording[-4:]}.MP4",
        size=9,
        sha256="c" * 64,
        fingerprint="d" * 64,
        mtime="2026-11-27T09:00:00",
        medium="direct",
        folder="2026/11/27",
        file="content.mp4",
        issue=issue,
        true_time=office.now,
        uncertainty_ms=1000,
        film_ms=1_800_000,
    )
    sealed = msgspec.structs.replace(sealed, **how)
    clip = f.ClipFact(
        recording=recording, path=sealed.path, size=9, mtime=sealed.mtime, first_cluster=int(recording, 16)
    )
    listed = f.CameraListed(
        camera="GAT-1", slot=1, volume="v", filesystem="fat32", complete=True, clips=(clip,), issue=issue
    )
    begun = f.OffloadStarted(recording=recording, camera="GAT-1", slot=1, offset=0, folder="2026/11/27")
    office.record(listed, begun, sealed)


def brought_back(office: Office, hours: float, issue: str = "j", **issued: Any) -> None:
    """Issued, out for so long, docked."""
    office.record(f.CameraIssued(grant="g", issue=issue, slot=1, camera="GAT-1", officer="olena", **issued))
    office.later(hours)
    office.dock("GAT-1", 1)


def table(report: Report, title: str, lang: Lang = Lang.EN) -> Section:
    return next(one for one in compose(report, lang).sections if one.title == say(title, lang))


@pytest.mark.clause(
    "459-IV.1-continuous",
    "beside a recording without a time the recorded share is the least, and a gap is not drawn as a certain one",
)
def test_beside_a_film_without_a_time_everything_is_said_with_a_reserve() -> None:
    office = Office(now="2026-11-27T07:00:00.000Z")
    brought_back(office, 1)
    seal(office, "1" * 32, "j")
    seal(office, "2" * 32, "j", film_ms=-1)
    made = report_of(office, {})
    (row,) = made.issues
    assert (row.recorded_s, row.asked_s, row.at_least) == (1800, 3600, True)
    (cells,) = table(made, "issues").rows
    assert cells[5] == "at least 0:30 / 1:00"
    assert cells[6] == (
        "time not known (its length is not told): 22222222; first recording 30 min after the issue* (09:00), "
        "perhaps a recording is there whose time is not known"
    )
    assert ("50 %", "coverage, at least") in [(one.figure, one.label) for one in compose(made, Lang.EN).tiles]
    kinds = [piece.kind for piece in timeline(made).rows[0].pieces]
    assert Bar.PERHAPS in kinds
    assert Bar.GAP not in kinds


def test_where_no_film_has_a_time_nothing_is_compared() -> None:
    office = Office(now="2026-11-27T07:00:00.000Z")
    brought_back(office, 1)
    for number in range(6):
        seal(office, f"{number:032x}"[::-1], "j", uncertainty_ms=-1)
    made = report_of(office, {})
    (row,) = made.issues
    assert ([one.kind for one in row.findings], row.asked_s) == (["untimed"], 0)
    assert table(made, "issues").rows[0][6].endswith("30000000 and 2 more")


@pytest.mark.parametrize("order", [(4, 5), (5, 4)], ids=["in order", "the later first"])
def test_a_number_is_not_missing_that_a_film_without_a_time_may_have(order: tuple[int, int]) -> None:
    office = Office(now="2026-11-27T07:00:00.000Z")
    brought_back(office, 1, "i")
    for number in order:
        seal(office, f"{number:032x}", "i", path=f"CLIP{number:04}.MP4", film_ms=1000 if number == 4 else -1)
    brought_back(office, 0.5, "j")
    seal(office, f"{6:032x}", "j", path="CLIP0006.MP4")
    assert report_of(office, {}).issues[1].findings == ()


@pytest.mark.parametrize(("film_ms", "known"), [(1_800_000, True), (-1, False)])
def test_the_last_number_of_long_ago_is_known_if_the_times_of_the_last_films_are(
    film_ms: int, known: bool
) -> None:
    office = Office(now="2026-11-20T07:00:00.000Z")
    seal(office, "3" * 32, "h", path="CLIP0003.MP4", film_ms=-1)
    seal(office, "4" * 32, "i", path="CLIP0004.MP4")
    office.later(1)
    seal(office, "5" * 32, "i", path="CLIP0005.MP4", film_ms=film_ms)
    long_ago = len(office.lines)
    office.now = "2026-11-27T07:00:00.000Z"
    brought_back(office, 0.5, "j")
    period = Period(BEGAN, ENDED)
    period.recall(office.lines[:long_ago])
    for line in office.lines[long_ago:]:
        period.take(line)
    assert (period.before["j"].path if "j" in period.before else "") == ("CLIP0005.MP4" if known else "")


def measure(office: Office, offset_ms: int, *, after_correction: bool = False, bound_ms: int = 1000) -> None:
    office.record(
        f.ClockMeasured(
            camera="GAT-1",
            slot=1,
            offset_ms=offset_ms,
            uncertainty_ms=bound_ms,
            host_class="synchronised",
            after_correction=after_correction,
        )
    )


def correct(office: Office, offset_ms: int) -> None:
    office.record(f.ClockCorrected(camera="GAT-1", slot=1, offset_ms=offset_ms, host_class="synchronised"))


@pytest.mark.clause(
    "459-IV.1-continuous",
    "a camera's clock that has moved further than its drift explains is a finding on the issue, with both measurements",
)
@pytest.mark.clause(
    "459-III.3-control", "a clock that was found off is told to the security administrator too"
)
@pytest.mark.parametrize(
    ("offset_ms", "said"),
    [
        (1_500, None),
        (
            -7_200_300,
            "the camera’s clock has moved, times of its recordings may be wrong: "
            "error when taken +0.2 s, when brought back -2.0 h, ± 1.0 s",
        ),
        (
            -1_795_000_000_000,
            "the camera’s clock has begun anew: error when taken +0.2 s, when brought back -20775.5 days, ± 1.0 s",
        ),
    ],
)
def test_a_clock_that_was_found_off_is_a_finding_on_the_issue(offset_ms: int, said: str | None) -> None:
    office = Office(now="2026-11-27T07:00:00.000Z")
    measure(office, -4_000_000)
    correct(office, -4_000_000)
    measure(office, 200, after_correction=True)
    brought_back(office, 1)
    measure(office, offset_ms)
    correct(office, offset_ms)
    measure(office, 100, after_correction=True)
    seal(office, "1" * 32, "j", film_ms=3_600_000)
    issues = table(report_of(office, {}), "issues")
    assert issues.rows[0][6] == (said or "—")
    assert ("security administrator" in issues.lead) == (said is not None)


def test_a_clock_whose_correction_nothing_confirms_is_not_known() -> None:
    office = Office(now="2026-11-27T07:00:00.000Z")
    measure(office, -4_000_000)
    correct(office, -4_000_000)
    brought_back(office, 1)
    measure(office, 300)
    assert [one.kind for one in report_of(office, {}).issues[0].findings] == ["late"]


def test_a_clock_that_was_measured_in_the_slot_is_not_what_it_was_brought_back_with() -> None:
    office = Office(now="2026-11-27T07:00:00.000Z")
    brought_back(office, 1)
    office.issue("GAT-1", "olena", 1, "k")  # gone again before it was measured
    office.later(1)
    office.dock("GAT-1", 1)
    measure(office, -9_000_000)
    found = [[one.kind for one in row.findings] for row in report_of(office, {}).issues]
    assert found == [["late"], ["late", "clock-off"]]


@pytest.mark.clause(
    "459-IV.7-off-duty", "a report tells of filming after the shift as of a number, nothing more"
)
def test_filming_after_the_shift_is_a_finding_of_its_own() -> None:
    office = Office(now="2026-11-27T16:00:00.000Z")
    brought_back(office, 3, shift="day")
    seal(office, "1" * 32, "j", film_ms=3 * 3_600_000)
    issues = table(report_of(office, {}), "issues")
    assert issues.rows[0][6] == "recorded after the shift’s end, 60 min, duty may have gone on (20:00)"
    assert "shift" not in issues.lead


@pytest.mark.parametrize("kind", ["no longer in the schedule", "another of its name", "never known"])
def test_where_the_end_of_the_shift_is_not_known_the_report_says_so(kind: str) -> None:
    office = Office(
        now="2026-11-26T16:00:00.000Z" if kind.startswith("another") else "2026-11-27T16:00:00.000Z"
    )
    named = {"shift": "first"} if kind.startswith("no ") else {"shift": "day"}
    brought_back(office, 24, **({"flags": ("no-schedule",)} if kind.startswith("never") else named))
    seal(office, "1" * 32, "j", film_ms=24 * 3_600_000)
    issues = table(report_of(office, {}), "issues")
    assert "after the shift" not in issues.rows[0][6]
    assert issues.lead.endswith("whose end is not known: 1 of the issues.") == (not kind.startswith("never"))


# --- films of no issue ---------------------------------------------------------------------------------


@pytest.mark.clause(
    "459-IV.7-off-duty", "a film that was made in no issue stands in the report with its camera and its time"
)
def test_films_of_no_issue_are_listed_with_camera_and_time() -> None:
    office = Office(now="2026-11-27T07:00:00.000Z")
    brought_back(office, 1)
    seal(office, "1" * 32, "j")
    seal(office, "2" * 32, "")
    seal(office, "3" * 32, "", film_ms=-1)
    seal(office, "4" * 32, "j", true_time="2026-11-27T06:45:00.000Z")
    seal(office, "5" * 32, "j", true_time="2026-11-27T07:00:02.000Z", uncertainty_ms=3000)
    seal(office, "6" * 32, "older")
    seal(office, "7" * 32, "", path="A.JPG", file="content.jpg", film_ms=-1)
    made = report_of(office, {})
    assert [row[:2] + row[3:] for row in table(made, "strays").rows] == [
        ("101", "2" * 32, "27.11.2026 09:30", "27.11.2026 10:00", "the camera was not issued"),
        ("101", "3" * 32, "unknown", "unknown", "the camera was not issued"),
        ("101", "4" * 32, "27.11.2026 08:15", "27.11.2026 08:45", "made outside the issue"),
        ("101", "6" * 32, "27.11.2026 09:30", "27.11.2026 10:00", "its issue is not in this report"),
    ]
    assert "Recordings of no issue: 4, see the table" in compose(made, Lang.EN).attention


def test_a_film_of_the_issue_before_that_was_found_with_this_one_is_of_an_issue() -> None:
    office = Office(now="2026-11-27T07:00:00.000Z")
    brought_back(office, 1, "i")
    office.later(1)
    brought_back(office, 1, "j")
    seal(office, "1" * 32, "j", true_time="2026-11-27T07:45:00.000Z")
    assert report_of(office, {}).strays == ()


def test_films_of_no_issue_beyond_those_shown_are_counted_and_those_of_other_periods_are_not_here() -> None:
    office = Office(now="2026-11-27T05:59:00.000Z")
    seal(office, "f" * 32, "")
    office.later(1)
    for number in range(1, strays.SHOWN + 4):
        seal(office, f"{number:032x}", "")
    made = report_of(office, {})
    assert (len(made.strays), made.strays_left_out) == (strays.SHOWN, 3)
    assert table(made, "strays").lead == "and 3 more"


# --- how it is drawn -----------------------------------------------------------------------------------


def test_bars_lie_within_the_period_and_ticks_are_at_whole_hours(report: Report) -> None:
    drawn = timeline(report)
    for row in drawn.rows:
        assert all(0 <= piece.left < piece.right <= 1 for piece in row.pieces)
    assert [tick.label for tick in drawn.ticks] == [f"{hour:02}:00" for hour in range(8, 21)]


@pytest.mark.parametrize("days", [1, 2, 7, 31])
def test_a_longer_period_has_no_more_ticks_than_fit(report: Report, days: int) -> None:
    longer = msgspec.structs.replace(
        report,
        began="2026-10-01T21:00:00.000Z",
        ended=times.format_ns(times.parse_ns("2026-10-01T21:00:00.000Z") + days * 86_400 * 10**9),
    )
    ticks = timeline(longer).ticks
    assert 3 <= len(ticks) <= 17
    assert len({tick.at for tick in ticks}) == len(ticks)


class Balanced(HTMLParser):
    VOID = ("meta", "br")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("lang", Lang)
def test_the_html_needs_nothing_beside_it(report: Report, lang: Lang) -> None:
    made = report_html.render(compose(report, lang))
    parser = Balanced()
    parser.feed(made)
    assert parser.open == []
    assert not parser.seen & {"script", "link", "img", "iframe"}
    assert not parser.attributes & {"src", "href", "onclick"}
    assert not re.search(r"https?://|@import|url\(", made)


def test_what_a_person_entered_is_text_in_the_html() -> None:
    office = Office(now="2026-11-27T07:00:00.000Z")
    words = '<script>alert("1")</script>'
    office.act("iryna", "incident open", cause="loss", happened="2026-11-27T06:30:00.000Z", description=words)
    made = report_html.render(compose(report_of(office, {}), Lang.UK))
    assert "<script>" not in made
    assert "&lt;script&gt;" in made


@pytest.mark.parametrize("lang", Lang)
def test_the_same_report_gives_the_same_bytes(report: Report, lang: Lang) -> None:
    page = compose(report, lang)
    assert report_pdf.render(page) == report_pdf.render(page)
    assert report_html.render(page) == report_html.render(page)


def test_more_cameras_than_a_page_is_high_go_on_on_the_next() -> None:
    page = compose(busy(90), Lang.UK)
    assert report_pdf.render(page).startswith(b"%PDF-")
