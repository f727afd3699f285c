"""The driver against a simulated dock, in virtual time, over every kind of cable."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import pytest

from drivers.conversation import LATE, TRIES
from drivers.dock_controller import (
    DockController,
    DockCounters,
    DockEvent,
    SlotImpossible,
    check_counters,
)
from edged.errors import EdgeError, ErrorCode, LinkGoneError
from firmware_protocol.dock import messages as m
from firmware_protocol.framing import pack
from firmware_protocol.session import SESSION, HostHello, Refusal, Role
from simulators.dock import Memory, SimDock
from simulators.faulty_link import CABLES, PERFECT, Cable, Line
from tests.drivers.serial_world import KEY, OTHER_KEY, SeededRandom, dock, dock_line, virtual

K = m.EventKind


@asynccontextmanager
async def talk(line: Line, *, seed: int = 1, answer_s: float = 0.5) -> AsyncIterator[DockController]:
    link = await line.open()
    async with DockController.open(link, key=KEY, random=SeededRandom(seed), answer_s=answer_s) as it:
        yield it


async def arrived(dock: DockController, for_s: float = 5.0) -> list[DockEvent]:
    """Everything the driver hands out within ``for_s``."""
    got: list[DockEvent] = []
    with suppress(TimeoutError):
        async with asyncio.timeout(for_s):
            while True:
                got.append(await dock.next_event())
    return got


def kinds(got: list[DockEvent], slot: int) -> list[K]:
    return [e.kind for e in got if isinstance(e, m.Event) and e.slot == slot]


@virtual
async def test_the_hello_says_who_is_there() -> None:
    sim, line = dock_line(slots=12, serial="D-77", firmware="1.4.2")
    sim.memory.unlocks = 41

    async with talk(line) as it:
        hello = it.hello

    assert (hello.serial, hello.firmware, hello.slots, hello.version) == ("D-77", "1.4.2", 12, 1)
    assert hello.counters == DockCounters(unlocks=41, insertions=0, boots=1)
    assert m.Capability.CHARGE_LIMIT in hello.capabilities
    assert it.version_error is None


@virtual
async def test_a_camera_is_put_in_locked_given_out_and_relocked() -> None:
    sim, line = dock_line()

    async with talk(line) as it:
        sim.insert(3)
        await asyncio.sleep(1)
        assert not sim.pull(3)
        await it.unlock(3, grant=70, open_s=15)
        assert sim.pull(3)
        got = await arrived(it)
        status = await it.status(3)

    assert kinds(got, 3) == [K.CONTACT_MADE, K.OPENED, K.CONTACT_BROKEN, K.RELOCKED]
    assert [e.value for e in got if isinstance(e, m.Event) and e.kind is K.OPENED] == [70]
    assert (status.contact, status.latch) == (m.Contact.EMPTY, m.Latch.LOCKED)


@virtual
async def test_a_lock_closes_by_itself_when_the_camera_is_not_taken() -> None:
    sim, line = dock_line()
    sim.insert(3)

    async with talk(line) as it:
        await it.unlock(3, grant=70, open_s=1.5)
        await asyncio.sleep(1.4)
        assert (await it.status(3)).latch is m.Latch.OPEN
        await asyncio.sleep(0.2)
        assert (await it.status(3)).latch is m.Latch.LOCKED

    assert not sim.pull(3)


@virtual
async def test_every_command_moves_what_it_names() -> None:
    switched: list[tuple[int, bool]] = []
    sim, line = dock_line(on_power=lambda slot, on: switched.append((slot, on)))

    async with talk(line) as it:
        await it.led(2, m.Colour.AMBER, m.Pattern.SLOW)
        await it.buzz(2, m.Buzzer.TWO)
        await it.power(4, on=False)
        await it.power(4, on=True)
        await it.charge(5, enable=False, limit_ma=900)
        sim.break_down(6, m.Fault.CONTACT_WET)
        await it.clear_faults(6)
        await it.unlock(7, grant=1, open_s=60)
        await it.lock(7)
        assert await it.counters() == DockCounters(unlocks=1, insertions=0, boots=1)

    slot = sim.slots[2]
    assert (slot.colour, slot.pattern, slot.buzzer) == (m.Colour.AMBER, m.Pattern.SLOW, m.Buzzer.TWO)
    assert switched == [(4, False), (4, True)]
    assert (sim.slots[5].charging, sim.slots[5].limit) == (False, 900)
    assert sim.slots[6].fault is m.Fault.NONE
    assert sim.slots[7].latch is m.Latch.LOCKED


@pytest.mark.fault("D01", "damage on the line, either way, costs time and never a wrong answer")
@pytest.mark.fault("D03", "duplicated, reordered and replayed frames change nothing")
@pytest.mark.parametrize("to_device", CABLES, ids=lambda c: f"to-device-{c.name}")
@pytest.mark.parametrize("to_host", CABLES, ids=lambda c: f"to-host-{c.name}")
@virtual
async def test_a_shift_goes_right_over_every_cable(to_host: Cable, to_device: Cable) -> None:
    sim, line = dock_line()
    sim.insert(3)
    line.to_host, line.to_device = to_host, to_device
    opened = await tolerant(line, sim)

    assert opened == [1, 2, 3]
    assert sim.memory.unlocks == 3
    assert {n for n, s in sim.slots.items() if s.opened_at >= 0} == {3}


async def tolerant(line: Line, sim: SimDock) -> list[int]:
    """Three grants for slot 3 with an owner that tries again, as the station does."""
    opened: list[int] = []
    grant = 1
    for attempt in range(60):
        # A new attempt meets the same cable in another mood.
        line.to_host = replace(line.to_host, seed=line.to_host.seed + attempt)
        line.to_device = replace(line.to_device, seed=line.to_device.seed + attempt)
        try:
            async with talk(line, seed=attempt) as it:
                while grant <= 3:
                    await it.unlock(3, grant=grant, open_s=1)
                    grant += 1
                    await asyncio.sleep(2)
                for event in await arrived(it, 30):
                    if isinstance(event, m.Event):
                        if event.kind is K.OPENED:
                            opened.append(event.value)
                        await it.ack(event.number)
                if not sim.memory.events:
                    return opened
        except EdgeError as exc:
            assert exc.code in (ErrorCode.DOCK_SILENT, ErrorCode.LINE_GONE), exc  # noqa: PT017  # in a loop
    raise AssertionError("never got through")


@virtual
async def test_silence_is_an_error_with_code_and_facts() -> None:
    sim, line = dock_line()

    async with talk(line) as it:
        sim.mute = True
        with pytest.raises(EdgeError) as caught:
            await it.status(3)

    assert caught.value.code is ErrorCode.DOCK_SILENT
    assert caught.value.detail == {"question": "GetStatus", "tries": TRIES, "answer_s": 0.5}


@virtual
async def test_a_controller_that_beats_but_does_not_answer_ends_the_conversation() -> None:
    sim, line = dock_line()
    sim._obey = lambda command: m.Heartbeat(uptime=1)  # type: ignore[method-assign]  # firmware that hangs half

    with pytest.raises(EdgeError) as caught:
        async with talk(line):
            pass
    assert caught.value.code is ErrorCode.DOCK_SILENT

    sim, line = dock_line()
    async with talk(line) as it:
        await arrived(it, 1)
        sim._obey = lambda command: m.Heartbeat(uptime=1)  # type: ignore[method-assign]
        waiting = asyncio.create_task(it.next_event())
        with pytest.raises(EdgeError):
            await it.lock(3)
        with pytest.raises(EdgeError) as caught:
            await waiting
    assert caught.value.code is ErrorCode.DOCK_SILENT


@virtual
async def test_a_controller_that_stops_its_heartbeat_ends_the_conversation() -> None:
    sim, line = dock_line()

    async with talk(line) as it:
        await arrived(it, 60)  # a minute of nothing but heartbeats is no silence
        sim.mute = True
        with pytest.raises(EdgeError) as caught:
            await it.next_event()

    assert caught.value.code is ErrorCode.DOCK_SILENT


@virtual
async def test_nobody_there_is_told_from_somebody_without_the_key() -> None:
    sim, line = dock_line()
    sim.mute = True
    with pytest.raises(EdgeError) as caught:
        async with talk(line):
            pass
    assert caught.value.code is ErrorCode.DOCK_SILENT
    assert line.link is None  # the line is free again


@pytest.mark.fault("D11", "a device that does not know the key gets no command and raises the alarm")
@virtual
async def test_a_rogue_controller_is_unmasked_before_anything_is_asked_of_it() -> None:
    sim, line = dock_line(key=OTHER_KEY)

    with pytest.raises(EdgeError) as caught:
        async with talk(line):
            pass

    assert caught.value.code is ErrorCode.DOCK_FOREIGN
    assert sim.heard == []


@pytest.mark.fault("D11", "a host without the key opens no lock")
@virtual
async def test_a_rogue_host_opens_no_lock() -> None:
    sim, line = dock_line()
    async with talk(line) as it:
        await it.status(1)
        recorded = line.link.sent if line.link else []

    link = await line.open()
    for frame in recorded:
        await link.write(frame)
    unlock = m.DOCK.encode(m.Unlock(request=9, slot=3, grant=9, open_for=9))
    await link.write(pack(b"\x03" + (99).to_bytes(4, "little") + unlock + bytes(8)))

    assert sim.memory.unlocks == 0
    assert sim.rejected[Refusal.FOREIGN] >= 1


@pytest.mark.fault("D04", "an unlock whose answer is lost is repeated and moves the lock once")
@virtual
async def test_a_lost_answer_to_unlock_gives_no_second_pulse() -> None:
    sim, line = dock_line()

    async with talk(line) as it:
        await arrived(it, 1)
        sim.swallow = 1
        await it.unlock(3, grant=70, open_s=1)
        await asyncio.sleep(5)
        await it.unlock(3, grant=70, open_s=1)  # a new request with the old grant
        assert (await it.status(3)).latch is m.Latch.LOCKED

    assert sim.memory.unlocks == 1
    assert sum(isinstance(c, m.Unlock) for c in sim.heard) == 3


@pytest.mark.fault("D04", "a command that is repeated because its answer was lost is carried out once")
@virtual
async def test_a_lost_answer_repeats_no_command() -> None:
    sim, line = dock_line()

    async with talk(line) as it:
        await arrived(it, 1)
        sim.swallow = 1
        asking = asyncio.create_task(it.buzz(3, m.Buzzer.ONE))
        await asyncio.sleep(0.1)
        sim.slots[3].buzzer = m.Buzzer.NONE  # the sound has died away
        await asking

    assert sim.slots[3].buzzer is m.Buzzer.NONE
    assert sum(isinstance(c, m.Buzz) for c in sim.heard) == 2


@pytest.mark.fault("D04", "a grant that opened one slot never opens another")
@virtual
async def test_a_used_grant_does_not_open_another_slot_even_after_a_reconnect() -> None:
    sim, line = dock_line()
    async with talk(line) as it:
        await it.unlock(3, grant=70, open_s=1)
    async with talk(line, seed=2) as it:
        with pytest.raises(EdgeError) as caught:
            await it.unlock(4, grant=70, open_s=1)

    assert caught.value.code is ErrorCode.DOCK_REFUSED
    assert caught.value.detail["reason"] == "grant_used"
    assert sim.memory.unlocks == 1


@pytest.mark.fault("D05", "a restart in mid-unlock leaves the lock closed and ends the conversation")
@virtual
async def test_a_controller_that_restarts_in_mid_unlock_comes_back_locked() -> None:
    sim, line = dock_line()
    sim.insert(3)
    async with talk(line) as it:
        await it.unlock(3, grant=70, open_s=30)
        sim.restart()
        with pytest.raises(LinkGoneError, match="restarted"):
            await it.status(3)
        assert not sim.pull(3)

    async with talk(line, seed=2) as it:
        got = await arrived(it)
        await it.unlock(3, grant=70, open_s=30)  # the old grant is spent
        assert (await it.status(3)).latch is m.Latch.LOCKED

    assert {s.latch for s in got if isinstance(s, m.SlotStatus) and s.slot == 3} == {m.Latch.LOCKED}
    assert K.RELOCKED in kinds(got, 3)
    assert sim.memory.unlocks == 1


@pytest.mark.fault("D06", "an impossible report marks its own slot, and the others go on")
@virtual
async def test_an_impossible_report_concerns_its_slot_only() -> None:
    sim, line = dock_line(slots=8)
    async with talk(line) as it:
        await arrived(it, 1)
        empty = sim.status(2)
        sim.say(replace(empty, current=900))  # 900 mA into an empty slot
        sim.say(replace(empty, slot=9))  # the dock has eight
        got = await arrived(it, 1)
        assert (await it.status(3)).slot == 3

    assert [e.slot for e in got if isinstance(e, SlotImpossible)] == [2, 9]
    assert not [e for e in got if isinstance(e, m.SlotStatus)]


@pytest.mark.fault("D06", "an answer that cannot be true is an error, not a state")
@virtual
async def test_an_impossible_answer_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    _, line = dock_line()
    async with talk(line) as it:
        honest = SimDock.status
        monkeypatch.setattr(
            SimDock, "status", lambda self, n, request=0: replace(honest(self, n, request), current=900)
        )
        with pytest.raises(EdgeError) as caught:
            await it.status(2)
    assert caught.value.code is ErrorCode.DOCK_PROTOCOL


@pytest.mark.fault("D10", "another version opens no lock, names both versions, and goes on charging")
@pytest.mark.parametrize("version", [2, 255])
@virtual
async def test_a_controller_of_another_version_charges_but_opens_nothing(version: int) -> None:
    sim, line = dock_line(versions=range(version, version + 1))

    async with talk(line) as it:
        error = it.version_error
        await it.charge(3, enable=True, limit_ma=500)
        assert (await it.status(3)).charging
        with pytest.raises(EdgeError) as caught:
            await it.unlock(3, grant=1, open_s=1)

    assert error is not None
    assert caught.value.code is ErrorCode.DOCK_VERSION
    assert caught.value.detail == error.detail == {"station": "1..1", "controller": version}
    assert not [c for c in sim.heard if isinstance(c, m.Unlock)]


@pytest.mark.fault("D10", "the controller too refuses to unlock for a station of another version")
@virtual
async def test_the_controller_refuses_the_versioned_part_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    sim, line = dock_line(versions=range(2, 3))
    async with talk(line) as it:
        monkeypatch.setattr(DockController, "version_error", None)
        with pytest.raises(EdgeError) as caught:
            await it.unlock(3, grant=1, open_s=1)
    assert caught.value.code is ErrorCode.DOCK_VERSION
    assert sim.memory.unlocks == 0


@pytest.mark.fault("Z07", "of several common versions the highest is taken")
@virtual
async def test_the_highest_common_version_is_taken() -> None:
    _, line = dock_line(versions=range(1, 6))
    async with talk(line) as it:
        assert it.hello.version == 1


async def take_all(dock: DockController, into: list[DockEvent]) -> None:
    while True:
        into.append(await dock.next_event())


@pytest.mark.fault("D12", "a storm of openings ends the conversation instead of filling the memory")
@virtual
async def test_a_storm_of_events_is_cut_off() -> None:
    sim, line = dock_line()
    async with talk(line) as it:
        await arrived(it, 1)
        sim.storm(3, 200)
        taken: list[DockEvent] = []
        with pytest.raises(EdgeError) as caught:
            async with asyncio.timeout(60):
                await take_all(it, taken)

    assert (caught.value.code, caught.value.detail["reason"]) == (ErrorCode.DOCK_PROTOCOL, "event storm")
    assert len(taken) <= m.EVENT_WINDOW + len(sim.slots)


@pytest.mark.fault("D12", "the controller itself moves one lock at most twice a second")
@virtual
async def test_a_storm_of_commands_does_not_burn_the_solenoid() -> None:
    sim, line = dock_line()
    refused = 0
    async with talk(line) as it:
        for grant in range(1, 11):
            try:
                await it.unlock(3, grant=grant, open_s=0.1)
                await it.lock(3)
            except EdgeError as exc:
                refused += exc.detail["reason"] == "too_soon"
    assert (sim.memory.unlocks, refused) == (1, 9)


@pytest.mark.fault("D13", "a contact that chatters at 50 Hz is one event")
@virtual
async def test_a_chattering_contact_is_one_event() -> None:
    sim, line = dock_line()
    async with talk(line) as it:
        for n in range(101):
            sim.touch(3, n % 2 == 0)
            await asyncio.sleep(0.01)
        got = await arrived(it)
    assert kinds(got, 3) == [K.CONTACT_MADE]
    assert sim.memory.insertions == 1


@pytest.mark.fault("D14", "a board whose counters went back is named")
@virtual
async def test_counters_that_go_back_are_a_replaced_board() -> None:
    sim, line = dock_line()
    sim.memory.unlocks = 100
    async with talk(line) as it:
        known = it.hello.counters
        sim.memory = Memory(unlocks=99, boots=1)
        with pytest.raises(EdgeError) as caught:
            await it.counters()

    assert caught.value.code is ErrorCode.DOCK_COUNTERS_BACK
    assert caught.value.detail == {"counter": "unlocks", "was": 100, "now": 99}
    check_counters(known, known)
    with pytest.raises(EdgeError, match="boots"):
        check_counters(known, replace(known, boots=0))


@pytest.mark.fault("Z08", "an answer that comes when nobody waits for it passes for no other")
@virtual
async def test_a_late_answer_does_not_pass_for_the_next_one() -> None:
    sim, line = dock_line()
    async with talk(line) as it:
        await arrived(it, 1)
        sim.swallow = 1  # the next answer is lost, so the question stays open for a while
        asking = asyncio.create_task(it.status(3))
        await asyncio.sleep(0.1)
        sim.say(sim.status(2, request=1))  # an answer an hour old
        assert (await asking).slot == 3
        sim.say(sim.status(3, request=2))
        await asyncio.sleep(0.1)
        assert it.rejected[LATE] == 2


@virtual
async def test_pulling_the_plug_ends_everything_that_waits_at_once() -> None:
    sim, line = dock_line()
    async with talk(line, answer_s=1000) as it:
        await arrived(it, 1)
        sim.mute = True
        waiting = [asyncio.create_task(it.status(3)), asyncio.create_task(it.next_event())]
        await asyncio.sleep(1)
        before = asyncio.get_running_loop().time()
        line.unplug()
        results = await asyncio.gather(*waiting, return_exceptions=True)
        assert asyncio.get_running_loop().time() - before < 0.1
        with pytest.raises(LinkGoneError):
            await it.lock(3)

    assert [type(r) for r in results] == [LinkGoneError, LinkGoneError]


@virtual
async def test_what_arrived_before_the_plug_was_pulled_is_still_handed_out() -> None:
    sim, line = dock_line()
    async with talk(line) as it:
        await arrived(it, 1)
        sim.tear_out(3) if sim.slots[3].contact else sim.insert(3)
        await asyncio.sleep(1)
        line.unplug()
        await asyncio.sleep(1)
        event = await it.next_event()
    assert isinstance(event, m.Event)
    assert event.kind is K.CONTACT_MADE


@virtual
async def test_events_wait_for_their_acknowledgement_over_reconnects() -> None:
    sim, line = dock_line()
    sim.insert(3)
    async with talk(line) as it:
        sim.tear_out(3)
        first = await arrived(it)
    async with talk(line, seed=2) as it:
        again = await arrived(it)
        await it.ack(max(e.number for e in again if isinstance(e, m.Event)))
    async with talk(line, seed=3) as it:
        last = await arrived(it)

    assert kinds(first, 3) == kinds(again, 3)
    assert kinds(last, 3) == []


@virtual
async def test_more_events_than_the_window_arrive_in_order_as_they_are_acknowledged() -> None:
    sim, line = dock_line()
    for _ in range(40):
        sim.open_cover()
    numbers: list[int] = []
    async with talk(line) as it:
        while len(numbers) < 41:
            event = await it.next_event()
            if isinstance(event, m.Event):
                numbers.append(event.number)
                await it.ack(event.number)
    assert numbers == list(range(1, 42))
    assert sim.memory.events == []


@virtual
async def test_an_event_says_how_long_ago_it_happened() -> None:
    sim, line = dock_line()
    sim.open_cover()
    await asyncio.sleep(600)
    sim.restart()
    sim.close_cover()
    await asyncio.sleep(60)
    async with talk(line) as it:
        ages = {e.kind: e.age for e in await arrived(it, 1) if isinstance(e, m.Event)}
    assert ages[K.COVER_OPENED] == m.AGE_UNKNOWN  # before a restart nobody counted
    assert ages[K.COVER_CLOSED] == 60


@virtual
async def test_an_event_of_a_later_version_is_passed_on_and_holds_up_nothing() -> None:
    sim, line = dock_line()
    async with talk(line) as it:
        await arrived(it, 1)
        sim.say(m.Event(number=2, code=200, slot=1, value=0, age=0))
        sim.say(m.Event(number=3, code=K.COVER_OPENED, slot=0, value=0, age=0))
        got = [e.kind for e in await arrived(it, 1) if isinstance(e, m.Event)]
    assert got == [K.OTHER, K.COVER_OPENED]


@pytest.mark.fault(
    "Z05", "a grant during a fault, for a missing slot or while open is refused and moves nothing"
)
@virtual
async def test_what_does_not_fit_the_state_is_refused_with_its_reason() -> None:
    sim, line = dock_line(slots=4)
    sim.break_down(1, m.Fault.CONTACT_WET)
    sim.slots[2].jammed = True
    reasons = []
    async with talk(line) as it:
        await it.unlock(3, grant=1, open_s=60)
        for slot, grant in ((1, 2), (2, 3), (3, 4), (5, 5)):
            with pytest.raises(EdgeError) as caught:
                await it.unlock(slot, grant=grant, open_s=1)
            assert caught.value.code is ErrorCode.DOCK_REFUSED
            reasons.append(caught.value.detail["reason"])
        assert (await it.status(2)).latch is m.Latch.JAMMED

    assert reasons == ["fault_latched", "fault_latched", "busy", "no_such_slot"]
    assert sim.memory.unlocks == 1


@virtual
async def test_a_fault_is_cleared_only_when_its_cause_is_gone() -> None:
    sim, line = dock_line()
    async with talk(line) as it:
        sim.slots[3].temperature = 655
        got = await arrived(it)
        with pytest.raises(EdgeError, match="remains"):
            await it.clear_faults(3)
        sim.slots[3].temperature = 300
        await it.clear_faults(3)
        await it.unlock(3, grant=1, open_s=1)
    assert kinds(got, 3) == [K.OVERHEAT, K.FAULT_LATCHED]


@virtual
async def test_only_the_newest_state_of_a_slot_waits() -> None:
    sim, line = dock_line(slots=2)
    async with talk(line) as it:
        await arrived(it, 1)
        for n in range(500):
            sim.say(replace(sim.status(1), temperature=n))
            await asyncio.sleep(0)
        await asyncio.sleep(1)
        states = [s for s in await arrived(it, 0.5) if isinstance(s, m.SlotStatus)]
    assert [s.temperature for s in states] == [499]


@pytest.mark.fault("Z04", "at the last sequence number the conversation ends; it never wraps")
@virtual
async def test_used_up_sequence_numbers_end_the_conversation() -> None:
    _, line = dock_line()
    async with talk(line) as it:
        channel = it._talk._end._channel
        assert channel is not None
        channel._sent = 0xFFFF_FFFE
        await it.status(1)
        with pytest.raises(LinkGoneError, match="used up"):
            await it.status(1)
        with pytest.raises(LinkGoneError):
            await it.next_event() and await arrived(it)
    async with talk(line, seed=2) as it:
        await it.status(1)


@virtual
async def test_a_replayed_hello_interrupts_no_running_session() -> None:
    sim, line = dock_line()
    async with talk(line) as it:
        sim.receive(pack(SESSION.encode(HostHello(role=Role.DOCK, low=1, high=1, nonce=bytes(16)))))
        assert (await it.status(3)).slot == 3
        assert it.rejected[Refusal.STALE] == 1


@virtual
async def test_numbers_the_wire_cannot_carry_are_a_callers_mistake() -> None:
    _, line = dock_line()
    async with talk(line) as it:
        for bad in (
            it.unlock(3, grant=0, open_s=1),
            it.unlock(3, grant=1, open_s=61),
            it.lock(0),
            it.ack(99),
        ):
            with pytest.raises(ValueError):
                await bad


@pytest.mark.parametrize("wait_s", [0.0, 0.05, 0.3])
@virtual
async def test_a_caller_that_gives_up_leaves_the_conversation_in_order(wait_s: float) -> None:
    sim, line = dock_line()
    async with talk(line) as it:
        sim.swallow = 1
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(wait_s):
                await it.status(2)
        sim.swallow = 0
        assert (await it.status(3)).slot == 3


@virtual
async def test_current_of_the_camera_is_reported_when_it_changes() -> None:
    sim, line = dock_line()
    sim.insert(3)
    drawn = [480]
    sim.slots[3].load = lambda: drawn[0]
    async with talk(line) as it:
        await arrived(it, 5)
        drawn[0] = 40
        changed = [s.current for s in await arrived(it, 5) if isinstance(s, m.SlotStatus)]
    assert changed == [40]


def test_the_plug_can_be_cut_at_any_write() -> None:
    for cut in range(12):
        _cut_after(cut)


async def unlock_on(line: Line) -> None:
    async with talk(line) as it:
        for grant in range(1, 20):
            await it.unlock(3, grant=grant, open_s=0.1)
            await asyncio.sleep(1)


@virtual
async def _cut_after(cut: int) -> None:
    sim = dock()
    line = Line(sim, to_host=Cable(cut_after=cut))
    with pytest.raises(LinkGoneError):
        await unlock_on(line)
    line.plug()
    line.to_host = PERFECT
    async with talk(line, seed=2) as it:
        assert (await it.status(3)).latch is m.Latch.LOCKED
