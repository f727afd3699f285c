import asyncio
import os
import socket
from collections.abc import Iterator

import pytest

from edged.roles.channel import MAX_FDS, Channel, ChannelClosedError


@pytest.fixture
def ends() -> Iterator[tuple[Channel, socket.socket]]:
    ours, theirs = socket.socketpair()
    channel = Channel(ours, line_limit=100_000)
    with theirs:
        yield channel, theirs
    channel.close()


def open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208  # the listing's own descriptor closes with it


async def test_lines_arrive_whole_however_they_are_cut(ends: tuple[Channel, socket.socket]) -> None:
    channel, theirs = ends
    for byte in b"one\ntwo":
        theirs.send(bytes([byte]))
    assert await channel.receive() == b"one"
    waiting = asyncio.create_task(channel.receive())
    await asyncio.sleep(0)
    theirs.send(b"!\n")
    assert await waiting == b"two!"


async def test_a_cancelled_wait_loses_no_byte(ends: tuple[Channel, socket.socket]) -> None:
    channel, theirs = ends
    theirs.send(b"ha")
    waiting = asyncio.create_task(channel.receive())
    await asyncio.sleep(0.01)
    waiting.cancel()
    await asyncio.wait([waiting])
    theirs.send(b"lf\n")
    assert await channel.receive() == b"half"


async def test_a_large_line_is_sent_while_the_other_end_reads_it(ends: tuple[Channel, socket.socket]) -> None:
    channel, theirs = ends
    line = b"x" * 5_000_000
    sending = asyncio.create_task(channel.send(line))
    got = bytearray()
    while len(got) <= len(line):
        got += await asyncio.to_thread(theirs.recv, 1 << 20)
    await sending
    assert got == line + b"\n"


async def test_a_line_without_end_is_refused(ends: tuple[Channel, socket.socket]) -> None:
    channel, theirs = ends
    flood = asyncio.create_task(asyncio.to_thread(theirs.sendall, b"x" * 150_000))
    with pytest.raises(ChannelClosedError, match="endless"):
        await channel.receive()
    await flood


async def test_a_closed_end_is_told(ends: tuple[Channel, socket.socket]) -> None:
    channel, theirs = ends
    theirs.close()
    with pytest.raises(ChannelClosedError):
        await channel.receive()
    with pytest.raises(ChannelClosedError):
        await channel.send(b"x" * 1_000_000)


async def test_descriptors_come_with_their_line(ends: tuple[Channel, socket.socket]) -> None:
    channel, theirs = ends
    reader, writer = os.pipe()
    await Channel(theirs).send(b"here", [reader])
    assert await channel.receive() == b"here"
    (got,) = channel.take_fds()
    os.write(writer, b"through")
    assert os.read(got, 10) == b"through"
    assert not os.get_inheritable(got)
    for fd in (got, reader, writer):
        os.close(fd)


async def test_a_flood_of_descriptors_is_closed_not_kept(ends: tuple[Channel, socket.socket]) -> None:
    channel, theirs = ends
    reader, writer = os.pipe()
    before = open_descriptors()
    for _ in range(5):
        socket.send_fds(theirs, [b"x\n"], [reader] * MAX_FDS)
        await channel.receive()
    assert open_descriptors() - before == MAX_FDS
    channel.close()
    assert open_descriptors() - before == -1
    os.close(reader)
    os.close(writer)
