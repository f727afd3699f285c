"""Turns to write, shared by real processes."""

import multiprocessing
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from edged.vault.scheduler import EveryTurn, LockTurns, turns_file

pytestmark = pytest.mark.slow
CONTEXT = multiprocessing.get_context("fork")


@contextmanager
def holder(fd: int, asker: int, turns: int) -> Iterator[int]:
    """A process that holds a turn; gives its number."""
    ready, told = os.pipe()

    def hold() -> None:
        with LockTurns(fd, asker=asker, turns=turns).turn():
            os.write(told, b"!")
            signal.pause()

    process = CONTEXT.Process(target=hold)
    process.start()
    assert os.read(ready, 1) == b"!"
    os.close(ready)
    os.close(told)
    assert process.pid is not None
    try:
        yield process.pid
    finally:
        process.kill()
        process.join(10)
        process.close()


@pytest.fixture
def turns() -> Iterator[int]:
    fd = turns_file()
    yield fd
    os.close(fd)


def taken_at_once(fd: int, turns: int) -> bool:
    """Whether another process gets a turn without waiting."""
    process = CONTEXT.Process(target=lambda: LockTurns(fd, asker=0, turns=turns).turn().__enter__())
    process.start()
    process.join(0.5)
    free = process.exitcode == 0
    process.kill()
    process.join(10)
    process.close()
    return free


def test_no_more_writers_than_turns(turns: int) -> None:
    with holder(turns, 0, 2):
        assert taken_at_once(turns, 2)
        with holder(turns, 0, 2):  # the same asker number: another turn is found
            assert not taken_at_once(turns, 2)
        assert taken_at_once(turns, 2)


def test_the_turn_of_a_killed_sealer_is_free_again(turns: int) -> None:
    with holder(turns, 0, 1) as pid:
        assert not taken_at_once(turns, 1)
        os.kill(pid, signal.SIGKILL)
        with LockTurns(turns, asker=5, turns=1).turn():  # waits for the kernel, not for ever
            pass


def test_turns_go_round() -> None:
    """Three writers and one turn: nobody writes while another does, nobody is left behind."""
    fd = turns_file()
    reader, writer = os.pipe()

    def work(name: bytes) -> None:
        turns = LockTurns(fd, asker=name[0], turns=1)
        for _ in range(50):
            with turns.turn():
                os.write(writer, name.lower())
                os.write(writer, name.upper())

    processes = [CONTEXT.Process(target=work, args=(name,)) for name in (b"a", b"b", b"c")]
    for process in processes:
        process.start()
    for process in processes:
        process.join(20)
    os.close(writer)
    order = os.read(reader, 4096)
    os.close(reader)
    os.close(fd)

    assert len(order) == 300
    assert all(order[i : i + 2] in (b"aA", b"bB", b"cC") for i in range(0, 300, 2))


def test_a_single_writer_waits_for_nobody() -> None:
    with EveryTurn().turn(), EveryTurn().turn():
        pass
