"""Bulk-only transport and SCSI against simulated disks, and against devices that break the rules."""

from collections.abc import Sequence
from typing import TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from drivers.base import StallError
from drivers.bulk_only import TRIES, BulkOnly, CheckConditionError, inquire
from drivers.mass_storage import MAX_BYTES, READY_TRIES, MassStorage
from edged.errors import CameraError, ErrorCode
from firmware_protocol.usb import bot, scsi
from simulators.faults import UsbFaults
from simulators.usb.spec import CameraSpec
from tests.drivers.usb_world import SECTOR, World, quiet

SECTORS = 6000
SPEC = CameraSpec(name="cam", kind="msc", model="BODYCAM")


def image() -> bytearray:
    return bytearray(b"".join(n.to_bytes(4, "big") * (SECTOR // 4) for n in range(SECTORS)))


def disk(faults: UsbFaults | None = None, card: bytearray | None = None) -> MassStorage:
    world = World()
    world.dock(replace(SPEC, faults=faults or UsbFaults()), image() if card is None else card)
    return MassStorage.open(world.transport(), quiet)


def test_sectors_come_as_they_lie_whatever_the_span() -> None:
    whole, under_test = image(), disk()
    assert (under_test.sector_size, under_test.sectors) == (SECTOR, SECTORS)
    for lba, count in ((0, 1), (7, 3), (0, SECTORS), (SECTORS - 1, 1), (1000, 2049)):
        assert under_test.read(lba, count) == whole[lba * SECTOR : (lba + count) * SECTOR]


def test_what_was_written_is_read_back() -> None:
    card = image()
    under_test = disk(card=card)
    data = bytes(range(256)) * 2 * 3000  # more than one command
    under_test.write(5, data)
    under_test.sync()
    assert under_test.read(5, 3000) == data == card[5 * SECTOR : 3005 * SECTOR]


@pytest.mark.parametrize(("lba", "count"), [(-1, 1), (0, 0), (0, -1)])
def test_a_span_that_is_none_is_a_mistake_of_the_caller(lba: int, count: int) -> None:
    with pytest.raises(ValueError, match="sectors from"):
        disk().read(lba, count)


@pytest.mark.parametrize("size", [0, 1, 511, 513])
def test_a_part_of_a_sector_is_not_written(size: int) -> None:
    with pytest.raises(ValueError, match="no whole sectors"):
        disk().write(0, bytes(size))


def test_a_stalled_data_phase_is_recovered_and_the_command_made_anew() -> None:
    assert disk(UsbFaults(stall_every=3)).read(0, SECTORS) == image()


@pytest.mark.fault("Z02", "More data than asked for never reaches the caller and ends in CAMERA_PROTOCOL.")
def test_surplus_bytes_are_a_protocol_error() -> None:
    with pytest.raises(CameraError) as caught:
        disk(UsbFaults(surplus_bytes=5))
    assert caught.value.code is ErrorCode.CAMERA_PROTOCOL


@pytest.mark.fault("Z01", "A status wrapper of the wrong tag, length or signature counts for nothing.")
@pytest.mark.parametrize("fault", ["wrong-tag", "garbage", "phase-error", "short"])
def test_a_bad_status_is_a_protocol_error_after_bounded_tries(fault: str) -> None:
    world = World()
    world.dock(replace(SPEC, faults=UsbFaults(status_wrapper=fault)), image())  # type: ignore[arg-type]  # parametrized
    bulk = world.bulk()
    with pytest.raises(CameraError) as caught:
        MassStorage.open(BulkOnly(bulk), quiet)
    assert caught.value.code is ErrorCode.CAMERA_PROTOCOL
    assert bulk.controls.count((0x21, bot.RESET)) == TRIES


@pytest.mark.fault("U14", "An unreadable sector is tried again a bounded number of times, then named.")
def test_a_bad_sector_is_named() -> None:
    under_test = disk(UsbFaults(bad_sectors=((77, 1),)))
    with pytest.raises(CameraError) as caught:
        under_test.read(64, 128)
    assert caught.value.code is ErrorCode.CAMERA_MEDIA
    assert caught.value.detail["lba"] == 77
    assert under_test.read(64, 13) == image()[64 * SECTOR : 77 * SECTOR]
    assert under_test.read(78, 10) == image()[78 * SECTOR : 88 * SECTOR]


@pytest.mark.fault("U13", "A claim beyond the largest card is cut to it, whatever READ CAPACITY says.")
@pytest.mark.parametrize("claimed", [1 << 33, 1 << 40, 1 << 63])
def test_a_giant_claim_is_bounded(claimed: int) -> None:
    under_test = disk(UsbFaults(claimed_sectors=claimed))
    assert under_test.sectors == MAX_BYTES // SECTOR
    assert under_test.claimed_bytes == claimed * SECTOR
    with pytest.raises(CameraError) as caught:
        under_test.read(under_test.sectors, 1)
    assert caught.value.code is ErrorCode.CAMERA_MEDIA


@pytest.mark.fault("U13", "A sector size that no disk has is refused before anything is computed with it.")
@pytest.mark.parametrize("size", [1, 511, 513, 1 << 31, 0xFFFF_FFFF])
def test_an_impossible_sector_size_is_refused(size: int) -> None:
    with pytest.raises(CameraError) as caught:
        disk(UsbFaults(claimed_sector_size=size))
    assert caught.value.code is ErrorCode.CAMERA_PROTOCOL


def test_a_slot_without_a_card_says_so() -> None:
    world = World()
    world.dock(SPEC)
    with pytest.raises(CameraError) as caught:
        MassStorage.open(world.transport(), quiet)
    assert caught.value.code is ErrorCode.CAMERA_NO_CARD


@pytest.mark.parametrize(
    ("faults", "code"),
    [
        (UsbFaults(write_protected=True), ErrorCode.CAMERA_REFUSED),
        (UsbFaults(bad_write_sectors=((3, 1),)), ErrorCode.CAMERA_MEDIA),
        (UsbFaults(cut_after_writes=1), ErrorCode.CAMERA_LOST),
    ],
)
def test_a_write_that_fails_is_told(faults: UsbFaults, code: ErrorCode) -> None:
    with pytest.raises(CameraError) as caught:
        disk(faults).write(0, bytes(8 * SECTOR))
    assert caught.value.code is code


# --- scripted devices: what a simulated disk does not do ---


Packet: TypeAlias = bytes | type[StallError]


class Scripted:
    """A device that answers each command as a function says: (tag, cdb, asked) → packets."""

    def __init__(self, *answers: Sequence[Packet]) -> None:
        self.answers = list(answers)
        self.waiting: list[Packet] = []
        self.cleared: list[bool] = []
        self.resets = self.commands = 0

    def write(self, data: bytes, timeout_s: float) -> None:
        wrapper = bot.decode_command(data)
        self.commands += 1
        script = self.answers.pop(0) if self.answers else [csw(0)]
        tag = wrapper.tag.to_bytes(4, "little")
        self.waiting = [p.replace(b"TTTT", tag) if isinstance(p, bytes) else p for p in script]

    def read(self, size: int, timeout_s: float) -> bytes:
        if not self.waiting:
            raise CameraError(ErrorCode.CAMERA_SILENT)
        packet = self.waiting.pop(0)
        if not isinstance(packet, bytes):
            raise packet
        return packet[:size]

    def clear_halt(self, *, inbound: bool) -> None:
        self.cleared.append(inbound)

    def control(self, request_type: int, request: int, value: int, index: int, data: bytes | int) -> bytes:
        assert (request_type, request, data) == (0x21, bot.RESET, b"")
        self.resets += 1
        return b""

    def close(self) -> None:
        pass


def csw(status: int, residue: int = 0) -> bytes:
    return b"USBSTTTT" + residue.to_bytes(4, "little") + bytes([status])


SENSE = scsi.Sense(key=scsi.SenseKey.UNIT_ATTENTION, code=0x28).encode()
ASK = scsi.Read10(0, 1).encode()


def test_a_csw_in_place_of_the_data_is_the_csw() -> None:
    device = Scripted([csw(1, 512)], [SENSE, csw(0)])
    with pytest.raises(CheckConditionError) as caught:
        BulkOnly(device).command(ASK, ask=512)
    assert caught.value.sense is not None
    assert caught.value.sense.code == 0x28
    assert device.resets == 0


def test_an_empty_packet_before_the_csw_is_skipped() -> None:
    device = Scripted([b"\x01" * 512, b"", csw(0)])
    assert BulkOnly(device).command(ASK, ask=512) == b"\x01" * 512


def test_a_stalled_csw_is_asked_for_once_more() -> None:
    device = Scripted([b"\x01" * 512, StallError, csw(0)])
    assert BulkOnly(device).command(ASK, ask=512) == b"\x01" * 512
    assert device.cleared == [True]


def test_the_residue_is_cut_off_and_one_that_cannot_be_is_refused() -> None:
    assert BulkOnly(Scripted([b"\x01" * 512, csw(0, 100)])).command(ASK, ask=512) == b"\x01" * 412
    device = Scripted(*[[b"\x01" * 512, csw(0, 513)]] * TRIES)
    with pytest.raises(CameraError) as caught:
        BulkOnly(device).command(ASK, ask=512)
    assert caught.value.code is ErrorCode.CAMERA_PROTOCOL


def test_a_silence_is_given_one_more_chance() -> None:
    device = Scripted([], [b"\x01" * 512, csw(0)])
    assert BulkOnly(device).command(ASK, ask=512) == b"\x01" * 512
    assert (device.resets, device.commands) == (1, 2)
    device = Scripted([], [], [], [])
    with pytest.raises(CameraError) as caught:
        BulkOnly(device).command(ASK, ask=512)
    assert caught.value.code is ErrorCode.CAMERA_SILENT
    assert device.commands == 2


def test_a_reset_that_is_told_once_does_not_fail_the_command() -> None:
    told = scsi.POWERED_ON.encode()
    device = Scripted([csw(1)], [told, csw(0)], [csw(0)])
    assert BulkOnly(device).command(bytes(6), again=False) == b""
    device = Scripted(*[[csw(1)], [told, csw(0)]] * 3)
    with pytest.raises(CheckConditionError):
        BulkOnly(device).command(bytes(6))
    assert device.commands == 4


def test_a_command_that_must_not_be_repeated_is_not() -> None:
    device = Scripted([csw(2)])
    with pytest.raises(CameraError):
        BulkOnly(device).command(bytes(6), again=False)
    assert (device.commands, device.resets) == (1, 1)


def test_a_device_that_never_becomes_ready_is_given_up_with_pauses_in_between() -> None:
    not_ready = scsi.BECOMING_READY.encode()
    device = Scripted(*[[csw(1)], [not_ready, csw(0)]] * READY_TRIES)
    pauses: list[float] = []
    with pytest.raises(CameraError) as caught:
        MassStorage.open(BulkOnly(device), pauses.append)
    assert caught.value.code is ErrorCode.CAMERA_SILENT
    assert len(pauses) == READY_TRIES - 1
    assert 5 < sum(pauses) < 15


@pytest.mark.fault("U05", "A card changed under a running conversation is CAMERA_CHANGED, not read on.")
def test_another_card_in_mid_work_is_not_read_on() -> None:
    capacity = scsi.Capacity(sectors=100, sector_size=512).encode_10()
    device = Scripted([csw(0)], [capacity, csw(0)], [StallError, csw(1, 512)], [SENSE, csw(0)])
    under_test = MassStorage.open(BulkOnly(device), quiet)
    with pytest.raises(CameraError) as caught:
        under_test.read(0, 1)
    assert caught.value.code is ErrorCode.CAMERA_CHANGED


def test_a_device_without_a_cache_command_is_in_sync() -> None:
    capacity = scsi.Capacity(sectors=100, sector_size=512).encode_10()
    refused = scsi.INVALID_OPERATION.encode()
    device = Scripted([csw(0)], [capacity, csw(0)], [csw(1)], [refused, csw(0)])
    MassStorage.open(BulkOnly(device), quiet).sync()
    failing = scsi.WRITE_ERROR.encode()
    device = Scripted([csw(0)], [capacity, csw(0)], [csw(1)], [failing, csw(0)])
    with pytest.raises(CameraError) as caught:
        MassStorage.open(BulkOnly(device), quiet).sync()
    assert caught.value.code is ErrorCode.CAMERA_MEDIA


packets = st.lists(
    st.one_of(st.binary(max_size=64), st.just(StallError), st.just(csw(0)), st.just(csw(1))), max_size=4
)


@pytest.mark.fault("Z01", "Whatever packets a device answers, a command ends in data or a CameraError, in "
                   "bounded steps.")  # fmt: skip
@given(st.lists(packets, max_size=12))
def test_any_packets_end_in_an_answer_or_a_camera_error(
    answers: list[list[Packet]],
) -> None:
    device = Scripted(*answers)
    try:
        assert len(BulkOnly(device).command(ASK, ask=512)) <= 512
        told = inquire(BulkOnly(device))
        assert len(told.product) <= 64
        MassStorage.open(BulkOnly(device), quiet).read(0, 1)
    except CameraError:
        pass
    assert device.commands < 400
