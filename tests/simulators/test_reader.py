"""The simulated reader by itself: what counts as one presentation, and what is forgotten."""

import pytest

from firmware_protocol.framing import FrameReceived, Unpacker, pack
from firmware_protocol.reader import messages as m
from firmware_protocol.session import Body, HostEnd, Role
from firmware_protocol.wire import Message
from simulators.reader import SimReader
from tests.drivers.serial_world import KEY, Clock, reader

A, B = b"\1\2\3\4", b"\5\6\7\x08"


def scene() -> tuple[SimReader, list[Message], HostEnd, Clock]:
    """A reader in a session; what the host hears is in the list."""
    clock = Clock()
    sim = reader(clock=clock)
    end, unpacker, got = HostEnd(KEY, Role.READER, m.VERSIONS), Unpacker(), []

    def hear(data: bytes) -> None:
        for event in unpacker.feed(data):
            assert isinstance(event, FrameReceived)
            received = end.receive(event.payload)
            if isinstance(received, Body):
                got.append(m.READER.decode(received.data))

    sim.send = hear
    sim.receive(pack(end.hello(b"h" * 16)))
    sim.receive(pack(end.seal(m.READER.encode(m.Signal(request=1, show=m.Show.IDLE)))))
    got.clear()
    return sim, got, end, clock


def numbers(got: list[Message]) -> list[int]:
    return [g.number for g in got if isinstance(g, m.BadgeRead)]


def test_an_unseen_tap_is_repeated_four_times_and_forgotten() -> None:
    sim, got, _, clock = scene()
    sim.present(A)
    for _ in range(40):
        clock.now += m.REPEAT_S
        sim.tick()
    assert numbers(got) == [1] * 5


def test_a_seen_tap_is_not_repeated() -> None:
    sim, got, end, clock = scene()
    sim.present(A)
    sim.receive(pack(end.seal(m.READER.encode(m.Seen(number=1)))))
    clock.now += 1
    sim.tick()
    assert numbers(got) == [1]


def test_a_badge_must_leave_the_field_to_count_again() -> None:
    sim, got, _, clock = scene()
    for _ in range(5):
        sim.present(A)
        clock.now += 0.1
    assert numbers(got) == [1]
    clock.now += 0.3
    sim.present(A)
    assert numbers(got) == [1, 2]


def test_another_badge_counts_at_once() -> None:
    sim, got, _, _ = scene()
    sim.present(A)
    sim.present(B)
    assert numbers(got) == [1, 2]


def test_two_in_the_field_are_a_collision() -> None:
    sim, got, _, _ = scene()
    sim.lay(A)
    sim.lay(B)
    assert numbers(got) == [1]
    assert m.Notice(number=2, kind=m.NoticeKind.COLLISION) in got


def test_without_a_host_nothing_is_kept_and_the_reader_says_so() -> None:
    sim, got, _, clock = scene()
    sim.start()
    sim.present(A)
    clock.now += 1
    sim.tick()
    assert sim.shows is m.Show.OUT_OF_SERVICE
    assert (got, sim.presentations) == ([], 1)


@pytest.mark.parametrize("size", [0, 3, 17])
def test_a_number_that_no_badge_message_carries_changes_nothing(size: int) -> None:
    sim, got, _, _ = scene()
    with pytest.raises(ValueError, match="4 to 16 bytes"):
        sim.present(bytes(size))
    assert (sim.held, sim.presentations, got) == (None, 0, [])
    sim.present(A)
    assert numbers(got) == [1]
