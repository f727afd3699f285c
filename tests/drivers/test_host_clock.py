import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.host_clock import BUILT_NS, CONFIRM_ERROR_NS, HostClock, KernelState, LinuxKernel
from edged.ports import ClockClass

S = 10**9
START = BUILT_NS + 300 * 86_400 * S
YEAR = 365 * 86_400 * S


@dataclass
class World:
    """A kernel whose clocks a test moves."""

    wall: int = START
    boot: int = 50 * S
    synchronised: bool = False
    max_error: int = 3_000_000
    boot_name: str = "a" * 32
    stalls: int = 0  # readings of boottime that come 20 ms late

    def wall_ns(self) -> int:
        return self.wall

    def boottime_ns(self) -> int:
        if self.stalls:
            self.stalls -= 1
            self.boot += 20_000_000
            self.wall += 20_000_000
        return self.boot

    def boot_id(self) -> str:
        return self.boot_name

    def adjtimex(self) -> KernelState:
        return KernelState(self.synchronised, self.max_error)

    def passes(self, seconds: float) -> None:
        self.wall += int(seconds * S)
        self.boot += int(seconds * S)


@pytest.fixture
def world() -> World:
    return World()


def test_a_clock_that_was_never_synchronised_is_unknown(world: World) -> None:
    now = HostClock(kernel=world).now()
    assert (now.clock, now.max_error_ns) == (ClockClass.UNKNOWN, None)
    assert (now.wall_ns, now.boottime_ns, now.boot_id) == (START, 50 * S, "a" * 32)


def test_synchronised_has_the_bound_of_the_kernel(world: World) -> None:
    world.synchronised = True
    now = HostClock(kernel=world).now()
    assert (now.clock, now.max_error_ns) == (ClockClass.SYNCHRONISED, 3_000_000)


@pytest.mark.fault("C07", "when the time service dies the next reading says holdover, with a growing bound")
def test_holdover_begins_with_the_reading_after_the_loss_and_its_bound_grows(world: World) -> None:
    world.synchronised = True
    clock = HostClock(kernel=world, ppm=100)
    clock.now()
    world.synchronised = False

    now = clock.now()
    assert (now.clock, now.max_error_ns) == (ClockClass.HOLDOVER, 3_000_000)
    world.passes(10_000)
    assert clock.now().max_error_ns == 3_000_000 + 1 * S  # 100 ppm of 10,000 s


@pytest.mark.fault("C01", "a boot in 1970 is unknown, and nobody can confirm such a time")
@pytest.mark.parametrize("wall", [0, 10**9 * S, BUILT_NS - 1])
def test_a_time_before_this_program_was_written_is_unknown(world: World, wall: int) -> None:
    world.wall, world.synchronised = wall, True
    clock = HostClock(kernel=world)
    assert clock.now().clock is ClockClass.UNKNOWN
    world.synchronised = False
    assert clock.confirm().clock is ClockClass.UNKNOWN


@pytest.mark.fault("C01", "a boot in 2106 without synchronisation is unknown")
def test_a_time_far_ahead_is_as_unknown_as_any_other(world: World) -> None:
    world.wall = START + 80 * YEAR
    assert HostClock(kernel=world).now().clock is ClockClass.UNKNOWN


@pytest.mark.fault("C02", "a step of ten years shows in the bound, and stepping back takes it away again")
@pytest.mark.parametrize("step", [10 * YEAR, -3600 * S, 1])
def test_a_step_in_holdover_is_part_of_the_bound(world: World, step: int) -> None:
    world.synchronised = True
    clock = HostClock(kernel=world)
    clock.now()
    world.synchronised = False
    world.wall += step
    stepped = clock.now()
    assert stepped.max_error_ns is not None
    if stepped.clock is ClockClass.HOLDOVER:
        assert stepped.max_error_ns == 3_000_000 + abs(step)
    world.wall -= step
    assert clock.now().max_error_ns == 3_000_000


