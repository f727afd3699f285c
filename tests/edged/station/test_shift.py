"""The shift at the running station: duty schedule, reserve cameras, incidents, works, repairs, handover, reminders."""

import base64
import hashlib
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from edged.access import Refusal
from edged.cli import inspection
from edged.errors import EdgeError, ErrorCode
from edged.formats import facts as f
from edged.formats import shift_facts as sf
from edged.formats.note import Signer
from edged.journals.signature import Verdict
from edged.reports.data import IssueShown, Report
from edged.shift.journal_acts import sheet_of
from edged.slots.state import State
from simulators.usb.spec import CameraChanges
from tests.edged.journals.test_signature import signed
from tests.edged.shift.office import FORMS
from tests.fakes.memory_fs import PowerCut
from tests.fuzz.samples import STATUS
from tests.movies import box, mvhd
from tests.world.loop import story
from tests.world.persons import (
    CROWD,
    IRYNA,
    MAKSYM,
    OLENA,
    PETRO,
    STAFF,
    TARAS,
    Someone,
    at,
    roster,
    schedule,
    shift,
)
from tests.world.world import AUTHORITY, INBOX, SCHEDULE, STATE, World

pytestmark = pytest.mark.slow  # many steps each; the fast part keeps the main stories

DAY = shift("day", -1, 11, ("olena",))
NIGHT = shift("night", 11, 23, ("petro",), ("maksym",))
LISTED = f'schedule = "{SCHEDULE}"'
NO_MARGINS = "early_min = 0\nlate_min = 0"
SYNC = """
host = "centre.example"
user = "post-1"
key_file = "/etc/edged/courier.key"
host_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
"""
ITEMS = '[[equipment]]\ninventory_number = "201"\nsort = "mount"\n'
FILM = b"".join(n.to_bytes(8, "big") for n in range(10_000))


async def refused(world: World, account: str, verb: str, **params: Any) -> EdgeError:
    with pytest.raises(EdgeError) as caught:
        await world.ask(account, verb, **params)
    return caught.value


def typed(command: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command.split(), cwd=folder, capture_output=True, text=True, timeout=60)


def filmed(seconds: int) -> bytes:
    """A film of that length, which does not say when it began."""
    return box(b"ftyp", b"isom") + box(b"mdat", bytes(1000)) + box(b"moov", mvhd(0, 1_000, seconds * 1_000))


async def docked(world: World, name: str, slot: int, *states: State) -> None:
    world.add(name)
    world.insert(name, slot)
    await world.until_slot(slot, *(states or (State.READY,)))


async def taken(world: World, who: Someone, slot: int) -> f.CameraIssued:
    before = len(world.facts(f.CameraIssued))
    await world.passes(3)  # the reader takes the same badge again only after a while
    world.tap(who.badge)
    await world.take(slot)
    await world.until(lambda: len(world.facts(f.CameraIssued)) > before)
    issued: f.CameraIssued = world.facts(f.CameraIssued)[-1]
    assert issued.officer == who.id
    return issued


async def turned_away(world: World, who: Someone, reason: Refusal) -> None:
    before = len(world.facts(f.BadgeRefused))
    await world.passes(3)  # as above
    world.tap(who.badge)
    await world.until(lambda: len(world.facts(f.BadgeRefused)) > before, 10)
    last = world.facts(f.BadgeRefused)[-1]
    assert (last.reason, last.person) == (reason, who.id)


# --- the duty schedule ---------------------------------------------------------------------------------


@pytest.mark.clause(
    "459-I.3-shift",
    "an officer gets a camera in a shift of the duty schedule that lists him, and in no other",
)
@story
async def test_an_officer_gets_a_camera_in_the_shift_that_lists_him() -> None:
    async with World.open(boot=False, access=LISTED, shift=NO_MARGINS) as world:
        world.publish(schedule(AUTHORITY, 1, DAY, NIGHT), SCHEDULE)
        await world.boot()
        await docked(world, "K000001", 1)
        await turned_away(world, PETRO, Refusal.NOT_ON_DUTY)
        issued = await taken(world, OLENA, 1)
        assert (issued.shift, issued.flags) == ("day", ("not-briefed",))
        world.insert("K000001", 1)
        await world.until_slot(1, State.READY)
        again = await taken(world, OLENA, 1)
        assert again.flags == ()


@pytest.mark.parametrize("kind", ["none", "over", "not on duty, by configuration"])
@story
async def test_a_dock_is_never_closed_for_want_of_a_schedule(kind: str) -> None:
    settings: dict[str, Any] = {"shift": NO_MARGINS}
    if kind != "none":
        settings["access"] = LISTED
    if kind.startswith("not"):
        settings["shift"] += '\nnot_listed = "flag"'
    async with World.open(boot=False, **settings) as world:
        hours = (-24.0, -1.0) if kind == "over" else (-24.0, 24.0)
        world.publish(schedule(AUTHORITY, 1, DAY, NIGHT, hours=hours), SCHEDULE)
        await world.boot()
        await docked(world, "K000001", 1)
        flag = {"none": "no-schedule", "over": "schedule-expired"}.get(kind, "not-on-duty")
        assert (await taken(world, PETRO, 1)).flags[0] == flag
        assert ("schedule-expired" in world.alerts()) == (kind == "over")


@pytest.mark.parametrize("kind", ["older", "foreign", "forged", "cut off"])
@story
async def test_a_schedule_that_is_not_taken_changes_nothing(kind: str) -> None:
    async with World.open(boot=False, access=LISTED, shift=NO_MARGINS) as world:
        world.publish(schedule(AUTHORITY, 5, DAY), SCHEDULE)
        await world.boot()
        stranger = Signer.from_seed(AUTHORITY.name, b"z" * 32)
        other = shift("day", -1, 11, ("petro",))
        world.publish(
            {
                "older": schedule(AUTHORITY, 4, other),
                "foreign": schedule(AUTHORITY, 6, other, post="Шегині"),
                "forged": schedule(stranger, 6, other),
                "cut off": schedule(AUTHORITY, 6, other)[:-30],
            }[kind],
            SCHEDULE,
        )
        await world.passes(60)
        assert len(world.facts(sf.ScheduleRefused)) == 1
        assert "schedule-invalid" in world.alerts()
        await docked(world, "K000001", 1)
        await turned_away(world, PETRO, Refusal.NOT_ON_DUTY)
        await world.crash()
        await world.boot()  # the copy of what was taken
        await world.until_slot(1, State.READY)
        await turned_away(world, PETRO, Refusal.NOT_ON_DUTY)
        world.publish(schedule(AUTHORITY, 7, other), SCHEDULE)
        await world.until(lambda: "schedule-invalid" not in world.alerts(), 30)
        assert (await taken(world, PETRO, 1)).shift == "day"


@pytest.mark.clause(
    "459-II.1-briefing", "by configuration an officer's first use needs a briefing entered before it"
)
@story
async def test_without_a_briefing_the_first_use_can_be_refused() -> None:
    async with World.open(shift='unbriefed = "refuse"') as world:
        await docked(world, "K000001", 1)
        await turned_away(world, OLENA, Refusal.NOT_BRIEFED)
        await world.ask("iryna", "officer brief", person="olena")
        assert "not-briefed" not in (await taken(world, OLENA, 1)).flags


