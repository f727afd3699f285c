"""What happens at a post, step by step: incidents, reserve cameras, repairs, works, journals."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from edged.control.shift_views import Planned, draft_view, sheets_view
from edged.duty import Margins
from edged.errors import EdgeError, ErrorCode
from edged.formats import facts as f
from edged.formats import shift_facts as sf
from edged.formats import times
from edged.journals.forms import Kind as Journal
from edged.journals.papers import LINE, Paper
from edged.journals.signature import Checked, Verdict
from edged.shift.dues import owed, reminded, too_long, unsigned_handovers
from edged.shift.journal_acts import sheet_of, signed
from edged.shift.manual import ENTRIES
from edged.shift.records import Stage
from edged.shift.rows import Place, place_of
from tests.edged.shift.office import COUNTS, FORMS, MIDNIGHT, NAMES, Office

REC = f"{7:032x}"
OPENED = {"cause": "damage", "happened": "2026-11-27T09:30:00.000Z", "description": "Розбито скло об’єктива"}
WORKS = {"entry": "cleaning", "grounds": "план", "items": ["101", "301"], "persons": ["Тарас Лис"]}


@pytest.fixture
def office() -> Office:
    return Office()


def refused(office: Office, actor: str, verb: str, **params: Any) -> EdgeError:
    with pytest.raises(EdgeError) as refusal:
        office.act(actor, verb, **params)
    return refusal.value


# --- incidents -----------------------------------------------------------------------------------------


def test_a_draft_is_confirmed_noted_and_closed_by_the_responsible_person(office: Office) -> None:
    incident = office.draft(camera="GAT-1", slot=1)
    assert office.shift.incidents[incident].stage is Stage.DRAFT
    office.act("iryna", "incident confirm", incident=incident, description="Камеру вирвано", person="olena")
    assert (
        refused(office, "iryna", "incident note", incident=incident, closed=True).code is ErrorCode.CONFLICT
    )
    office.act("iryna", "incident note", incident=incident, measures="Викликано охорону")
    office.act("iryna", "incident note", incident=incident, result="Камеру повернуто", closed=True)
    found = office.shift.incidents[incident]
    assert (found.stage, found.confirmed_by) == (Stage.CLOSED, "person:iryna")
    assert (found.measures, found.result) == (["Викликано охорону"], ["Камеру повернуто"])


def test_what_was_entered_is_added_to_and_never_changed(office: Office) -> None:
    incident = office.draft()
    office.act("iryna", "incident confirm", incident=incident, description="одне")
    assert refused(office, "iryna", "incident confirm", incident=incident, description="інше").code is (
        ErrorCode.CONFLICT
    )
    office.act("iryna", "incident note", incident=incident, measures="перше")
    office.later(12)
    office.act("daria", "incident note", incident=incident, measures="друге")
    assert office.shift.incidents[incident].measures == ["перше", "друге"]
    assert office.shift.incidents[incident].description == "одне"


def test_a_draft_that_is_none_is_rejected_with_a_reason_and_owes_no_paper(office: Office) -> None:
    incident = office.draft()
    office.act("iryna", "incident reject", incident=incident, reason="Навчання")
    assert office.shift.incidents[incident].stage is Stage.REJECTED
    assert not debts(office)
    assert (
        refused(office, "iryna", "incident note", incident=incident, note="все ж").code is ErrorCode.CONFLICT
    )


def test_an_incident_to_come_is_none(office: Office) -> None:
    tomorrow = OPENED | {"happened": "2026-11-28T10:00:00.000Z"}
    assert refused(office, "iryna", "incident open", **tomorrow).code is ErrorCode.BAD_REQUEST


# --- papers --------------------------------------------------------------------------------------------


def debts(office: Office) -> dict[str, str]:
    """What is owed, and by when."""
    scene = office.scene()
    found = owed(office.station, office.inventory, office.schedule, NAMES, scene.margins, scene.now_ns)
    return {one.paper: times.format_ns(one.due_ns) for one in found}


@pytest.mark.clause(
    "459-II.5-inform", "an incident owes the security administrator's information to the superior"
)
@pytest.mark.clause(
    "459-III.12-notice", "an incident owes the officer's written notice by the end of the own shift"
)
@pytest.mark.clause("459-II.1-inform", "an incident owes the information of the heads at once")
def test_an_incident_owes_four_papers_each_by_its_deadline(office: Office) -> None:
    """27 November 2026 is a Friday: the report memo is due at its end, in Kyiv."""
    office.act("iryna", "incident open", **OPENED, item="101", person="olena")
    assert debts(office) == {
        "incident-information": OPENED["happened"],
        "security-information": OPENED["happened"],
        "written-notice": "2026-11-27T18:00:00.000Z",
        "report-memo": "2026-11-27T22:00:00.000Z",
    }


def test_nobody_owes_a_notice_to_himself(office: Office) -> None:
    since = {"since": OPENED["happened"]}
    office.act("iryna", "journal volume", journal="incident", ground="seized", **since)
    reports = {Paper.INFORM, Paper.REPORT, Paper.SECURITY}
    assert set(debts(office)) == reports
    office = Office()
    office.act("iryna", "incident open", **OPENED, person="iryna")
    assert set(debts(office)) == reports


def test_whose_shift_it_was_is_told_by_the_margins_of_the_configuration(office: Office) -> None:
    """Half an hour after the day shift: within the margins as they are by default, outside those of this post."""
    office.now = "2026-11-27T18:30:00.000Z"
    incident = office.draft(issue="j", camera="GAT-1")
    office.issue("GAT-1", "olena", 1, "j")
    assert debts(office)["written-notice"] == office.now
    late = Margins(timedelta(0), timedelta(hours=1))
    found = owed(office.station, office.inventory, office.schedule, NAMES, late, times.parse_ns(office.now))
    notice = next(one for one in found if (one.about, one.paper) == (incident, Paper.NOTICE))
    assert times.format_ns(notice.due_ns) == "2026-11-27T18:00:00.000Z"


def test_an_incident_with_whom_nobody_knows_owes_no_officers_notice(office: Office) -> None:
    office.act("iryna", "incident open", **OPENED)
    assert Paper.NOTICE not in debts(office)


def test_a_paper_is_owed_until_its_number_and_date_are_entered(office: Office) -> None:
    office.act("iryna", "incident open", **OPENED, person="olena")
    incident = next(iter(office.shift.incidents))
    given = {"paper": "report-memo", "about": incident, "number": "12/26", "date": "2026-11-27"}
    assert (
        refused(office, "iryna", "paper give", **(given | {"date": "2026-11-28"})).code
        is ErrorCode.BAD_REQUEST
    )
    office.act("iryna", "paper give", **given)
    assert Paper.REPORT not in debts(office)
    assert refused(office, "iryna", "paper give", **given).code is ErrorCode.CONFLICT


def test_a_paper_is_reminded_of_before_its_deadline_and_never_twice(office: Office) -> None:
    office.act("iryna", "incident open", **OPENED, person="olena")

    def alerts() -> tuple[set[Paper], set[Paper]]:
        scene = office.scene()
        found = reminded(office.station, office.inventory, office.schedule, scene.margins, scene.now_ns)
        soon, late = (
            {one.paper for papers in of.values() for one in papers} for of in (found.soon, found.late)
        )
        return soon, late

    at_once = {"incident-information", "security-information"}
    assert alerts() == (set(), set())  # they happened half an hour ago
    office.later(0.5)
    assert alerts() == ({"report-memo"}, at_once)  # of a Friday, at noon
    office.now = "2026-11-27T17:00:00.000Z"
    assert alerts() == ({"report-memo", "written-notice"}, at_once)
    office.now = "2026-11-27T18:00:00.000Z"
    assert alerts() == ({"report-memo"}, at_once | {"written-notice"})
    office.now = "2026-11-27T22:00:00.000Z"
    assert alerts() == (set(), at_once | {"written-notice", "report-memo"})


def test_what_is_due_at_once_is_not_overdue_at_once(office: Office) -> None:
    office.act("iryna", "incident open", **(OPENED | {"happened": office.now}))
    scene = office.scene()
    found = owed(office.station, office.inventory, office.schedule, NAMES, scene.margins, scene.now_ns)
    assert not any(one.overdue(scene.now_ns) for one in found)
    hour = 3_600_000_000_000
    assert [one.paper for one in found if one.overdue(scene.now_ns + hour)] == [
        "incident-information",
        "security-information",
    ]


def test_the_technical_administrator_enters_no_paper_of_the_responsible_person(office: Office) -> None:
    incident = office.draft()
    given = {"paper": "incident-information", "about": incident, "number": "1", "date": "2026-11-27"}
    assert refused(office, "taras", "paper give", **given).code is ErrorCode.NOT_ALLOWED


@pytest.mark.clause(
    "459-II.3-warn",
    "an alert that may end the work of the complex owes the technical administrator's warning",
)
def test_a_disk_that_fills_is_warned_of_by_the_technical_administrator(office: Office) -> None:
    office.record(f.AlertRaised(alert="vault-nearly-full", code=6003))
    assert Paper.WARNING in debts(office)
    given = {"paper": "warning", "about": "vault-nearly-full@0", "number": "4", "date": "2026-11-27"}
    office.act("taras", "paper give", **given)
    assert Paper.WARNING not in debts(office)


# --- reserve cameras -----------------------------------------------------------------------------------

MEMO = {"camera": "GAT-9", "number": "77", "date": "2026-11-27", "head": "Степан Вовк"}


def test_a_reserve_camera_is_in_use_by_a_memo_until_it_goes_back_to_the_safe(office: Office) -> None:
    office.act("iryna", "memo enter", **MEMO)
    assert office.shift.memos["GAT-9"].document == sf.Document(number="77", date="2026-11-27")
    assert refused(office, "iryna", "memo enter", **MEMO).code is ErrorCode.CONFLICT
    office.issue("GAT-9", "olena", 3, "j")
    assert refused(office, "iryna", "memo end", camera="GAT-9").code is ErrorCode.CONFLICT
    office.dock("GAT-9", 3)
    office.act("iryna", "memo end", camera="GAT-9")
    assert not office.shift.memos


@pytest.mark.clause(
    "459-III.12-reserve",
    "the incident's row of the journal names the reserve camera and its memo, also once the camera is back in the safe",
)
def test_the_row_of_an_incident_names_the_reserve_camera_and_its_memo(office: Office) -> None:
    incident = office.draft()
    office.act("iryna", "incident confirm", incident=incident, description="Вирвано")
    office.act("iryna", "memo enter", **MEMO, incident=incident)
    office.act("iryna", "incident note", incident=incident, measures="Огляд")
    office.act("iryna", "memo end", camera="GAT-9")
    office.act("iryna", "journal sheet", journal="incident")
    ((_, measures, *_),) = next(reversed(office.shift.sheets.values())).made.rows
    number = office.inventory.number_of("GAT-9")
    assert measures == (
        f"резервна індивідуальна портативна відеокамера інв. № {number}: "
        "службова записка № 77 від 2026-11-27, Степан Вовк; Огляд"
    )


def test_a_memo_about_a_rejected_incident_permits_nothing_and_any_other_goes_on(office: Office) -> None:
    incident = office.draft()
    office.act("iryna", "memo enter", **MEMO, incident=incident)
    office.act("iryna", "incident reject", incident=office.draft(incident="o" * 32), reason="Повернуто")
    assert office.shift.memos
    office.act("iryna", "incident reject", incident=incident, reason="Повернуто")
    assert not office.shift.memos
    office.act("iryna", "memo enter", **MEMO)


def test_a_memo_is_for_a_reserve_camera_only(office: Office) -> None:
    assert refused(office, "iryna", "memo enter", **(MEMO | {"camera": "GAT-1"})).code is ErrorCode.CONFLICT


# --- repairs -------------------------------------------------------------------------------------------


def damaged(office: Office) -> None:
    office.dock("GAT-1", 1)
    office.film("GAT-1", REC)
    office.act("taras", "repair damaged", item="101", description="не вмикається")
    office.act("taras", "repair tag", item="101", tag="Б-3", place="шафа 2")


def test_a_damaged_camera_is_not_issued_until_it_is_back(office: Office) -> None:
    damaged(office)
    assert office.station.cameras["GAT-1"].quarantine == "damaged: не вмикається"
    office.confirm(REC)
    office.act("taras", "repair release", item="101", receiver="Ремонтний відділ", third_party=False)
    office.act("taras", "repair back", item="101", result="замінено акумулятор")
    assert office.station.cameras["GAT-1"].quarantine == ""
    assert not office.shift.repairs
    assert [one.result for one in office.shift.repaired.values()] == ["замінено акумулятор"]


OUT: dict[str, Any] = {"item": "101", "receiver": "ТОВ «Сервіс»", "third_party": True}
CONTRACT = {"contract_number": "5-Д", "contract_date": "2026-11-20"}


@pytest.mark.clause(
    "459-III.12-repair",
    "no camera goes to a repair with a recording aboard that the server has not confirmed",
)
def test_a_camera_with_a_recording_that_has_no_receipt_is_not_released(office: Office) -> None:
    damaged(office)
    refusal = refused(office, "taras", "repair release", **OUT, **CONTRACT)
    assert (refusal.code, refusal.detail["recordings"]) == (ErrorCode.CONFLICT, 1)
    office.confirm(REC)
    assert office.act("taras", "repair release", **OUT, **CONTRACT)


def test_a_camera_of_which_nobody_knows_what_is_aboard_is_not_released(office: Office) -> None:
    damaged(office)
    office.confirm(REC)
    office.listed = frozenset()
    assert refused(office, "taras", "repair release", **OUT, **CONTRACT).detail["recordings"] == -1


@pytest.mark.clause(
    "459-III.12-contract",
    "what cannot be offloaded is released with the responsible person's statement and a contract only",
)
def test_what_cannot_be_offloaded_goes_with_the_responsible_persons_statement_and_a_contract(
    office: Office,
) -> None:
    damaged(office)
    assert refused(office, "taras", "repair statement", item="101", statement="так").code is (
        ErrorCode.NOT_ALLOWED
    )
    office.act("iryna", "repair statement", item="101", statement="Носій не читається")
    assert (
        refused(office, "taras", "repair release", **(OUT | {"third_party": False})).code
        is ErrorCode.CONFLICT
    )
    (released,) = office.act("taras", "repair release", **OUT, **CONTRACT)
    assert isinstance(released, sf.RepairReleased)
    assert released.unreceipted == 1


@pytest.mark.clause(
    "459-II.3-contract",
    "nothing is released to a third party without number and date of a contract on non-disclosure",
)
def test_nothing_goes_to_a_third_party_without_a_contract(office: Office) -> None:
    damaged(office)
    office.confirm(REC)
    assert refused(office, "taras", "repair release", **OUT).code is ErrorCode.CONFLICT
    half = {"contract_number": "5-Д"}
    assert refused(office, "taras", "repair release", **OUT, **half).code is ErrorCode.BAD_REQUEST


def test_a_repair_is_tagged_before_it_is_released_and_no_tag_is_borne_twice(office: Office) -> None:
    office.act("taras", "repair damaged", item="301", description="не заряджає")
    out = {"item": "301", "receiver": "відділ", "third_party": False}
    assert refused(office, "taras", "repair release", **out).code is ErrorCode.CONFLICT
    damaged(office)
    assert (
        refused(office, "taras", "repair tag", item="301", tag="Б-3", place="шафа").code is ErrorCode.CONFLICT
    )


# --- works ---------------------------------------------------------------------------------------------


def test_works_that_go_on_for_more_than_a_day_owe_the_deputy_heads_letter(office: Office) -> None:
    office.act("taras", "works start", **WORKS)
    assert set(debts(office)) == {Paper.WORKS}
    office.later(22.5)
    now = times.parse_ns(office.now)
    assert [over for _, over in too_long(office.shift, now)] == [False]
    office.later(2)
    now = times.parse_ns(office.now)
    assert [over for _, over in too_long(office.shift, now)] == [True]
    assert set(debts(office)) == {Paper.WORKS, Paper.OVERRUN}
    works = next(iter(office.shift.works))
    office.act("taras", "works end", works=works, measures="почищено", result="справна")
    assert not too_long(office.shift, now)
    assert Paper.OVERRUN in debts(office)  # they did take longer: the letter is still owed


def test_a_repair_has_no_such_limit(office: Office) -> None:
    damaged(office)
    office.later(48)
    assert not too_long(office.shift, times.parse_ns(office.now))


def test_a_camera_in_works_opens_for_the_technician_and_is_issued_to_nobody(office: Office) -> None:
    office.dock("GAT-1", 1)
    office.act("taras", "works start", **WORKS)
    assert office.station.cameras["GAT-1"].works == "cleaning"
    assert refused(office, "taras", "works start", **WORKS).code is ErrorCode.CONFLICT
    works = next(iter(office.shift.works))
    office.act("taras", "works end", works=works, measures="почищено", result="справна")
    assert office.station.cameras["GAT-1"].works == ""


@pytest.mark.clause(
    "459-II.2-update",
    "an update is begun and ended by the account administrator, with the versions before and after",
)
def test_an_update_is_the_account_administrators_with_its_versions(office: Office) -> None:
    update = WORKS | {"entry": "update-station", "items": ["301"]}
    assert refused(office, "taras", "works start", **update, version="1").code is ErrorCode.NOT_ALLOWED
    assert refused(office, "nadia", "works start", **update).code is ErrorCode.BAD_REQUEST
    office.act("nadia", "works start", **update, version="1")
    works = next(iter(office.shift.works))
    done = {"works": works, "measures": "оновлено", "result": "працює"}
    assert refused(office, "nadia", "works end", **done).code is ErrorCode.BAD_REQUEST
    assert refused(office, "taras", "works end", **done, version="2").code is ErrorCode.NOT_ALLOWED
    office.act("nadia", "works end", **done, version="2")
    assert office.shift.works[works].versions == ("1", "2")


OF_THE_TECHNICIAN = {
    "cleaning", "locks", "batteries", "ups", "disks", "clock", "cabling", "disk-replacement", "part-replacement",
}  # fmt: skip
OF_THE_ACCOUNT_ADMINISTRATOR = {"update-station", "update-dock", "update-camera"}


@pytest.mark.clause(
    "459-II.3-maintenance", "works are begun and ended by the technical administrator, updates excepted"
)
@pytest.mark.parametrize("entry", sorted(OF_THE_TECHNICIAN | OF_THE_ACCOUNT_ADMINISTRATOR))
def test_works_of_every_entry_are_begun_and_ended_by_whom_they_belong_to(entry: str) -> None:
    assert set(ENTRIES) == OF_THE_TECHNICIAN | OF_THE_ACCOUNT_ADMINISTRATOR
    whose, others = ("taras", "nadia") if entry in OF_THE_TECHNICIAN else ("nadia", "taras")
    office = Office()
    about = {**WORKS, "entry": entry, "version": "1"}
    assert refused(office, others, "works start", **about).code is ErrorCode.NOT_ALLOWED
    office.act(whose, "works start", **about)
    (works,) = office.shift.works
    done = {"works": works, "measures": "виконано", "result": "справна", "version": "2"}
    assert refused(office, others, "works end", **done).code is ErrorCode.NOT_ALLOWED
    office.act(whose, "works end", **done)


@pytest.mark.clause("459-I.3-works", "works are those of the operating manual and nothing else")
def test_works_are_those_of_the_operating_manual(office: Office) -> None:
    other = refused(office, "taras", "works start", **(WORKS | {"entry": "repair of a camera"}))
    assert (other.code, "cleaning" in str(other.detail["expected"])) == (ErrorCode.BAD_REQUEST, True)
    office.act("taras", "works start", **WORKS)


@pytest.mark.clause(
    "459-III.14-notice", "the letter on works is drafted before they begin, with their date and time"
)
def test_the_letter_on_works_is_drafted_before_they_begin(office: Office) -> None:
    planned = Planned("план на листопад.", ("101", "301"), "2026-11-30T08:00:00.000Z")
    said = draft_view(office.scene("taras"), Paper.WORKS, "cleaning", planned)["text"]
    assert (
        "регламентних робіт: очищення контактів слотів док-станції та роз’ємів відеокамер. "
        "Підстава: план на листопад.\n"
        "Обладнання: індивідуальна портативна відеокамера інв. № 101; док-станція інв. № 301.\n"
        "Дата та час виконання робіт: 30.11.2026 10:00.\n"
    ) in said
    assert not debts(office)
    letter = {"letter_number": "9", "letter_date": "2026-11-27"}
    office.act("taras", "works start", **WORKS, **letter)
    assert not debts(office)  # it was given before


def test_what_nobody_has_said_of_planned_works_is_a_line_to_fill_in(office: Office) -> None:
    said = draft_view(office.scene("taras"), Paper.WORKS, "cleaning")["text"]
    for title in ("Підстава", "Обладнання", "Дата та час виконання робіт", "Тривалість"):
        assert f"{title}: {LINE}" in said


@pytest.mark.parametrize(
    ("paper", "about", "planned", "code"),
    [
        (Paper.WORKS, "paint", Planned(grounds="план"), ErrorCode.BAD_REQUEST),
        (Paper.OVERRUN, "cleaning", Planned(items=("101",)), ErrorCode.BAD_REQUEST),
        (Paper.OVERRUN, "cleaning", Planned(), ErrorCode.NOT_FOUND),
        (Paper.WORKS, "cleaning", Planned(items=("999",)), ErrorCode.NOT_FOUND),
    ],
)
def test_only_works_of_the_manual_on_items_that_are_there_are_planned(
    office: Office, paper: Paper, about: str, planned: Planned, code: ErrorCode
) -> None:
    with pytest.raises(EdgeError) as refusal:
        draft_view(office.scene("taras"), paper, about, planned)
    assert refusal.value.code is code


def test_half_a_letter_is_no_letter(office: Office) -> None:
    for half in ({"letter_number": "9"}, {"letter_date": "2026-11-26"}):
        assert refused(office, "taras", "works start", **WORKS, **half).code is ErrorCode.BAD_REQUEST


def test_one_outage_at_a_time_and_it_ends_after_it_began(office: Office) -> None:
    began = {"cause": "немає живлення", "since": "2026-11-27T09:00:00.000Z"}
    office.act("iryna", "outage start", **began)
    assert refused(office, "taras", "outage start", **began).code is ErrorCode.CONFLICT
    outage = next(iter(office.shift.outages))
    early = {"outage": outage, "acts": "відновлено", "at": began["since"]}
    assert refused(office, "taras", "outage end", **early).code is ErrorCode.BAD_REQUEST
    office.act("taras", "outage end", **(early | {"at": "2026-11-27T09:40:00.000Z"}))
    assert office.shift.outages[outage].until == "2026-11-27T09:40:00.000Z"


# --- handover ------------------------------------------------------------------------------------------

HANDOVER = {"taking": "daria", "safe": 1, "counts": COUNTS}


def sheet(office: Office, journal: Journal) -> sf.SheetMade:
    return next(one.made for one in reversed(office.shift.sheets.values()) if one.made.journal == journal)


@pytest.mark.clause("459-III.2-inventory", "every part stands in the handover with its inventory number")
@pytest.mark.clause(
    "459-III.1-handover", "a handover is made from the real state of the slots and what the persons counted"
)
def test_a_handover_tells_where_every_camera_is_and_what_the_persons_counted(office: Office) -> None:
    office.dock("GAT-1", 1)
    office.issue("GAT-2", "olena", 2, "j")
    office.act("iryna", "handover", **(HANDOVER | {"counts": COUNTS | {"mount": 1}}), note="Чисто")
    rows = sheet(office, Journal.HANDOVER).rows
    assert [(row[0].split(":")[0], row[1], row[3]) for row in rows] == [
        ("Індивідуальні портативні відеокамери у слотах док-станції", "1", "—"),
        ("Індивідуальні портативні відеокамери, видані уповноваженим особам", "1", "—"),
        ("Резервні індивідуальні портативні відеокамери у сейфі", "1", "—"),
        ("Кріплення", "1", "за переліком 2, фактично 1"),
        ("Док-станція", "1", "—"),
        ("Сервер", "1", "—"),
        ("За результатами огляду", "—", "—"),
    ]
    assert rows[1][4] == "інв. № 102: Олена Коваль, видано 27.11.2026 12:00"
    named = " ".join(row[0] for row in rows)
    assert [item.number for item in office.inventory if f" {item.number}" not in named] == []
    assert rows[-1][4] == "Чисто"


@pytest.mark.clause(
    "459-III.5-docked",
    "a camera that is in no slot, with nobody and not away stands in the handover as missing",
)
def test_a_camera_that_is_nowhere_is_a_discrepancy(office: Office) -> None:
    office.act("iryna", "handover", **HANDOVER)
    rows = sheet(office, Journal.HANDOVER).rows
    missing = next(row for row in rows if "немає на місці" in row[0])
    assert (missing[1], missing[3]) == ("0", "за переліком 2, фактично 0")


def row_of(office: Office, what: str) -> tuple[str, ...]:
    return next(row for row in sheet(office, Journal.HANDOVER).rows if what in row[0])


@pytest.mark.clause(
    "459-III.1-handover", "a camera that is still out after the end of its shift is a discrepancy"
)
def test_a_camera_that_is_out_after_its_shift_is_a_discrepancy_of_the_handover(office: Office) -> None:
    office.issue("GAT-1", "olena", 1, "j", shift="day")
    office.issue("GAT-2", "ivan", 2, "k", shift="night")
    office.now = "2026-11-27T17:59:00.000Z"
    office.act("iryna", "handover", **HANDOVER)
    assert row_of(office, "видані")[3] == "—"
    office.now = MIDNIGHT
    office.act("daria", "handover", **(HANDOVER | {"taking": "iryna"}))
    assert row_of(office, "видані")[3] == "інв. № 101: не повернуто до кінця зміни"


def test_a_camera_that_is_out_for_longer_than_any_shift_is_a_discrepancy_of_the_handover(
    office: Office,
) -> None:
    office.schedule = None
    office.issue("GAT-1", "olena", 1, "j")
    office.later(23)
    office.act("iryna", "handover", **HANDOVER)
    assert row_of(office, "видані")[3] == "—"
    office.later(2)
    office.act("iryna", "handover", **HANDOVER)
    assert row_of(office, "видані")[3] == "інв. № 101: не повернуто до кінця зміни"


@pytest.mark.clause(
    "459-III.5-reserve", "a camera that was counted in the safe and is expected in none is a discrepancy"
)
def test_a_camera_that_was_counted_in_the_safe_and_is_not_expected_there_is_a_discrepancy(
    office: Office,
) -> None:
    office.dock("GAT-9", 1)
    office.act("iryna", "handover", **(HANDOVER | {"safe": 2}))
    what, amount, _, found, _ = row_of(office, "сейфі")
    assert what == "Резервні індивідуальні портативні відеокамери у сейфі: за переліком немає"
    assert (amount, found) == ("2", "за переліком 0, фактично 2")
    office.act("iryna", "handover", **(HANDOVER | {"safe": 0}))
    assert not any("сейфі" in row[0] for row in sheet(office, Journal.HANDOVER).rows)


@pytest.mark.clause(
    "459-II.1-state", "who hands over tells the number of everything that the station cannot see"
)
def test_a_handover_counts_everything_that_the_station_cannot_see(office: Office) -> None:
    assert (
        refused(office, "iryna", "handover", taking="daria", counts={"mount": 2}).code
        is ErrorCode.BAD_REQUEST
    )


@pytest.mark.parametrize("taking", ["iryna", "taras", "nobody"])
def test_a_handover_is_to_another_responsible_person(office: Office, taking: str) -> None:
    assert refused(office, "iryna", "handover", **(HANDOVER | {"taking": taking})).code in {
        ErrorCode.CONFLICT,
        ErrorCode.NOT_ALLOWED,
        ErrorCode.NOT_FOUND,
    }


@pytest.mark.clause("459-III.4-edms", "a sheet is registered in the document system once all have signed it")
def test_both_sign_the_same_bytes_and_then_it_is_registered(office: Office) -> None:
    office.act("iryna", "handover", **HANDOVER)
    made = sheet(office, Journal.HANDOVER)
    assert sheet_of(FORMS, made).sha256() == made.sha256
    register = {"sheet": made.sheet, "number": "1/26", "date": "2026-11-27"}
    for signer in ("БОНДАР Ірина Петрівна", "ШЕВЧУК Дар’я Іванівна"):
        assert refused(office, "iryna", "journal register", **register).code is ErrorCode.CONFLICT
        office.record(*signed(office.scene(), made.sheet, Checked(Verdict.VERIFIED, "RSA", signer), "f" * 64))
    assert office.shift.sheets[made.sheet].signed
    office.act("iryna", "journal register", **register)
    assert office.shift.sheets[made.sheet].finished


def test_a_sheet_that_an_older_version_made_keeps_its_bytes(office: Office) -> None:
    made = handed_over(office)
    first = replace(sheet_of(FORMS, made), edition=1)
    assert b'"status"' not in first.text()
    old = msgspec.structs.replace(made, sha256=first.sha256())
    assert sheet_of(FORMS, old).text() == first.text()
    assert sheet_of(FORMS, made).text() != first.text()


def test_nobody_signs_in_anothers_place_or_twice(office: Office) -> None:
    office.act("iryna", "handover", **HANDOVER)
    made = sheet(office, Journal.HANDOVER)
    with pytest.raises(EdgeError) as refusal:
        signed(office.scene(), made.sheet, Checked(Verdict.VERIFIED, "RSA", "ЛИС Тарас"), "f" * 64)
    assert refusal.value.code is ErrorCode.NOT_ALLOWED
    own = Checked(Verdict.CERTIFIED_TOOL, "DSTU 4145", "")  # no name to be read: whoever attaches it
    office.record(*signed(office.scene("daria"), made.sheet, own, "f" * 64))
    assert list(office.shift.sheets[made.sheet].signatures) == [1]
    with pytest.raises(EdgeError) as refusal:
        signed(office.scene("daria"), made.sheet, own, "f" * 64)
    assert refusal.value.code is ErrorCode.CONFLICT


# --- the other journals --------------------------------------------------------------------------------


@pytest.mark.clause(
    "459-II.1-keeps",
    "the incident journal is kept by the responsible person, from incidents that a person has confirmed",
)
@pytest.mark.clause("459-I.3-incident", "a lost or seized journal is an incident")
def test_an_incident_stands_in_one_sheet_of_a_volume_and_is_repeated_in_a_new_one(office: Office) -> None:
    office.act("iryna", "incident open", **OPENED, item="101", person="olena")
    office.act("iryna", "journal sheet", journal="incident")
    assert sheet(office, Journal.INCIDENT).rows == (
        (
            "27.11.2026 11:30. Пошкодження складової комплексу. Розбито скло об’єктива. Олена Коваль. "
            "Обладнання: індивідуальна портативна відеокамера інв. № 101",
            "—",
            "—",
            "—",
        ),
    )
    assert refused(office, "iryna", "journal sheet", journal="incident").code is ErrorCode.CONFLICT
    volume = {"journal": "incident", "ground": "seized", "since": "2026-11-27T09:00:00.000Z"}
    office.act("iryna", "journal volume", **volume, document="Протокол № 3")
    assert office.shift.volumes[Journal.INCIDENT].number == 2
    office.act("iryna", "journal sheet", journal="incident")
    made = sheet(office, Journal.INCIDENT)
    assert made.volume == 2
    assert [row[0].split(". ")[1] for row in made.rows] == [
        "Пошкодження складової комплексу",
        "Вилучення журналу",
    ]


@pytest.mark.clause(
    "459-III.4-lost-journal", "a new volume begins at the loss or seizure and repeats what was entered since"
)
def test_a_new_volume_repeats_what_was_entered_since_its_beginning_and_nothing_before(office: Office) -> None:
    opened(office, "2026-11-27T08:00:00.000Z")
    office.act("iryna", "journal sheet", journal="incident")
    office.later(1)
    since = office.now
    opened(office, "2026-11-27T09:30:00.000Z")
    office.act("iryna", "journal sheet", journal="incident")
    assert told(office) == ["27.11.2026 11:30"]
    office.act("iryna", "journal volume", journal="incident", ground="lost", since=since)
    office.act("iryna", "journal sheet", journal="incident")
    assert told(office) == ["27.11.2026 11:30", "27.11.2026 13:00"]
    assert refused(office, "iryna", "journal sheet", journal="incident").code is ErrorCode.CONFLICT


def opened(office: Office, happened: str) -> str:
    (fact,) = office.act("iryna", "incident open", **(OPENED | {"happened": happened}), item="101")
    assert isinstance(fact, sf.IncidentOpened)
    return fact.incident


def told(office: Office) -> list[str]:
    """When that happened which the last sheet of incidents tells."""
    return [row[0][:16] for row in sheet(office, Journal.INCIDENT).rows]


@pytest.mark.clause(
    "459-III.4-lost-journal", "what happened before the loss and stood on no sheet is told in the new volume"
)
def test_what_stood_on_no_sheet_when_the_journal_was_lost_is_told_in_the_new_volume(office: Office) -> None:
    opened(office, "2026-11-27T08:00:00.000Z")
    office.act("iryna", "journal sheet", journal="incident")
    opened(office, "2026-11-27T09:00:00.000Z")
    office.later(1)
    office.act("iryna", "journal volume", journal="incident", ground="seized", since=office.now)
    office.act("iryna", "journal sheet", journal="incident")
    assert told(office) == ["27.11.2026 11:00", "27.11.2026 13:00"]


def test_what_happened_before_the_loss_and_ended_after_it_is_told_in_the_new_volume(office: Office) -> None:
    incident = opened(office, "2026-11-27T08:00:00.000Z")
    office.act("iryna", "journal sheet", journal="incident")
    office.later(1)
    office.act("iryna", "journal volume", journal="incident", ground="seized", since=office.now)
    office.act(
        "iryna", "incident note", incident=incident, measures="Викликано", result="Замінено", closed=True
    )
    office.act("iryna", "journal sheet", journal="incident")
    assert [row[1:3] for row in sheet(office, Journal.INCIDENT).rows] == [
        ("Викликано", "Замінено"),
        ("—", "—"),
    ]


def test_what_a_lost_volume_was_to_repeat_is_repeated_by_the_one_after_it(office: Office) -> None:
    made = handed_over(office)
    office.act("iryna", "journal volume", **VOLUME, since=first_moment(office, made))
    office.later(1)
    office.act("iryna", "journal volume", **VOLUME, since=office.now)
    office.act("iryna", "journal sheet", journal="handover")
    assert (sheet(office, Journal.HANDOVER).volume, sheet(office, Journal.HANDOVER).entries) == (
        3,
        (made.sheet,),
    )


VOLUME = {"journal": "handover", "ground": "lost"}


def handed_over(office: Office, **more: Any) -> sf.SheetMade:
    office.act("iryna", "handover", **HANDOVER, **more)
    return sheet(office, Journal.HANDOVER)


@pytest.mark.clause(
    "459-III.4-lost-journal",
    "a new volume of the handover journal repeats the handovers since, row by row, and its maker signs that",
)
def test_a_new_volume_repeats_the_handovers_since_its_beginning_as_they_were(office: Office) -> None:
    handed_over(office, note="до втрати")
    office.later(1)
    first = handed_over(office, note="Чисто")
    office.later(1)
    office.act("iryna", "journal volume", **VOLUME, since=first_moment(office, first))
    office.act("iryna", "journal sheet", journal="handover")
    made = sheet(office, Journal.HANDOVER)
    assert (made.volume, made.entries) == (2, (first.sheet,))
    assert [row[:-1] for row in made.rows] == [row[:-1] for row in first.rows]
    named = (
        f"повторює аркуш {first.sheet} тому 1: передає інспектор Ірина Бондар, приймає інспектор Дарʼя Шевчук, "
        "підписів 0 з 2"
    )
    assert {row[-1] for row in made.rows} == {named, f"Чисто; {named}"}
    assert [one.person for one in made.signatories] == ["iryna"]
    form = sheet_of(FORMS, made).form
    assert (form.title, form.columns) == (FORMS[Journal.HANDOVER].title, FORMS[Journal.HANDOVER].columns)
    assert sheet_of(FORMS, made).sha256() == made.sha256
    own = Checked(Verdict.VERIFIED, "RSA", "БОНДАР Ірина")
    office.record(*signed(office.scene(), made.sheet, own, "f" * 64))
    assert office.shift.sheets[made.sheet].signed


def first_moment(office: Office, made: sf.SheetMade) -> str:
    return office.shift.sheets[made.sheet].at


def test_there_is_nothing_to_repeat_in_a_first_volume_nor_twice(office: Office) -> None:
    made = handed_over(office)
    again = refused(office, "iryna", "journal sheet", journal="handover")
    assert again.code is ErrorCode.CONFLICT
    assert "edgectl handover" in str(again.detail["expected"])
    office.act("iryna", "journal volume", **VOLUME, since=first_moment(office, made))
    office.act("iryna", "journal sheet", journal="handover")
    assert refused(office, "iryna", "journal sheet", journal="handover").code is ErrorCode.CONFLICT
    assert refused(office, "taras", "journal sheet", journal="handover").code is ErrorCode.NOT_ALLOWED


def test_a_third_volume_repeats_the_handovers_and_not_what_repeated_them(office: Office) -> None:
    made = handed_over(office)
    since = first_moment(office, made)
    office.act("iryna", "journal volume", **VOLUME, since=since)
    office.act("iryna", "journal sheet", journal="handover")
    second = handed_over(office)
    office.act("iryna", "journal volume", **VOLUME, since=since)
    office.act("iryna", "journal sheet", journal="handover")
    assert sheet(office, Journal.HANDOVER).entries == (made.sheet, second.sheet)


def test_what_repeats_handovers_is_no_handover_that_waits_for_two_signatures(office: Office) -> None:
    made = handed_over(office)
    office.act("iryna", "journal volume", **VOLUME, since=first_moment(office, made))
    office.act("iryna", "journal sheet", journal="handover")
    waiting = unsigned_handovers(office.shift, times.parse_ns(office.now), 0)
    assert [one.made.sheet for one in waiting] == [made.sheet]


def test_a_volume_does_not_begin_before_the_one_before_it(office: Office) -> None:
    volume = {"journal": "handover", "ground": "lost"}
    office.act("iryna", "journal volume", **volume, since="2026-11-27T09:00:00.000Z")
    assert refused(office, "iryna", "journal volume", **volume, since="2026-11-26T09:00:00.000Z").code is (
        ErrorCode.CONFLICT
    )


@pytest.mark.clause(
    "459-II.3-maintenance",
    "works and repairs stand in the maintenance journal, which the technical administrator keeps",
)
@pytest.mark.clause(
    "459-III.14-works", "works stand in the maintenance journal with grounds, persons and duration"
)
def test_the_maintenance_journal_tells_works_and_repairs_and_is_the_technicians(office: Office) -> None:
    office.act("taras", "works start", **WORKS, letter_number="9", letter_date="2026-11-26")
    works = next(iter(office.shift.works))
    office.later(1)
    office.act("taras", "works end", works=works, measures="почищено", result="справна")
    repaired(office)
    assert refused(office, "iryna", "journal sheet", journal="maintenance").code is ErrorCode.NOT_ALLOWED
    office.act("taras", "journal sheet", journal="maintenance")
    first, second = sheet(office, Journal.MAINTENANCE).rows
    assert first == (
        "27.11.2026 12:00 – 27.11.2026 13:00. Очищення контактів слотів док-станції та роз’ємів відеокамер. "
        "Підстава: план. Проводить: Тарас Лис. Обладнання: індивідуальна портативна відеокамера інв. № 101; "
        "док-станція інв. № 301",
        "почищено",
        "справна",
        "лист № 9 від 2026-11-26",
    )
    assert second[1] == "бирка № Б-3, місце зберігання: шафа 2; передано: відділ"
    assert second[2] == "замінено акумулятор; повернуто 27.11.2026 13:00"


def repaired(office: Office) -> None:
    damaged(office)
    office.confirm(REC)
    office.act("taras", "repair release", item="101", receiver="відділ", third_party=False)
    office.act("taras", "repair back", item="101", result="замінено акумулятор")


@pytest.mark.clause(
    "459-A2", "measures and result that were entered after the sheet stand on the next one, in the whole row"
)
def test_an_incident_is_told_again_once_its_result_is_entered(office: Office) -> None:
    incident = opened(office, "2026-11-27T08:00:00.000Z")
    office.act("iryna", "journal sheet", journal="incident")
    first = sheet(office, Journal.INCIDENT)
    office.act("iryna", "incident note", incident=incident, measures="Викликано", result="Замінено")
    office.act("iryna", "journal sheet", journal="incident")
    again = sheet(office, Journal.INCIDENT)
    assert (again.entries, again.rows[0][0]) == (first.entries, first.rows[0][0])
    assert (first.rows[0][1:3], again.rows[0][1:3]) == (("—", "—"), ("Викликано", "Замінено"))
    office.act("iryna", "incident note", incident=incident, closed=True)  # adds no word to the row
    assert refused(office, "iryna", "journal sheet", journal="incident").code is ErrorCode.CONFLICT


@pytest.mark.clause(
    "459-A3", "works and repairs are put down with their result, and again if it was named before"
)
def test_works_and_repairs_wait_for_their_result_unless_they_are_named(office: Office) -> None:
    office.act("taras", "works start", **(WORKS | {"items": ["301"]}))
    damaged(office)
    works, repair = next(iter(office.shift.works)), office.shift.repairs["101"].id
    assert refused(office, "taras", "journal sheet", journal="maintenance").code is ErrorCode.CONFLICT
    office.act("taras", "journal sheet", journal="maintenance", entries=[works, repair])
    assert [row[2] for row in sheet(office, Journal.MAINTENANCE).rows] == ["—", "—"]
    office.act("taras", "works end", works=works, measures="почищено", result="справна")
    office.act("taras", "journal sheet", journal="maintenance")
    assert [row[2] for row in sheet(office, Journal.MAINTENANCE).rows] == ["справна"]
    office.confirm(REC)
    office.act("taras", "repair release", item="101", receiver="відділ", third_party=False)
    office.act("taras", "repair back", item="101", result="замінено скло")
    office.act("taras", "journal sheet", journal="maintenance")
    assert [row[2] for row in sheet(office, Journal.MAINTENANCE).rows] == [
        "замінено скло; повернуто 27.11.2026 12:00"
    ]


def test_works_are_told_again_with_the_letter_that_was_entered_late(office: Office) -> None:
    office.act("taras", "works start", **WORKS)
    works = next(iter(office.shift.works))
    office.act("taras", "works end", works=works, measures="почищено", result="справна")
    office.act("taras", "journal sheet", journal="maintenance")
    letter = {"paper": "works-letter", "about": works, "number": "9", "date": "2026-11-27"}
    office.act("taras", "paper give", **letter)
    office.act("taras", "journal sheet", journal="maintenance")
    assert sheet(office, Journal.MAINTENANCE).rows[0][3] == "лист № 9 від 2026-11-27"


def test_a_handover_that_was_repeated_before_both_had_signed_is_repeated_once_more(office: Office) -> None:
    made = handed_over(office)
    office.act("iryna", "journal volume", **VOLUME, since=first_moment(office, made))
    office.act("iryna", "journal sheet", journal="handover")
    for signer in ("БОНДАР Ірина", "ШЕВЧУК Дар’я"):
        office.record(*signed(office.scene(), made.sheet, Checked(Verdict.VERIFIED, "RSA", signer), "f" * 64))
    office.act("iryna", "journal sheet", journal="handover")
    assert "підписів" not in sheet(office, Journal.HANDOVER).rows[-1][-1]
    assert refused(office, "iryna", "journal sheet", journal="handover").code is ErrorCode.CONFLICT


def test_what_a_sheet_tells_is_not_told_anew_when_the_sheet_itself_is_forgotten(office: Office) -> None:
    opened(office, "2026-11-27T08:00:00.000Z")
    office.act("iryna", "journal sheet", journal="incident")
    office.shift.sheets.clear()
    assert refused(office, "iryna", "journal sheet", journal="incident").code is ErrorCode.CONFLICT


def test_the_list_of_sheets_says_how_much_stands_on_none(office: Office) -> None:
    assert sheets_view(office.scene()) == []
    opened(office, "2026-11-27T08:00:00.000Z")
    (waiting,) = sheets_view(office.scene())
    assert (waiting["sheet"], waiting["journal"], waiting["volume"], waiting["rows"]) == (
        "",
        "incident",
        1,
        1,
    )
    office.act("iryna", "journal sheet", journal="incident")
    assert [one["sheet"] for one in sheets_view(office.scene())] == [sheet(office, Journal.INCIDENT).sheet]


def test_more_entries_than_a_line_of_the_ledger_holds_make_more_sheets(office: Office) -> None:
    for _ in range(12):
        office.act("iryna", "incident open", **(OPENED | {"description": "ї" * 4000}))
    made = 0
    while made < 12:
        office.act("iryna", "journal sheet", journal="incident")
        made += len(sheet(office, Journal.INCIDENT).rows)
    assert made == 12


# --- rounds, references --------------------------------------------------------------------------------


@pytest.mark.clause(
    "scan-annex3",
    "an inspection round says of an item that it is in order, or names its faults (taken over by choice)",
)
def test_a_round_is_in_order_or_names_faults(office: Office) -> None:
    office.act("iryna", "round", when="start", item="301", in_order=True)
    assert (
        refused(office, "iryna", "round", when="end", item="301", in_order=False).code
        is ErrorCode.BAD_REQUEST
    )
    office.act("iryna", "round", when="end", item="301", in_order=False, faults="слот 3 не світиться")


@pytest.mark.clause(
    "scan-annex3",
    "a sheet tells an item at both ends of the shift in one row, and who has looked signs (taken over by choice)",
)
def test_a_sheet_tells_both_rounds_of_an_item_in_one_row(office: Office) -> None:
    office.act("iryna", "round", when="start", item="301", in_order=True)
    office.act("iryna", "round", when="start", item="101", in_order=True)
    assert refused(office, "iryna", "journal sheet", journal="round").code is ErrorCode.CONFLICT
    office.later(7)
    office.act("iryna", "round", when="end", item="301", in_order=False, faults="слот 3 не світиться")
    office.act("iryna", "journal sheet", journal="round")
    made = sheet(office, Journal.ROUND)
    who = "інспектор Ірина Бондар"
    assert made.rows == (
        (
            "док-станція інв. № 301",
            *("27.11.2026 12:00", "справна", who, "КЕП під аркушем"),
            *("27.11.2026 19:00", "несправна", who, "КЕП під аркушем"),
            "наприкінці зміни: слот 3 не світиться",
        ),
    )
    assert [one.person for one in made.signatories] == ["iryna"]
    assert sheet_of(FORMS, made).sha256() == made.sha256
    office.later(0.5)
    office.act("iryna", "round", when="end", item="101", in_order=True)
    office.act("iryna", "journal sheet", journal="round")
    assert [row[0] for row in sheet(office, Journal.ROUND).rows] == [
        "індивідуальна портативна відеокамера інв. № 101"
    ]


def test_nobody_signs_for_a_round_that_another_made(office: Office) -> None:
    office.act("iryna", "round", when="end", item="301", in_order=True)
    office.later(12)
    assert refused(office, "daria", "journal sheet", journal="round").code is ErrorCode.CONFLICT
    office.act("daria", "round", when="end", item="301", in_order=True)
    office.act("daria", "journal sheet", journal="round")
    assert len(sheet(office, Journal.ROUND).rows) == 1


def test_rounds_are_none_of_the_journals_that_can_be_lost(office: Office) -> None:
    volume = {"journal": "round", "ground": "lost", "since": "2026-11-27T09:00:00.000Z"}
    assert refused(office, "iryna", "journal volume", **volume).code is ErrorCode.BAD_REQUEST


@pytest.mark.clause(
    "scan-annex1",
    "a recording is referred to an information sheet by code, number and year, once (taken over by choice)",
)
def test_a_recording_is_referred_to_a_case_once(office: Office) -> None:
    office.film("GAT-1", REC)
    reference = {"recording": REC, "code": "UA209140", "number": 17, "year": 2026}
    office.act("iryna", "recording refer", **reference)
    assert refused(office, "iryna", "recording refer", **reference).code is ErrorCode.CONFLICT


@pytest.mark.parametrize(
    ("happen", "place"),
    [
        ((), Place.ABSENT),
        (("dock",), Place.SLOT),
        (("dock", "issue"), Place.ISSUED),
        (("dock", "forced"), Place.ABSENT),
        (("dock", "damage"), Place.REPAIR),
    ],
)
def test_where_a_camera_is(office: Office, happen: tuple[str, ...], place: Place) -> None:
    for what in happen:
        match what:
            case "dock":
                office.dock("GAT-1", 1)
            case "issue":
                office.issue("GAT-1", "olena", 1, "j")
            case "forced":
                office.record(f.SlotForcedOpen(slot=1, camera="GAT-1", witness="dock"))
            case _:
                office.act("taras", "repair damaged", item="101", description="тріщина")
    assert place_of(office.inventory.item("101"), office.station) is place
