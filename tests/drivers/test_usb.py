"""Opening a camera by its port through pyusb, over the virtual bus's Unix socket; and the judgement."""

import errno
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import usb.core
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from drivers import usb as our_usb
from drivers.base import StallError
from drivers.bulk_only import BulkOnly, inquire
from drivers.cameras.identity import TEXT_CHARACTERS, UsbIdentity, clean_serial, clean_text, inspect
from drivers.mass_storage import MassStorage
from edged.errors import CameraError, CameraLostError, ConfigError, EdgeError, ErrorCode
from firmware_protocol.usb import bot, scsi
from firmware_protocol.usb.descriptors import ConfigurationDescriptor, DeviceDescriptor
from simulators.faults import UsbFaults
from simulators.usb.bus import BusError
from simulators.usb.hostile import DEVICES
from simulators.usb.mass_storage import INTERFACE
from simulators.usb.spec import CameraSpec
from tests.drivers.usb_world import PORT, World, card, quiet, served

MSC = CameraSpec(name="cam", kind="msc", usb_serial="USB0001", model="BODYCAM", card="")
CONTENT = b"ONE!" + bytes(range(256)) * 8200


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def backend(world: World, tmp_path: Path) -> Iterator[our_usb.Backend]:
    with served(world.bus, tmp_path / "usb.sock") as path:
        yield our_usb.open_backend(f"usbip:{path}")


def refusal(backend: our_usb.Backend) -> CameraError:
    with pytest.raises(CameraError) as caught:
        our_usb.open_port(backend, PORT)
    return caught.value


def test_a_camera_is_opened_by_its_port(world: World, backend: our_usb.Backend) -> None:
    world.bus.add(replace(MSC, name="neighbour", usb_serial="USB0009"), card({}))
    world.bus.plug("1-1.3", "neighbour")
    world.dock(MSC, card({}))
    connection = our_usb.open_port(backend, PORT)
    own = connection.identity
    assert (own.port, own.serial, own.product, own.manufacturer) == (PORT, "USB0001", "BODYCAM", "Simulated")
    assert (own.vendor_id, own.interfaces) == (0x1209, ("08/06/50",))
    assert (own.bulk_in, own.bulk_out) == (0x81, 0x01)
    connection.check_unchanged()
    connection.close()


def test_two_slots_are_two_cameras_at_once(world: World, backend: our_usb.Backend) -> None:
    world.bus.add(replace(MSC, name="neighbour", usb_serial="USB0009"), card({}))
    world.bus.plug("1-1.3", "neighbour")
    world.dock(MSC, card({}))
    both = [our_usb.open_port(backend, port) for port in (PORT, "1-1.3")]
    assert [one.identity.serial for one in both] == ["USB0001", "USB0009"]
    for one in both:
        one.close()


def test_a_megabyte_comes_in_one_piece_over_the_socket(world: World, backend: our_usb.Backend) -> None:
    image = card({"CLIP0001.MP4": CONTENT})
    world.dock(MSC, image)
    connection = our_usb.open_port(backend, PORT)
    disk = MassStorage.open(BulkOnly(connection.device), quiet)
    assert disk.read(0, 4096) == image[: 4096 * 512]
    disk.write(8, b"\xa5" * 1024)
    disk.sync()
    assert image[8 * 512 : 10 * 512] == b"\xa5" * 1024
    connection.close()


def test_nothing_in_the_port_is_a_lost_camera(backend: our_usb.Backend) -> None:
    assert refusal(backend).code is ErrorCode.CAMERA_LOST


def test_a_bus_that_is_not_there_is_a_lost_camera(tmp_path: Path) -> None:
    assert refusal(our_usb.open_backend(f"usbip:{tmp_path}/none")).code is ErrorCode.CAMERA_LOST


def test_a_device_that_somebody_else_holds_is_not_taken(world: World, backend: our_usb.Backend) -> None:
    world.dock(MSC, card({}))
    first = our_usb.open_port(backend, PORT)
    with pytest.raises(EdgeError) as caught:
        our_usb.open_port(backend, PORT)
    assert caught.value.code is ErrorCode.CONFLICT
    first.close()


@pytest.mark.parametrize("spec", ["", "usbip:", "libusb0", "usbip"])
def test_a_backend_of_another_name_is_refused(spec: str) -> None:
    with pytest.raises(ConfigError):
        our_usb.open_backend(spec)


def test_the_packaged_libusb_loads() -> None:
    assert our_usb.open_backend("libusb") is not None


