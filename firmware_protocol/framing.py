"""Splits a byte stream into frames and back: COBS, CRC-16, a zero byte on both sides.

The zero in front keeps line noise from costing more than itself. Damage is an ordinary event
here, not an exception: a cable may be pulled in mid-frame. Knows no message.
"""

import binascii
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

MAX_PAYLOAD = 240  # bytes: frame and CRC stay below COBS's 254-byte block, in a 256-byte buffer of the device
_CRC = 2
_MAX_RUN = MAX_PAYLOAD + _CRC + 1  # COBS adds one byte below 254
_RUNS = re.compile(rb"\0+|[^\0]+")


class Reject(StrEnum):
    """Why a run of bytes was dropped. The values are metric labels: never rename one."""

    CRC = "crc"
    COBS = "cobs"
    TOO_LONG = "too_long"
    TOO_SHORT = "too_short"


@dataclass(frozen=True, slots=True)
class FrameReceived:
    payload: bytes


@dataclass(frozen=True, slots=True)
class FrameRejected:
    reason: Reject
    size: int  # bytes dropped, zero marks not counted


FrameEvent: TypeAlias = FrameReceived | FrameRejected


def pack(payload: bytes) -> bytes:
    """Return ``payload`` as one frame, both marks included.

    Raises:
        ValueError: the payload is empty or longer than MAX_PAYLOAD (a caller's mistake).
    """
    if not 0 < len(payload) <= MAX_PAYLOAD:
        raise ValueError(f"payload of {len(payload)} bytes, expected 1..{MAX_PAYLOAD}")
    return b"\0" + _stuff(payload + _crc(payload)) + b"\0"


class Unpacker:
    """Feed it bytes in any pieces; it returns what they completed. Holds at most one frame."""

    def __init__(self) -> None:
        self._run = bytearray()
        self._skipped = 0  # bytes of an over-long run dropped so far; 0: not skipping

    def feed(self, data: bytes) -> list[FrameEvent]:
        # Run by run, not byte by byte: a megabyte of noise must not hold up the event loop.
        events: list[FrameEvent] = []
        for match in _RUNS.finditer(data):
            if data[match.start()] != 0:
                self._add(match)
            elif (event := self._close_run()) is not None:
                events.append(event)
        return events

    def _add(self, match: re.Match[bytes]) -> None:
        size = match.end() - match.start()
        if self._skipped:
            self._skipped += size
        elif len(self._run) + size > _MAX_RUN:
            self._skipped = len(self._run) + size
            self._run.clear()
        else:
            self._run += match.group()

    def _close_run(self) -> FrameEvent | None:
        if self._skipped:
            size, self._skipped = self._skipped, 0
            return FrameRejected(Reject.TOO_LONG, size)
        run = bytes(self._run)
        self._run.clear()
        return _check(run) if run else None  # marks in a row are an idle line, not an error


def _check(run: bytes) -> FrameEvent:
    body = _unstuff(run)
    if body is None:
        return FrameRejected(Reject.COBS, len(run))
    if len(body) <= _CRC:
        return FrameRejected(Reject.TOO_SHORT, len(run))
    payload, crc = body[:-_CRC], body[-_CRC:]
    if crc != _crc(payload):
        return FrameRejected(Reject.CRC, len(run))
    return FrameReceived(payload)


def _crc(payload: bytes) -> bytes:
    return binascii.crc_hqx(payload, 0xFFFF).to_bytes(2, "big")  # CRC-16/CCITT-FALSE


def _stuff(data: bytes) -> bytes:
    out = bytearray()
    for block in data.split(b"\0"):
        out.append(len(block) + 1)  # below 254: see MAX_PAYLOAD
        out += block
    return bytes(out)


def _unstuff(run: bytes) -> bytes | None:
    out, at = bytearray(), 0
    while at < len(run):
        step = run[at]
        if step == 0 or at + step > len(run):
            return None
        out += run[at + 1 : at + step]
        at += step
        if at < len(run):
            out.append(0)
    return bytes(out)