@pytest.mark.clause("459-II.1-own-shift", "what a responsible person enters in another's shift is refused")
@story
async def test_a_responsible_person_acts_in_the_own_shift_only() -> None:
    async with World.open(boot=False, access=LISTED, shift=NO_MARGINS) as world:
        world.publish(schedule(AUTHORITY, 1, DAY, NIGHT), SCHEDULE)
        world.publish(roster(AUTHORITY, 2, CROWD))
        await world.boot()
        why = await refused(world, "maksym", "officer brief", person="olena")
        assert (why.code, why.detail["reason"]) == (ErrorCode.NOT_ALLOWED, "not in the own shift")
        await world.ask("iryna", "officer brief", person="olena")
        assert not world.facts(f.AccessRefused)  # that line is the socket's


@pytest.mark.clause(
    "459-II.1-own-shift", "a return is confirmed, and the clock, by whose shift it is and nobody else"
)
@story
async def test_in_anothers_shift_no_badge_confirms_and_no_account() -> None:
    async with World.open(boot=False, access=LISTED, shift=NO_MARGINS) as world:
        world.publish(schedule(AUTHORITY, 1, DAY, NIGHT), SCHEDULE)
        world.publish(roster(AUTHORITY, 2, CROWD))
        await world.boot()
        await world.ask("iryna", "officer brief", person="olena")
        await docked(world, "K000001", 1)
        await taken(world, OLENA, 1)
        world.insert("K000001", 1)
        await world.until_slot(1, State.READY)
        await turned_away(world, MAKSYM, Refusal.NOT_ON_DUTY)
        assert not world.facts(f.ReturnConfirmed)
        why = await refused(world, "maksym", "clock confirm")
        assert (why.code, why.detail["expected"]) == (ErrorCode.NOT_ALLOWED, "the own shift")
        world.tap(IRYNA.badge)
        await world.until(lambda: world.facts(f.ReturnConfirmed))
        await world.ask("iryna", "clock confirm")


@pytest.mark.clause(
    "459-II.1-own-shift",
    "while the host's time is unknown whose shift it is cannot be told, and nobody is kept out",
)
@story
async def test_a_host_that_does_not_know_the_time_tells_nobody_to_be_off_duty() -> None:
    async with World.open(boot=False, access=LISTED, shift=NO_MARGINS) as world:
        world.publish(schedule(AUTHORITY, 1, DAY, NIGHT), SCHEDULE)
        world.publish(roster(AUTHORITY, 2, CROWD))
        await world.boot()
        await world.ask("iryna", "officer brief", person="petro")
        await world.crash()
        world.time.sleeps(13 * 3600)  # without power; it is night, and for all that the host knows still day
        off_s = world.time.wall_ns() / 1e9
        world.clock.off_s = -off_s
        world.clock.unknown()
        await world.boot()
        await docked(world, "K000001", 1)
        issued = await taken(world, PETRO, 1)
        assert (issued.shift, issued.flags[0]) == ("", "duty-unknown")
        world.insert("K000001", 1)
        await world.until_slot(1, State.READY)
        world.tap(MAKSYM.badge)
        await world.until(lambda: world.facts(f.ReturnConfirmed))
        await world.ask("maksym", "officer brief", person="olena")
        world.clock.off_s = 0.0
        await world.ask("maksym", "clock confirm")
        told = {type(line.fact): line.stamp.clock for line in world.station.book.lines()}
        assert told[f.ReturnConfirmed] == told[sf.OfficerBriefed] == told[f.ClockConfirmed] == "unknown"
        await turned_away(world, OLENA, Refusal.NOT_ON_DUTY)  # from now on the shift can be told
        why = await refused(world, "iryna", "officer brief", person="olena")
        assert why.code is ErrorCode.NOT_ALLOWED


@pytest.mark.clause(
    "459-III.11-return",
    "a return that nobody confirms is asked for by a standing alert with slot and camera until it is confirmed; "
    "offload and the next issue do not wait",
)
@story
async def test_a_return_is_asked_for_until_somebody_confirms_it() -> None:
    async with World.open(shift="confirm_min = 10", slots=2) as world:
        asked = {f"return-unconfirmed:K00000{slot}" for slot in (1, 2)}
        for slot, who in ((1, OLENA), (2, PETRO)):
            await docked(world, f"K00000{slot}", slot)
            await taken(world, who, slot)
            world.insert(f"K00000{slot}", slot)
            await world.until_slot(slot, State.READY)
        await world.passes(300)
        assert not asked & world.alerts()
        await world.until(lambda: asked <= world.alerts(), 500)
        alert = world.station.recorder.state.alerts["return-unconfirmed:K000002"]
        assert (alert.code, alert.detail["slot"], alert.detail["officer"]) == (7060, 2, "petro")
        one = str(alert.detail["issue"])
        assert (await refused(world, "taras", "return confirm", issue=one)).code is ErrorCode.NOT_ALLOWED
        await world.ask("iryna", "return confirm", issue=one)
        await world.until(lambda: asked & world.alerts() == {"return-unconfirmed:K000001"}, 100)
        again = await refused(world, "iryna", "return confirm", issue=one)
        assert again.code is ErrorCode.CONFLICT
        await taken(world, OLENA, 1)
        world.insert("K000001", 1)
        await world.until_slot(1, State.READY)
        assert "return-unconfirmed:K000001" in world.alerts()
        world.tap(IRYNA.badge)
        await world.until(lambda: not asked & world.alerts(), 100)
        assert [len(one.issues) for one in world.facts(f.ReturnConfirmed)] == [1, 2]


@story
async def test_what_was_never_returned_is_not_confirmed() -> None:
    async with World.open() as world:
        await docked(world, "K000001", 1)
        issued = await taken(world, OLENA, 1)
        for issue, code in ((issued.issue, ErrorCode.CONFLICT), ("f" * 32, ErrorCode.NOT_FOUND)):
            assert (await refused(world, "iryna", "return confirm", issue=issue)).code is code


# --- reserve cameras -----------------------------------------------------------------------------------


@pytest.mark.clause("459-III.5-reserve", "a reserve camera unlocks for nobody until the memo is entered")
@story
async def test_a_reserve_camera_is_issued_by_memo_only() -> None:
    async with World.open(reserve="K000003") as world:
        await docked(world, "K000003", 1, State.HOLDING)
        await world.until(lambda: world.unit(1).work.charge_percent is not None)
        await turned_away(world, OLENA, Refusal.NO_CAMERA_READY)
        memo = {"camera": "K000003", "number": "12", "date": "2026-11-22", "head": "Петренко П."}
        assert (await refused(world, "taras", "memo enter", **memo)).code is ErrorCode.NOT_ALLOWED
        await world.ask("iryna", "memo enter", **memo)
        await world.until_slot(1, State.READY)
        assert [row["number"] for row in await world.ask("iryna", "memo list")] == ["12"]
        await taken(world, OLENA, 1)
        assert (await refused(world, "iryna", "memo end", camera="K000003")).code is ErrorCode.CONFLICT
        world.insert("K000003", 1)
        await world.until_slot(1, State.READY)
        await world.ask("iryna", "memo end", camera="K000003")
        await world.until_slot(1, State.HOLDING)


