"""Every decoder keeps its contract for any bytes, within bounds of time and memory.

Time is counted in lines of Python carried out, memory by tracemalloc: neither depends on how busy the machine is.
Seconds are measured by ``make fuzz``.
"""

import sys
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from firmware_protocol.errors import WireError
from tests.fuzz.contract import KIB, Target, Violation, round_trip
from tests.fuzz.mutations import hostile, mutated
from tests.fuzz.targets import TARGETS, found

EXAMPLES = 25
ANY_SIZE = 400
MODERATE = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))

every_target = pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)


class OutOfStepsError(BaseException):
    """A decoder carries out more lines than its bound. No handler in it may swallow this."""


@contextmanager
def counted(bound: int) -> Iterator[None]:
    """Raise OutOfStepsError in what runs inside, once it has carried out ``bound`` lines."""
    left = bound

    def trace(frame: FrameType, event: str, arg: Any) -> Callable[..., Any]:
        nonlocal left
        if event == "line":
            left -= 1
            if left < 0:
                raise OutOfStepsError(f"more than {bound} lines, at {frame.f_code.co_qualname}")
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield
    finally:
        sys.settrace(before)


@cache
def nasty(name: str) -> list[bytes]:
    """Seeds, hostile inputs, and what was found before."""
    target = TARGETS[name]
    return [*target.seeds(), *hostile(target), *(path.read_bytes() for path in found(name))]


@every_target
def test_a_sound_input_is_taken(target: Target) -> None:
    """Else the target would try the first check of its decoder and nothing behind it."""
    assert any(target.takes(seed) for seed in target.seeds())


@pytest.mark.fault("Z01", "every decoder answers any bytes with a value or one of its own refusals")
@every_target
@MODERATE
@given(data=st.binary(max_size=ANY_SIZE))
def test_any_bytes_keep_the_contract(target: Target, data: bytes) -> None:
    target.takes(data)


@pytest.mark.fault("Z01", "every decoder answers spoilt sound inputs with a value or one of its own refusals")
@every_target
@MODERATE
@given(data=st.data())
def test_spoilt_inputs_keep_the_contract(target: Target, data: st.DataObject) -> None:
    target.takes(data.draw(mutated(target.seeds(), target.limit)))


@pytest.mark.parametrize(
    ("target", "path"),
    [
        pytest.param(target, path, id=f"{name}-{path.name}")
        for name, target in TARGETS.items()
        for path in found(name)
    ],
)
def test_what_was_found_once_is_not_found_again(target: Target, path: Path) -> None:
    target.takes(path.read_bytes())


@pytest.mark.fault(
    "Z01", "no decoder carries out more lines than its bound, also on inputs made to cost time"
)
@every_target
def test_no_input_costs_more_steps_than_its_bound(target: Target) -> None:
    for data in nasty(target.name):
        with counted(target.step_bound(len(data))):
            target.takes(data)


@pytest.mark.fault("Z01", "no decoder holds more memory than its bound, also on inputs made to cost memory")
@every_target
def test_no_input_costs_more_memory_than_its_bound(target: Target) -> None:
    target.takes(target.seeds()[0])  # what is imported and kept at the first call is not the input's
    inputs = nasty(target.name)
    tracemalloc.start()
    try:
        for data in inputs:
            bound = target.memory_bound(len(data))
            # What another thread of the process allocates meanwhile comes once, what the input costs each time.
            held = next((peak for _ in range(3) if (peak := _peak(target, data)) <= bound), None)
            assert held is not None, f"more than {bound} bytes for {len(data)}: {data[:40]!r}"
    finally:
        tracemalloc.stop()


def _peak(target: Target, data: bytes) -> int:
    tracemalloc.reset_peak()
    before, _ = tracemalloc.get_traced_memory()
    target.takes(data)
    return tracemalloc.get_traced_memory()[1] - before


# --- the means themselves: each must notice what it is there for --------------------------------------


def _broken(body: Callable[[bytes], object], *, steps: int = 10, memory: int = KIB) -> Target:
    return Target(
        name="broken",
        contract="It does not matter.",
        body=body,
        refusals=(WireError,),
        seeds=lambda: [b"a"],
        limit=100,
        covers=(),
        steps=steps,
        memory=memory,
    )


def test_a_refusal_is_an_answer_and_a_foreign_exception_is_not() -> None:
    def refuse(data: bytes) -> None:
        raise WireError(data.decode())

    assert not _broken(refuse).takes(b"a")
    with pytest.raises(UnicodeDecodeError):
        _broken(refuse).takes(b"\xff")


def test_a_value_that_does_not_come_back_is_a_violation() -> None:
    def encode(value: bytes) -> bytes:
        if value == b"z":
            raise WireError("cannot be encoded")
        return value.lower()

    target = _broken(round_trip(bytes, encode))
    assert target.takes(b"a")
    for data in (b"A", b"z"):
        with pytest.raises(Violation):
            target.takes(data)


def test_a_decoder_that_goes_round_too_often_is_stopped() -> None:
    def spin(data: bytes) -> None:
        for _ in range(len(data) ** 2):
            try:
                data.index(b"a")
            except Exception:  # noqa: BLE001  # the point: nothing in a decoder catches the end of its steps
                continue

    with counted(10_000):
        spin(b"a" * 10)
    with pytest.raises(OutOfStepsError), counted(10_000):
        spin(b"a" * 1000)


def test_bounds_grow_with_the_input() -> None:
    target = _broken(bytes)
    assert target.step_bound(0) == 10 < target.step_bound(1)
    assert target.memory_bound(0) == KIB < target.memory_bound(1)