@given(st.integers(0, 30 * 86_400), st.integers(-86_400 * S, 86_400 * S), st.floats(-100, 100))
def test_the_true_time_always_lies_within_the_bound(elapsed: int, step: int, drift_ppm: float) -> None:
    """A quartz within its ppm, any step, any time: true time is wall ± bound."""
    world = World(synchronised=True, max_error=0)
    clock = HostClock(kernel=world, ppm=100)
    clock.now()
    world.synchronised = False
    ran = elapsed * S
    world.boot += ran
    world.wall += ran + step
    # The kernel's clocks all run on the same quartz: drift shows as true time going by differently.
    true = START + int(ran * (1 - drift_ppm / 1_000_000))
    now = clock.now()
    assert now.max_error_ns is not None
    assert abs(now.wall_ns - true) <= now.max_error_ns + 2


def test_a_person_can_vouch_for_the_clock_until_the_next_boot(world: World, tmp_path: Path) -> None:
    memory = tmp_path / "clock.json"
    clock = HostClock(memory, kernel=world)
    confirmed = clock.confirm()
    assert (confirmed.clock, confirmed.max_error_ns) == (ClockClass.HOLDOVER, CONFIRM_ERROR_NS)

    world.passes(3600)
    assert HostClock(memory, kernel=world).now().clock is ClockClass.HOLDOVER  # the daemon was restarted
    world.boot_name = "b" * 32
    assert HostClock(memory, kernel=world).now().clock is ClockClass.UNKNOWN


def test_confirming_a_synchronised_clock_does_not_make_it_worse(world: World) -> None:
    world.synchronised = True
    clock = HostClock(kernel=world)
    assert clock.confirm().clock is ClockClass.SYNCHRONISED
    world.synchronised = False
    assert clock.now().max_error_ns == 3_000_000


def test_the_good_moment_is_written_down_now_and_then(world: World, tmp_path: Path) -> None:
    memory = tmp_path / "clock.json"
    world.synchronised = True
    clock = HostClock(memory, kernel=world)
    clock.now()
    first = memory.read_bytes()
    world.passes(599)
    clock.now()
    assert memory.read_bytes() == first
    world.passes(1)
    clock.now()
    assert json.loads(memory.read_bytes())["boottime_ns"] == world.boot

    world.synchronised = False
    assert HostClock(memory, kernel=world).now().clock is ClockClass.HOLDOVER


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"boot_id":"' + b"a" * 32 + b'"}', b"\xff", b"7"])
def test_a_damaged_memory_is_no_memory(world: World, tmp_path: Path, content: bytes) -> None:
    memory = tmp_path / "clock.json"
    memory.write_bytes(content)
    assert HostClock(memory, kernel=world).now().clock is ClockClass.UNKNOWN


def test_a_memory_that_cannot_be_written_costs_nothing_else(world: World, tmp_path: Path) -> None:
    clock = HostClock(tmp_path / "no" / "folder", kernel=world)
    assert clock.confirm().clock is ClockClass.HOLDOVER


def test_a_stall_between_the_two_clocks_does_not_look_like_a_step(world: World) -> None:
    world.synchronised = True
    clock = HostClock(kernel=world)
    clock.now()
    world.synchronised = False
    world.stalls = 4

    bound = clock.now().max_error_ns

    assert bound is not None
    assert bound < 3_000_000 + 1_000_000


def test_the_real_clocks_answer_and_go_on() -> None:
    clock = HostClock()
    first, second = clock.now(), clock.now()
    assert len(first.boot_id) == 32
    assert first.boot_id == second.boot_id
    assert second.boottime_ns > first.boottime_ns
    assert LinuxKernel().adjtimex().max_error_ns >= 0


def test_the_boot_is_known_from_systemd_where_proc_hides_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    of_proc = LinuxKernel({}).boot_id()
    assert len(of_proc) == 32
    monkeypatch.setattr("drivers.host_clock.BOOT_ID", tmp_path / "hidden")
    assert LinuxKernel({"EDGED_BOOT_ID": of_proc}).boot_id() == of_proc