@pytest.mark.clause(
    "459-III.12-reserve",
    "under an incident of his own an officer takes a reserve camera while his first issue is open",
)
@story
async def test_under_an_incident_an_officer_gets_a_reserve_camera_beside_the_one_he_has() -> None:
    async with World.open(reserve="K000003") as world:
        await docked(world, "K000001", 1)
        first = await taken(world, OLENA, 1)
        await docked(world, "K000003", 2, State.HOLDING)
        await turned_away(world, OLENA, Refusal.HOLDS_A_CAMERA)
        opened = await world.ask(
            "iryna",
            "incident open",
            cause="loss",
            happened=at(0),
            description="Загублено",
            camera="K000001",
            issue=first.issue,
        )
        await world.ask(
            "iryna",
            "memo enter",
            camera="K000003",
            number="12",
            date="2026-11-22",
            head="Петренко П.",
            incident=opened["incident"],
        )
        await world.until_slot(2, State.READY)
        await taken(world, OLENA, 2)
        assert [i.camera for i in world.station.recorder.state.issues.values() if i.open] == [
            "K000001",
            "K000003",
        ]
        world.check_live()


@pytest.mark.clause(
    "459-III.12-reserve",
    "a reserve camera is closed again at once when the incident that its memo names is none",
)
@story
async def test_a_reserve_camera_unlocks_for_nobody_once_its_incident_is_rejected() -> None:
    async with World.open(reserve="K000003") as world:
        await docked(world, "K000001", 1)
        world.tear_out(1)
        await world.until(lambda: world.facts(f.IncidentDrafted))
        incident = world.facts(f.IncidentDrafted)[0].incident
        await docked(world, "K000003", 2, State.HOLDING)
        memo = {"camera": "K000003", "number": "12", "date": "2026-11-22", "head": "Петренко П."}
        await world.ask("iryna", "memo enter", **memo, incident=incident)
        await world.until_slot(2, State.READY)
        await world.ask("iryna", "incident reject", incident=incident, reason="Помилка")
        await world.until_slot(2, State.HOLDING, within_s=5)
        await turned_away(world, OLENA, Refusal.NO_CAMERA_READY)


# --- incidents, repairs, works --------------------------------------------------------------------------


@pytest.mark.clause(
    "459-II.1-custody", "a camera torn out is a draft that the responsible person confirms and closes"
)
@story
async def test_a_draft_of_the_station_is_confirmed_and_closed_by_a_person() -> None:
    async with World.open() as world:
        await docked(world, "K000001", 1)
        world.tear_out(1)
        await world.until(lambda: world.facts(f.IncidentDrafted))
        (row,) = await world.ask("iryna", "incident list")
        assert (row["stage"], row["kind"], row["camera"]) == ("draft", "forced-removal", "K000001")
        incident = row["incident"]
        denied = await refused(world, "taras", "incident confirm", incident=incident, description="так")
        assert denied.code is ErrorCode.NOT_ALLOWED
        await world.ask("iryna", "incident confirm", incident=incident, description="Вирвано зі слота")
        papers = {row["paper"] for row in await world.ask("iryna", "paper list")}
        assert papers == {"incident-information", "report-memo", "security-information"}
        text = (await world.ask("iryna", "paper draft", paper="report-memo", about=incident))["text"]
        assert "Доповідна записка" in text
        await world.ask(
            "iryna", "paper give", paper="report-memo", about=incident, number="7", date="2026-11-22"
        )
        assert len(await world.ask("iryna", "paper list")) == 2
        note = {"measures": "Викликано охорону", "result": "Знайдено", "closed": True}
        await world.ask("iryna", "incident note", incident=incident, **note)
        (row,) = await world.ask("iryna", "incident list")
        assert (row["stage"], row["measures"]) == ("closed", ["Викликано охорону"])
        world.check_live()


@story
async def test_papers_are_reminded_of_until_they_are_entered() -> None:
    async with World.open(shift="at_once_min = 60") as world:
        await docked(world, "K000001", 1)
        world.tear_out(1)
        await world.until(lambda: world.facts(f.IncidentDrafted))
        incident = world.facts(f.IncidentDrafted)[0].incident
        await world.passes(3000)
        assert f"papers-late:{incident}" not in world.alerts()
        await world.passes(800)
        assert f"papers-late:{incident}" in world.alerts()
        await world.ask("iryna", "incident reject", incident=incident, reason="Навчання")
        await world.until(lambda: f"papers-late:{incident}" not in world.alerts(), 120)


@story
async def test_a_paper_is_reminded_of_before_it_is_late_by_one_alert() -> None:
    settings = f"{NO_MARGINS}\nremind_min = 630"
    async with World.open(boot=False, access=LISTED, shift=settings) as world:
        world.publish(schedule(AUTHORITY, 1, DAY, NIGHT), SCHEDULE)
        await world.boot()
        opened = {"cause": "damage", "happened": at(0), "description": "Скло", "person": OLENA.id}
        incident = (await world.ask("iryna", "incident open", **opened))["incident"]
        soon, late = f"papers-due:{incident}", f"papers-late:{incident}"
        await world.passes(1200)
        assert not {soon, late} & set(world.alerts())
        await world.until(lambda: soon in world.alerts(), 1200)  # half an hour after the beginning
        alert = world.station.recorder.state.alerts[soon]
        assert str(alert.detail["text"]).startswith(
            "Письмове повідомлення про інцидент (уповноважена особа → "
        )
        assert late not in world.alerts()
        given = {"paper": "written-notice", "about": incident, "number": "3", "date": "2026-11-22"}
        await world.ask("iryna", "paper give", **given)
        await world.until(lambda: soon not in world.alerts(), 120)


@pytest.mark.clause("scan-VI.1-stop", "what is damaged is not used any more (taken over by choice)")
@pytest.mark.clause(
    "459-II.3-damaged", "a damaged camera is tagged and put away, and not issued until it is back"
)
@story
async def test_a_damaged_camera_goes_to_repair_and_back() -> None:
    async with World.open() as world:
        world.add("K000001", {"CLIP0001.MP4": FILM})
        world.insert("K000001", 1)
        await world.until_cleared("K000001")
        item = "10145K000001"
        denied = await refused(world, "iryna", "repair damaged", item=item, description="Скло")
        assert denied.code is ErrorCode.NOT_ALLOWED
        await world.ask("taras", "repair damaged", item=item, description="Скло розбито")
        await world.until_slot(1, State.QUARANTINE)
        await turned_away(world, OLENA, Refusal.NO_CAMERA_READY)
        why = await refused(world, "taras", "camera release", camera="K000001", reason="looks fine")
        assert (why.code, why.detail["condition"]) == (ErrorCode.CONFLICT, "damaged")
        release = {"item": item, "receiver": "Сервіс", "third_party": False}
        assert (await refused(world, "taras", "repair release", **release)).code is ErrorCode.CONFLICT
        await world.ask("taras", "repair tag", item=item, tag="Б-1", place="Шафа 2")
        tag = await world.ask("taras", "repair print", item=item)
        assert (tag["number"], tag["serial"], tag["station"]) == ("Б-1", "K000001", "post-7")
        await world.ask("taras", "repair release", **release)
        (row,) = await world.ask("iryna", "repair list")
        assert (row["condition"], row["tag"]) == ("released", "Б-1")
        await world.ask("taras", "repair back", item=item, result="Скло замінено")
        await world.until_slot(1, State.READY)
        await taken(world, OLENA, 1)


