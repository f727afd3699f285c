"""What happens in the week, by a clock in Kyiv. Every person does what the order gives to that person."""

import asyncio
import base64
import hashlib
import random
import sys
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from demo.week.people import (
    BOHDAN,
    DARIA,
    RESPONSIBLE,
    SHIFTS,
    TARAS,
    Duty,
    Worker,
    duties,
    local,
    officers,
    utc,
)
from demo.week.post import RESERVE, Post, signature
from edged.errors import EdgeError
from edged.formats import facts as f
from edged.shift.journal_acts import sheet_of
from edged.slots.state import State
from tests.movies import film

UNSIGNED = 17  # the handover of Saturday's night shift has one signature
COUNTS = {"mount": 24, "dock": 1, "host": 1, "server": 1, "charger": 4, "network": 1, "ups": 1}
FIRST_TIMER = officers()[19]  # briefed by nobody before the first use


_Event = Callable[["Week"], Coroutine[Any, Any, None]]


@dataclass
class Week:
    """``kept`` are the ids that the examples are made of, by name."""

    post: Post
    kept: dict[str, str] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)
    held: dict[str, list[str]] = field(default_factory=dict)  # officer -> cameras, the one that films last

    def tell(self, text: str) -> None:
        at = self.post.time.local()
        self.told.append(f"{at:%a %d.%m. %H:%M}  {text}")
        print(self.told[-1], file=sys.stderr)

    async def ask(self, who: Worker, verb: str, **params: Any) -> Any:
        return await self.post.ask(who.account, verb, **params)

    async def refused(self, who: Worker, verb: str, **params: Any) -> None:
        """Raises AssertionError: the station lets it happen."""
        try:
            await self.ask(who, verb, **params)
        except EdgeError as exc:
            self.tell(f"{verb} refused to {who.name} ({who.position}): {exc.code.text}")
            return
        raise AssertionError(f"{verb} by {who.id} was not refused")


async def play(post: Post) -> Week:
    """Play it; returns on the Monday morning after."""
    week = Week(post)
    await post.begin()
    every = list(duties())
    await post.until(
        lambda: sum(unit.keeper.state is State.READY for unit in post.station.units.values()) >= 20, 1500
    )
    async with asyncio.TaskGroup() as group:
        for duty in every[:SHIFTS]:
            group.create_task(_shift(week, duty, every[duty.number + 1]))
        for event in (
            _briefings,
            _reserve,
            _no_memo,
            _works,
            _seized,
            _outage,
            _imports,
            _export,
            _sunday,
            _night,
            _clocks,
        ):
            group.create_task(event(week))
    await post.wait(local(7, 8))
    return week


# --- a shift ---------------------------------------------------------------------------------------------


async def _shift(week: Week, duty: Duty, after: Duty) -> None:
    await week.post.wait(duty.begins)
    await asyncio.gather(
        *(_on_duty(week, duty, officer, n) for n, officer in enumerate(duty.officers)),
        _handover(week, duty, after),
    )


async def _on_duty(week: Week, duty: Duty, officer: Worker, number: int) -> None:
    post, chance = week.post, random.Random(f"{duty.id} {officer.id}")
    await post.wait(duty.begins + timedelta(seconds=60 + 45 * number))
    camera = await post.take_with(officer.badge)
    if not camera:
        week.tell(f"{officer.name} got no camera")
        return
    held = week.held[officer.id] = [camera]
    end = duty.ends - timedelta(minutes=12)
    while True:
        long = chance.randint(18 * 60, 55 * 60)
        if post.now() + timedelta(seconds=long) > end:
            break
        await asyncio.sleep(long)
        if held:  # else the camera is being swapped
            post.film(held[-1], long)
        await asyncio.sleep(chance.choice((2, 2, 2, 2, 600, 1500)))
    if (duty.number, number) == (3, 4):  # comes an hour and a half late
        await post.wait(duty.ends + timedelta(minutes=90))
        week.tell(f"{officer.name} brings the camera back late")
    else:
        await post.wait(duty.ends - timedelta(minutes=5) + timedelta(seconds=15 * number))
    for camera in week.held.pop(officer.id):
        post.bring(camera)