# --- the device goes away ---


@pytest.mark.fault("U01", "A pull during a transfer is CAMERA_LOST, at once and for every later call.")
def test_a_pulled_device_is_lost_and_stays_lost(world: World, backend: our_usb.Backend) -> None:
    world.dock(replace(MSC, faults=UsbFaults(pull_after_bytes=600_000)), card({"A.MP4": CONTENT}))
    connection = our_usb.open_port(backend, PORT)
    disk = MassStorage.open(BulkOnly(connection.device), quiet)
    with pytest.raises(CameraLostError):
        disk.read(0, 4096)
    _plug_back(world)
    for _ in range(2):
        with pytest.raises(CameraLostError):
            disk.read(0, 1)
    connection.close()


def _plug_back(world: World, within_s: float = 5.0) -> None:
    """As soon as the bus, a thread of its own, has seen the plug go."""
    end = time.monotonic() + within_s
    while True:
        try:
            world.bus.plug(PORT, "cam")
        except BusError:
            if time.monotonic() > end:
                raise
            time.sleep(0.01)
        else:
            return


@pytest.mark.fault("U05", "A handle never reaches the device that replaced its own within a moment.")
def test_a_handle_does_not_survive_a_swap(world: World, backend: our_usb.Backend) -> None:
    world.dock(MSC, card({}))
    connection = our_usb.open_port(backend, PORT)
    world.bus.add(replace(MSC, name="twin", usb_serial="USB0002"), card({}))
    world.bus.unplug(PORT)
    world.bus.plug(PORT, "twin")
    with pytest.raises(CameraLostError):
        connection.check_unchanged()
    connection.close()
    again = our_usb.open_port(backend, PORT)
    assert again.identity.serial == "USB0002"
    again.close()


@pytest.mark.fault(
    "U15", "A device that hangs costs one deadline, and the conversation with the bus goes on."
)
def test_a_hanging_device_is_silent_after_the_deadline(world: World, backend: our_usb.Backend) -> None:
    world.dock(replace(MSC, faults=UsbFaults(silent_after_commands=1)), card({}))
    connection = our_usb.open_port(backend, PORT)
    inquire(BulkOnly(connection.device))
    wrapper = bot.CommandWrapper(tag=9, length=0, inbound=False, command=bytes(6)).encode()
    for _ in range(2):
        with pytest.raises(CameraError) as caught:
            connection.device.write(wrapper, 0.05)
        assert caught.value.code is ErrorCode.CAMERA_SILENT
    connection.close()


@pytest.mark.fault("U16", "A card that trickles cannot hold the worker: each transfer has a deadline, and the device "
                   "answers again afterwards.")  # fmt: skip
def test_a_trickling_card_is_silent_at_the_deadline(world: World, backend: our_usb.Backend) -> None:
    world.dock(replace(MSC, faults=UsbFaults(bytes_per_s=100_000)), card({}))
    connection = our_usb.open_port(backend, PORT)
    transport = BulkOnly(connection.device)
    with pytest.raises(CameraError) as caught:
        transport.command(scsi.Read10(0, 2048).encode(), ask=1 << 20, timeout_s=0.05)
    assert caught.value.code is ErrorCode.CAMERA_SILENT
    assert inquire(transport).product == "BODYCAM"
    connection.close()


def test_stalls_are_cleared_over_the_socket(world: World, backend: our_usb.Backend) -> None:
    image = card({"CLIP0001.MP4": CONTENT})
    world.dock(replace(MSC, faults=UsbFaults(stall_every=3)), image)
    connection = our_usb.open_port(backend, PORT)
    disk = MassStorage.open(BulkOnly(connection.device), quiet)
    for lba in range(0, 8192, 1024):
        assert disk.read(lba, 1024) == image[lba * 512 : (lba + 1024) * 512]
    connection.close()


# --- the judgement ---


@pytest.mark.fault("U08", "A keyboard in a slot is refused with its descriptors and never claimed.")
@pytest.mark.parametrize("kind", ["keyboard", "keyboard-and-mouse", "network", "vendor"])
def test_what_is_no_camera_is_refused(kind: str, world: World, backend: our_usb.Backend) -> None:
    world.dock(replace(MSC, kind=kind))
    error = refusal(backend)
    assert error.code is ErrorCode.CAMERA_FORBIDDEN_INTERFACE
    assert error.detail["descriptors"].startswith("1201")  # type: ignore[union-attr]  # a text here
    assert error.detail["interfaces"]
    assert error.detail["vendor_id"] == 0x1209
    what = world.bus.on_bus(PORT)
    assert what is not None
    assert what.device.configured == 0


