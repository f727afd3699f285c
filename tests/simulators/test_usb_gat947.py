"""The simulated GA/T 947 camera keeps the protocol document, its refusals included."""

from datetime import timedelta

import pytest

from edged.errors import CameraLostError
from firmware_protocol.gat947 import records
from firmware_protocol.gat947.commands import Command
from firmware_protocol.gat947.records import Form, ZfyInfo
from firmware_protocol.usb import descriptors, scsi
from simulators.faults import UsbFaults
from simulators.usb.camera import Camera
from simulators.usb.spec import CameraChanges, CameraSpec
from tests.simulators.usb_host import PORT, START, Host, Refused, World

SPEC = CameraSpec(name="cam", serial="K000001", usb_serial="BWC00001", user_no="104217")
INFO = ZfyInfo(serial="K000001", user_no="104217")


def camera(world: World) -> Camera:
    return world.bus.camera("cam")


def status(host: Host) -> int:
    return records.decode_number(host.vendor(Command.GET_RETURN_STATUS))


@pytest.fixture
def world() -> World:
    return World()


def test_it_names_itself_as_the_family_does(world: World) -> None:
    host = world.plug(SPEC, bytearray(512))
    told = scsi.decode_inquiry(host.scsi(scsi.Inquiry(), scsi.INQUIRY_SIZE))
    assert (told.vendor + told.product).lower().replace(" ", "") == "dv16devicev1.00"
    host.vendor(Command.INIT)
    assert records.decode_text(host.vendor(Command.GET_ID_CODE)) == "HACH8"
    assert records.decode_resolution(host.vendor(Command.READ_DEV_RES)) == (1920, 1080)
    assert records.decode_text(host.vendor(Command.GET_PASSWORD)) == "000000"


@pytest.mark.parametrize("form", Form)
def test_it_has_one_form_of_the_record_and_refuses_the_other(world: World, form: Form) -> None:
    host = world.plug(CameraSpec(name="cam", serial="K000001", user_no="104217", form=form.value))
    other = next(one for one in Form if one is not form)
    assert records.decode_info(host.vendor(Command.GET_DEV_INFO, length=form)) == INFO
    assert status(host) == 0
    with pytest.raises(Refused):
        host.vendor(Command.GET_DEV_INFO, length=other)
    assert status(host) != 0


@pytest.mark.parametrize("form", Form)
def test_the_officers_number_is_stored_and_the_serial_is_not(world: World, form: Form) -> None:
    host = world.plug(CameraSpec(name="cam", serial="K000001", form=form.value))
    host.vendor(Command.WRITE_DEV_INFO, ZfyInfo(serial="OTHER", user_no="77").encode(form))
    assert status(host) == 0
    read = records.decode_info(host.vendor(Command.GET_DEV_INFO, length=form))
    assert (read.serial, read.user_no) == ("K000001", "77")
    host.vendor(Command.WRITE_ALL_DEV_INFO, ZfyInfo(serial="OTHER", user_no="77").encode(form))
    assert camera(world).serial == "OTHER"


def test_a_record_without_officer_passes_and_only_the_return_status_tells(world: World) -> None:
    host = world.plug(SPEC)
    host.vendor(Command.WRITE_DEV_INFO, bytes(89))
    assert status(host) != 0
    assert camera(world).user_no == "104217"


def test_set_msdc_takes_it_off_the_bus_and_brings_a_disk_to_the_same_port(world: World) -> None:
    card = bytearray(b"evidence".ljust(512, b".") * 4)
    host = world.plug(SPEC, card)
    first = world.bus.on_bus(PORT)
    host.vendor(Command.SET_MSDC)
    with pytest.raises(CameraLostError):
        host.vendor(Command.GET_RETURN_STATUS)
    assert world.bus.on_bus(PORT) is None
    world.pass_s(0.4)
    assert world.bus.on_bus(PORT) is None
    world.pass_s(0.2)
    second = world.bus.on_bus(PORT)
    assert second is not None
    assert first is not None
    assert second.devnum != first.devnum

    disk = world.open().ready()
    assert disk.read(0, 4) == bytes(card)
    with pytest.raises(Refused) as caught:
        disk.vendor(Command.GET_DEV_INFO, length=89)
    assert caught.value.sense.key is scsi.SenseKey.ILLEGAL_REQUEST
    told = scsi.decode_inquiry(disk.scsi(scsi.Inquiry(), scsi.INQUIRY_SIZE))
    assert told.product != "DEVICE V1.00"


