"""What an SFTP server sends."""

from collections.abc import Callable
from contextlib import suppress

from edged.errors import FormatError
from sync import sftp_wire as wire
from sync.sftp_channel import SftpChannel
from sync.store import StoreError
from tests.fuzz.contract import KIB, Body, Tape, Target, require, tape
from tests.sync.test_sftp_wire import GOLDEN, Script

_ANSWER = "Any bytes from the server are an answer within its bounds, or FormatError."


def _sftp(data: bytes) -> None:
    reply = wire.decode(data)
    match reply:
        case wire.NameReply():
            require(
                len(reply.names) <= wire.MAX_NAMES and sum(map(len, reply.names)) <= len(data),
                "names out of nothing",
            )
        case wire.HandleReply():
            require(len(reply.handle) <= wire.MAX_HANDLE, "a handle longer than allowed")
        case wire.DataReply():
            require(len(reply.data) <= len(data), "bytes out of nothing")
        case _:
            require(len(repr(reply)) <= 5 * len(data) + 200, "an answer larger than what came")


def _version(data: bytes) -> None:
    found = wire.decode_version(data)
    require(len(found) <= wire.MAX_EXTENSIONS, "more extensions than allowed")


def _limits(data: bytes) -> None:
    found = wire.decode_limits(data)
    again = b"".join(n.to_bytes(8, "big") for n in (found.packet, found.read, found.write, found.handles))
    require(again == data, "limits that do not stand there")


def _statvfs(data: bytes) -> None:
    found = wire.decode_statvfs(data)
    require(0 <= found.free < 1 << 128, "space out of nothing")


def _conversation(data: bytes) -> None:
    """A server that sends what it likes, to a client that lists, reads and writes."""
    t = Tape(data)
    script = Script(extensions=t.piece())
    script.out += t.take(t.left)
    try:
        channel = SftpChannel(script, clock=lambda: 0.0)
        with suppress(StoreError):
            channel.list_names("x")
        with suppress(StoreError):
            channel.ask(wire.AttrsReply, wire.Kind.LSTAT, b"a")
        channel.write(b"h", 0, bytes(100))
        channel.drain()
    finally:
        require(len(script.sent) < 64 * KIB + 40 * len(data), "a server is asked without end")


def _conversations() -> list[bytes]:
    """A listing of one name, a file's attributes, a write; and the same answers in another order."""

    def answer(kind: int, number: int, body: bytes) -> bytes:
        packet = bytes([kind]) + number.to_bytes(4, "big") + body
        return len(packet).to_bytes(4, "big") + packet

    handle, name = b"\0\0\0\x01h", b"\0\0\0\x01\0\0\0\x01a" + bytes(8)
    ok, end = bytes(12), b"\0\0\0\x01" + bytes(8)
    bodies = ((0x66, handle), (0x68, name), (0x65, end), (0x65, ok), (0x69, bytes(4)), (0x65, ok))
    packets = [answer(kind, number, body) for number, (kind, body) in enumerate(bodies, 1)]
    return [tape(b"") + b"".join(packets), tape(b"") + b"".join(reversed(packets))]


def _plain(
    name: str, body: Body, covers: Callable[..., object], *seeds: bytes, limit: int = 8 * KIB
) -> Target:
    return Target(
        name=name,
        contract=_ANSWER,
        body=body,
        refusals=(FormatError,),
        seeds=lambda: seeds,
        limit=limit,
        covers=(covers,),
        hostile=lambda: [b"\x68" + bytes(4) + (wire.MAX_NAMES).to_bytes(4, "big") + bytes(4) * 20_000],
    )


TARGETS = (
    _plain(
        "sftp-answer",
        _sftp,
        wire.decode,
        *(bytes.fromhex(octets) for octets, _ in GOLDEN),
        limit=wire.MAX_PACKET,
    ),
    _plain(
        "sftp-version",
        _version,
        wire.decode_version,
        bytes.fromhex("02 00000003 00000011") + b"fsync@openssh.com" + bytes.fromhex("00000001 31"),
        b"\x02\0\0\0\x03",
    ),
    _plain("sftp-limits", _limits, wire.decode_limits, bytes(range(32))),
    _plain("sftp-statvfs", _statvfs, wire.decode_statvfs, bytes(range(88))),
    Target(
        name="sftp-conversation",
        contract="Whatever a server sends, in any order, the conversation ends in an answer or StoreError.",
        body=_conversation,
        refusals=(StoreError,),
        seeds=_conversations,
        limit=16 * KIB,
        share=3,
        covers=(SftpChannel.ask, SftpChannel.list_names),
        steps=100_000,
    ),
)
