"""What comes over serial lines and out of GA/T 947 cameras."""

import itertools
import json
from collections.abc import Callable
from pathlib import Path

import firmware_protocol
from firmware_protocol import framing, session
from firmware_protocol.dock.messages import DOCK
from firmware_protocol.errors import FieldOutOfRangeError, WireError
from firmware_protocol.gat947 import commands, records
from firmware_protocol.reader.messages import READER
from firmware_protocol.session import SESSION, DeviceEnd, HostEnd, Identity, Role, SessionError
from firmware_protocol.wire import MessageSet
from tests.fuzz.contract import Tape, Target, lossy, must, require, round_trip, tape

KEY = bytes(range(session.KEY_SIZE))
NONCE = bytes(session.NONCE_SIZE)
_NUMBERS = itertools.count(1)
BODIES = (b"\x94\x01\0\0\0", b"\x92\x01\0\0\0\0", b"")
DEVICE = Identity(role=Role.DOCK, serial="D1", firmware="1.0", capabilities=3, versions=range(1, 2))


def _golden(device: str, part: str, key: str) -> list[bytes]:
    """Byte strings of a protocol's golden file."""
    path = Path(firmware_protocol.__file__).parent / device / "golden.json"
    return [bytes.fromhex(vector[key]) for vector in json.loads(path.read_text())[part]]


def _framing(data: bytes) -> None:
    events = framing.Unpacker().feed(data)
    bytewise = framing.Unpacker()
    require(
        [e for at in range(len(data)) for e in bytewise.feed(data[at : at + 1])] == events,
        "the pieces in which bytes arrive change what is received",
    )
    for event in events:
        if isinstance(event, framing.FrameReceived):
            with must("what was received cannot be sent"):
                again = framing.Unpacker().feed(framing.pack(event.payload))
            require(again == [event], "a payload does not survive another journey")


def _frames() -> list[bytes]:
    return [framing.pack(body) for body in (b"1", b"\0\0", bytes(framing.MAX_PAYLOAD))] + [b"\0\0\x05ab\0"]


def _messages(name: str, messages: MessageSet, seeds: Callable[[], list[bytes]]) -> Target:
    return Target(
        name=name,
        contract="Any bytes are a message that encodes to the same message, or a WireError.",
        body=round_trip(messages.decode, messages.encode),
        refusals=(WireError,),
        seeds=seeds,
        limit=512,
        covers=(MessageSet.decode,),
    )


def _device() -> DeviceEnd:
    return DeviceEnd(KEY, DEVICE, lambda: b"\x80\x04" + bytes(16))


def _fresh() -> bytes:
    """A nonce that no session before had."""
    return next(_NUMBERS).to_bytes(session.NONCE_SIZE, "big")


def _opened() -> tuple[HostEnd, DeviceEnd]:
    """Both ends of a session that runs."""
    host, device = HostEnd(KEY, Role.DOCK, range(1, 2)), _device()
    reply = device.receive(host.hello(NONCE), lambda: NONCE)
    assert isinstance(reply, session.Reply)
    host.receive(reply.payload)
    device.receive(host.seal(b"first"), _fresh)
    return host, device


def _host_end(data: bytes) -> None:
    """Payloads from a device that does not know the key, then one from the device that does."""
    host, device = _opened()
    genuine = {device.seal(body): body for body in BODIES}
    for payload in Tape(data).pieces():
        try:
            found = host.receive(payload)
        except SessionError:
            continue
        if isinstance(found, session.Body):
            require(genuine.get(payload) == found.data, "a frame passes that the device never sent")
        require(not isinstance(found, session.Opened), "a hello is taken that was not asked for")
    with must("after noise the session takes no frame any more"):
        found = host.receive(device.seal(b"last"))
    require(found == session.Body(b"last"), "after noise a frame has another content")