async def _handover(week: Week, duty: Duty, after: Duty) -> None:
    """The one confirms what came back and hands over, the other takes over; both sign the same bytes."""
    post, one, other = week.post, duty.responsible, after.responsible
    await post.wait(duty.ends + timedelta(minutes=8))
    async with post.desk:
        post.tap(one.badge)
        await asyncio.sleep(4.0)
    safe = sum(camera not in post.inside.values() for camera in RESERVE)
    made = await week.ask(
        one, "handover", taking=other.id, safe=safe, counts=COUNTS, note="Зміна без зауважень"
    )
    fact = post.station.recorder.state.shift.sheets[made["sheet"]].made
    content = sheet_of(post.station.office.forms, fact).text()
    for who in (one, other) if duty.number != UNSIGNED else (one,):
        der = base64.b64encode(signature(who, content)).decode()
        await week.ask(who, "journal sign", sheet=made["sheet"], signature=der)
        await asyncio.sleep(60)
    if duty.number == UNSIGNED:
        week.kept["unsigned"] = made["sheet"]
        week.tell(f"handover {made['sheet'][:8]} has one signature")
        return
    week.kept.setdefault("handover", made["sheet"])
    number = {"sheet": made["sheet"], "number": f"{duty.number + 1}/27", "date": f"{duty.ends:%Y-%m-%d}"}
    await week.ask(other, "journal register", **number)


# --- what happens beside ---------------------------------------------------------------------------------


def _responsible(moment: datetime) -> Worker:
    return next(duty.responsible for duty in duties() if duty.begins <= moment < duty.ends)


def at(day: int, hour: int, minute: int = 0) -> Callable[[_Event], _Event]:
    """An event that begins at this moment."""

    def begins(event: _Event) -> _Event:
        async def waiting(week: Week) -> None:
            await week.post.wait(local(day, hour, minute))
            await event(week)

        return waiting

    return begins


@at(0, 5, 55)
async def _briefings(week: Week) -> None:
    """Everybody has used a camera before, and the briefings are entered; of one nobody has thought."""
    await week.post.wait(local(0, 6, 0))
    for officer in officers():
        if officer.id != FIRST_TIMER.id:
            await week.ask(RESPONSIBLE[0], "officer brief", person=officer.id)
    week.tell(f"{len(officers()) - 1} briefings entered; {FIRST_TIMER.name} takes a camera without one")


@at(0, 10)
async def _reserve(week: Week) -> None:
    """A camera fails in the street. Its officer gets none of the reserve before the memo is there."""
    post, chief = week.post, RESPONSIBLE[0]
    issue = next(i for i in post.station.recorder.state.issues.values() if i.open)
    officer = next(one for one in officers() if one.id == issue.officer)
    assert not await post.take_with(officer.badge), "a second camera without a memo"
    week.tell(f"{officer.name} is refused a reserve camera: there is no memo")
    opened = await week.ask(
        chief, "incident open", cause="malfunction", happened=utc(local(0, 9, 50)),
        description="Відеокамера не вмикається", camera=issue.camera, issue=issue.id,
    )  # fmt: skip
    week.kept["incident"] = opened["incident"]
    await week.ask(
        chief, "memo enter", camera=RESERVE[0], number="14", date="2027-03-22", head="Ковальчук П. І.",
        incident=opened["incident"],
    )  # fmt: skip
    await post.until(lambda: post.state(23) is State.READY, 120)
    taken = await post.take_with(officer.badge)
    assert taken == RESERVE[0], taken
    week.tell(f"{officer.name} takes reserve camera {taken} by memo 14, under the incident")
    await week.ask(
        chief, "paper give", paper="report-memo", about=opened["incident"], number="15", date="2027-03-22"
    )
    week.held[officer.id].append(taken)
    await post.wait(local(0, 14, 30))
    await week.ask(_responsible(post.now()), "memo end", camera=RESERVE[0])
    item = next(c.inventory_number for c in post.config.camera if c.serial == issue.camera)
    await week.ask(
        TARAS, "repair damaged", item=item, description="Не вмикається", incident=opened["incident"]
    )
    await week.ask(TARAS, "repair tag", item=item, tag="Б-3", place="Шафа технічного адміністратора")
    week.kept["item"], week.kept["camera"] = item, issue.camera