@pytest.mark.fault("U12", "A hub in a slot is refused like any other device that is no camera.")
def test_a_hub_is_refused(world: World, backend: our_usb.Backend) -> None:
    world.dock(replace(MSC, kind="hub"))
    detail = refusal(backend).detail
    assert (detail["interfaces"], detail["reason"]) == (
        "09/00/00",
        "its interfaces are not those of a camera",
    )


@pytest.mark.fault("U09", "A disk with one interface more is refused as a whole.")
@pytest.mark.parametrize("extra", ["keyboard", "network", "audio", "video", "mtp", "vendor"])
def test_a_disk_that_is_more_than_a_disk_is_refused(
    extra: str, world: World, backend: our_usb.Backend
) -> None:
    world.dock(replace(MSC, faults=UsbFaults(extra_interfaces=(extra,))), card({}))
    error = refusal(backend)
    assert error.code is ErrorCode.CAMERA_FORBIDDEN_INTERFACE
    assert str(error.detail["interfaces"]).startswith("08/06/50 ")


@pytest.mark.fault("U11", "Malformed descriptors and a lie about configurations are refused, not parsed on.")
@pytest.mark.parametrize("kind", sorted(set(DEVICES) - {"mute"}))
def test_malformed_descriptors_are_refused(kind: str, world: World, backend: our_usb.Backend) -> None:
    world.dock(replace(MSC, kind=kind))
    assert refusal(backend).code in (ErrorCode.CAMERA_FORBIDDEN_INTERFACE, ErrorCode.CAMERA_PROTOCOL)