@pytest.mark.parametrize("again", ["power", "plug"])
def test_disk_mode_lasts_for_one_plug_in(world: World, again: str) -> None:
    world.plug(SPEC, bytearray(512)).vendor(Command.SET_MSDC)
    world.pass_s(1)
    world.open().ready().read(0, 1)
    if again == "power":
        world.bus.power(PORT, False)
        world.bus.power(PORT, True)
    else:
        world.bus.unplug(PORT)
        world.bus.plug(PORT, "cam")
    assert records.decode_info(world.open().vendor(Command.GET_DEV_INFO, length=89)) == INFO


def test_pulled_while_it_changes_mode_it_does_not_come_back(world: World) -> None:
    world.plug(SPEC, bytearray(512)).vendor(Command.SET_MSDC)
    world.bus.unplug(PORT)
    world.pass_s(10)
    assert world.bus.on_bus(PORT) is None


def test_it_may_leave_before_its_answer_is_read(world: World) -> None:
    spec = CameraSpec(name="cam", serial="K000001", faults=UsbFaults(vanish_before_status=True))
    host = world.plug(spec, bytearray(512))
    with pytest.raises(CameraLostError):
        host.vendor(Command.SET_MSDC)
    world.pass_s(1)
    world.open().ready().read(0, 1)


def test_without_a_card_it_does_not_become_a_disk(world: World) -> None:
    host = world.plug(SPEC)
    assert records.decode_number(host.vendor(Command.GET_SD_STATUS)) == 0
    with pytest.raises(Refused) as caught:
        host.vendor(Command.SET_MSDC)
    assert caught.value.sense == scsi.NO_MEDIUM
    assert world.bus.on_bus(PORT) is not None


def test_while_it_records_it_does_not_become_a_disk(world: World) -> None:
    host = world.plug(SPEC, bytearray(512))
    camera(world).change(CameraChanges(recording=True))
    with pytest.raises(Refused) as caught:
        host.vendor(Command.SET_MSDC)
    assert caught.value.sense == scsi.OPERATION_IN_PROGRESS
    camera(world).change(CameraChanges(recording=False))
    host.vendor(Command.SET_MSDC)


@pytest.mark.parametrize("offset_s", [-86_400.0, -420.0, 0.0, 420.0, -1_795_330_800.0])
def test_the_clock_is_read_with_its_error_and_set(world: World, offset_s: float) -> None:
    spec = CameraSpec(name="cam", serial="K1", clock_offset_s=offset_s, clock_resolution_ms=1)
    host = world.plug(spec)
    told = records.decode_clock(host.vendor(Command.READ_DEV_TIME))
    assert told.local == START + timedelta(seconds=offset_s)
    assert told.resolution_ms == 1
    host.vendor(Command.SYNC_DEV_TIME, records.encode_time(world.local()))
    assert status(host) == 0
    assert records.decode_clock(host.vendor(Command.READ_DEV_TIME)).local == world.local()


def test_a_clock_that_drifts_is_off_again_after_a_day(world: World) -> None:
    host = world.plug(CameraSpec(name="cam", serial="K1", clock_drift_ppm=20.0, clock_resolution_ms=1))
    host.vendor(Command.SYNC_DEV_TIME, records.encode_time(world.local()))
    world.pass_s(86_400)
    ahead = records.decode_clock(host.vendor(Command.READ_DEV_TIME)).local - world.local()
    assert ahead == timedelta(milliseconds=1728)


