"""Simulated disks: true to the bulk-only transport, and each fault as its description says."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.base import StallError
from edged.errors import CameraError, CameraLostError, ErrorCode
from firmware_protocol.errors import WireError
from firmware_protocol.usb import bot, descriptors, scsi
from firmware_protocol.usb.descriptors import Kind, Request
from simulators.faults import UsbFaults
from simulators.usb.bus import BusError, Enumerated
from simulators.usb.device import Stall
from simulators.usb.disk import Flush, SectorWrite, replay
from simulators.usb.hostile import DEVICES
from simulators.usb.interfaces import INTERFACES
from simulators.usb.spec import CameraChanges, CameraSpec
from tests.simulators.usb_host import PORT, Host, Refused, World

SECTORS = 64
CONTENT = b"".join(n.to_bytes(4, "big") * 128 for n in range(SECTORS))


def disk(faults: UsbFaults | None = None, card: bytearray | None = None) -> tuple[World, Host]:
    world = World()
    spec = CameraSpec(name="cam", kind="msc", usb_serial="M1", faults=faults or UsbFaults())
    return world, world.plug(spec, bytearray(CONTENT) if card is None else card).ready()


# --- a good disk -----------------------------------------------------------------------------------


def test_it_reads_writes_and_tells_its_size() -> None:
    world, host = disk()
    raw = host.scsi(scsi.ReadCapacity10(), scsi.CAPACITY_10_SIZE)
    assert scsi.decode_capacity_10(raw) == scsi.Capacity(sectors=SECTORS, sector_size=512)
    host.write(3, b"\xaa" * 1024)
    host.scsi(scsi.SynchronizeCache10())
    assert host.read(2, 4) == CONTENT[1024:1536] + b"\xaa" * 1024 + CONTENT[2560:3072]
    written = [
        entry.lba if isinstance(entry, SectorWrite) else "flush" for entry in world.bus.camera("cam").writes
    ]
    assert written == [3, 4, "flush"]


def test_the_first_command_after_power_on_is_met_with_a_unit_attention() -> None:
    world = World()
    host = world.plug(CameraSpec(name="cam", kind="msc"), bytearray(512))
    host.scsi(scsi.Inquiry(), scsi.INQUIRY_SIZE)
    with pytest.raises(Refused) as caught:
        host.scsi(scsi.TestUnitReady())
    assert caught.value.sense == scsi.POWERED_ON
    host.scsi(scsi.TestUnitReady())


def test_data_may_be_fetched_in_pieces_of_any_size() -> None:
    _, host = disk()
    command = scsi.Read10(0, 8).encode()
    host.device.write(bot.CommandWrapper(tag=9, length=4096, inbound=True, command=command).encode(), 1)
    got = b"".join(host.device.read(size, 1) for size in (512, 1024, 512, 2048))
    assert got == CONTENT[:4096]
    assert bot.decode_status(host.device.read(13, 1)).residue == 0


def test_less_data_than_expected_ends_in_a_short_packet_and_a_residue() -> None:
    _, host = disk()
    data, status = host.command(scsi.Inquiry(36).encode(), ask=96)
    assert (len(data), status.residue) == (36, 60)
    data, status = host.command(scsi.Read10(0, 1).encode(), ask=1024)
    assert (len(data), status.residue) == (512, 512)


def test_data_that_ends_with_a_packet_is_followed_by_an_empty_one() -> None:
    _, host = disk()
    command = bot.CommandWrapper(tag=9, length=1024, inbound=True, command=scsi.Read10(0, 1).encode())
    host.device.write(command.encode(), 1)
    assert len(host.device.read(512, 1)) == 512
    assert host.device.read(512, 1) == b""
    assert bot.decode_status(host.device.read(13, 1)).residue == 512


def test_a_phase_that_contradicts_the_command_is_a_phase_error() -> None:
    _, host = disk()
    _, status = host.command(scsi.Write10(0, 1).encode(), ask=512)
    assert status.status is bot.Status.PHASE_ERROR
    _, status = host.command(scsi.Read10(0, 1).encode(), send=bytes(512))
    assert status.status is bot.Status.PHASE_ERROR
    assert host.read(0, 1) == CONTENT[:512]


def test_an_invalid_command_wrapper_blocks_both_pipes_until_the_reset() -> None:
    _, host = disk()
    with pytest.raises(StallError):
        host.device.write(b"garbage", 1)
    host.device.clear_halt(inbound=True)
    with pytest.raises(StallError):
        host.device.read(13, 1)
    host.device.control(0x21, bot.RESET, 0, 0, b"")
    host.device.clear_halt(inbound=True)
    host.device.clear_halt(inbound=False)
    assert host.read(0, 1) == CONTENT[:512]


def test_there_is_one_logical_unit() -> None:
    _, host = disk()
    assert host.device.control(0xA1, bot.GET_MAX_LUN, 0, 0, 1) == b"\0"


@pytest.mark.parametrize(("lba", "count"), [(SECTORS, 1), (SECTORS - 1, 2), (0xFFFF_FFFF, 1)])
def test_beyond_the_end_nothing_is_read_or_written(lba: int, count: int) -> None:
    _, host = disk()
    with pytest.raises(Refused) as caught:
        host.read(lba, count)
    assert caught.value.sense == scsi.LBA_OUT_OF_RANGE
    with pytest.raises(Refused):
        host.scsi(scsi.Write10(lba, count), send=bytes(512 * count))
    assert host.read(0, SECTORS) == CONTENT


# --- the plug --------------------------------------------------------------------------------------


@given(st.integers(0, len(CONTENT)), st.integers(1, SECTORS))
@settings(max_examples=40)
def test_the_plug_may_be_pulled_at_any_byte(limit: int, step: int) -> None:
    world, host = disk(UsbFaults(pull_after_bytes=limit))
    got = b""
    pulled = False
    for lba in range(0, SECTORS, step):
        try:
            got += host.read(lba, min(step, SECTORS - lba))
        except CameraLostError:
            pulled = True
            break
    assert pulled
    assert len(got) <= limit
    assert got == CONTENT[: len(got)]
    assert world.bus.where("cam") is None
    world.bus.plug(PORT, "cam")
    assert world.open().ready().read(0, SECTORS) == CONTENT


def test_a_contact_that_drops_comes_back_by_itself() -> None:
    world, host = disk(UsbFaults(drop_after_bytes=700, back_s=2.0))
    with pytest.raises(CameraLostError):
        host.read(0, 8)
    assert world.bus.where("cam") == PORT
    world.pass_s(1.9)
    assert world.bus.on_bus(PORT) is None
    world.pass_s(0.2)
    assert world.open().ready().read(0, SECTORS) == CONTENT


def test_a_fault_set_while_it_is_plugged_counts_from_then_on() -> None:
    world, host = disk()
    host.read(0, SECTORS)
    world.bus.camera("cam").change(CameraChanges(faults=UsbFaults(pull_after_bytes=1000)))
    assert host.read(0, 1) == CONTENT[:512]
    with pytest.raises(CameraLostError):
        host.read(1, 1)


def test_a_silent_camera_answers_nothing_until_it_loses_power() -> None:
    world, host = disk()
    world.bus.camera("cam").change(CameraChanges(faults=UsbFaults(silent_after_commands=2)))
    host.read(0, 1)
    host.read(0, 1)
    with pytest.raises(CameraError) as caught:
        host.read(0, 1)
    assert caught.value.code is ErrorCode.CAMERA_SILENT
    with pytest.raises(CameraError):
        host.device.control(0x80, Request.GET_DESCRIPTOR, Kind.DEVICE << 8, 0, 18)
    world.bus.power(PORT, False)
    world.bus.power(PORT, True)
    assert world.open().ready().read(0, 1) == CONTENT[:512]


def test_a_slow_camera_says_how_long_each_read_takes() -> None:
    _, host = disk(UsbFaults(bytes_per_s=1024))
    host.read(0, 4)
    assert host.device.waited_s == pytest.approx(2.0)


def test_a_stalling_camera_fails_each_nth_data_phase_and_goes_on() -> None:
    _, host = disk(UsbFaults(stall_every=3))
    outcomes = []
    for _ in range(5):
        try:
            outcomes.append(host.read(0, 1) == CONTENT[:512])
        except Refused as refused:
            outcomes.append(refused.sense.key is not scsi.SenseKey.ABORTED_COMMAND)
    assert False in outcomes
    assert True in outcomes


@pytest.mark.parametrize("kind", ["wrong-tag", "garbage", "short"])
def test_a_broken_status_wrapper_is_broken(kind: str) -> None:
    world = World()
    faults = UsbFaults(status_wrapper=kind)  # type: ignore[arg-type]  # one of the literals
    host = world.plug(CameraSpec(name="cam", kind="msc", faults=faults), bytearray(512))
    with pytest.raises((WireError, AssertionError)):
        host.command(scsi.TestUnitReady().encode())


def test_more_bytes_than_asked_for_are_sent() -> None:
    world, host = disk()
    world.bus.camera("cam").change(CameraChanges(faults=UsbFaults(surplus_bytes=64)))
    with pytest.raises(CameraError, match="more bytes"):
        host.read(0, 1)


# --- the card --------------------------------------------------------------------------------------


def test_a_bad_sector_gives_what_lies_before_it_and_its_own_number() -> None:
    _, host = disk(UsbFaults(bad_sectors=((10, 2),)))
    with pytest.raises(Refused) as caught:
        host.read(8, 8)
    assert caught.value.data == CONTENT[8 * 512 : 10 * 512]
    assert caught.value.sense.key is scsi.SenseKey.MEDIUM_ERROR
    assert caught.value.sense.information == 10
    assert host.read(12, 4) == CONTENT[12 * 512 : 16 * 512]


def test_a_sector_that_cannot_be_written_keeps_what_it_held() -> None:
    world, host = disk(UsbFaults(bad_write_sectors=((5, 1),)))
    with pytest.raises(Refused) as caught:
        host.write(4, b"\xaa" * 1536)
    assert caught.value.sense.key is scsi.SenseKey.MEDIUM_ERROR
    assert host.read(4, 3) == b"\xaa" * 512 + CONTENT[5 * 512 : 7 * 512]
    assert len(world.bus.camera("cam").writes) == 1


def test_an_unstable_sector_differs_by_one_bit_from_the_second_read_on() -> None:
    _, host = disk(UsbFaults(unstable_sectors=((7, 1),)))
    first, second = host.read(0, SECTORS), host.read(0, SECTORS)
    assert first == CONTENT
    different = [at for at, (a, b) in enumerate(zip(first, second, strict=True)) if a != b]
    assert len(different) == 1
    assert different[0] // 512 == 7
    assert (first[different[0]] ^ second[different[0]]).bit_count() == 1


def test_a_false_capacity_is_told_and_reads_as_zeros() -> None:
    _, host = disk(UsbFaults(claimed_sectors=1 << 31))
    raw = host.scsi(scsi.ReadCapacity10(), scsi.CAPACITY_10_SIZE)
    assert scsi.decode_capacity_10(raw).sectors == 1 << 31
    assert host.read(SECTORS - 1, 2) == CONTENT[-512:] + bytes(512)


def test_a_capacity_beyond_32_bits_is_told_in_the_long_form() -> None:
    _, host = disk(UsbFaults(claimed_sectors=1 << 41))
    short = scsi.decode_capacity_10(host.scsi(scsi.ReadCapacity10(), 8))
    assert short.sectors == 1 << 32
    assert scsi.decode_capacity_16(host.scsi(scsi.ReadCapacity16(), 32)).sectors == 1 << 41


def test_a_protected_card_says_so_and_stays_as_it_is() -> None:
    _, host = disk(UsbFaults(write_protected=True))
    header = scsi.decode_mode_header(host.scsi(scsi.ModeSense6(), 4))
    assert header.write_protected
    with pytest.raises(Refused) as caught:
        host.write(0, bytes(512))
    assert caught.value.sense.key is scsi.SenseKey.DATA_PROTECT
    assert host.read(0, SECTORS) == CONTENT


def test_writes_that_vanish_are_read_back_until_the_plug_is_out() -> None:
    world, host = disk(UsbFaults(writes_vanish=True))
    host.write(0, b"\xaa" * 512)
    assert host.read(0, 1) == b"\xaa" * 512
    world.bus.unplug(PORT)
    world.bus.plug(PORT, "cam")
    assert world.open().ready().read(0, 1) == CONTENT[:512]


@given(st.integers(0, 12), st.integers(1, 3))
@settings(max_examples=30)
def test_power_may_be_cut_between_any_two_sector_writes(limit: int, step: int) -> None:
    card = bytearray(CONTENT)
    world, host = disk(UsbFaults(cut_after_writes=limit), card)
    cut = False
    for lba in range(20, 20 + 13 * step, step):
        try:
            host.write(lba, b"\xaa" * 512 * step)
        except CameraLostError:
            cut = True
            break
    assert cut
    log = world.bus.camera("cam").writes
    assert len(log) == limit
    assert replay(CONTENT, log) == card


def test_the_log_gives_the_card_after_each_write() -> None:
    card = bytearray(CONTENT)
    world, host = disk(card=card)
    host.write(1, b"\x01" * 512)
    host.scsi(scsi.SynchronizeCache10())
    host.write(1, b"\x02" * 512)
    log = world.bus.camera("cam").writes
    assert isinstance(log[1], Flush)
    assert replay(CONTENT, log[:2])[512:1024] == b"\x01" * 512
    assert replay(CONTENT, log) == card


# --- what a device says of itself ------------------------------------------------------------------


def described(world: World, port: str = PORT) -> tuple[descriptors.DeviceDescriptor, bytes]:
    what = world.bus.on_bus(port)
    assert isinstance(what, Enumerated)
    device = descriptors.decode_device(what.device.identity.device)
    return device, what.device.identity.configuration


def test_an_honest_camera_is_one_disk_interface() -> None:
    world, host = disk()
    device, configuration = described(world)
    found = descriptors.decode_configuration(configuration)
    assert [one.triple for one in found.interfaces] == [bot.INTERFACE]
    raw = host.device.control(0x80, Request.GET_DESCRIPTOR, Kind.STRING << 8 | device.serial, 0x0409, 255)
    assert descriptors.decode_string(raw) == "M1"


@pytest.mark.parametrize("name", INTERFACES)
def test_a_hidden_interface_shows_in_the_descriptors(name: str) -> None:
    world, _ = disk(UsbFaults(extra_interfaces=(name,)))
    found = descriptors.decode_configuration(described(world)[1])
    assert [one.triple for one in found.interfaces][1:] == [one.triple for one in INTERFACES[name]]


def test_a_camera_may_show_more_once_it_is_a_disk() -> None:
    world = World()
    spec = CameraSpec(name="cam", serial="K1", faults=UsbFaults(extra_as_disk=("keyboard",)))
    host = world.plug(spec, bytearray(512))
    assert len(descriptors.decode_configuration(described(world)[1]).interfaces) == 1
    host.cdb(bytes.fromhex("fb820000000600000000000000000000"))
    world.pass_s(1)
    triples = [one.triple for one in descriptors.decode_configuration(described(world)[1]).interfaces]
    assert triples == [bot.INTERFACE, (3, 1, 1)]


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (descriptors.encode_string(""), ""),
        (bytes([254, 3]) + b"\xf0\x04" * 5000, "\u04f0" * 126),  # 10 kB behind a length byte of 254
    ],
    ids=["empty", "ten-kilobytes"],
)
def test_a_serial_number_may_be_anything(raw: bytes, text: str) -> None:
    world, host = disk(UsbFaults(serial_descriptor_hex=raw.hex()))
    number = described(world)[0].serial
    answer = host.device.control(0x80, Request.GET_DESCRIPTOR, Kind.STRING << 8 | number, 0x0409, 20_000)
    assert answer == raw
    assert descriptors.decode_string(answer) == text


def test_without_a_serial_number_the_device_names_no_string() -> None:
    world = World()
    world.plug(CameraSpec(name="cam", kind="msc"), bytearray(512))
    assert described(world)[0].serial == 0


@pytest.mark.parametrize("name", DEVICES)
def test_no_impostor_passes_for_a_camera(name: str) -> None:
    world = World()
    world.bus.add(CameraSpec(name="cam", kind=name))
    world.bus.plug(PORT, "cam")
    what = world.bus.on_bus(PORT)
    assert what is not None
    try:
        raw = what.device.control(descriptors.Setup(0x80, 6, Kind.CONFIGURATION << 8, 0, 4096), b"")
        found = descriptors.decode_configuration(raw or b"")
    except (WireError, Stall):
        return
    assert [one.triple for one in found.interfaces] != [bot.INTERFACE]


# --- the bus ---------------------------------------------------------------------------------------


def test_two_cameras_do_not_fit_into_one_port_nor_one_into_two() -> None:
    world, _ = disk()
    world.bus.add(CameraSpec(name="other", kind="msc"))
    with pytest.raises(BusError, match="holds 'cam'"):
        world.bus.plug(PORT, "other")
    with pytest.raises(BusError, match=f"sits in port {PORT}"):
        world.bus.plug("1-1.4", "cam")
    with pytest.raises(BusError, match="no port"):
        world.bus.plug("2-1", "other")
    with pytest.raises(BusError, match="known: cam, other"):
        world.bus.plug("1-1.4", "nobody")


def test_a_port_without_power_shows_nothing() -> None:
    world = World()
    world.bus.power(PORT, False)
    world.bus.add(CameraSpec(name="cam", kind="msc"), bytearray(512))
    world.bus.plug(PORT, "cam")
    assert world.bus.present() == ()
    world.bus.power(PORT, True)
    assert [what.port for what in world.bus.present()] == [PORT]


def test_device_numbers_are_never_the_same_twice_in_a_row() -> None:
    world, _ = disk()
    seen: list[int] = []
    for _ in range(300):
        world.bus.power(PORT, False)
        world.bus.power(PORT, True)
        seen.extend(what.devnum for what in world.bus.present())
    assert min(seen) == 2
    assert max(seen) == 127
    assert all(a != b for a, b in pairwise(seen))


def test_listeners_hear_everything_in_order() -> None:
    world, _ = disk()
    heard: list[tuple[str, str]] = []
    present = world.bus.listen(lambda event, what: heard.append((event, what.port)))
    assert [what.port for what in present] == [PORT]
    world.bus.power(PORT, False)
    world.bus.power(PORT, True)
    world.bus.unplug(PORT)
    world.bus.unplug(PORT)
    assert heard == [("remove", PORT), ("add", PORT), ("remove", PORT)]


# --- any bytes -------------------------------------------------------------------------------------

CDBS = st.binary(min_size=1, max_size=16) | st.sampled_from(
    [
        bytes([0xFD, 0x81, 0, 0, 0]),
        bytes([0xFB, 0x82, 0, 0, 0]),
        b"\x28",
        b"\x2a",
        b"\x88",
        b"\x8a",
        b"\x9e\x10",
    ]
).flatmap(lambda head: st.binary(max_size=16 - len(head)).map(lambda tail: head + tail))


@given(
    st.sampled_from(["gat947", "msc"]),
    st.lists(st.tuples(CDBS, st.integers(0, 4096), st.booleans()), max_size=6),
)
@settings(max_examples=60)
def test_no_command_whatever_it_is_brings_a_device_down(
    kind: str, exchanges: list[tuple[bytes, int, bool]]
) -> None:
    world = World()
    host = world.plug(CameraSpec(name="cam", kind=kind, serial="K1"), bytearray(CONTENT))
    try:
        for cdb, size, inbound in exchanges:
            host.command(cdb, ask=size if inbound else 0, send=b"" if inbound else bytes(size))
    except CameraError:
        return  # it left the bus, or waits for more: both are answers
    assert world.bus.on_bus(PORT) is not None


@given(st.integers(0, 255), st.integers(0, 255), st.integers(0, 65535), st.integers(0, 65535))
@settings(max_examples=100)
def test_no_control_request_whatever_it_is_brings_a_device_down(
    request_type: int, request: int, value: int, index: int
) -> None:
    world, _ = disk()
    what = world.bus.on_bus(PORT)
    assert what is not None
    setup = descriptors.Setup(request_type, request, value, index, 64)
    try:
        answer = what.device.control(setup, b"")
    except Stall:
        return
    assert answer is not None
    assert len(answer) <= 64


def test_a_card_that_is_not_there_is_said_when_the_camera_is_made() -> None:
    with pytest.raises(BusError, match="no card image at /nowhere"):
        World().bus.add(CameraSpec(name="cam", card="/nowhere"))
