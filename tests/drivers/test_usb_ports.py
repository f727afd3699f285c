"""The ports' process on a sysfs of the test's own: what opens a port, and that nothing else does."""

import os
import pwd
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.notify import Notifier
from drivers.usb_ports import messages as p
from drivers.usb_ports.gate import OFF_S, Gate
from drivers.usb_ports.host_check import KERNEL_DEFAULT, kernel_gap, problems
from drivers.usb_ports.id_path import IdPath, parse_id_path
from drivers.usb_ports.main import converse, ender, serve
from drivers.usb_ports.rules import rules
from drivers.usb_ports.service import PortsServer
from drivers.usb_ports.slot_map import read_slot_map
from edged.config import _ID_PATH
from edged.errors import CameraError, ConfigError, EdgeError, ErrorCode
from firmware_protocol.usb.descriptors import ConfigurationDescriptor, DeviceDescriptor
from simulators.usb.hostile import DEVICES
from simulators.usb.mass_storage import INTERFACE

CONTROLLER = "0000:00:10.0"
SLOTS = {n: IdPath("pci", CONTROLLER, f"1.{n}") for n in (1, 2, 3)}
CAMERA = (
    DeviceDescriptor(vendor_id=0x1209, product_id=2).encode()
    + ConfigurationDescriptor(value=1, interfaces=(INTERFACE,)).encode()
)
ROOT = Path(__file__).parents[2]


