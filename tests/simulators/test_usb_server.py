"""The bus as others reach it: USB/IP, events and control on their sockets."""

import errno
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from firmware_protocol.usb import bot, descriptors, scsi, usbip
from firmware_protocol.usb.descriptors import Kind, Request, Setup
from firmware_protocol.usb.usbip import Operation, OpHeader, OpStatus
from simulators.faults import UsbFaults
from simulators.usb import urbs
from simulators.usb.attached import Attached
from simulators.usb.bus import Enumerated, UsbBus
from simulators.usb.server import HostTime, Server, Timers
from simulators.usb.spec import CameraChanges, CameraSpec
from simulators.usb.urbs import Exports

MIB = 1 << 20
PORT = "1-1.3"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    timers = Timers()
    server = Server(UsbBus(HostTime(), timers), tmp_path / "usb.sock")
    yield server
    timers.cancel()
    server.close()


def line(server: Server, kind: int) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(5)
    sock.connect(str(server.paths[kind]))
    return sock


def exactly(sock: socket.socket, size: int) -> bytes:
    got = bytearray()
    while len(got) < size:
        piece = sock.recv(size - len(got))
        if not piece:
            raise EOFError(f"{len(got)} of {size} bytes")
        got += piece
    return bytes(got)


class Peer:
    """A USB/IP client that has imported one port."""

    def __init__(self, server: Server, port: str = PORT) -> None:
        self.sock = line(server, 0)
        self.seqnum = 0
        self.sock.sendall(OpHeader(Operation.IMPORT_REQUEST).encode() + usbip.encode_busid(port))
        self.status = usbip.decode_op(exactly(self.sock, usbip.OP_SIZE)).status
        if self.status == OpStatus.OK:
            self.device = usbip.decode_device(exactly(self.sock, usbip.DEVICE_SIZE))

    def __enter__(self) -> "Peer":
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()

    def submit(self, endpoint: int, size: int = 0, data: bytes | None = None, setup: bytes = bytes(8)) -> int:
        self.seqnum += 1
        urb = usbip.Submit(
            seqnum=self.seqnum,
            devid=self.device.devid,
            inbound=data is None,
            endpoint=endpoint,
            length=size if data is None else len(data),
            setup=setup,
        )
        self.sock.sendall(urb.encode() + (data or b""))
        return self.seqnum

    def returned(self, *, inbound: bool) -> tuple[usbip.Returned, bytes]:
        urb = usbip.decode_urb(exactly(self.sock, usbip.URB_SIZE))
        assert isinstance(urb, usbip.Returned)
        return urb, exactly(self.sock, urb.actual) if inbound else b""

    def control(self, setup: Setup) -> tuple[int, bytes]:
        self.submit(0, setup.length, None if setup.inbound else b"", setup.encode())
        urb, data = self.returned(inbound=setup.inbound)
        return urb.status, data

    def begin(self, command: scsi.Command, ask: int, tag: int = 1) -> None:
        wrapper = bot.CommandWrapper(tag=tag, length=ask, inbound=bool(ask), command=command.encode())
        self.submit(1, data=wrapper.encode())
        urb, _ = self.returned(inbound=False)
        assert (urb.status, urb.actual) == (0, bot.CBW_SIZE)

    def status_wrapper(self) -> bot.StatusWrapper:
        self.submit(1, bot.CSW_SIZE)
        return bot.decode_status(self.returned(inbound=True)[1])

    def read(self, lba: int, count: int) -> bytes:
        self.begin(scsi.Read10(lba, count), 512 * count)
        self.submit(1, 512 * count)
        urb, data = self.returned(inbound=True)
        assert urb.status == 0
        assert self.status_wrapper().status is bot.Status.PASSED
        return data

    def ready(self) -> "Peer":
        self.begin(scsi.TestUnitReady(), 0)
        self.status_wrapper()
        return self


def plug(server: Server, card: bytes, port: str = PORT, faults: UsbFaults | None = None) -> None:
    name = f"cam-{port}"
    spec = CameraSpec(name=name, kind="msc", usb_serial=name, faults=faults or UsbFaults())
    server.bus.add(spec, bytearray(card))
    server.bus.plug(port, name)