def _device_end(data: bytes) -> None:
    """Payloads from a host that does not know the key: hellos are answered, nothing else is taken."""
    host, device = _opened()
    genuine = {host.seal(body): body for body in BODIES}
    for payload in Tape(data).pieces():
        try:
            found = device.receive(payload, _fresh)
        except SessionError:
            continue
        if isinstance(found, session.Body):
            require(genuine.get(payload) == found.data, "a frame passes that the host never sent")
    with must("after noise the session takes no frame any more"):
        found = device.receive(host.seal(b"last"), _fresh)
    require(found == session.Body(b"last"), "after noise a frame has another content")


def _from_device() -> list[bytes]:
    host, device = _opened()
    hello = _device().receive(host.hello(NONCE), lambda: NONCE)
    assert isinstance(hello, session.Reply)
    sealed = [device.seal(body) for body in BODIES]
    return [tape(*sealed), tape(SESSION.encode(session.NoSession()), sealed[1]), tape(hello.payload)]


def _from_host() -> list[bytes]:
    host, _ = _opened()
    sealed = [host.seal(body) for body in BODIES]
    return [tape(*sealed), tape(host.hello(NONCE), sealed[0]), tape(b"", b"\x03")]


def _encode_any(info: records.ZfyInfo) -> bytes:
    return info.encode(records.Form.TERMINATED)


def _encode_resolution(size: tuple[int, int]) -> bytes:
    return records.encode_resolution(*size)


def _encode_text(text: str) -> bytes:
    return records.encode_text(text, 32)


_SAME = "Any bytes are a value that encodes to the same value, or a WireError."
_SHOWN = (
    "Any bytes are a value, foreign ones shown as escapes, that comes back where it encodes, or a WireError."
)


def _record(
    name: str,
    golden: str,
    decode: Callable[..., object],
    body: Callable[[bytes], object],
    contract: str = _SAME,
) -> Target:
    return Target(
        name=name,
        contract=contract,
        body=body,
        refusals=(WireError,),
        seeds=lambda: _golden("gat947", golden, "bytes"),
        limit=128,
        covers=(decode,),
    )


TARGETS = (
    Target(
        name="framing",
        contract="Any bytes in any pieces give the same frames and rejections, and a frame can be sent again.",
        body=_framing,
        refusals=(),
        seeds=_frames,
        limit=4096,
        covers=(framing.Unpacker.feed,),
    ),
    _messages("dock-message", DOCK, lambda: _golden("dock", "messages", "hex")),
    _messages("reader-message", READER, lambda: _golden("reader", "messages", "hex")),
    _messages(
        "session-message",
        SESSION,
        lambda: [
            piece for seed in (*_from_device(), *_from_host()) for piece in Tape(seed).pieces() if piece
        ],
    ),
    Target(
        name="session-host",
        contract="Nothing that the device did not seal passes, and noise does not end a running session.",
        body=_host_end,
        refusals=(),
        seeds=_from_device,
        limit=1024,
        covers=(HostEnd.receive,),
    ),
    Target(
        name="session-device",
        contract="Nothing that the host did not seal passes, and noise does not end a running session.",
        body=_device_end,
        refusals=(),
        seeds=_from_host,
        limit=1024,
        covers=(DeviceEnd.receive,),
    ),
    _record(
        "gat947-command",
        "commands",
        commands.decode_command,
        round_trip(commands.decode_command, commands.VendorCommand.encode),
    ),
    _record(
        "gat947-info",
        "records",
        records.decode_info,
        lossy(records.decode_info, _encode_any, FieldOutOfRangeError),
        _SHOWN,
    ),
    _record(
        "gat947-time", "times", records.decode_time, round_trip(records.decode_time, records.encode_time)
    ),
    _record(
        "gat947-clock",
        "clocks",
        records.decode_clock,
        round_trip(records.decode_clock, records.ClockReading.encode),
    ),
    _record(
        "gat947-number",
        "numbers",
        records.decode_number,
        round_trip(records.decode_number, records.encode_number),
    ),
    _record(
        "gat947-resolution",
        "resolutions",
        records.decode_resolution,
        round_trip(records.decode_resolution, _encode_resolution),
    ),
    _record(
        "gat947-text",
        "texts",
        records.decode_text,
        lossy(records.decode_text, _encode_text, FieldOutOfRangeError),
        _SHOWN,
    ),
)
