"""The simulated controller by itself: mechanics, memory, and that only genuine frames move a lock."""

import itertools
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from firmware_protocol.dock import messages as m
from firmware_protocol.framing import FrameReceived, Unpacker, pack
from firmware_protocol.session import HostEnd, Opened, Role, SessionError
from firmware_protocol.wire import Message
from simulators.dock import EVENTS_KEPT, LOG_FULL, SimDock
from tests.drivers.serial_world import KEY, Clock, dock

K = m.EventKind


class Host:
    """A host without a driver: bytes in, bytes out, time by hand."""

    def __init__(self, sim: SimDock, clock: Clock) -> None:
        self.sim, self.clock = sim, clock
        self.end = HostEnd(KEY, Role.DOCK, m.VERSIONS)
        self.sent: list[bytes] = []  # payloads
        self.got: list[Message] = []
        self._unpacker = Unpacker()
        self._requests = itertools.count(1)
        sim.send = self._hear
        self.send(self.end.hello(b"h" * 16))

    def send(self, payload: bytes) -> None:
        self.sent.append(payload)
        self.sim.receive(pack(payload))

    def ask(self, make: Callable[[int], m.Command]) -> Message:
        self.send(self.end.seal(m.DOCK.encode(make(next(self._requests)))))
        return next(x for x in reversed(self.got) if getattr(x, "request", 0))

    def unlock(self, slot: int, grant: int, open_for: int = 10) -> m.Result:
        answer = self.ask(lambda r: m.Unlock(request=r, slot=slot, grant=grant, open_for=open_for))
        assert isinstance(answer, m.Done)
        return answer.result

    def wait(self, seconds: float) -> None:
        end = self.clock.now + seconds
        while (left := end - self.clock.now) > 1e-9:
            self.clock.now += max(0.0, min(self.sim.tick(), left)) or 0.001
        self.sim.tick()

    def _hear(self, data: bytes) -> None:
        for event in self._unpacker.feed(data):
            assert isinstance(event, FrameReceived)
            try:
                received = self.end.receive(event.payload)
            except SessionError:
                continue
            if not isinstance(received, Opened) and hasattr(received, "data"):
                self.got.append(m.DOCK.decode(received.data))


def scene(slots: int = 4) -> tuple[SimDock, Host, Clock]:
    clock = Clock()
    sim = dock(slots, clock=clock)
    return sim, Host(sim, clock), clock


def history(sim: SimDock, slot: int) -> list[K]:
    return [e.kind for e, _, _ in sim.memory.events if e.slot == slot]


def test_a_camera_torn_out_of_a_locked_slot_is_an_event() -> None:
    sim, host, _ = scene()
    sim.insert(1)
    host.wait(1)
    assert not sim.pull(1)
    sim.tear_out(1)
    host.wait(1)
    assert history(sim, 1) == [K.CONTACT_MADE, K.CONTACT_BROKEN, K.FORCED_OPEN]


def test_taken_at_the_last_moment_is_taken_and_not_torn_out() -> None:
    sim, host, clock = scene()
    sim.insert(1)
    host.wait(1)
    host.unlock(1, grant=1, open_for=10)
    clock.now += 0.97  # the lock closes within the time that the contact needs to be believed
    assert sim.pull(1)
    host.wait(1)
    assert history(sim, 1) == [K.CONTACT_MADE, K.OPENED, K.RELOCKED, K.CONTACT_BROKEN]


def test_a_camera_that_is_missing_after_a_time_without_power_was_torn_out() -> None:
    sim, host, _ = scene()
    sim.insert(1)
    host.wait(1)
    sim.slots[1].contact = False  # while the controller is dark
    sim.lose_power()
    host.wait(1)
    assert history(sim, 1)[-2:] == [K.CONTACT_BROKEN, K.FORCED_OPEN]


@pytest.mark.fault("D05", "after a restart every lock is closed, whatever was open")
def test_power_on_state_is_locked() -> None:
    sim, host, _ = scene()
    for slot in sim.slots:
        assert host.unlock(slot, grant=slot, open_for=600) is m.Result.OK
    sim.restart()
    assert {s.latch for s in sim.slots.values()} == {m.Latch.LOCKED}
    assert not sim.in_session


def test_memory_outlives_a_restart() -> None:
    sim, host, _ = scene()
    sim.insert(1)
    host.wait(1)
    host.unlock(2, grant=9)
    before = [e.number for e, _, _ in sim.memory.events]
    sim.restart()
    assert [e.number for e, _, _ in sim.memory.events][: len(before)] == before
    assert (sim.memory.boots, sim.memory.unlocks, sim.memory.insertions) == (2, 1, 1)
    assert Host(sim, host.clock).unlock(3, grant=9) is m.Result.GRANT_USED


def test_a_full_memory_of_events_opens_nothing_and_tells_how_many_were_lost() -> None:
    sim, host, _ = scene()
    while len(sim.memory.events) < LOG_FULL:
        sim.open_cover()
    assert host.unlock(1, grant=1) is m.Result.LOG_FULL
    for _ in range(EVENTS_KEPT):
        sim.open_cover()
    last = sim.memory.events[-1][0]
    assert len(sim.memory.events) == EVENTS_KEPT
    assert last.kind is K.EVENTS_LOST
    assert last.number == EVENTS_KEPT
    assert last.value == LOG_FULL + 1
    host.ask(lambda r: m.Acknowledge(request=r, number=EVENTS_KEPT))
    assert host.unlock(1, grant=1) is m.Result.OK