@pytest.mark.clause(
    "459-III.14-works",
    "a camera that is only marked as in works is an alert until an entry of the journal tells of it",
)
@story
async def test_works_that_no_entry_tells_are_an_alert() -> None:
    async with World.open() as world:
        await docked(world, "K000001", 1)
        await world.ask("taras", "camera works", camera="K000001", reason="a firmware update")
        await world.until(lambda: "works-unentered:K000001" in world.alerts(), 70)
        await world.ask(
            "taras",
            "works start",
            entry="cleaning",
            grounds="план",
            items=["10145K000001"],
            persons=["Тарас Лис"],
        )
        await world.until(lambda: "works-unentered:K000001" not in world.alerts(), 70)


@pytest.mark.clause(
    "459-I.3-works", "planned works whose interval is over are an alert until works of their entry have ended"
)
@story
async def test_planned_works_are_reminded_of_when_their_interval_is_over() -> None:
    days = 24.0 * 40
    taras = replace(TARAS, appointed=(-24.0, days))
    async with World.open() as world:
        world.publish(roster(AUTHORITY, 2, (taras,), hours=(-24.0, days)))
        await world.passes(70)
        assert "works-due:cleaning" not in world.alerts()
        await world.crash()
        world.time.sleeps(30 * 24 * 3600)
        await world.boot()
        await world.passes(70)
        due = {one for one in world.alerts() if one.startswith("works-due:")}
        assert due == {"works-due:cleaning", "works-due:disks", "works-due:clock"}
        items = {"items": ["10145K000001"], "persons": ["Тарас Лис"]}
        begun = await world.ask("taras", "works start", entry="cleaning", grounds="план", **items)
        await world.passes(70)
        assert "works-due:cleaning" in world.alerts()
        await world.ask("taras", "works end", works=begun["works"], measures="очищено", result="справна")
        await world.until(lambda: "works-due:cleaning" not in world.alerts(), 70)
        assert "works-due:disks" in world.alerts()
        world.check_live()


@pytest.mark.timeout(300)  # a day and a half of a station
@pytest.mark.clause(
    "459-III.14-notice", "works that begin without their letter are an alert until it is given"
)
@pytest.mark.clause(
    "459-III.15-24h",
    "works near 24 hours, and works over them, are alerts, and the deputy head's letter is owed",
)
@story
async def test_works_keep_cameras_in_and_are_reminded_of_at_a_day() -> None:
    async with World.open() as world:
        await docked(world, "K000001", 1)
        begun = await world.ask(
            "taras",
            "works start",
            entry="cleaning",
            grounds="план",
            items=["10145K000001"],
            persons=["Тарас Лис"],
        )
        await world.until_slot(1, State.WORKS)
        works = begun["works"]
        await world.until(lambda: f"papers-late:{works}" in world.alerts(), 70)  # begun without the letter
        letter = {"paper": "works-letter", "about": works, "number": "4", "date": "2026-11-21"}
        await world.ask("taras", "paper give", **letter)
        await world.until(lambda: f"papers-late:{works}" not in world.alerts(), 70)
        await world.passes(22.1 * 3600)
        assert f"works-long:{works}" in world.alerts()
        await world.passes(2 * 3600)
        assert f"works-long-over:{works}" in world.alerts()
        assert "overrun-letter" in {row["paper"] for row in await world.ask("taras", "paper list")}
        await world.ask("taras", "works end", works=works, measures="очищено", result="справна")
        await world.until_slot(1, State.READY)
        await world.until(lambda: not {one for one in world.alerts() if one.startswith("works-long")}, 120)


@pytest.mark.clause(
    "459-IV.7-off-duty", "a camera that is out after its shift is an alert and a drafted incident"
)
@story
async def test_a_camera_that_is_out_after_its_shift_is_told_of_once_and_drafted() -> None:
    async with World.open(boot=False, access=LISTED, shift=NO_MARGINS) as world:
        world.publish(schedule(AUTHORITY, 1, DAY, NIGHT), SCHEDULE)
        await world.boot()
        await docked(world, "K000001", 1)
        issued = await taken(world, OLENA, 1)
        await world.passes(10.9 * 3600)
        assert not world.facts(f.IncidentDrafted)
        await world.passes(600)
        assert "camera-out:K000001" in world.alerts()
        await world.crash()
        await world.boot()
        await world.passes(300)
        (drafted,) = world.facts(f.IncidentDrafted)
        assert (drafted.kind, drafted.issue) == ("camera-not-returned", issued.issue)
        world.insert("K000001", 1)
        await world.until(lambda: "camera-out:K000001" not in world.alerts(), 300)
        assert len(world.facts(f.IncidentDrafted)) == 1


# --- journals ------------------------------------------------------------------------------------------


@pytest.mark.clause("459-III.3-sign", "a handover that not both have signed is an alert, and issue goes on")
@story
async def test_a_handover_counts_when_both_have_signed_the_same_bytes() -> None:
    async with World.open(boot=False, more=ITEMS) as world:
        world.publish(roster(AUTHORITY, 2, CROWD))
        await world.boot()
        await docked(world, "K000001", 1)
        made = await world.ask("iryna", "handover", taking="maksym", safe=0, counts={"mount": 1})
        sheet = made["sheet"]
        printed = (await world.ask("iryna", "journal print", sheet=sheet))["sheet"]
        fact = world.facts(sf.SheetMade)[0]
        content = sheet_of(FORMS, fact).text()
        assert printed["sha256"] == hashlib.sha256(content).hexdigest()
        assert any("10145K000001" in row[0] for row in printed["rows"])

        async def attach(name: str, what: bytes = content) -> Any:
            signature = signed(what, name=name)
            return await world.ask(
                "iryna", "journal sign", sheet=sheet, signature=base64.b64encode(signature).decode()
            )

        with pytest.raises(EdgeError):
            await attach("Особа iryna", content + b" ")
        with pytest.raises(EdgeError) as stranger:
            await attach("Особа olena")
        assert stranger.value.code is ErrorCode.NOT_ALLOWED
        first = await attach("Особа iryna")
        assert (first["place"], first["verdict"]) == (0, str(Verdict.VERIFIED))
        kept = world.fs.files(f"{STATE}/signatures")
        assert [hashlib.sha256(data).hexdigest() for data in kept.values()] == [first["sha256"]]
        register = {"sheet": sheet, "number": "1/26", "date": "2026-11-22"}
        assert (await refused(world, "iryna", "journal register", **register)).code is ErrorCode.CONFLICT
        await world.passes(3700)
        assert f"handover-unsigned:{sheet}" in world.alerts()
        await taken(world, OLENA, 1)  # issue goes on
        await attach("Особа maksym")
        await world.ask("iryna", "journal register", **register)
        await world.until(lambda: f"handover-unsigned:{sheet}" not in world.alerts(), 120)
        (row,) = await world.ask("iryna", "journal list")
        assert (row["signed"], row["registered"]) == ("2 of 2", "1/26")
        said = [(one["person"], one["signer"], one["verdict"]) for one in row["signatures"]]
        verified = str(Verdict.VERIFIED)
        assert said == [(who, f"Особа {who}", verified) for who in ("iryna", "maksym")]
        back = (await world.ask("iryna", "journal print", sheet=sheet))["signatures"]
        files = [base64.b64decode(one["file"]) for one in back]
        assert [hashlib.sha256(data).hexdigest() for data in files] == [one["sha256"] for one in back]
        world.fs.put(f"{STATE}/signatures/{first['sha256']}.p7s", b"another")
        back = (await world.ask("iryna", "journal print", sheet=sheet))["signatures"]
        assert [bool(one["file"]) for one in back] == [False, True]  # said, and the sheet is printed
        world.check_live()