def test_a_clock_of_whole_seconds_tells_only_them(world: World) -> None:
    host = world.plug(SPEC)
    world.pass_s(0.9)
    told = records.decode_clock(host.vendor(Command.READ_DEV_TIME))
    assert (told.local, told.resolution_ms) == (START, 1000)


def test_no_such_date_is_refused_by_the_return_status(world: World) -> None:
    host = world.plug(SPEC)
    host.vendor(Command.SYNC_DEV_TIME, bytes.fromhex("ea070d20000000"))
    assert status(host) != 0
    assert camera(world).clock_error_s == 0


def test_a_camera_without_the_extension_refuses_it(world: World) -> None:
    host = world.plug(CameraSpec(name="cam", serial="K1", reads_clock=False))
    with pytest.raises(Refused) as caught:
        host.vendor(Command.READ_DEV_TIME)
    assert caught.value.sense.key is scsi.SenseKey.ILLEGAL_REQUEST


def test_the_battery_fills_while_it_is_docked_with_power_and_not_beside_it(world: World) -> None:
    host = world.plug(CameraSpec(name="cam", serial="K1", battery=12.0, charge_per_s=1.0))
    assert records.decode_number(host.vendor(Command.READ_BATTERY_VAL)) == 12
    world.pass_s(30)
    assert records.decode_number(host.vendor(Command.READ_BATTERY_VAL)) == 42
    world.bus.charge(PORT, False)
    world.pass_s(30)
    assert records.decode_number(host.vendor(Command.READ_BATTERY_VAL)) == 42
    world.bus.unplug(PORT)
    world.pass_s(30)
    world.bus.plug(PORT, "cam")
    world.pass_s(1000)
    assert records.decode_number(world.open().vendor(Command.READ_BATTERY_VAL)) == 100


@pytest.mark.parametrize("claim", [0, 101, 255, -1])
def test_the_battery_may_tell_nonsense(world: World, claim: int) -> None:
    host = world.plug(SPEC)
    camera(world).change(CameraChanges(battery_claim=claim))
    assert records.decode_number(host.vendor(Command.READ_BATTERY_VAL)) == claim


def test_the_password_is_read_out_and_written_without_one(world: World) -> None:
    host = world.plug(SPEC)
    host.vendor(Command.SET_PASSWORD, records.encode_text("123456", 16))
    assert records.decode_text(host.vendor(Command.GET_PASSWORD)) == "123456"


def test_an_unknown_command_is_refused_and_the_next_one_works(world: World) -> None:
    host = world.plug(SPEC)
    with pytest.raises(Refused):
        host.cdb(bytes.fromhex("fd810000001300040000000000000000"), ask=4)
    assert records.decode_info(host.vendor(Command.GET_DEV_INFO, length=89)) == INFO


@pytest.mark.parametrize("serial", ["", "\x01\x02", "K000001K000001", "серія"])
@pytest.mark.parametrize("form", Form)
def test_a_serial_that_nobody_should_have_is_told_as_it_is(world: World, serial: str, form: Form) -> None:
    host = world.plug(CameraSpec(name="cam", serial=serial, form=form.value))
    told = records.decode_info(host.vendor(Command.GET_DEV_INFO, length=form))
    assert told.serial == serial.encode("gbk", "replace")[:7].decode("gbk", "backslashreplace")


def test_it_may_come_back_with_another_serial_number(world: World) -> None:
    spec = CameraSpec(name="cam", usb_serial="A", faults=UsbFaults(usb_serial_as_disk="B"))
    host = world.plug(spec, bytearray(512))

    def serial() -> str:
        what = world.bus.on_bus(PORT)
        assert what is not None
        return descriptors.decode_string(what.device.identity.strings[3])

    assert serial() == "A"
    host.vendor(Command.SET_MSDC)
    world.pass_s(1)
    assert serial() == "B"