@at(1, 3, 10)
async def _no_memo(week: Week) -> None:
    """The docked cameras are cleaned at night. Who brings his then gets none of the reserve before its memo."""
    post, chief = week.post, _responsible(week.post.now())
    officer = next(one for one in officers() if one.id in week.held)
    brought = week.held[officer.id].pop()
    post.bring(brought)
    await post.until(lambda: post.state(slot_of(post, brought)) is State.READY, 900)
    numbers = {c.serial: c.inventory_number for c in post.config.camera}
    ready = {slot: camera for slot, camera in post.inside.items() if post.state(slot) is State.READY}
    begun = await week.ask(
        TARAS, "works start", entry="cleaning", grounds="графік чищення",
        items=[numbers[camera] for camera in ready.values()], persons=[TARAS.name], letter_number="30",
        letter_date="2027-03-22",
    )  # fmt: skip
    await post.until(lambda: all(post.state(slot) is State.WORKS for slot in ready), 300)
    assert not await post.take_with(officer.badge), "a reserve camera without a memo"
    reason = post.facts(f.BadgeRefused)[-1].reason
    week.tell(f"{officer.name} gets no camera ({reason}): the reserve one in the dock has no memo")
    await week.ask(
        chief, "memo enter", camera=RESERVE[0], number="16", date="2027-03-23", head="Ковальчук П. І."
    )
    await post.until(lambda: post.state(slot_of(post, RESERVE[0])) is State.READY, 120)
    taken = await post.take_with(officer.badge)
    assert taken == RESERVE[0], taken
    week.held[officer.id].append(taken)
    week.tell(f"{officer.name} takes reserve camera {taken} by memo 16")
    await week.ask(TARAS, "works end", works=begun["works"], measures="Очищено", result="Справні")
    await post.wait(local(1, 6, 30))
    await week.ask(_responsible(post.now()), "memo end", camera=RESERVE[0])


@at(1, 9)
async def _works(week: Week) -> None:
    """Works that take 26 hours."""
    post = week.post
    items = ["10140021", "10140022"]
    begun = await week.ask(
        TARAS, "works start", entry="batteries", grounds="план робіт на березень", items=items,
        persons=[TARAS.name], letter_number="31", letter_date="2027-03-22",
    )  # fmt: skip
    week.tell("works on two cameras begin")
    await post.wait(local(2, 9, 30))
    assert any(alert.startswith("works-long-over") for alert in post.station.recorder.state.alerts)
    week.tell("the works have taken more than 24 hours: the deputy head's letter is owed")
    await week.ask(
        TARAS, "paper give", paper="overrun-letter", about=begun["works"], number="8", date="2027-03-24"
    )
    await post.wait(local(2, 11))
    await week.ask(TARAS, "works end", works=begun["works"], measures="Перевірено ємність", result="Справні")
    made = await week.ask(TARAS, "journal sheet", journal="maintenance")
    week.kept["maintenance"] = made["sheet"]


@at(2, 15)
async def _seized(week: Week) -> None:
    chief = _responsible(week.post.now())
    made = await week.ask(
        chief, "journal volume", journal="incident", ground="seized", since=utc(local(2, 12)),
        document="Протокол вилучення № 3 від 24.03.2027",
    )  # fmt: skip
    week.tell(f"the incident journal is seized; volume {made['volume']} begins")
    made = await week.ask(chief, "journal sheet", journal="incident")
    week.kept["incident-sheet"] = made["sheet"]


@at(3, 10)
async def _outage(week: Week) -> None:
    """The power fails for two hours; officers go on with what they have."""
    post = week.post
    await post.crash()
    week.tell("the power fails")
    await post.wait(local(3, 12, 10))
    await post.boot()
    outage = await week.ask(TARAS, "outage start", cause="Відсутнє живлення поста", since=utc(local(3, 10)))
    await week.ask(
        TARAS, "outage end", outage=outage["outage"], acts="Живлення відновлено", at=utc(local(3, 12))
    )
    week.tell("the power is back; the outage is entered")