def test_a_mute_device_costs_a_deadline(
    world: World, backend: our_usb.Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(our_usb, "CONTROL_S", 0.05)
    world.dock(replace(MSC, kind="mute"))
    assert refusal(backend).code is ErrorCode.CAMERA_SILENT


@pytest.mark.fault("U10", "A device that told the bus another identity than it tells now is refused.")
def test_the_bus_and_the_device_must_agree(
    world: World, backend: our_usb.Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = our_usb.PyusbDevice.claims_of
    monkeypatch.setattr(our_usb.PyusbDevice, "claims_of", lambda device: {**listed(device), "idVendor": 1})
    world.dock(MSC, card({}))
    error = refusal(backend)
    assert error.code is ErrorCode.CAMERA_FORBIDDEN_INTERFACE
    assert "idVendor" in str(error.detail["reason"])


class Told:
    """A device that answers GET_DESCRIPTOR with whatever it was given, by type."""

    def __init__(self, device: bytes, configuration: bytes, strings: bytes = b"") -> None:
        self.answers = {1: device, 2: configuration, 3: strings}

    def control(self, request_type: int, request: int, value: int, index: int, data: bytes | int) -> bytes:
        assert isinstance(data, int)
        return self.answers[value >> 8][:data]


class Flickering:
    """A pyusb device that is gone for one call and would answer the next."""

    def __init__(self) -> None:
        self.calls = 0

    def write(self, *_: object) -> int:
        self.calls += 1
        if self.calls == 1:
            raise usb.core.USBError("gone", -4, errno.ENODEV)
        return 1


@pytest.mark.fault("U05", "A handle that was lost once stays lost, even if something answers on it again.")
def test_a_lost_handle_is_never_used_again() -> None:
    flickering = Flickering()
    device = our_usb.PyusbDevice(flickering, PORT)
    for _ in range(3):
        with pytest.raises(CameraLostError):
            device.write(b"x", 0.1)
    assert flickering.calls == 1


def test_a_short_write_is_an_error() -> None:
    flickering = Flickering()
    flickering.calls = 1
    with pytest.raises(CameraError) as caught:
        our_usb.PyusbDevice(flickering, PORT).write(b"more than one byte", 0.1)
    assert caught.value.code is ErrorCode.CAMERA_SILENT


@pytest.mark.fault("U11", "A second configuration behind a harmless first one is refused.")
@pytest.mark.parametrize("configurations", [0, 2, 255])
def test_a_device_with_more_than_one_configuration_is_refused(configurations: int) -> None:
    own = DeviceDescriptor(vendor_id=1, product_id=2, configurations=configurations).encode()
    with pytest.raises(CameraError) as caught:
        inspect(Told(own, DISK), PORT)
    assert caught.value.code is ErrorCode.CAMERA_FORBIDDEN_INTERFACE
    assert "configurations" in str(caught.value.detail["reason"])


DEVICE = DeviceDescriptor(vendor_id=1, product_id=2, serial=3).encode()
DISK = ConfigurationDescriptor(interfaces=(INTERFACE,)).encode()


@pytest.mark.fault("Z01", "Any bytes as descriptors or strings give an identity or a CameraError.")
@given(
    st.one_of(st.just(DEVICE), st.binary(max_size=32)),
    st.one_of(st.just(DISK), st.binary(max_size=64), st.binary(max_size=64).map(lambda tail: DISK + tail)),
    st.binary(max_size=255),
)
def test_any_descriptors_are_judged(device: bytes, configuration: bytes, strings: bytes) -> None:
    try:
        identity = inspect(Told(device, configuration, strings), PORT)
    except CameraError:
        return
    assert isinstance(identity, UsbIdentity)
    assert identity.interfaces == ("08/06/50",)
    assert len(identity.serial) <= TEXT_CHARACTERS
    assert identity.serial.isprintable()


@pytest.mark.fault("Z02", "A length that lies in any byte of the descriptors is refused or harmless.")
@given(st.integers(0, len(DISK) - 1), st.integers(0, 255))
def test_a_lie_in_any_byte_of_the_configuration_is_bounded(at: int, value: int) -> None:
    lied = DISK[:at] + bytes([value]) + DISK[at + 1 :]
    try:
        identity = inspect(Told(DEVICE, lied), PORT)
    except CameraError:
        return
    assert identity.interfaces == ("08/06/50",)
    assert identity.bulk_out < 0x80 <= identity.bulk_in


@pytest.mark.fault("U07", "A serial number is printable and at most 64 characters, or it is none.")
@given(st.text(st.characters(), max_size=300))
def test_a_serial_is_printable_and_capped(text: str) -> None:
    for cleaned in (clean_text(text), clean_serial(text)):
        assert cleaned.isprintable()
        assert len(cleaned) <= TEXT_CHARACTERS


@pytest.mark.fault("U07", "Empty, blank and all-zero serial numbers identify nothing.")
@pytest.mark.parametrize("text", ["", " ", "0", "0000", "000000000000", "\t", " 00 "])
def test_a_serial_that_identifies_nothing_is_empty(text: str) -> None:
    assert clean_serial(text) == ""


@pytest.mark.fault("U07", "Two serials that differ in an unprintable character stay two.")
def test_unprintable_characters_are_escaped_not_dropped() -> None:
    assert clean_serial("AB\u202eC") == "AB\\u202eC"
    assert clean_serial("AB\x07C") != clean_serial("AB\x08C")


# --- errors ---


@pytest.mark.parametrize(
    ("foreign", "code"),
    [
        (usb.core.USBTimeoutError("t", -7, errno.ETIMEDOUT), ErrorCode.CAMERA_SILENT),
        (usb.core.USBTimeoutError("t"), ErrorCode.CAMERA_SILENT),
        (usb.core.USBError("gone", -4, errno.ENODEV), ErrorCode.CAMERA_LOST),
        (usb.core.USBError("io", -1, errno.EIO), ErrorCode.CAMERA_LOST),
        (OSError(errno.ESHUTDOWN, "down"), ErrorCode.CAMERA_LOST),
        (usb.core.USBError("busy", -6, errno.EBUSY), ErrorCode.CONFLICT),
        (usb.core.USBError("access", -3, errno.EACCES), ErrorCode.CONFLICT),
        (usb.core.USBError("overflow", -8, errno.EOVERFLOW), ErrorCode.CAMERA_PROTOCOL),
        (NotImplementedError("LIBUSB_ERROR_NOT_SUPPORTED"), ErrorCode.CAMERA_PROTOCOL),
        (ValueError("The device has no langid"), ErrorCode.CAMERA_PROTOCOL),
        (usb.core.USBError("?"), ErrorCode.CAMERA_PROTOCOL),
    ],
    ids=lambda value: value.name if isinstance(value, ErrorCode) else repr(value)[:40],
)
def test_what_pyusb_raises_has_one_meaning(foreign: Exception, code: ErrorCode) -> None:
    assert our_usb.translate(foreign, port=PORT).code is code


def test_a_stall_is_told_apart() -> None:
    error = our_usb.translate(usb.core.USBError("pipe", -9, errno.EPIPE), port=PORT)
    assert isinstance(error, StallError)
