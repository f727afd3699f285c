"""Sessions: whoever does not know the key, or speaks twice, or speaks late, changes nothing."""

import hashlib
import hmac
import itertools
import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_protocol.framing import MAX_PAYLOAD, pack
from firmware_protocol.session import (
    FROM_DEVICE,
    FROM_HOST,
    MAX_BODY,
    SEQUENCE_END,
    SESSION,
    Body,
    DeviceEnd,
    DeviceHello,
    HostEnd,
    HostHello,
    Identity,
    Lost,
    NoSession,
    Opened,
    Refusal,
    Reply,
    Role,
    SequenceEndError,
    SessionError,
)
from tests.firmware_protocol.protocol_document import FOLDER

KEY, OTHER = bytes(range(32)), bytes(range(1, 33))
DOCK = Identity(Role.DOCK, "SIMDOCK-0001", "sim-1.0", 15, range(1, 2))


def nonces() -> Callable[[], bytes]:
    count = itertools.count(1)
    return lambda: next(count).to_bytes(16, "big")


def pair(
    key: bytes = KEY, identity: Identity = DOCK, versions: range = range(1, 2)
) -> tuple[HostEnd, DeviceEnd]:
    """Both ends with a running session."""
    host, device = HostEnd(KEY, Role.DOCK, versions), DeviceEnd(key, identity, lambda: b"info")
    greet(host, device)
    return host, device


def greet(host: HostEnd, device: DeviceEnd, nonce: bytes = b"h" * 16) -> None:
    fresh = nonces()
    answer = device.receive(host.hello(nonce), fresh)
    assert isinstance(answer, Reply)
    assert isinstance(host.receive(answer.payload), Opened)
    assert device.receive(host.seal(b"first"), fresh) == Body(b"first", first=True)


def refused(receive: Callable[..., object], payload: bytes, *more: object) -> Refusal:
    with pytest.raises(SessionError) as caught:
        receive(payload, *more)
    return caught.value.reason


@pytest.mark.parametrize("device", ["dock", "reader"])
def test_the_golden_transcript_follows_from_the_document_alone(device: str) -> None:
    golden = json.loads((FOLDER / device / "golden.json").read_text())["session"]
    key = bytes.fromhex(golden["key"])
    asked, answered, command, reply = (bytes.fromhex(t["payload"]) for t in golden["transcript"])

    def mac(secret: bytes, data: bytes) -> bytes:
        return hmac.new(secret, data, hashlib.sha256).digest()

    transcript = asked + answered[:-16]
    assert answered[-16:] == mac(key, b"edged/serial/v1/hello\0" + transcript)[:16]
    session = mac(key, b"edged/serial/v1/session\0" + transcript)
    for first, payload in ((b"\3", command), (b"\4", reply)):
        assert payload[:5] == first + (1).to_bytes(4, "little")
        assert payload[-8:] == mac(session, payload[:-8])[:8]
    assert asked[:4] == bytes([1, 1 if device == "dock" else 2, 1, 1])
    for entry in golden["transcript"]:
        assert pack(bytes.fromhex(entry["payload"])).hex() == entry["frame"]


def test_bodies_pass_both_ways() -> None:
    host, device = pair()
    assert device.receive(host.seal(b"to device"), nonces()) == Body(b"to device")
    assert host.receive(device.seal(b"to host")) == Body(b"to host")
    assert device.open
    assert device.common_version


def test_the_largest_body_fills_a_frame_and_no_more() -> None:
    host, _ = pair()
    assert len(host.seal(bytes(MAX_BODY))) == MAX_PAYLOAD
    with pytest.raises(ValueError, match="at most"):
        host.seal(bytes(MAX_BODY + 1))


@pytest.mark.fault("B04", "a frame that was taken once is never taken again, nor one from before it")
def test_replayed_and_reordered_frames_are_old() -> None:
    host, device = pair()
    one, two = device.seal(b"1"), device.seal(b"2")
    assert host.receive(two) == Body(b"2")
    assert refused(host.receive, one) is Refusal.OLD
    assert refused(host.receive, two) is Refusal.OLD
    lost = host.seal(b"lost on the line")
    assert device.receive(host.seal(b"3"), nonces()) == Body(b"3")
    assert refused(device.receive, lost, nonces()) is Refusal.OLD