@at(4, 11)
async def _imports(week: Week) -> None:
    """A service centre has recovered what was aboard the camera that failed."""
    post = week.post
    post.fs.put("/recovered/found-0001.mp4", film(1600, "found", 1500))
    entered = {
        "file": "found-0001.mp4", "camera": week.kept["camera"], "incident": week.kept["incident"],
        "centre": "ТОВ «Сервіс»", "contract_number": "3", "contract_date": "2027-03-23",
    }  # fmt: skip
    await week.refused(_responsible(post.now()), "import recovered", **entered)
    await week.refused(DARIA, "import recovered", **entered)
    made = await week.ask(TARAS, "import recovered", **entered)
    assert made["sha256"] == hashlib.sha256(film(1600, "found", 1500)).hexdigest()
    week.tell("the designated technical administrator brings in what was recovered")
    await week.ask(TARAS, "repair back", item=week.kept["item"], result="Замінено акумулятор")
    note = {"incident": week.kept["incident"], "measures": "Ремонт", "result": "Справна", "closed": True}
    await week.ask(_responsible(post.now()), "incident note", **note)


@at(4, 14, 10)
async def _export(week: Week) -> None:
    """At the change of shifts, when two responsible persons are there."""
    post = week.post
    recording = next(r for r in post.station.recorder.state.recordings.values() if r.confirmed_receipt)
    duty = next(d for d in duties() if d.begins <= post.now() < d.ends)
    before = next(d for d in duties() if d.number == duty.number - 1)
    asked = await week.ask(
        before.responsible, "export request", recording=recording.id, number="12/345", date="2027-03-25",
        law="ст. 93 Кримінального процесуального кодексу України", receiver="Слідче управління",
    )  # fmt: skip
    made = await week.ask(duty.responsible, "export make", export=asked["export"])
    week.kept["export"], week.kept["exported"] = made["folder"], recording.id
    week.kept["issue"] = recording.issue
    week.tell("a copy of a recording is made for an investigation")


@at(6, 13)
async def _sunday(week: Week) -> None:
    """Somebody tears a camera out of its slot, on a Sunday."""
    post = week.post
    slot = next(n for n in sorted(post.inside) if post.state(n) is State.READY)
    camera = post.inside[slot]
    post.tear_out(slot)
    week.tell(f"camera {camera} is torn out of slot {slot}")
    await post.until(lambda: post.state(slot) is State.FORCED, 60)
    await asyncio.sleep(1200)
    chief = _responsible(post.now())
    await week.ask(chief, "slots acknowledge", slot=slot)
    drafted = [line for line in post.facts(f.IncidentDrafted) if line.kind == "forced-removal"][-1]
    await week.ask(
        chief, "incident confirm", incident=drafted.incident, description="Вирвано зі слота, знайдено"
    )
    await week.ask(
        chief,
        "paper give",
        paper="incident-information",
        about=drafted.incident,
        number="19",
        date="2027-03-28",
    )
    post.insert(camera, slot)
    week.kept["sunday"] = drafted.incident
    (memo,) = [
        p
        for p in await week.ask(BOHDAN, "paper list")
        if (p["about"], p["paper"]) == (drafted.incident, "report-memo")
    ]
    week.tell(f"the report memo on the Sunday's incident is due by {memo['due']}")


@at(5, 1, 25)
async def _night(week: Week) -> None:
    """So that something is placed on the server at 23:30 UTC: a discharged camera is swapped in the night."""
    await _swap(week)


@at(6, 2, 40)
async def _clocks(week: Week) -> None:
    """Twenty minutes before clocks are put forward."""
    await _swap(week)


def slot_of(post: Post, camera: str) -> int:
    return next(slot for slot, inside in post.inside.items() if inside == camera)


async def _swap(week: Week) -> None:
    post = week.post
    officer = next(one for one in officers() if one.id in week.held)
    discharged = week.held[officer.id].pop()
    post.change(discharged, battery=12.0)
    post.bring(discharged)
    await asyncio.sleep(60)
    taken = await post.take_with(officer.badge)
    week.held[officer.id].append(taken)
    week.tell(f"{officer.name} swaps {discharged} for {taken}")
    state = post.station.recorder.state
    brought = {r.id for r in state.recordings_of(discharged) if not r.confirmed_receipt}
    await post.until(lambda: all(state.recordings[r].confirmed_receipt for r in brought), 1800)
    placed = [fact for fact in post.facts(f.RecordingConfirmed) if fact.recording in brought][-1]
    week.tell(
        f"placed on the server at {placed.placed_at} is {placed.recording[:8]}, kept until {placed.retain_until}"
    )
