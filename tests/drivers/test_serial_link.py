"""The serial adapter on a real pseudo-terminal: real time, real kernel."""

import asyncio
import fcntl
import os
import termios
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import serial

from drivers import serial_link
from drivers.serial_link import SerialLink, open_serial
from edged.errors import EdgeError, ErrorCode, LinkGoneError
from tests.patience import PATIENCE_S


class Pair:
    def __init__(self) -> None:
        self.master, slave = os.openpty()
        self.path = os.ttyname(slave)
        os.close(slave)

    def hang_up(self) -> None:
        if self.master >= 0:
            os.close(self.master)
            self.master = -1


@pytest.fixture
def pair() -> Iterator[Pair]:
    it = Pair()
    yield it
    it.hang_up()


async def test_bytes_pass_both_ways_unchanged(pair: Pair) -> None:
    link = await open_serial(pair.path)
    every = bytes(range(256))
    os.write(pair.master, every)
    got = b""
    while len(got) < 256:
        got += await link.read()
    await link.write(every)
    assert got == every
    assert os.read(pair.master, 1000) == every
    await link.close()


@pytest.mark.fault("D08", "a line that another program holds is refused by name")
async def test_a_line_is_ours_alone(pair: Pair) -> None:
    link = await open_serial(pair.path)
    with pytest.raises(EdgeError) as caught:
        await open_serial(pair.path)
    assert (caught.value.code, caught.value.detail["path"]) == (ErrorCode.LINE_BUSY, pair.path)
    await link.close()


@pytest.mark.fault("D08", "programs that know no advisory lock are kept out by the kernel")
async def test_the_kernel_is_told_that_the_line_is_ours(pair: Pair) -> None:
    link = await open_serial(pair.path)
    TIOCGEXCL = 0x8004_5440  # <asm-generic/ioctls.h>
    exclusive = fcntl.ioctl(link._fd, TIOCGEXCL, bytes(4))
    assert int.from_bytes(exclusive, "little") == 1
    await link.close()


async def test_a_hang_up_ends_a_pending_read_and_all_that_follow(pair: Pair) -> None:
    link = await open_serial(pair.path)
    reading = asyncio.create_task(link.read())
    await asyncio.sleep(0)
    pair.hang_up()
    with pytest.raises(LinkGoneError):
        await reading
    for again in (link.read(), link.write(b"x")):
        with pytest.raises(LinkGoneError):
            await again
    await link.close()


async def test_closing_tells_whoever_waits(pair: Pair) -> None:
    link = await open_serial(pair.path)
    reading = asyncio.create_task(link.read())
    await asyncio.sleep(0)
    await link.close()
    with pytest.raises(LinkGoneError, match="closed"):
        await reading


async def test_a_closed_link_leaves_a_descriptor_that_is_someone_elses_by_now_alone(pair: Pair) -> None:
    link = await open_serial(pair.path)
    loop, number = asyncio.get_running_loop(), link._fd
    reading = asyncio.create_task(link.read())
    await asyncio.sleep(0)
    await link.close()
    mine, other = os.pipe()
    os.dup2(mine, number)
    heard = asyncio.Event()
    loop.add_reader(number, heard.set)
    with pytest.raises(LinkGoneError):
        await reading
    os.write(other, b"x")
    async with asyncio.timeout(PATIENCE_S):
        await heard.wait()
    loop.remove_reader(number)
    for fd in {mine, other, number}:
        os.close(fd)


async def test_a_cancelled_read_loses_nothing(pair: Pair) -> None:
    link = await open_serial(pair.path)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await link.read()
    os.write(pair.master, b"still here")
    assert await link.read() == b"still here"
    await link.close()


@pytest.mark.fault("D09", "a device that takes no bytes is given up after the deadline")
async def test_a_stalled_device_ends_the_link(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serial_link, "WRITE_S", 0.05)
    link = await open_serial(pair.path)
    with pytest.raises(LinkGoneError, match="takes no bytes"):
        await link.write(bytes(1_000_000))  # nobody reads the other end
    with pytest.raises(LinkGoneError):
        await link.read()


@pytest.mark.fault("D02", "what nobody fetches waits in the kernel, not in our memory")
async def test_nothing_is_read_ahead(pair: Pair) -> None:
    link = await open_serial(pair.path)
    os.set_blocking(pair.master, False)
    sent = 0
    with suppress(BlockingIOError):
        while sent < 1_000_000:
            sent += os.write(pair.master, bytes(1000))
            await asyncio.sleep(0)
    assert sent < 100_000
    assert len(await link.read()) <= serial_link.READ_SIZE
    await link.close()


@pytest.mark.parametrize("path", ["/dev/there-is-no-such-line", "/dev/null"])
async def test_what_is_no_line_is_a_clear_error(path: str) -> None:
    with pytest.raises(LinkGoneError) as caught:
        await open_serial(path)
    assert caught.value.detail["path"] == path


async def test_an_ordinary_file_is_no_line(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"")
    with pytest.raises(LinkGoneError):
        await open_serial(str(file))


async def test_an_opening_that_nobody_waits_for_any_more_is_closed(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[serial.Serial] = []
    really = serial_link._open

    def slow(path: str) -> serial.Serial:
        made.append(really(path))
        return made[0]

    monkeypatch.setattr(serial_link, "_open", slow)
    opening = asyncio.create_task(open_serial(pair.path))
    await asyncio.sleep(0)
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    async with asyncio.timeout(PATIENCE_S):
        while not made or made[0].is_open:  # noqa: ASYNC110  # a thread closes it
            await asyncio.sleep(0.01)


async def test_the_line_is_raw_so_that_no_byte_is_changed_or_swallowed(pair: Pair) -> None:
    link = await open_serial(pair.path)
    iflag, oflag, _, lflag, *_ = termios.tcgetattr(link._fd)
    assert not iflag & (termios.ICRNL | termios.IXON | termios.ISTRIP)
    assert not oflag & termios.OPOST
    assert not lflag & (termios.ECHO | termios.ICANON | termios.ISIG)
    assert isinstance(link, SerialLink)
    await link.close()