@pytest.mark.fault("D13", "however a contact chatters, it ends in at most one event")
@given(st.lists(st.floats(0.001, 0.055), max_size=60))
def test_any_chatter_is_at_most_one_event(pauses: list[float]) -> None:
    sim, host, _ = scene(1)
    for n, seconds in enumerate(pauses):
        sim.touch(1, n % 2 == 0)
        host.wait(seconds)
    host.wait(1)
    assert history(sim, 1) == ([K.CONTACT_MADE] if len(pauses) % 2 else [])


@pytest.mark.fault("Z06", "no single bit flipped anywhere in a valid conversation opens what it did not open")
@pytest.mark.parametrize("deep", [False, True], ids=["on the wire", "with a right checksum"])
def test_no_single_bit_flip_of_a_conversation_opens_a_lock(deep: bool) -> None:
    """``deep`` repairs the CRC after the flip: then only the session stands in the way."""
    sim, host, _ = scene(4)
    host.ask(lambda r: m.GetStatus(request=r, slot=3))
    host.unlock(3, grant=7)
    assert sim.memory.unlocks == 1
    for at, payload in enumerate(host.sent):
        whole = payload if deep else pack(payload)
        for bit in range(8 * len(whole)):
            damaged = bytearray(whole)
            damaged[bit // 8] ^= 1 << bit % 8
            _replay(host.sent, at, pack(bytes(damaged)) if deep else bytes(damaged))


def _replay(sent: list[bytes], at: int, damaged: bytes) -> None:
    """The device of the recording, with the same nonces, hears it again with one frame damaged."""
    sim = dock(4, clock=Clock())
    for n, payload in enumerate(sent):
        sim.receive(damaged if n == at else pack(payload))
    opened = {n: s.grant for n, s in sim.slots.items() if s.latch is m.Latch.OPEN}
    unhurt = FrameReceived(sent[at]) in Unpacker().feed(b"\0" + damaged + b"\0")  # the flip hit a mark
    status_only = at == 1  # the unlock does not rest on this frame
    assert opened == ({3: 7} if unhurt or status_only else {})


@pytest.mark.fault("Z06", "a recorded conversation played to the device again, in any order, opens nothing")
@settings(max_examples=50)
@given(st.data())
def test_a_recorded_conversation_played_again_opens_nothing(data: st.DataObject) -> None:
    sim, host, _ = scene(4)
    host.unlock(3, grant=7)
    host.wait(60)
    recorded = data.draw(st.lists(st.sampled_from(host.sent), max_size=20))
    if data.draw(st.booleans()):
        sim.restart()
    for payload in recorded:
        sim.receive(pack(payload))
    assert sim.memory.unlocks == 1
    assert {s.latch for s in sim.slots.values()} == {m.Latch.LOCKED}


class AnyOrder(RuleBasedStateMachine):
    """Hands, accidents and commands in any order. What must hold stands at the invariants."""

    def __init__(self) -> None:
        super().__init__()
        self.sim, self.host, self.clock = scene(2)
        self.grants = itertools.count(1)
        self.granted = 0

    @rule(slot=st.integers(1, 2))
    def insert(self, slot: int) -> None:
        self.sim.insert(slot)

    @rule(slot=st.integers(1, 2), force=st.booleans())
    def take(self, slot: int, force: bool) -> None:
        if force:
            self.sim.tear_out(slot)
        elif self.sim.pull(slot):
            assert self.sim.slots[slot].grant

    @rule(slot=st.integers(1, 2), open_for=st.integers(1, 100))
    def unlock(self, slot: int, open_for: int) -> None:
        fault = self.sim.slots[slot].fault
        result = self.host.unlock(slot, next(self.grants), open_for)
        assert not (fault and result is m.Result.OK)
        self.granted += result is m.Result.OK

    @rule(slot=st.integers(1, 2))
    def lock(self, slot: int) -> None:
        self.host.ask(lambda r: m.Lock(request=r, slot=slot))

    @rule(slot=st.integers(1, 2), temperature=st.integers(200, 700))
    def heat(self, slot: int, temperature: int) -> None:
        self.sim.slots[slot].temperature = temperature

    @rule(slot=st.integers(1, 2))
    def clear(self, slot: int) -> None:
        self.host.ask(lambda r: m.ClearFaults(request=r, slot=slot))

    @rule(seconds=st.floats(0.001, 20))
    def wait(self, seconds: float) -> None:
        self.host.wait(seconds)

    @precondition(lambda self: self.sim.memory.boots < 5)
    @rule()
    def restart(self) -> None:
        self.sim.restart()
        self.host = Host(self.sim, self.clock)

    @rule(share=st.floats(0, 1))
    def acknowledge(self, share: float) -> None:
        events = self.sim.memory.events
        if events:
            number = events[int(share * (len(events) - 1))][0].number
            self.host.ask(lambda r: m.Acknowledge(request=r, number=number))

    @invariant()
    def locks_open_by_grant_only(self) -> None:
        assert self.sim.memory.unlocks == self.granted
        for slot in self.sim.slots.values():
            assert (slot.latch is m.Latch.OPEN) == bool(slot.grant)

    @invariant()
    def numbers_of_events_have_no_gap(self) -> None:
        numbers = [e.number for e, _, _ in self.sim.memory.events]
        assert numbers == list(range(self.sim.memory.next_event - len(numbers), self.sim.memory.next_event))


AnyOrder.TestCase.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
TestAnyOrder = pytest.mark.fault(
    "Z05", "hands, accidents and commands in any order: locks open by grant only"
)(AnyOrder.TestCase)