@pytest.mark.clause(
    "459-I.3-dock",
    "the dock identifies the officer, issues and receives the camera, and keeps account of what it filmed",
)
@pytest.mark.clause(
    "scan-VI.2-reconcile",
    "recordings made, sealed and confirmed are set against each other in every report (taken over by choice)",
)
@pytest.mark.clause(
    "459-IV.1-continuous",
    "recorded time is set against issued time, and every gap is named, as a gap and nothing more",
)
@story
async def test_the_report_of_a_day_shows_what_was_filmed_while_the_camera_was_out() -> None:
    async with World.open() as world:
        await docked(world, "K000001", 1)
        issued = await taken(world, OLENA, 1)
        await world.passes(600)
        world.record("K000001", "CLIP0001.MP4", filmed(300))
        await world.passes(900)
        world.record("K000001", "CLIP0002.MP4", filmed(600))
        world.insert("K000001", 1)
        await world.until_cleared("K000001")
        sealed = world.facts(f.RecordingSealed)
        assert [one.film_ms for one in sealed] == [300_000, 600_000]
        made = msgspec.convert(await world.ask("iryna", "report", span="day"), Report)
        (row,) = made.issues
        assert (row.issue, row.officer, row.flags) == (
            issued.issue,
            "Особа olena",
            ("no-schedule", "not-briefed"),
        )
        assert abs(row.recorded_s - 900) < 10
        assert [one.kind for one in row.findings] == ["gap"]
        assert (made.reconciliation.made, made.reconciliation.confirmed) == (2, 2)
        assert made.root == world.station.book.root().hex()
        with pytest.raises(EdgeError) as none:
            await world.ask("iryna", "report", span="shift")
        assert none.value.code is ErrorCode.NOT_FOUND
        assert (await refused(world, "daria", "report", span="day")).code is ErrorCode.NOT_ALLOWED


@story
async def test_a_film_of_which_nobody_knows_the_time_is_no_gap() -> None:
    async with World.open() as world:
        await docked(world, "K000001", 1)
        await taken(world, OLENA, 1)
        await world.passes(600)
        world.record("K000001", "CLIP0001.MP4", b"no movie at all")
        world.insert("K000001", 1)
        await world.until_cleared("K000001")
        made = msgspec.convert(await world.ask("iryna", "report", span="day"), Report)
        assert [one.kind for one in made.issues[0].findings] == ["untimed"]
        assert made.issues[0].asked_s == 0


@pytest.mark.parametrize("said", [True, False])
@story
async def test_the_courier_s_own_account_stands_in_the_report(said: bool) -> None:
    async with World.open(sync=SYNC) as world:
        world.centre.open = False
        await docked(world, "K000001", 1)
        await taken(world, OLENA, 1)
        for name in ("CLIP0001.MP4", "CLIP0002.MP4"):
            world.record("K000001", name, filmed(300))
        world.insert("K000001", 1)
        await world.until(lambda: len(world.facts(f.RecordingSealed)) == 2)
        if said:
            waits = (world.facts(f.RecordingSealed)[0].recording,)
            status = msgspec.structs.replace(STATUS, delivered=1, awaiting_items=waits)
            world.fs.put(f"{INBOX}/status.json", msgspec.json.encode(status))
        made = msgspec.convert(await world.ask("iryna", "report", span="day"), Report).reconciliation
        assert (made.made, made.sealed, made.delivered, made.confirmed) == (2, 2, int(said), 0)
        assert (made.account, made.account_time) == (("whole", STATUS.time) if said else ("none", ""))
        whys = {one.why for one in made.differences}
        assert whys == ({"delivered", "waiting"} if said else {"sealed"})
        world.centre.open = True
        await world.until_cleared("K000001")


@story
async def test_a_camera_whose_clock_was_moved_while_it_was_out_is_told_of_in_report_and_issue() -> None:
    async with World.open() as world:
        await docked(world, "K000001", 1)
        issued = await taken(world, OLENA, 1)
        world.record("K000001", "CLIP0001.MP4", filmed(300))
        world.bus.camera("K000001").change(CameraChanges(clock_offset_s=-7200))
        world.insert("K000001", 1)
        await world.until_cleared("K000001")
        made = msgspec.convert(await world.ask("iryna", "report", span="day"), Report)
        shown = msgspec.convert(await world.ask("iryna", "issue show", issue=issued.issue), IssueShown)
        for row in (made.issues[0], shown.issue):
            (off,) = [one for one in row.findings if one.kind == "clock-off"]
            assert off.before_ms is not None
            assert off.after_ms is not None
            assert (abs(off.before_ms) < 1000, abs(off.after_ms + 7_200_000) < 2000) == (True, True)


@pytest.mark.clause(
    "459-IV.7-no-tampering",
    "a card that was replaced or formatted while the camera was out is a finding on that issue, though it is empty",
)
@pytest.mark.parametrize("replaced", [True, False])
@story
async def test_a_card_that_was_replaced_by_an_empty_one_is_found_on_the_issue(replaced: bool) -> None:
    async with World.open() as world:
        await docked(world, "K000001", 1)
        issued = await taken(world, OLENA, 1)
        if replaced:
            world.replace_card("K000001")
        world.insert("K000001", 1)
        await world.until_slot(1, State.READY)
        made = msgspec.convert(await world.ask("iryna", "report", span="day"), Report)
        shown = msgspec.convert(await world.ask("iryna", "issue show", issue=issued.issue), IssueShown)
        for row in (made.issues[0], shown.issue):
            assert ("medium-changed" in [one.kind for one in row.findings]) == replaced