class Sysfs:
    """Two root hubs of one controller with a hub at port 1, as the kernel shows them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.controller = root / "devices" / "pci0000:00" / CONTROLLER
        devices = root / "bus" / "pci" / "devices"
        devices.mkdir(parents=True)
        for bus in (1, 2):
            (self.controller / f"usb{bus}" / f"{bus}-1" / f"{bus}-1:1.0").mkdir(parents=True)
        (devices / CONTROLLER).symlink_to(self.controller)
        self.pauses: list[float] = []

    def plug(self, port: int, descriptors: bytes = CAMERA, bus: int = 1) -> Path:
        name = f"{bus}-1.{port}"
        device = self.controller / f"usb{bus}" / f"{bus}-1" / name
        (device / f"{name}:1.0").mkdir(parents=True)
        (device / "descriptors").write_bytes(descriptors)
        for file in (device / "authorized", device / f"{name}:1.0" / "authorized"):
            file.write_text("0")
        return device

    def switchable(self, port: int, bus: int = 1) -> Path:
        folder = self.controller / f"usb{bus}" / f"{bus}-1" / f"{bus}-1:1.0" / f"{bus}-1-port{port}"
        folder.mkdir()
        (folder / "disable").write_text("0")
        return folder / "disable"

    def open_ports(self) -> set[str]:
        """Everything that is authorised, devices and interfaces."""
        return {
            path.parent.name
            for path in self.controller.rglob("authorized")
            if path.read_text().strip() == "1"
        }


@pytest.fixture
def sysfs(tmp_path: Path) -> Sysfs:
    return Sysfs(tmp_path / "sys")


@pytest.fixture
def gate(sysfs: Sysfs) -> Gate:
    return Gate(SLOTS, sysfs.pauses.append, sysfs.root)


# --- the gate ---


def test_a_camera_is_let_in_with_its_one_interface_and_shut_out_again(sysfs: Sysfs, gate: Gate) -> None:
    sysfs.plug(2)
    sysfs.plug(3)
    assert len(gate.open(2)) == 64
    assert sysfs.open_ports() == {"1-1.2", "1-1.2:1.0"}
    gate.close(2)
    assert "1-1.2" not in sysfs.open_ports()


def test_between_conversations_the_interface_is_nobodys_and_the_device_stays(
    sysfs: Sysfs, gate: Gate
) -> None:
    sysfs.plug(2)
    gate.open(2)
    gate.rest(2)
    assert sysfs.open_ports() == {"1-1.2"}
    gate.open(2)
    assert sysfs.open_ports() == {"1-1.2", "1-1.2:1.0"}
    gate.rest(3)  # nothing is there


@pytest.mark.parametrize(("name", "taken"), [("usb-storage", True), ("usbfs", False)])
def test_a_driver_that_came_late_gives_the_interface_back(
    name: str, taken: bool, sysfs: Sysfs, gate: Gate
) -> None:
    interface = sysfs.plug(2) / "1-1.2:1.0"
    driver = sysfs.root / "bus" / "usb" / "drivers" / name
    driver.mkdir(parents=True)
    (driver / "unbind").write_text("")
    (interface / "driver").symlink_to(driver)
    gate.open(2)
    assert (driver / "unbind").read_text() == ("1-1.2:1.0" if taken else "")


@pytest.mark.parametrize("kind", sorted(DEVICES))
def test_what_is_no_camera_stays_shut(kind: str, sysfs: Sysfs, gate: Gate) -> None:
    own = DEVICES[kind]().identity
    sysfs.plug(1, own.device + own.configuration)
    with pytest.raises(CameraError) as refused:
        gate.open(1)
    assert refused.value.code is ErrorCode.CAMERA_FORBIDDEN_INTERFACE
    assert not sysfs.open_ports()


def test_descriptors_that_change_while_the_port_opens_shut_it(sysfs: Sysfs, gate: Gate) -> None:
    device = sysfs.plug(1)
    keyboard = DEVICES["keyboard"]().identity
    real = Path.write_text

    def turns(path: Path, data: str) -> int:
        if data == "1":
            (device / "descriptors").write_bytes(keyboard.device + keyboard.configuration)
        return real(path, data)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "write_text", turns)
        with pytest.raises(CameraError) as refused:
            gate.open(1)
    assert refused.value.code is ErrorCode.CAMERA_FORBIDDEN_INTERFACE
    assert "1-1.1" not in sysfs.open_ports()


@given(cut=st.integers(0, len(CAMERA) - 1))
def test_no_part_of_a_cameras_descriptors_opens_a_port(
    cut: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    sysfs = Sysfs(tmp_path_factory.mktemp("sys"))
    sysfs.plug(1, CAMERA[:cut])
    with pytest.raises(CameraError):
        Gate(SLOTS, sysfs.pauses.append, sysfs.root).open(1)
    assert not sysfs.open_ports()


def test_nothing_and_two_at_one_port_are_no_camera(sysfs: Sysfs, gate: Gate) -> None:
    with pytest.raises(CameraError) as lost:
        gate.open(1)
    assert lost.value.code is ErrorCode.CAMERA_LOST
    sysfs.plug(1)
    sysfs.plug(1, bus=2)
    with pytest.raises(CameraError):
        gate.open(1)
    assert not sysfs.open_ports()


def test_a_slot_that_is_not_on_the_map_is_not_touched(sysfs: Sysfs, gate: Gate) -> None:
    sysfs.plug(4)
    for act in (gate.open, gate.close, gate.cycle):
        with pytest.raises(EdgeError) as refused:
            act(4)
        assert refused.value.code is ErrorCode.BAD_REQUEST
    gate.close_all()
    assert not sysfs.open_ports()


def test_all_are_shut_even_if_one_cannot_be(sysfs: Sysfs, gate: Gate) -> None:
    for port in (1, 2, 3):
        sysfs.plug(port)
        gate.open(port)
    stuck = sysfs.controller / "usb1" / "1-1" / "1-1.1" / "authorized"
    stuck.unlink()
    stuck.mkdir()  # no write succeeds
    with pytest.raises(EdgeError) as failed:
        gate.close_all()
    assert failed.value.code is ErrorCode.PORT_FAULT
    for port in (2, 3):
        assert (sysfs.controller / "usb1" / "1-1" / f"1-1.{port}" / "authorized").read_text() == "0"


def test_power_is_taken_on_both_buses_of_the_port(sysfs: Sysfs, gate: Gate) -> None:
    with pytest.raises(EdgeError) as refused:
        gate.cycle(2)
    assert refused.value.code is ErrorCode.PORT_FAULT
    switches = [sysfs.switchable(2, bus) for bus in (1, 2)]
    seen: list[list[str]] = []
    gate = Gate(SLOTS, lambda s: seen.append([str(s), *(x.read_text() for x in switches)]), sysfs.root)
    gate.cycle(2)
    assert seen == [[str(OFF_S), "1", "1"]]
    assert [switch.read_text() for switch in switches] == ["0", "0"]


def test_a_port_of_the_root_hub_is_switched_there(sysfs: Sysfs) -> None:
    switch = sysfs.controller / "usb1" / "1-0:1.0" / "usb1-port4" / "disable"
    switch.parent.mkdir(parents=True)
    switch.write_text("0")
    seen = []
    gate = Gate({1: IdPath("pci", CONTROLLER, "4")}, lambda _: seen.append(switch.read_text()), sysfs.root)
    gate.cycle(1)
    assert seen == ["1"]


# --- the map ---


def test_a_map_is_read_out_of_the_stations_configuration() -> None:
    slot = f'{{ label = 7, port = "pci-{CONTROLLER}-usb-0:1.3", controller_slot = 1 }}'
    text = f'[station]\nid = "x"\n[[dock]]\nname = "A"\nslots = [{slot}]\n'
    assert read_slot_map(text.encode()) == {7: IdPath("pci", CONTROLLER, "1.3")}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "dock = 1",
        "[[dock]]",
        "[[dock]]\nslots = 3",
        "[[dock]]\nslots = []",
        '[[dock]]\nslots = [{ label = 1, port = "1-1.3" }]',
        '[[dock]]\nslots = [{ label = true, port = "pci-0000:00:10.0-usb-0:1.3" }]',
        '[[dock]]\nslots = [{ label = 0, port = "pci-0000:00:10.0-usb-0:1.3" }]',
        '[[dock]]\nslots = [{ label = 1, port = "pci-0:1-usb-0:1" }, { label = 2, port = "pci-0:1-usb-0:1" }]',
        '[[dock]]\nslots = [{ label = 1, port = "pci-0:1-usb-0:1" }, { label = 1, port = "pci-0:1-usb-0:2" }]',
        "dock = [[[",
        "\x00",
    ],
)
def test_another_map_is_an_error_of_the_configuration(text: str) -> None:
    with pytest.raises(ConfigError):
        read_slot_map(text.encode())


@given(
    st.text(max_size=80) | st.from_regex(r"(pci|platform)-[a-z0-9:.]{1,20}-usb-0:[0-9.]{1,9}", fullmatch=True)
)
def test_an_id_path_names_one_port_or_none(text: str) -> None:
    try:
        found = parse_id_path(text)
    except ConfigError:
        return
    assert parse_id_path(found.id_path) == found
    assert re.fullmatch(_ID_PATH, text)  # the configuration takes it too
    assert "/" not in found.controller + found.chain
    assert ".." not in found.chain


# --- the conversation ---


NOBODY = Notifier({}, 0)  # there is no systemd
_answer: Callable[[bytes], p.Answer] = msgspec.json.Decoder(p.Answer).decode


class Talk:
    def __init__(self, server: PortsServer) -> None:
        self.ours, theirs = socket.socketpair()
        self.ours.settimeout(10)
        self._thread = threading.Thread(target=self._run, args=(theirs, server))
        self._thread.start()

    def _run(self, theirs: socket.socket, server: PortsServer) -> None:
        with theirs:
            converse(theirs, server, NOBODY)

    def ask(self, request: p.Request) -> p.Answer:
        self.ours.sendall(msgspec.json.encode(request) + b"\n")
        return self.answer()

    def answer(self) -> p.Answer:
        held = b""
        while not held.endswith(b"\n"):
            some = self.ours.recv(4096)
            assert some, "the conversation is over"
            held += some
        return _answer(held)

    def end(self) -> None:
        self.ours.close()
        self._thread.join(10)
        assert not self._thread.is_alive()


def test_requests_are_answered_in_order_and_failures_with_their_code(sysfs: Sysfs, gate: Gate) -> None:
    sysfs.plug(1)
    ended: list[int] = []
    talk = Talk(PortsServer(gate, ended.append))
    assert isinstance(talk.ask(p.Open(slot=1)), p.Opened)
    assert talk.ask(p.EndWorker(pid=77)) == p.Done()
    refused = talk.ask(p.Open(slot=9))
    assert isinstance(refused, p.Refused)
    assert refused.code == ErrorCode.BAD_REQUEST.number
    assert talk.ask(p.Close(slot=1)) == p.Done()
    assert "1-1.1" not in sysfs.open_ports()
    assert ended == [77]
    talk.end()


@pytest.mark.parametrize("said", [b"{}\n", b"\xff\n", b"[" * 5000, b"x" * 9000, b'{"kind":"open"}\n'])
def test_what_is_no_request_ends_the_conversation(said: bytes, gate: Gate) -> None:
    talk = Talk(PortsServer(gate, lambda _: None))
    talk.ours.sendall(said)
    with suppress(ConnectionResetError):  # it has not read all
        assert talk.ours.recv(100) == b""
    talk.end()


def _serve(listening: socket.socket, gate: Gate) -> None:
    with suppress(OSError, ValueError):  # at the end of the test the socket is none any more
        serve(listening, PortsServer(gate, lambda _: None), gate, NOBODY)


def test_every_port_is_shut_when_the_core_has_gone(sysfs: Sysfs, gate: Gate, tmp_path: Path) -> None:
    sysfs.plug(1)
    sysfs.plug(2)
    path = str(tmp_path / "ports.sock")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path)
        listening.listen()
        threading.Thread(target=_serve, args=(listening, gate), daemon=True).start()
        for _ in range(2):
            with socket.socket(socket.AF_UNIX) as core:
                core.settimeout(10)
                core.connect(path)
                for slot in (1, 2):
                    core.sendall(msgspec.json.encode(p.Open(slot=slot)) + b"\n")
                    assert b"opened" in core.recv(4096)
                    assert f"1-1.{slot}" in sysfs.open_ports()
        with socket.socket(socket.AF_UNIX) as core:  # answered only after the last one's ports were shut
            core.settimeout(10)
            core.connect(path)
            core.sendall(msgspec.json.encode(p.Close(slot=3)) + b"\n")
            core.recv(4096)
            assert not {"1-1.1", "1-1.2"} & sysfs.open_ports()


def test_the_watchdog_is_fed_while_it_waits_and_not_while_it_answers(gate: Gate, tmp_path: Path) -> None:
    asked, over = threading.Event(), threading.Event()

    def hangs(_pid: int) -> None:
        asked.set()
        over.wait(10)

    ours, theirs = socket.socketpair()
    with ours, theirs, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(str(tmp_path / "notify"))
        ear.settimeout(10)
        told = Notifier({"NOTIFY_SOCKET": ear.getsockname(), "WATCHDOG_USEC": "60000"}, 0)
        server = PortsServer(gate, hangs)
        thread = threading.Thread(target=converse, args=(theirs, server, told), daemon=True)
        thread.start()
        assert [ear.recv(100) for _ in range(3)] == [b"WATCHDOG=1"] * 3  # nobody asks for anything
        ours.sendall(msgspec.json.encode(p.EndWorker(pid=7)) + b"\n")
        assert asked.wait(10)
        ear.setblocking(False)
        with suppress(BlockingIOError):
            while ear.recv(100):  # from before the request
                pass
        ear.settimeout(0.2)  # ten times the interval
        with pytest.raises(TimeoutError):
            ear.recv(100)
        over.set()
        ear.settimeout(10)
        assert ear.recv(100) == b"WATCHDOG=1"
        ours.close()
        thread.join(10)


# --- ending a worker ---


def test_only_processes_of_the_workers_user_are_ended() -> None:
    me = pwd.getpwuid(os.getuid()).pw_name
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as process:
        with pytest.raises(EdgeError) as refused:
            ender("nobody")(process.pid)
        assert refused.value.code is ErrorCode.BAD_REQUEST
        assert process.poll() is None
        ender(me)(process.pid)
        assert process.wait(10) == -signal.SIGKILL
        ender(me)(process.pid)  # it has ended: nothing to do
    for pid in (0, -1, 1 << 40):
        with suppress(EdgeError):
            ender("nobody")(pid)


def test_an_unknown_user_is_an_error_at_the_start() -> None:
    with pytest.raises(EdgeError) as failed:
        ender("no-such-user")
    assert failed.value.code is ErrorCode.CONFIG_INVALID


def test_it_is_started_by_its_socket_only(tmp_path: Path) -> None:
    config = tmp_path / "edged.toml"
    config.write_text('[[dock]]\nslots = [{ label = 1, port = "pci-0000:00:10.0-usb-0:1.3" }]\n')
    command = [
        sys.executable,
        "-m",
        "drivers.usb_ports.main",
        "--map",
        str(config),
        "--workers-user",
        "nobody",
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, env=dict(os.environ))
    assert done.returncode == 1
    assert "edged-ports.socket" in done.stderr
    done = subprocess.run(
        [*command[:-4], "--map", "/none"], cwd=ROOT, capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 1
    assert "E4001" in done.stderr or "/none" in done.stderr


# --- whether a host is as shut as it should be ---


def shut_host(folder: Path) -> tuple[dict[int, IdPath], Path, Path]:
    slots = {3: IdPath("pci", "0000:00:10.0", "1.3")}
    sysfs, written = folder / "sys", folder / "68-edged.rules"
    for hub in ("usb1", "usb2"):
        place = sysfs / "bus/pci/devices/0000:00:10.0" / hub
        place.mkdir(parents=True)
        (place / "authorized_default").write_text("0\n")
        (place / "interface_authorized_default").write_text("0\n")
    (sysfs / KERNEL_DEFAULT).parent.mkdir(parents=True)
    (sysfs / KERNEL_DEFAULT).write_text("0\n")
    written.write_text(rules(slots))
    return slots, written, sysfs


def test_a_shut_host_has_no_problems(tmp_path: Path) -> None:
    slots, written, sysfs = shut_host(tmp_path)
    assert problems(slots, written, sysfs) == []
    assert kernel_gap(sysfs) == ""


def test_what_stands_open_is_said_by_name(tmp_path: Path) -> None:
    slots, written, sysfs = shut_host(tmp_path)
    (sysfs / "bus/pci/devices/0000:00:10.0/usb2/authorized_default").write_text("1\n")
    (sysfs / KERNEL_DEFAULT).write_text("-1\n")
    slots[4] = IdPath("pci", "0000:00:11.0", "2")
    found = problems(slots, written, sysfs)
    assert [word in sentence for word, sentence in zip(("rules", "usb2", "00:11.0"), found, strict=True)] == [
        True
    ] * 3
    assert "is -1" in kernel_gap(sysfs)
    written.unlink()
    assert "systemctl start edged-rules" in problems(slots, written, sysfs)[0]