@pytest.mark.fault("B04", "a frame sent back to its sender is not genuine")
def test_mirrored_frames_are_refused_by_both_ends() -> None:
    host, device = pair()
    assert refused(host.receive, host.seal(b"x")) is Refusal.MIRRORED
    assert refused(device.receive, device.seal(b"x"), nonces()) is Refusal.MIRRORED
    assert refused(host.receive, host.hello(bytes(16))) is Refusal.MIRRORED
    turned = bytearray(host.seal(b"x"))
    turned[0] = FROM_DEVICE  # an attacker turns the direction round
    assert refused(host.receive, bytes(turned)) is Refusal.FOREIGN


@pytest.mark.fault("D11", "a device without the key opens no session, a host without it is not obeyed")
def test_another_key_is_foreign() -> None:
    host, device = HostEnd(KEY, Role.DOCK, range(1, 2)), DeviceEnd(OTHER, DOCK, bytes)
    answer = device.receive(host.hello(bytes(16)), nonces())
    assert isinstance(answer, Reply)
    assert refused(host.receive, answer.payload) is Refusal.FOREIGN

    rogue, device = HostEnd(OTHER, Role.DOCK, range(1, 2)), DeviceEnd(KEY, DOCK, bytes)
    answer = device.receive(rogue.hello(bytes(16)), nonces())
    assert isinstance(answer, Reply)
    assert refused(rogue.receive, answer.payload) is Refusal.FOREIGN
    forged = bytes([FROM_HOST]) + (1).to_bytes(4, "little") + b"unlock" + bytes(8)
    assert refused(device.receive, forged, nonces()) is Refusal.FOREIGN
    assert not device.open


def test_frames_of_an_earlier_session_are_foreign() -> None:
    host, device = pair()
    from_host, from_device = host.seal(b"old"), device.seal(b"old")
    greet(host, device, b"i" * 16)
    assert refused(device.receive, from_host, nonces()) is Refusal.FOREIGN
    assert refused(host.receive, from_device) is Refusal.FOREIGN


def test_an_answer_to_another_hello_is_stale() -> None:
    host, device = HostEnd(KEY, Role.DOCK, range(1, 2)), DeviceEnd(KEY, DOCK, bytes)
    late = device.receive(host.hello(b"1" * 16), nonces())
    answer = device.receive(host.hello(b"2" * 16), lambda: b"n" * 16)
    assert isinstance(late, Reply)
    assert isinstance(answer, Reply)
    assert refused(host.receive, late.payload) is Refusal.STALE
    assert isinstance(host.receive(answer.payload), Opened)
    host.seal(b"1")
    assert refused(host.receive, answer.payload) is Refusal.STALE  # numbers never start anew in a session
    assert host.seal(b"2")[1:5] == (2).to_bytes(4, "little")


def test_a_hello_alone_changes_no_running_session() -> None:
    host, device = pair()
    stranger = HostEnd(OTHER, Role.DOCK, range(1, 2))
    device.receive(stranger.hello(bytes(16)), nonces())
    assert device.receive(host.seal(b"still here"), nonces()) == Body(b"still here")
    assert host.receive(device.seal(b"me too")) == Body(b"me too")


def test_a_reader_is_no_dock() -> None:
    host = HostEnd(KEY, Role.READER, range(1, 2))
    device = DeviceEnd(KEY, DOCK, bytes)
    assert refused(device.receive, host.hello(bytes(16)), nonces()) is Refusal.WRONG_ROLE
    answer = device.receive(HostEnd(KEY, Role.DOCK, range(1, 2)).hello(bytes(16)), nonces())
    assert isinstance(answer, Reply)
    assert refused(host.receive, answer.payload) is Refusal.WRONG_ROLE


def test_without_a_session_the_device_says_so() -> None:
    host, _ = pair()
    restarted = DeviceEnd(KEY, DOCK, bytes)
    answer = restarted.receive(host.seal(b"x"), nonces())
    assert answer == Reply(SESSION.encode(NoSession()))
    assert isinstance(answer, Reply)
    assert isinstance(host.receive(answer.payload), Lost)
    assert refused(HostEnd(KEY, Role.DOCK, range(1, 2)).receive, b"\x04" + bytes(20)) is Refusal.NO_SESSION


def test_sealing_without_a_session_is_a_callers_mistake() -> None:
    with pytest.raises(RuntimeError):
        HostEnd(KEY, Role.DOCK, range(1, 2)).seal(b"x")
    with pytest.raises(RuntimeError):
        DeviceEnd(KEY, DOCK, bytes).seal(b"x")
    with pytest.raises(ValueError, match="32 bytes"):
        HostEnd(b"short", Role.DOCK, range(1, 2))