@pytest.mark.clause(
    "459-IV.7-no-tampering",
    "however long a camera lay idle: its medium and its last number are compared with those that it was left with",
)
@story
async def test_a_camera_that_lay_idle_for_a_week_is_compared_with_how_it_was_left() -> None:
    async with World.open() as world:
        await docked(world, "K000001", 1)
        await taken(world, OLENA, 1)
        world.record("K000001", "CLIP0001.MP4", filmed(300))
        world.insert("K000001", 1)
        await world.until_cleared("K000001")
        world.time.sleeps(7 * 86_400)
        await world.passes(60)
        await world.until_slot(1, State.READY)
        issued = await taken(world, OLENA, 1)
        world.replace_card("K000001")
        await world.passes(400)
        world.record("K000001", "CLIP0004.MP4", filmed(300))
        world.insert("K000001", 1)
        await world.until_cleared("K000001")
        made = msgspec.convert(await world.ask("iryna", "report", span="day"), Report)
        shown = msgspec.convert(await world.ask("iryna", "issue show", issue=issued.issue), IssueShown)
        for row in (made.issues[0], shown.issue):
            found = {one.kind: one.numbers for one in row.findings}
            assert (found["missing-number"], "medium-changed" in found) == ("0002-0003", True)


@story
async def test_a_card_that_stays_in_its_camera_is_entered_once() -> None:
    async with World.open() as world:
        await docked(world, "K000001", 1)
        for _ in range(3):
            await taken(world, OLENA, 1)
            world.insert("K000001", 1)
            await world.until_slot(1, State.READY)
        assert [one.clips for one in world.facts(f.CameraListed)] == [()]


@pytest.mark.clause(
    "459-V.4-inspection",
    "what the ledger knows of an issue is handed out so that anybody can check it off line",
)
@story
async def test_an_issue_shows_where_to_listen_and_an_extract_of_it_is_checked_by_itself(
    tmp_path: Path,
) -> None:
    async with World.open() as world:
        await docked(world, "K000001", 1)
        issued = await taken(world, OLENA, 1)
        await world.passes(600)
        world.record("K000001", "CLIP0001.MP4", filmed(300))
        await world.passes(900)
        world.record("K000001", "CLIP0002.MP4", filmed(600))
        world.insert("K000001", 1)
        await world.until_cleared("K000001")
        await world.passes(60)  # a checkpoint covers it, and is countersigned
        shown = msgspec.convert(await world.ask("iryna", "issue show", issue=issued.issue), IssueShown)
        assert [one.place for one in shown.points] == ["start", "before-pause", "after-pause", "end"]
        assert [one.path.rpartition("/")[2] for one in shown.films] == ["CLIP0001.MP4", "CLIP0002.MP4"]
        assert (await refused(world, "iryna", "issue show", issue="f" * 16)).code is ErrorCode.NOT_FOUND
        answer = await world.ask("iryna", "extract", issue=issued.issue)
        folder = tmp_path / "extract"
        inspection.write(folder, answer, {"issue": issued.issue})
        (command,) = [
            line[4:] for line in (folder / "CHECK.txt").read_text().splitlines() if line[:4] == "    "
        ]
        done = typed(command, folder)
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stdout.count("recording.sealed") == done.stdout.count("recording.confirmed") == 2
        (folder / "extract.jsonl").write_bytes(
            (folder / "extract.jsonl").read_bytes().replace(b"CLIP0002", b"CLIP0003")
        )
        done = typed(command, folder)
        assert done.returncode == 1
        assert (await refused(world, "iryna", "extract", issue="f" * 16)).code is ErrorCode.NOT_FOUND


@pytest.mark.clause(
    "459-III.9-two-steps",
    "start, end and pauses are pointed to also where the camera cannot tell its clock, in its own time and marked so",
)
@story
async def test_an_issue_of_a_camera_that_cannot_tell_its_clock_shows_where_to_listen() -> None:
    async with World.open() as world:
        world.add("K000001", reads_clock=False)
        world.insert("K000001", 1)
        await world.until_slot(1, State.READY)
        issued = await taken(world, OLENA, 1)
        for number, pause in ((1, 600), (2, 900)):
            await world.passes(pause)
            world.record("K000001", f"CLIP000{number}.MP4", filmed(300))
        world.insert("K000001", 1)
        await world.until_cleared("K000001")
        shown = msgspec.convert(await world.ask("iryna", "issue show", issue=issued.issue), IssueShown)
        assert [(one.place, one.path[-8:], one.second, one.clock) for one in shown.points] == [
            ("start", "0001.MP4", 0.0, "camera"),
            ("before-pause", "0001.MP4", 285.0, "camera"),
            ("after-pause", "0002.MP4", 0.0, "camera"),
            ("end", "0002.MP4", 285.0, "camera"),
        ]
        assert [one.clock for one in shown.films] == ["camera", "camera"]
        assert not any(one.at.endswith("Z") for one in shown.points)
        assert [(one.kind, one.why) for one in shown.issue.findings] == [("untimed", "no-clock")]


@pytest.mark.clause("459-II.5-audit", "every change of rights stands in the ledger and is listed")
@story
async def test_every_change_of_rights_is_listed() -> None:
    async with World.open() as world:
        world.publish(roster(AUTHORITY, 2, tuple(one for one in STAFF if one is not PETRO)))
        await world.until(lambda: world.station.lists.roster_version == 2, 30)
        await world.ask("daria", "officer revoke", person="olena", reason="звільнено")
        rows = await world.ask("daria", "rights list")
        told = [(row["person"], row["change"], row["by"]) for row in rows]
        assert ("iryna", "role-given", "roster 1") in told
        assert ("petro", "role-taken", "roster 2") in told
        assert told[-1] == ("olena", "person-revoked", "entered here")
        assert (await refused(world, "taras", "rights list")).code is ErrorCode.NOT_ALLOWED
        found = await world.ask("daria", "log", person="petro")
        assert len([line for line in found if '"rights.changed"' in line]) == 2


# --- copies for third parties ---------------------------------------------------------------------------

EXPORT = 'decision = { number = "7", date = 2026-11-01 }\nrole = "responsible"\nfolder = "/export"'
REQUEST = {"number": "12/345", "date": "2026-11-20", "law": "ст. 93 КПК України", "receiver": "Слідчий"}


@pytest.mark.clause(
    "459-V.5-third-parties", "nothing is copied for a third party before a document says who decides"
)
@story
async def test_without_a_document_nothing_is_copied_for_a_third_party() -> None:
    async with World.open() as world:
        world.add("K000001", {"CLIP0001.MP4": FILM})
        world.insert("K000001", 1)
        await world.until_cleared("K000001")
        recording = world.recordings()[0].id
        why = await refused(world, "iryna", "export request", recording=recording, **REQUEST)
        assert why.code is ErrorCode.SWITCHED_OFF


