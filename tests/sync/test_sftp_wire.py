"""The client's half of SFTP: golden bytes, and any bytes at all."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edged.errors import FormatError
from sync import sftp_wire as wire
from sync.sftp_channel import MAX_LISTED, SftpChannel
from sync.sftp_wire import Kind
from sync.store import (
    CentreGoneError,
    CentreProtocolError,
    CentreRefusedError,
    NotThereError,
    StoreError,
    TransferStalledError,
)
from tests.patience import calls

GOLDEN = [
    ("65 00000007 00000004 00000004 6f6f7073 00000000", wire.StatusReply(7, 4, "oops")),
    ("65 00000007 00000000", wire.StatusReply(7, 0, "")),  # a server that sends no message
    ("66 00000001 00000002 abcd", wire.HandleReply(1, b"\xab\xcd")),
    ("67 00000002 00000003 010203", wire.DataReply(2, b"\x01\x02\x03")),
    (
        "68 00000003 00000001 00000001 61 00000001 62 00000005 0000000000000009 000041ed",
        wire.NameReply(3, ("a",)),
    ),
    (
        "69 00000004 0000000d 0000000000000009 000081a0 00000001 00000002",
        wire.AttrsReply(4, wire.Attributes(9, 0o100640)),
    ),
    ("c9 00000005 00ff", wire.ExtendedReply(5, b"\x00\xff")),
]


@pytest.mark.parametrize(("octets", "reply"), GOLDEN)
def test_golden_answers(octets: str, reply: wire.Reply) -> None:
    assert wire.decode(bytes.fromhex(octets)) == reply


@pytest.mark.parametrize(
    ("packet", "octets"),
    [
        (wire.init(), "00000005 01 00000003"),
        (wire.request(Kind.OPEN, 1, b"a", 0x1A, 0), "00000012 03 00000001 00000001 61 0000001a 00000000"),
        (
            wire.request(Kind.WRITE, 2, b"h", wire.u64(1 << 33), b"xy"),
            "00000018 06 00000002 00000001 68 0000000200000000 00000002 7879",
        ),
        (wire.request(Kind.RENAME, 3, b"a", b"b"), "0000000f 12 00000003 00000001 61 00000001 62"),
    ],
)
def test_golden_requests(packet: bytes, octets: str) -> None:
    assert packet == bytes.fromhex(octets)


def test_a_version_says_what_the_server_can() -> None:
    hello = bytes.fromhex("02 00000003 00000011") + b"fsync@openssh.com" + bytes.fromhex("00000001 31")
    assert wire.decode_version(hello) == {"fsync@openssh.com": b"1"}
    with pytest.raises(FormatError):
        wire.decode_version(bytes.fromhex("02 00000002"))


@pytest.mark.fault("Z01", "any bytes from the SFTP server give an answer or a FormatError")
@given(st.binary(max_size=600))
def test_any_bytes_give_an_answer_or_a_format_error(data: bytes) -> None:
    for decode in (wire.decode, wire.decode_version, wire.decode_limits, wire.decode_statvfs):
        _, effort = calls(partial(_answered, decode, data))
        assert effort < 10 * len(data) + 100


def _answered(decode: Callable[[bytes], object], data: bytes) -> None:
    with suppress(FormatError):
        decode(data)


@given(st.sampled_from([golden for golden, _ in GOLDEN]), st.data())
def test_any_single_damage_gives_an_answer_or_a_format_error(octets: str, data: st.DataObject) -> None:
    packet = bytearray(bytes.fromhex(octets))
    at = data.draw(st.integers(0, len(packet) - 1))
    packet[at] ^= data.draw(st.integers(1, 255))
    try:
        wire.decode(bytes(packet))
    except FormatError:
        return


class Script:
    """A server whose answers are written down before; closes when they are used up."""

    def __init__(self, *packets: bytes, extensions: bytes = b"") -> None:
        hello = b"\x02\x00\x00\x00\x03" + extensions
        self.out = b"".join(len(p).to_bytes(4, "big") + p for p in (hello, *packets))
        self.sent = bytearray()
        self.error: Exception | None = None

    def send(self, data: bytes, /) -> int:
        self.sent += data[:1000]
        return min(len(data), 1000)

    def recv(self, size: int, /) -> bytes:
        if not self.out and self.error:
            raise self.error
        got, self.out = self.out[:size][:7], self.out[min(size, 7) :]
        return got


def status(number: int, code: int = 0) -> bytes:
    return b"\x65" + number.to_bytes(4, "big") + code.to_bytes(4, "big") + bytes(8)


def stat(channel: SftpChannel) -> object:
    return channel.ask(wire.AttrsReply, Kind.LSTAT, b"a")


@pytest.mark.fault("V11", "an answer to nothing that was asked, or a second one, ends the conversation")
@pytest.mark.parametrize("packets", [[status(99)], [status(2), status(2), status(1)]])
def test_ids_that_nobody_waits_for_end_the_conversation(packets: list[bytes]) -> None:
    with pytest.raises(CentreProtocolError):
        stat(SftpChannel(Script(*packets)))


@pytest.mark.fault("V11", "statuses of writes may come in any order, each counts once")
def test_writes_may_be_answered_in_any_order() -> None:
    channel = SftpChannel(Script(status(3), status(1), status(2)))
    channel.write(b"h", 0, bytes(3 * channel.block))
    channel.drain()


@pytest.mark.parametrize("bad", [1, 2, 3])
def test_one_failed_write_among_many_is_never_lost(bad: int) -> None:
    channel = SftpChannel(Script(*(status(n, 4 if n == bad else 0) for n in (1, 2, 3))))
    channel.write(b"h", 0, bytes(3 * channel.block))
    with pytest.raises(CentreRefusedError):
        channel.drain()
    channel.forget_failure()


@pytest.mark.fault(
    "V08", "lengths that lie, endless listings and endless files end the conversation within bounds"
)
@pytest.mark.parametrize(
    "raw",
    [
        b"\xff\xff\xff\xff",  # a packet of 4 GiB
        b"\x00\x00\x00\x00",  # a packet of nothing
        b"\x00\x00\x00\x0d\x66\x00\x00\x00\x01\xff\xff\xff\xff1234",  # a handle of 4 GiB
        b"\x00\x00\x00\x09\x68\x00\x00\x00\x01\xff\xff\xff\xff",  # four billion names
        b"\x00\x00\x00\x09\x69\x00\x00\x00\x01\x40\x00\x00\x00",  # attributes nobody knows
        b"\x00\x00\x00\x05\x99\x00\x00\x00\x01",  # an answer of no kind
    ],
)
def test_lengths_that_lie_end_the_conversation(raw: bytes) -> None:
    script = Script()
    channel = SftpChannel(script)
    script.out += raw
    with pytest.raises(CentreProtocolError):
        stat(channel)


class Endless(Script):
    """Answers OPENDIR, then every READDIR with 4000 names more."""

    number = 0

    def recv(self, size: int, /) -> bytes:
        if not self.out:
            self.number += 1
            if self.number == 1:
                body = b"\x66" + self.number.to_bytes(4, "big") + b"\x00\x00\x00\x01h"
            else:
                name = b"\x00\x00\x00\x01a" + bytes(8)
                body = b"\x68" + self.number.to_bytes(4, "big") + (4000).to_bytes(4, "big") + name * 4000
            self.out = len(body).to_bytes(4, "big") + body
        got, self.out = self.out[:size], self.out[size:]
        return got


@pytest.mark.fault("V08", "a listing without end is cut off")
def test_a_listing_without_end_is_cut_off() -> None:
    script = Endless()
    with pytest.raises(CentreProtocolError, match="listing without end"):
        SftpChannel(script).list_names("x")
    assert script.number <= MAX_LISTED // 4000 + 3


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (2, NotThereError),
        (3, CentreRefusedError),
        (4, CentreRefusedError),
        (7, CentreGoneError),
        (5, StoreError),
    ],
)
def test_each_status_has_its_error(code: int, error: type[StoreError]) -> None:
    with pytest.raises(error):
        stat(SftpChannel(Script(status(1, code))))


@pytest.mark.parametrize(
    ("cause", "error"),
    [
        (TimeoutError(), TransferStalledError),
        (ConnectionResetError(), CentreGoneError),
        (None, CentreGoneError),
    ],
)
def test_a_broken_line_has_one_error_and_silence_another(
    cause: Exception | None, error: type[StoreError]
) -> None:
    script = Script()
    channel = SftpChannel(script)
    script.error = cause
    with pytest.raises(error):
        stat(channel)


@pytest.mark.fault(
    "N07", "what is in flight is bounded, less when answers come late, more when they come at once"
)
def test_the_window_shrinks_on_a_slow_line_and_grows_on_a_quick_one() -> None:
    now = 0.0
    script = Script()
    channel = SftpChannel(script, lambda: now)
    for delay, most in ((10.0, 2), (0.0, 64)):
        for _ in range(90):
            channel.write(b"h", 0, bytes(channel.block))
            now += delay
            for number in list(channel._writes):
                script.out += len(status(number)).to_bytes(4, "big") + status(number)
            channel.drain()
        assert channel._window == most
