"""The USB/IP client against peers that keep silent, lie, or speak something else."""

import errno
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drivers import usbip_client
from drivers.usbip_backend import UsbipBackend, parse_busid
from drivers.usbip_client import Handle, list_devices
from firmware_protocol.usb import usbip
from firmware_protocol.usb.usbip import Operation, OpHeader, Returned, Submit, Unlink, Unlinked
from tests.patience import PATIENCE_S

DEVICE = usbip.ExportedDevice(
    path="/sys/1-1.2",
    busid="1-1.2",
    busnum=1,
    devnum=5,
    speed=3,
    vendor_id=0x1209,
    product_id=1,
    bcd_device=0x100,
    device_class=0,
    device_subclass=0,
    device_protocol=0,
    configuration_value=1,
    configurations=1,
    interfaces_count=1,
    interfaces=((8, 6, 0x50),),
)
Script = Callable[[socket.socket], None]


@contextmanager
def peer(path: Path, script: Script) -> Iterator[str]:
    """Listens on ``path`` and plays ``script`` to everybody who connects."""
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    path.unlink(missing_ok=True)
    listening.bind(str(path))
    listening.listen()

    def play() -> None:
        with suppress(OSError):
            while True:
                sock, _ = listening.accept()
                with sock, suppress(OSError):
                    script(sock)

    thread = threading.Thread(target=play, daemon=True)
    thread.start()
    try:
        yield str(path)
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(5)


def take(sock: socket.socket, size: int) -> bytes:
    return sock.recv(size, socket.MSG_WAITALL)


def imported(then: Script) -> Script:
    """Grant the import, then go on with ``then``."""

    def script(sock: socket.socket) -> None:
        take(sock, usbip.OP_SIZE + usbip.BUSID_SIZE)
        sock.sendall(OpHeader(Operation.IMPORT_REPLY).encode() + DEVICE.encode())
        then(sock)

    return script


def urb(sock: socket.socket) -> usbip.Urb:
    return usbip.decode_urb(take(sock, usbip.URB_SIZE))


def until_closed(sock: socket.socket) -> None:
    while sock.recv(65536):
        pass


def transfer(path: str, timeout_ms: int = 50) -> bytes:
    """One bulk transfer in of up to 512 bytes."""
    handle = Handle(path, "1-1.2")
    buffer = bytearray(512)
    try:
        return bytes(buffer[: handle.transfer_in(0x81, memoryview(buffer), timeout_ms)])
    finally:
        handle.close()


def number_of(path: str) -> int:
    with pytest.raises(OSError) as caught:
        transfer(path)
    assert caught.value.errno is not None
    return caught.value.errno


def test_a_late_transfer_is_unlinked_and_the_connection_goes_on(tmp_path: Path) -> None:
    seen: list[usbip.Urb] = []

    def late(sock: socket.socket) -> None:
        seen.extend((urb(sock), urb(sock)))
        sock.sendall(Unlinked(seqnum=seen[1].seqnum, status=-errno.ECONNRESET).encode())
        seen.append(urb(sock))
        sock.sendall(Returned(seqnum=seen[2].seqnum, status=0, actual=3).encode() + b"abc")
        until_closed(sock)

    with peer(tmp_path / "usb", imported(late)) as path:
        handle = Handle(path, "1-1.2")
        buffer = bytearray(512)
        with pytest.raises(OSError) as caught:
            handle.transfer_in(0x81, memoryview(buffer), 50)
        assert caught.value.errno == errno.ETIMEDOUT
        assert handle.transfer_in(0x81, memoryview(buffer), 1000) == 3
        assert buffer[:3] == b"abc"
        handle.close()
    assert isinstance(seen[0], Submit)
    assert isinstance(seen[1], Unlink)
    assert seen[1].target == seen[0].seqnum


def test_a_transfer_that_ends_while_it_is_given_up_is_not_lost(tmp_path: Path) -> None:
    def crossing(sock: socket.socket) -> None:
        submit, unlink = urb(sock), urb(sock)
        sock.sendall(Returned(seqnum=submit.seqnum, status=0, actual=2).encode() + b"ok")
        sock.sendall(Unlinked(seqnum=unlink.seqnum, status=0).encode())
        until_closed(sock)

    with peer(tmp_path / "usb", imported(crossing)) as path:
        assert transfer(path) == b"ok"


@pytest.mark.fault(
    "U15", "A peer that answers neither the transfer nor its unlink costs a bounded time and is gone."
)
def test_a_peer_that_answers_nothing_is_gone_after_both_deadlines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(usbip_client, "UNLINK_S", 0.1)
    with peer(tmp_path / "usb", imported(until_closed)) as path:
        began = time.monotonic()
        assert number_of(path) == errno.ENODEV
        assert time.monotonic() - began < PATIENCE_S