@story
async def test_a_copy_is_asked_for_by_one_and_made_by_another_and_checked_by_anybody(tmp_path: Path) -> None:
    async with World.open(boot=False, export=EXPORT) as world:
        world.publish(roster(AUTHORITY, 2, CROWD))
        await world.boot()
        world.add("K000001", {"CLIP0001.MP4": FILM})
        world.insert("K000001", 1)
        await world.until_cleared("K000001")
        await world.passes(60)
        recording = world.recordings()[0].id
        denied = await refused(world, "daria", "export request", recording=recording, **REQUEST)
        assert denied.code is ErrorCode.NOT_ALLOWED
        asked = await world.ask("iryna", "export request", recording=recording, **REQUEST)
        alone = await refused(world, "iryna", "export make", export=asked["export"])
        assert alone.code is ErrorCode.NOT_ALLOWED
        made = await world.ask("maksym", "export make", export=asked["export"])
        files = world.fs.files(made["folder"])
        for path, data in files.items():
            target = tmp_path / path.removeprefix(f"{made['folder']}/")
            target.parent.mkdir(exist_ok=True)
            target.write_bytes(data)
        assert (tmp_path / "content.mp4").read_bytes() == FILM
        for command in (
            "sha256sum -c SHA256SUMS",
            "python3 verify_proof.py content.mp4 recording.proof keys.txt",
        ):
            done = typed(command, tmp_path)
            assert done.returncode == 0, done.stdout + done.stderr
        page = (tmp_path / "CHECK.txt").read_text()
        assert all(one in page for one in ("12/345", "Слідчий", "№ 7", "Особа iryna", "Особа maksym"))
        assert world.logged("EDG-7114")
        again = await refused(world, "maksym", "export make", export=asked["export"])
        assert again.code is ErrorCode.CONFLICT
        (row,) = await world.ask("daria", "export list")
        assert (row["asked_by"], row["made_by"]) == ("person:iryna", "person:maksym")
        assert world.recordings()[0].sha256 == hashlib.sha256(FILM).hexdigest()


@pytest.mark.clause(
    "459-V.5-third-parties", "whoever made a copy owes the security administrator word of it, and is reminded"
)
@story
async def test_the_security_administrator_is_to_be_told_of_every_copy() -> None:
    async with World.open(boot=False, export=EXPORT) as world:
        world.publish(roster(AUTHORITY, 2, CROWD))
        await world.boot()
        world.add("K000001", {"CLIP0001.MP4": FILM})
        world.insert("K000001", 1)
        await world.until_cleared("K000001")
        await world.passes(60)
        asked = await world.ask("iryna", "export request", recording=world.recordings()[0].id, **REQUEST)
        export = asked["export"]
        given = {"paper": "copy-information", "about": export, "number": "8", "date": "2026-11-22"}
        assert (await refused(world, "maksym", "paper give", **given)).code is ErrorCode.NOT_FOUND
        await world.ask("maksym", "export make", export=export)
        (owed,) = [one for one in await world.ask("daria", "paper list") if one["about"] == export]
        assert (owed["paper"], owed["to"]) == ("copy-information", "адміністратор безпеки")
        await world.until(lambda: f"papers-late:{export}" in world.alerts(), 2 * 3600)
        assert (await refused(world, "taras", "paper give", **given)).code is ErrorCode.NOT_ALLOWED
        await world.ask("maksym", "paper give", **given)
        await world.until(lambda: f"papers-late:{export}" not in world.alerts(), 120)


@story
async def test_what_is_no_longer_what_was_sealed_is_not_handed_over() -> None:
    async with World.open(boot=False, export=EXPORT) as world:
        world.publish(roster(AUTHORITY, 2, CROWD))
        await world.boot()
        world.add("K000001", {"CLIP0001.MP4": FILM})
        world.insert("K000001", 1)
        await world.until_cleared("K000001")
        await world.passes(60)
        asked = await world.ask("iryna", "export request", recording=world.recordings()[0].id, **REQUEST)
        (content,) = [path for path in world.fs.files("/vault") if path.endswith("content.mp4")]
        world.fs.put(content, FILM[:-1] + b"x")
        why = await refused(world, "maksym", "export make", export=asked["export"])
        assert why.code is ErrorCode.READ_BACK_DIFFERS
        assert not world.facts(sf.ExportMade)
        world.fs.put(content, FILM)
        await world.ask("maksym", "export make", export=asked["export"])


# --- recovered data -------------------------------------------------------------------------------------

RECOVERED = 'decision = { number = "9", date = 2026-11-01 }\npersons = ["taras"]\nfolder = "/recovered"'
PARAMS = {"centre": "ТОВ Сервіс", "contract_number": "3", "contract_date": "2026-11-10"}


@pytest.mark.clause(
    "459-III.12-recovered",
    "what a service centre has recovered is brought in by a designated technical administrator only, and delivered",
)
@story
async def test_recovered_data_is_brought_in_by_whoever_is_designated_and_delivered() -> None:
    async with World.open(boot=False, recovered=RECOVERED) as world:
        others = (*CROWD, Someone(id="oleh", badge="04a1b2c3d4e532", roles=("technician",), account="oleh"))
        world.publish(roster(AUTHORITY, 2, others))
        await world.boot()
        await docked(world, "K000001", 1)
        issued = await taken(world, OLENA, 1)
        opened = await world.ask(
            "iryna",
            "incident open",
            cause="damage",
            happened=at(0),
            description="Не вмикається",
            camera="K000001",
            issue=issued.issue,
        )
        entered = {"file": "found.mp4", "camera": "K000001", "incident": opened["incident"], **PARAMS}
        for account in ("iryna", "daria", "oleh"):
            assert (
                await refused(world, account, "import recovered", **entered)
            ).code is ErrorCode.NOT_ALLOWED
        assert (await refused(world, "taras", "import recovered", **entered)).code is ErrorCode.NOT_FOUND
        world.fs.put("/recovered/found.mp4", filmed(120))
        nothing = await refused(world, "taras", "import recovered", **(entered | {"incident": "f" * 32}))
        assert nothing.code is ErrorCode.NOT_FOUND
        assert not world.facts(sf.RecoveredAccepted)
        made = await world.ask("taras", "import recovered", **entered)
        assert (made["issue"], made["officer"], made["film_ms"]) == (issued.issue, "olena", 120_000)
        assert made["sha256"] == hashlib.sha256(filmed(120)).hexdigest()
        told = world.facts(sf.RecoveredAccepted)[0]
        assert (told.recording, told.centre, told.contract.number) == (made["recording"], "ТОВ Сервіс", "3")
        recording = world.station.recorder.state.recordings[made["recording"]]
        await world.until(lambda: recording.confirmed_receipt)
        assert (await refused(world, "taras", "import recovered", **entered)).code is ErrorCode.CONFLICT
        assert world.fs.read("/recovered/found.mp4") == filmed(120)  # it stays where it lies
        world.insert("K000001", 1)  # the camera is no worse for it
        await world.until_slot(1, State.READY)
        world.check_live()


@story
async def test_recovered_data_that_was_cut_off_is_brought_in_anew() -> None:
    async with World.open(boot=False, recovered=RECOVERED) as world:
        await world.boot()
        opened = await world.ask(
            "iryna", "incident open", cause="damage", happened=at(0), description="Не вмикається"
        )
        entered = {"file": "found.mp4", "camera": "K000001", "incident": opened["incident"], **PARAMS}
        world.fs.put("/recovered/found.mp4", filmed(120))
        world.station.book.subscribe(
            lambda line: world.halt() if isinstance(line.fact, f.OffloadStarted) else None
        )
        with pytest.raises((EdgeError, PowerCut)):
            await world.ask("taras", "import recovered", **entered)
        await world.crash()
        await world.boot()
        await world.passes(61)
        (alert,) = [a for a in world.station.recorder.state.alerts if a.startswith("import-unfinished:")]
        made = await world.ask("taras", "import recovered", **entered)
        assert alert == f"import-unfinished:{made['recording']}"
        assert [one.recording for one in world.facts(f.RecordingSealed)] == [made["recording"]]
        assert len(world.facts(f.CameraListed)) == 1
        await world.passes(61)
        assert alert not in world.station.recorder.state.alerts
        world.check_live()