def content(size: int, seed: int = 1) -> bytes:
    return b"".join((seed * 1_000_003 + n).to_bytes(8, "big") for n in range(size // 8))


def test_the_list_names_every_device_with_its_interfaces(server: Server) -> None:
    plug(server, bytes(512))
    plug(server, bytes(512), "1-1.8", UsbFaults(extra_interfaces=("keyboard",)))
    with line(server, 0) as sock:
        for _ in range(2):  # a connection may ask again
            sock.sendall(OpHeader(Operation.LIST_REQUEST).encode())
            assert usbip.decode_op(exactly(sock, usbip.OP_SIZE)) == OpHeader(Operation.LIST_REPLY)
            found = []
            for _ in range(usbip.decode_count(exactly(sock, usbip.COUNT_SIZE))):
                device = usbip.decode_device(exactly(sock, usbip.DEVICE_SIZE))
                triples = usbip.decode_interfaces(exactly(sock, 4 * device.interfaces_count))
                found.append((device.busid, triples))
            assert found == [(PORT, ((8, 6, 0x50),)), ("1-1.8", ((8, 6, 0x50), (3, 1, 1)))]


def test_an_imported_device_answers_on_its_control_endpoint(server: Server) -> None:
    plug(server, bytes(512))
    with Peer(server) as peer:
        status, raw = peer.control(Setup(0x80, Request.GET_DESCRIPTOR, Kind.DEVICE << 8, 0, 64))
        device = descriptors.decode_device(raw)
        assert (status, device.vendor_id) == (0, peer.device.vendor_id)
        assert peer.control(Setup(0x00, Request.SET_CONFIGURATION, 1, 0, 0)) == (0, b"")
        assert peer.control(Setup(0x80, Request.GET_CONFIGURATION, 0, 0, 1)) == (0, b"\1")
        assert peer.control(Setup(0x80, Request.GET_DESCRIPTOR, 0x0600, 0, 10)) == (-errno.EPIPE, b"")


def test_a_mebibyte_in_one_urb_is_the_cards_own(server: Server) -> None:
    card = content(2 * MIB)
    plug(server, card)
    with Peer(server).ready() as peer:
        assert peer.read(2048, 2048) == card[MIB:]
        assert peer.read(0, 2048) == card[:MIB]


def test_a_device_is_imported_by_one_at_a_time(server: Server) -> None:
    plug(server, bytes(512))
    with Peer(server), Peer(server) as second:
        assert second.status == OpStatus.BUSY
    with Peer(server, "1-1.4") as nothing:
        assert nothing.status == OpStatus.NO_DEVICE


def test_who_comes_after_one_that_hung_up_never_meets_its_shadow(server: Server) -> None:
    plug(server, bytes(512))
    exports = Exports(server.bus)
    gone, peer = socket.socketpair()
    here, other = socket.socketpair()
    with gone, peer, here, other:
        what = exports.take(PORT, gone)
        assert exports.take(PORT, here) is OpStatus.BUSY
        peer.close()
        assert isinstance(what, Enumerated)
        thread = threading.Timer(0.1, exports.release, [what])  # its own sees the end a little later
        thread.start()
        assert exports.take(PORT, here) is what
        thread.join()


def test_what_nobody_answers_waits_until_it_is_unlinked(server: Server) -> None:
    plug(server, content(512))
    with Peer(server).ready() as peer:
        waiting = peer.submit(1, 512)
        peer.sock.sendall(usbip.Unlink(seqnum=99, devid=peer.device.devid, target=waiting).encode())
        answer = usbip.decode_urb(exactly(peer.sock, usbip.URB_SIZE))
        assert answer == usbip.Unlinked(seqnum=99, status=-errno.ECONNRESET)
        peer.sock.sendall(usbip.Unlink(seqnum=100, devid=peer.device.devid, target=waiting).encode())
        answer = usbip.decode_urb(exactly(peer.sock, usbip.URB_SIZE))
        assert answer == usbip.Unlinked(seqnum=100, status=0)
        assert peer.read(0, 1) == content(512)


def test_an_urb_submitted_early_is_answered_when_the_device_has_data(server: Server) -> None:
    plug(server, content(512))
    with Peer(server).ready() as peer:
        early = peer.submit(1, 512)
        wrapper = bot.CommandWrapper(tag=5, length=512, inbound=True, command=scsi.Read10(0, 1).encode())
        peer.submit(1, data=wrapper.encode())
        assert peer.returned(inbound=False)[0].seqnum == early + 1
        urb, data = peer.returned(inbound=True)
        assert (urb.seqnum, data) == (early, content(512))


def test_unplugging_ends_what_waits_and_then_the_connection(server: Server) -> None:
    plug(server, bytes(512))
    with Peer(server).ready() as peer:
        waiting = peer.submit(1, 512)
        server.bus.unplug(PORT)
        urb, _ = peer.returned(inbound=True)
        assert (urb.seqnum, urb.status) == (waiting, -errno.ENODEV)
        assert peer.sock.recv(1) == b""


@pytest.mark.parametrize("limit", [1, 511, 512, 70_000])
def test_the_bytes_before_the_pull_arrive_and_no_more(server: Server, limit: int) -> None:
    card = content(MIB)
    plug(server, card, faults=UsbFaults(pull_after_bytes=limit))
    with Peer(server).ready() as peer:
        peer.begin(scsi.Read10(0, 2048), MIB)
        peer.submit(1, MIB)
        urb, data = peer.returned(inbound=True)
        assert (urb.status, data) == (-errno.ENODEV, card[:limit])
        assert peer.sock.recv(1) == b""
    assert server.bus.where(f"cam-{PORT}") is None


def test_a_slow_answer_comes_late_and_can_be_given_up(server: Server) -> None:
    plug(server, content(512), faults=UsbFaults(bytes_per_s=1))
    with Peer(server).ready() as peer:
        peer.begin(scsi.Read10(0, 1), 512)
        late = peer.submit(1, 512)
        peer.sock.sendall(usbip.Unlink(seqnum=99, devid=peer.device.devid, target=late).encode())
        answer = usbip.decode_urb(exactly(peer.sock, usbip.URB_SIZE))
        assert answer == usbip.Unlinked(seqnum=99, status=-errno.ECONNRESET)


def test_noise_ends_its_own_connection_only(server: Server) -> None:
    plug(server, content(512))
    with Peer(server).ready() as peer:
        for noise in (b"\xff" * 64, b"GET / HTTP/1.1\r\n\r\n", bytes(8)):
            with line(server, 0) as sock:
                sock.sendall(noise)
                with suppress(ConnectionResetError):  # bytes of ours were unread when it hung up
                    assert sock.recv(1) == b""
        assert peer.read(0, 1) == content(512)


def test_eight_cameras_are_read_at_once_and_not_mixed_up(server: Server) -> None:
    ports = [f"1-1.{n}" for n in range(1, 9)]
    for number, port in enumerate(ports):
        plug(server, content(MIB, number), port)
    peers = [Peer(server, port).ready() for port in ports]
    try:
        for peer in peers:
            peer.begin(scsi.Read10(0, 2048), MIB)
        for peer in peers:
            peer.submit(1, MIB)
        for number, peer in enumerate(peers):
            assert peer.returned(inbound=True)[1] == content(MIB, number)
    finally:
        for peer in peers:
            peer.sock.close()


def test_events_begin_with_what_is_there(server: Server) -> None:
    plug(server, bytes(512))
    with line(server, 1) as sock, sock.makefile("rb") as lines:
        first = json.loads(lines.readline())
        assert (first["event"], first["port"]) == ("add", PORT)
        assert json.loads(lines.readline()) == {"event": "ready"}
        server.bus.power(PORT, False)
        server.bus.power(PORT, True)
        after = [json.loads(lines.readline()) for _ in range(2)]
        assert [(one["event"], one["devnum"] - first["devnum"]) for one in after] == [
            ("remove", 0),
            ("add", 1),
        ]


def ask(server: Server, **request: object) -> dict[str, Any]:
    with line(server, 2) as sock, sock.makefile("rb") as lines:
        sock.sendall(json.dumps(request).encode() + b"\n")
        answer: dict[str, Any] = json.loads(lines.readline())
        return answer


def test_control_tells_the_truth_about_cameras_and_what_was_written(server: Server) -> None:
    plug(server, bytes(1024))
    with Peer(server).ready() as peer:
        wrapper = bot.CommandWrapper(tag=1, length=512, inbound=False, command=scsi.Write10(1, 1).encode())
        peer.submit(1, data=wrapper.encode())
        peer.submit(1, data=b"\xaa" * 512)
        for _ in range(2):
            assert peer.returned(inbound=False)[0].status == 0
        assert peer.status_wrapper().status is bot.Status.PASSED
    status = ask(server, op="status")["status"]
    (camera,) = status["cameras"]
    assert (camera["port"], camera["mode"], camera["writes"]) == (PORT, "disk", 1)
    ((lba, digest),) = ask(server, op="writes", camera=f"cam-{PORT}", forget=True)["writes"]
    assert (lba, len(digest)) == (1, 64)
    assert ask(server, op="writes", camera=f"cam-{PORT}")["writes"] == []


@pytest.mark.parametrize(
    "request_",
    [
        {"op": "fly"},
        {"op": "plug", "port": PORT, "camera": "nobody"},
        {"op": "plug", "port": PORT},
        {"op": "add", "camera": {"name": "x", "colour": "red"}},
        {"op": "set", "camera": "nobody", "changes": {}},
        {},
    ],
    ids=lambda r: str(r.get("op")),
)
def test_control_answers_a_bad_request_with_a_sentence(server: Server, request_: dict[str, object]) -> None:
    answer = ask(server, **request_)
    assert answer["ok"] is False
    assert answer["error"]


def test_changes_come_through_control(server: Server) -> None:
    plug(server, bytes(512))
    assert ask(server, op="set", camera=f"cam-{PORT}", changes={"battery": 12.0, "recording": True})["ok"]
    camera = server.bus.camera(f"cam-{PORT}")
    assert (camera.battery, camera.recording) == (12.0, True)
    camera.change(CameraChanges(faults=UsbFaults(write_protected=True)))
    assert camera.faults.write_protected


def test_a_server_that_is_closed_leaves_no_thread_behind(tmp_path: Path) -> None:
    timers = Timers()
    server = Server(UsbBus(HostTime(), timers), tmp_path / "usb.sock")
    server.bus.add(CameraSpec(name="cam", kind="msc"), bytearray(MIB))
    server.bus.plug(PORT, "cam")
    before = set(threading.enumerate())
    with Peer(server) as peer:
        assert peer.status == OpStatus.OK
        serving = [thread for thread in threading.enumerate() if thread not in before]
        server.close()
        for thread in serving:
            thread.join(5)
        assert not [thread for thread in serving if thread.is_alive()]
    timers.cancel()


def test_a_server_closed_while_a_device_is_being_handed_over_ends_that_thread_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its socket was closed under it, which is no error that anybody had expected."""
    reached, closed, failed = threading.Event(), threading.Event(), list[object]()

    class Late(Attached):
        def __init__(self, *args: Any) -> None:
            reached.set()
            closed.wait(5)
            super().__init__(*args)

    monkeypatch.setattr(urbs, "Attached", Late)
    monkeypatch.setattr(threading, "excepthook", failed.append)
    timers = Timers()
    server = Server(UsbBus(HostTime(), timers), tmp_path / "usb.sock")
    server.bus.add(CameraSpec(name="cam", kind="msc"), bytearray(MIB))
    server.bus.plug(PORT, "cam")
    before = set(threading.enumerate())
    with Peer(server):
        assert reached.wait(5)
        serving = [thread for thread in threading.enumerate() if thread not in before]
        server.close()
        closed.set()
        for thread in serving:
            thread.join(5)
        assert not [thread for thread in serving if thread.is_alive()]
    assert not failed
    timers.cancel()