@pytest.mark.fault("Z04", "the sequence ends at 2**32-1 and never wraps to a number used before")
def test_at_the_last_number_the_sender_stops() -> None:
    host, device = pair()
    assert host._channel is not None
    host._channel._sent = SEQUENCE_END - 1
    assert device.receive(host.seal(b"last"), nonces()) == Body(b"last")
    for _ in range(2):
        with pytest.raises(SequenceEndError):
            host.seal(b"one more")
    greet(host, device, b"i" * 16)
    assert device.receive(host.seal(b"anew"), nonces()) == Body(b"anew")


@pytest.mark.parametrize(
    ("host", "device", "version", "common"),
    [
        (range(1, 2), range(1, 2), 1, True),
        (range(1, 4), range(2, 9), 3, True),
        (range(2, 3), range(1, 2), 1, False),
        (range(1, 2), range(7, 9), 8, False),
        (range(1, 256), range(1, 256), 255, True),
    ],
)
@pytest.mark.fault("Z07", "versions are agreed upon or named, and cannot be talked down by a third party")
def test_versions(host: range, device: range, version: int, common: bool) -> None:
    ends = HostEnd(KEY, Role.DOCK, host), DeviceEnd(KEY, replace(DOCK, versions=device), bytes)
    fresh = nonces()
    answer = ends[1].receive(ends[0].hello(bytes(16)), fresh)
    assert isinstance(answer, Reply)
    opened = ends[0].receive(answer.payload)
    assert isinstance(opened, Opened)
    assert opened.hello.version == version
    ends[1].receive(ends[0].seal(b"x"), fresh)
    assert ends[1].common_version is common


@pytest.mark.fault("Z07", "a hello changed on the line, in either direction, opens no session")
def test_a_third_party_cannot_change_what_was_agreed() -> None:
    host, device = (
        HostEnd(KEY, Role.DOCK, range(1, 4)),
        DeviceEnd(KEY, replace(DOCK, versions=range(1, 4)), bytes),
    )
    asked = SESSION.decode(host.hello(b"n" * 16))
    assert isinstance(asked, HostHello)
    answer = device.receive(SESSION.encode(replace(asked, high=1)), nonces())  # talked down to 1
    assert isinstance(answer, Reply)
    assert refused(host.receive, answer.payload) is Refusal.FOREIGN
    answer = device.receive(SESSION.encode(asked), nonces())
    assert isinstance(answer, Reply)
    hello = SESSION.decode(answer.payload)
    assert isinstance(hello, DeviceHello)
    for changed in (replace(hello, version=1), replace(hello, serial="OTHER"), replace(hello, info=b"1")):
        assert refused(host.receive, SESSION.encode(changed)) is Refusal.FOREIGN
    assert isinstance(host.receive(answer.payload), Opened)


def test_a_range_that_is_none_is_refused() -> None:
    wrong = SESSION.encode(HostHello(role=Role.DOCK, low=3, high=2, nonce=bytes(16)))
    assert refused(DeviceEnd(KEY, DOCK, bytes).receive, wrong, nonces()) is Refusal.WRONG_ROLE


@pytest.mark.fault("Z01", "any bytes into either end are refused with a reason and change nothing")
@given(st.binary(max_size=60), st.sampled_from([b"", b"\1", b"\2", b"\3", b"\4", b"\5"]))
def test_any_bytes_are_refused(data: bytes, first: bytes) -> None:
    host, device = pair()
    payload = first + data
    for receive in (lambda: host.receive(payload), lambda: device.receive(payload, nonces())):
        try:
            received = receive()
        except SessionError:
            continue
        assert isinstance(received, Lost | Reply)  # NoSession, or a hello that happens to be well-formed
    assert device.receive(host.seal(b"still here"), nonces()) == Body(b"still here")
    assert host.receive(device.seal(b"me too")) == Body(b"me too")


@pytest.mark.fault("Z06", "a genuine frame with any single bit flipped is never genuine")
def test_no_single_bit_flip_is_genuine() -> None:
    host, device = pair()
    sent = host.seal(b"\x20unlock slot 3")
    for bit in range(8 * len(sent)):
        damaged = bytearray(sent)
        damaged[bit // 8] ^= 1 << bit % 8
        with pytest.raises(SessionError):
            device.receive(bytes(damaged), nonces())
    assert device.receive(sent, nonces()) == Body(b"\x20unlock slot 3")
