"""Whatever a device sends, the worker answers: with an answer, or with Failed."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.base import StallError
from drivers.cameras.identity import UsbIdentity
from drivers.worker import messages as m
from drivers.worker.serve import WorkerServer
from edged.errors import CameraError, CameraLostError, ErrorCode
from firmware_protocol.usb import bot, scsi
from tests.drivers.usb_world import PORT, quiet

IDENTITY = UsbIdentity(
    port=PORT,
    vendor_id=1,
    product_id=2,
    manufacturer="",
    product="",
    serial="",
    interfaces=("08/06/50",),
    descriptor_sha256="",
    configuration=1,
    interface=0,
    bulk_in=0x81,
    bulk_out=1,
)
COMMANDS = 5000  # more than any request may cost a device that answers nonsense
GAT = scsi.InquiryData(vendor="DV16", product="DEVICE V1.00", revision="1").encode()


@dataclass
class Noise:
    """Well-formed transport, any content: each command gets the next reply; a stall is an empty one."""

    replies: list[bytes | None]
    gone_after: int
    gat: bool
    commands: int = 0
    waiting: list[bytes] = field(default_factory=list)

    def write(self, data: bytes, timeout_s: float) -> None:
        if len(data) != bot.CBW_SIZE:
            return
        wrapper = bot.decode_command(data)
        self.commands += 1
        if self.commands > self.gone_after:
            raise CameraLostError
        assert self.commands < COMMANDS
        reply = self.replies[self.commands % len(self.replies)]
        if self.gat and wrapper.command[0] == 0x12:
            reply = GAT
        status = bot.Status.FAILED if reply is None else bot.Status.PASSED
        data = (reply or b"")[: wrapper.length] if wrapper.inbound else b""
        residue = wrapper.length - len(data) if wrapper.inbound else 0
        end = bot.StatusWrapper(tag=wrapper.tag, residue=residue, status=status).encode()
        self.waiting = [data, end] if wrapper.inbound else [end]

    def read(self, size: int, timeout_s: float) -> bytes:
        if not self.waiting:
            raise CameraError(ErrorCode.CAMERA_SILENT)
        packet = self.waiting.pop(0)
        if not packet:
            raise StallError
        return packet[:size]

    def clear_halt(self, *, inbound: bool) -> None:
        pass

    def control(self, request_type: int, request: int, value: int, index: int, data: bytes | int) -> bytes:
        self.waiting = []
        return b""

    def close(self) -> None:
        pass


@dataclass
class Open:
    device: Noise
    identity: UsbIdentity = IDENTITY

    def check_unchanged(self) -> None:
        pass

    def close(self) -> None:
        pass


CAPACITY = scsi.Capacity(sectors=64, sector_size=512).encode_10()
SENSES = [scsi.Sense(key=key, code=0x3A if key == 2 else 0x11).encode() for key in scsi.SenseKey]
replies = st.one_of(st.none(), st.binary(max_size=1024), st.sampled_from([CAPACITY, b"", bytes(4), *SENSES]))
CLIP = m.Clip(path="/A", size=5, mtime="", first_cluster=3)
REQUESTS: tuple[m.Request, ...] = (
    m.Identify(),
    m.ReadClock(),
    m.ReadBattery(),
    m.SetClock(local="2026-11-22T07:00:02"),
    m.Assign(user_no="1"),
    m.ListClips(),
    m.Fingerprint(clip=CLIP),
    m.Clear(clips=(CLIP,)),
    m.EnterDisk(),
)


@pytest.mark.fault("Z01", "Whatever a device answers to its commands, every request ends in its answer or in Failed, "
                   "within a bounded number of commands.")  # fmt: skip
@settings(max_examples=150, deadline=None)
@given(st.lists(replies, min_size=1, max_size=12), st.integers(0, COMMANDS), st.booleans())
def test_every_request_is_answered_whatever_the_device_sends(
    noise: list[bytes | None], gone_after: int, gat: bool
) -> None:
    server = WorkerServer(lambda: Open(Noise(noise, gone_after, gat)), "000000", quiet)
    for request in REQUESTS:
        assert isinstance(server.handle(request), m.Answer)
    server.close()