@pytest.mark.parametrize(
    ("status", "number"),
    [(-errno.EPIPE, errno.EPIPE), (-errno.ENODEV, errno.ENODEV), (-errno.EOVERFLOW, errno.EOVERFLOW)],
)
def test_a_status_comes_out_as_its_number(tmp_path: Path, status: int, number: int) -> None:
    def answer(sock: socket.socket) -> None:
        sock.sendall(Returned(seqnum=urb(sock).seqnum, status=status, actual=0).encode())
        until_closed(sock)

    with peer(tmp_path / "usb", imported(answer)) as path:
        assert number_of(path) == number


@pytest.mark.fault("Z02", "A transfer that claims more bytes than were asked for ends the connection.")
def test_more_bytes_than_asked_for_end_the_connection(tmp_path: Path) -> None:
    def surplus(sock: socket.socket) -> None:
        sock.sendall(Returned(seqnum=urb(sock).seqnum, status=0, actual=513).encode() + bytes(513))
        until_closed(sock)

    with peer(tmp_path / "usb", imported(surplus)) as path:
        assert number_of(path) == errno.ENODEV


def test_the_answer_to_another_transfer_ends_the_connection(tmp_path: Path) -> None:
    def other(sock: socket.socket) -> None:
        sock.sendall(Returned(seqnum=urb(sock).seqnum + 7, status=0, actual=0).encode())
        until_closed(sock)

    with peer(tmp_path / "usb", imported(other)) as path:
        assert number_of(path) == errno.ENODEV


def test_a_peer_that_stops_in_mid_answer_is_gone(tmp_path: Path) -> None:
    def torn(sock: socket.socket) -> None:
        sock.sendall(Returned(seqnum=urb(sock).seqnum, status=0, actual=100).encode()[:20])

    with peer(tmp_path / "usb", imported(torn)) as path:
        assert number_of(path) == errno.ENODEV


@pytest.mark.parametrize(("status", "number"), [(usbip.OpStatus.BUSY, errno.EBUSY), (4, errno.ENODEV)])
def test_a_refused_import_says_why(tmp_path: Path, status: int, number: int) -> None:
    def refuse(sock: socket.socket) -> None:
        take(sock, usbip.OP_SIZE + usbip.BUSID_SIZE)
        sock.sendall(OpHeader(Operation.IMPORT_REPLY, status).encode())

    with peer(tmp_path / "usb", refuse) as path:
        assert number_of(path) == number


@pytest.mark.parametrize("count", [0, 1, usbip.MAX_DEVICES])
def test_a_list_is_read_whole(tmp_path: Path, count: int) -> None:
    def tell(sock: socket.socket) -> None:
        take(sock, usbip.OP_SIZE)
        body = (DEVICE.encode() + DEVICE.encode_interfaces()) * count
        sock.sendall(OpHeader(Operation.LIST_REPLY).encode() + usbip.encode_count(count) + body)

    with peer(tmp_path / "usb", tell) as path:
        assert [one.busid for one in list_devices(path)] == ["1-1.2"] * count


@pytest.mark.fault("Z02", "A list that claims more devices than are allowed, or than come, is an error.")
@pytest.mark.parametrize("count", [2, 257, 0xFFFF_FFFF])
def test_a_list_that_claims_too_much_is_refused(tmp_path: Path, count: int) -> None:
    def tell(sock: socket.socket) -> None:
        take(sock, usbip.OP_SIZE)
        body = DEVICE.encode() + DEVICE.encode_interfaces()
        sock.sendall(OpHeader(Operation.LIST_REPLY).encode() + count.to_bytes(4, "big") + body)

    with peer(tmp_path / "usb", tell) as path, pytest.raises(OSError):
        list_devices(path)


@pytest.mark.fault(
    "Z01", "Any bytes from the bus end in an OSError, never in anything else and never in a wait."
)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.binary(max_size=400), st.booleans())
def test_any_bytes_from_the_bus_are_an_error_or_an_answer(tmp_path: Path, noise: bytes, grant: bool) -> None:
    def speak(sock: socket.socket) -> None:
        sock.sendall(noise)

    with peer(tmp_path / "usb", imported(speak) if grant else speak) as path, suppress(OSError):
        if grant:
            transfer(path)
        else:
            list_devices(path)


@pytest.mark.parametrize(
    ("busid", "ports"),
    [("1-1.2", (1, (1, 2))), ("2-7", (2, (7,))), ("1-", None), ("x", None), ("1-1.x", None)],
)
def test_a_busid_is_a_port_path(busid: str, ports: tuple[int, tuple[int, ...]] | None) -> None:
    assert parse_busid(busid) == ports


def test_every_call_that_pyusb_may_make_is_there() -> None:
    from usb.backend import IBackend  # only here: the backend itself does without pyusb

    calls = {name for name in vars(IBackend) if not name.startswith("_")}
    assert calls - {"detach_kernel_driver", "attach_kernel_driver"} <= set(dir(UsbipBackend))