@story
async def test_without_a_document_nobody_brings_anything_in() -> None:
    async with World.open() as world:
        entered = {"file": "found.mp4", "camera": "K000001", "incident": "f" * 32, **PARAMS}
        assert (await refused(world, "taras", "import recovered", **entered)).code is ErrorCode.SWITCHED_OFF


# --- returns in the shift --------------------------------------------------------------------------------


@pytest.mark.clause(
    "459-III.13-swap",
    "a discharged camera is put back and a charged one taken with one tap, and the return is confirmed later",
)
@story
async def test_a_discharged_camera_is_put_back_and_a_charged_one_taken_with_one_tap() -> None:
    async with World.open() as world:
        await docked(world, "K000001", 1)
        await docked(world, "K000002", 2)
        world.change("K000002", battery=70.0)
        await taken(world, OLENA, 1)
        await turned_away(world, OLENA, Refusal.HOLDS_A_CAMERA)
        world.change("K000001", battery=5.0)
        world.change("K000002", battery=95.0)
        world.insert("K000001", 1)
        await world.until_slot(1, State.HOLDING)
        await taken(world, OLENA, 2)
        world.tap(IRYNA.badge)
        await world.until(lambda: world.facts(f.ReturnConfirmed))
        assert world.facts(f.ReturnConfirmed)[0].issues == (world.facts(f.CameraIssued)[0].issue,)


DECISION = {"number": "21", "date": "2026-11-22", "reason": "Заміна обладнання"}


@story
async def test_a_station_is_not_retired_while_a_camera_is_out_by_force() -> None:
    async with World.open() as world:
        await docked(world, "K000001", 1)
        world.tear_out(1)
        await world.until(lambda: world.facts(f.IncidentDrafted))
        why = await refused(world, "daria", "station retire", **DECISION)
        assert (why.code, why.detail["unread"]) == (ErrorCode.CONFLICT, 1)
        incident = world.facts(f.IncidentDrafted)[0].incident
        await world.ask("iryna", "incident confirm", incident=incident, description="Вирвано зі слота")
        why = await refused(world, "daria", "station retire", **DECISION)
        assert why.detail["camera"] == "K000001"
        await world.ask(
            "iryna", "incident note", incident=incident, measures="Пошук", result="Знищено", closed=True
        )
        await world.ask("daria", "station retire", **DECISION)


@pytest.mark.parametrize("again", [True, False])
@story
async def test_a_station_is_not_retired_while_a_card_was_not_read_to_its_end(again: bool) -> None:
    async with World.open() as world:
        world.add("K000001", {"CLIP0001.MP4": FILM})
        world.fault("K000001", bad_sectors=((0, 8),))
        world.insert("K000001", 1)
        await world.until(lambda: world.station.recorder.state.cameras.get("K000001"))
        why = await refused(world, "daria", "station retire", **DECISION)
        assert why.detail["camera"] == "K000001"
        item = {"item": world.config.camera[0].inventory_number}
        await world.ask("taras", "repair damaged", **item, description="Не читається")
        await world.until_slot(1, State.QUARANTINE)
        await world.ask("taras", "slots open", slot=1)
        await world.take(1)
        await world.until(lambda: world.facts(f.CameraUndocked))
        why = await refused(world, "daria", "station retire", **DECISION)
        assert why.detail["unread"] == 1
        if again:
            await world.ask("taras", "repair back", **item, result="Справна")
            world.fault("K000001")
            world.insert("K000001", 1)
            await world.until_cleared("K000001")
        else:
            await world.ask("taras", "repair tag", **item, tag="Б-1", place="Шафа")
            await world.ask("iryna", "repair statement", **item, statement="Не читається")
            contract = {"third_party": True, "contract_number": "3", "contract_date": "2026-11-10"}
            await world.ask("taras", "repair release", **item, receiver="Сервіс", **contract)
            world.made.clear()  # what was aboard went with it
        await world.ask("daria", "station retire", **DECISION)


@story
async def test_a_station_is_not_retired_while_files_wait_in_the_watched_folders() -> None:
    scans = 'permission = { number = "8", date = 2026-11-01 }\nfolder = "/scans"'
    async with World.open(boot=False, recovered=RECOVERED, scans=scans) as world:
        world.publish(roster(AUTHORITY, 2, CROWD))
        world.fs.make_dirs("/scans")
        await world.boot()
        world.fs.put("/scans/one.txt", b"no image")
        world.fs.put("/recovered/found.mp4", filmed(120))
        why = await refused(world, "daria", "station retire", **DECISION)
        assert why.detail["files"] == 2
        world.fs.remove("/scans/one.txt")
        incident = await world.ask(
            "iryna", "incident open", cause="loss", happened=at(0), description="Пошкоджено", camera="K000001"
        )
        entered = {"file": "found.mp4", "camera": "K000001", "incident": incident["incident"]} | PARAMS
        assert (await refused(world, "daria", "station retire", **DECISION)).detail["files"] == 1
        await world.ask("taras", "import recovered", **entered)
        await world.until(lambda: world.facts(f.RecordingConfirmed), 200)
        await world.ask("daria", "station retire", **DECISION)


@story
async def test_a_station_is_retired_once_nothing_is_unconfirmed_and_issues_nothing_then() -> None:
    async with World.open() as world:
        world.centre.open = False
        world.add("K000001", {"CLIP0001.MP4": FILM})
        world.insert("K000001", 1)
        await world.until(lambda: world.facts(f.RecordingSealed))
        await world.until_slot(1, State.READY)
        decision = {"number": "21", "date": "2026-11-22", "reason": "Заміна обладнання"}
        assert (await refused(world, "iryna", "station retire", **decision)).code is ErrorCode.NOT_ALLOWED
        why = await refused(world, "daria", "station retire", **decision)
        assert (why.code, why.detail["recordings"]) == (ErrorCode.CONFLICT, 1)
        world.centre.open = True
        await world.until_cleared("K000001")
        await taken(world, OLENA, 1)
        why = await refused(world, "daria", "station retire", **decision)
        assert why.detail["out"] == 1
        world.insert("K000001", 1)
        await world.until_slot(1, State.READY)
        await world.ask("daria", "station retire", **decision)
        before = len(world.facts(f.BadgeRefused))
        await world.passes(3)
        world.tap(OLENA.badge)
        await world.until(lambda: len(world.facts(f.BadgeRefused)) > before, 10)
        assert world.facts(f.BadgeRefused)[-1].reason == Refusal.RETIRED
        assert (await world.ask("daria", "status"))["retired"]
        world.check_live()
