"""Workers that come by themselves, as under systemd: who is let in, what their coming and going means."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from drivers.disk import PosixDisk
from drivers.hotplug import UsbArrived, UsbLeft
from drivers.usb_ports import messages as p
from drivers.worker import messages as m
from edged.errors import CameraError, ErrorCode, Fact
from edged.roles import connected_workers
from edged.roles.base import SealOrder
from edged.roles.child import Family
from edged.roles.connected_workers import ConnectedWorkers
from edged.roles.port_gate import PortGate
from edged.roles.subprocess_roles import SubprocessRoles
from simulators.usb.spec import CameraSpec
from tests.drivers.usb_world import PORT, World, card, served
from tests.edged.vault.rig import make_rig
from tests.patience import PATIENCE_S
from tests.real_disk import scratch
from tests.scripted_ports import ScriptedPorts

pytestmark = pytest.mark.slow
SPEC = CameraSpec(name="cam", kind="msc", usb_serial="USB0001")
FILM = os.urandom(3_000_000)
SLOT = 2


class Host:
    """The core's side and a bus, for workers that the test starts in systemd's place."""

    def __init__(self, folder: Path, bus: Path, uid: int, ports: ScriptedPorts) -> None:
        self.log: list[tuple[str, dict[str, Fact]]] = []
        self.folder, self.bus = folder / "workers", bus
        self.ports = ports
        gate = PortGate(str(ports.path))
        self.workers = ConnectedWorkers(str(self.folder), {SLOT: PORT}, uid, gate, self.write)
        self.events: asyncio.Queue[UsbArrived | UsbLeft] = asyncio.Queue()
        self._listening = asyncio.create_task(self._listen())
        self.processes: list[asyncio.subprocess.Process] = []

    def write(self, event: str, /, **fields: Fact) -> None:
        self.log.append((event, fields))

    @property
    def socket(self) -> Path:
        return self.folder / str(SLOT) / "core.sock"

    async def worker(self, connection: str = "one") -> asyncio.subprocess.Process:
        await until(self.socket.exists)
        words = ["--connect", str(self.socket), "--port", PORT, "--connection", connection]
        words += ["--backend", f"usbip:{self.bus}"]
        process = await asyncio.create_subprocess_exec(sys.executable, "-m", "drivers.worker.main", *words)
        self.processes.append(process)
        return process

    async def event(self) -> UsbArrived | UsbLeft:
        async with asyncio.timeout(PATIENCE_S):
            return await self.events.get()

    async def close(self) -> None:
        self._listening.cancel()
        await self.workers.close()
        for process in self.processes:
            async with asyncio.timeout(PATIENCE_S):
                await process.wait()

    async def _listen(self) -> None:
        while True:
            self.events.put_nowait(await self.workers.next())


async def until(holds) -> None:  # type: ignore[no-untyped-def]  # any function without arguments
    async with asyncio.timeout(PATIENCE_S):
        while not holds():  # noqa: ASYNC110  # a file, or a list that another fills
            await asyncio.sleep(0.02)


@asynccontextmanager
async def hosted(folder: Path, uid: int = os.getuid()) -> AsyncIterator[Host]:
    world = World()
    world.dock(SPEC, card({"CLIP0001.MP4": FILM}))
    async with ScriptedPorts.at(folder / "ports.sock") as ports:
        with served(world.bus, folder / "usb.sock") as path:
            host = Host(folder, path, uid, ports)
            try:
                yield host
            finally:
                await host.close()


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[Host]:
    async with hosted(tmp_path) as made:
        yield made


async def identify(host: Host) -> m.Identified:
    worker = await host.workers.start(PORT)
    try:
        found = await worker.call(m.Identify(), deadline_s=PATIENCE_S)
    finally:
        await worker.close()
    assert isinstance(found, m.Identified)
    return found


async def test_one_worker_holds_one_conversation_after_the_other(host: Host) -> None:
    process = await host.worker()
    assert await host.event() == UsbArrived(PORT, "one")
    assert [(await identify(host)).usb_serial for _ in range(3)] == ["USB0001"] * 3
    assert process.returncode is None
    assert [fields["pid"] for event, fields in host.log if event == "EDG-9103"] == [process.pid]


async def test_a_conversation_that_broke_off_leaves_nothing_behind_for_the_next(host: Host) -> None:
    process = await host.worker()
    worker = await host.workers.start(PORT)
    with pytest.raises(CameraError):
        await worker.call(m.Identify(), deadline_s=0.0)
    await worker.close()
    again = await host.worker("one")  # as systemd would: its line was broken, so it ends and another comes
    async with asyncio.timeout(PATIENCE_S):
        assert await process.wait() in (0, -signal.SIGKILL)
    assert (await identify(host)).usb_serial == "USB0001"
    assert again.returncode is None
    assert await host.event() == UsbArrived(PORT, "one")
    assert host.events.empty()


async def test_a_clip_comes_in_through_the_pipe_of_a_worker_that_came(host: Host) -> None:
    with scratch() as folder:
        rig = make_rig(PosixDisk(), str(folder / "vault"))
        roles = SubprocessRoles(Family(host.write), host.workers)
        await host.worker()
        worker = await roles.start_worker(PORT)
        await worker.call(m.Identify(), deadline_s=PATIENCE_S)
        listed = await worker.call(m.ListClips(), deadline_s=PATIENCE_S)
        assert isinstance(listed, m.ClipsListed)
        (clip,) = listed.clips
        part = rig.vault.begin(rig.place, clip.size)
        try:
            sealed = await roles.transfer(worker, clip, 0, SealOrder(part=part), lambda _: None)
        finally:
            part.close()
        assert sealed.size == len(FILM)
        await worker.close()
        await roles.close()


async def test_after_each_conversation_the_interface_is_nobodys(host: Host) -> None:
    await host.worker()
    for _ in range(2):
        await identify(host)
    assert host.ports.asked == [p.Open(slot=SLOT), p.Rest(slot=SLOT)] * 2


async def test_another_user_reaches_the_socket_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        async with hosted(tmp_path) as host:
            await until(host.socket.exists)
            await until(lambda: host.socket.stat().st_mode & 0o777 == 0o666)
            assert host.socket.parent.stat().st_mode & 0o777 == 0o711
    finally:
        os.umask(before)


async def test_the_hub_takes_the_power_where_it_can(host: Host) -> None:
    assert await host.workers.cycle(PORT)
    assert host.ports.asked == [p.Cycle(slot=SLOT)]
    host.ports.says = msgspec.json.encode(p.Refused(code=ErrorCode.PORT_FAULT.number, detail={})) + b"\n"
    assert not await host.workers.cycle(PORT)


async def test_a_port_is_opened_for_a_conversation_only_and_shut_for_what_is_no_camera(host: Host) -> None:
    await host.worker()
    host.ports.refuse[SLOT] = ErrorCode.CAMERA_FORBIDDEN_INTERFACE
    with pytest.raises(CameraError) as refused:
        await host.workers.start(PORT)
    assert refused.value.code is ErrorCode.CAMERA_FORBIDDEN_INTERFACE
    assert not host.ports.open
    del host.ports.refuse[SLOT]
    worker = await host.workers.start(PORT)
    assert host.ports.open == {SLOT}
    worker._partner.distrust()
    await until(lambda: not host.ports.open)
    await worker.close()


@pytest.mark.parametrize(
    "says",
    [
        b"{}\n",
        b"\xff\n",
        b"x" * 9000,
        b'{"kind":"refused","code":9999,"detail":{}}\n',
        b'{"kind":"refused","code":1}\n',
    ],
)
async def test_an_answer_of_the_ports_process_that_is_none_is_a_fault_of_the_port(
    says: bytes, host: Host
) -> None:
    await host.worker()
    host.ports.says = says
    with pytest.raises(CameraError) as failed:
        await host.workers.start(PORT)
    assert failed.value.code is ErrorCode.PORT_FAULT
    host.ports.says = None
    assert (await identify(host)).usb_serial == "USB0001"


async def test_a_worker_that_hangs_is_ended_its_port_shut_and_the_next_one_goes_on(host: Host) -> None:
    process = await host.worker()
    worker = await host.workers.start(PORT)
    process.send_signal(signal.SIGSTOP)
    with pytest.raises(CameraError) as failed:
        await worker.call(m.Identify(), deadline_s=0.3)
    assert failed.value.code is ErrorCode.CAMERA_SILENT
    await worker.close()
    async with asyncio.timeout(PATIENCE_S):
        assert await process.wait() == -signal.SIGKILL
    assert host.ports.asked[-2:] == [p.Close(slot=SLOT), p.EndWorker(pid=process.pid)]
    await host.worker()
    assert (await identify(host)).usb_serial == "USB0001"
    assert await host.event() == UsbArrived(PORT, "one")
    assert host.events.empty()


async def test_a_worker_that_is_told_to_end_says_that_the_device_has_left(host: Host) -> None:
    process = await host.worker()
    worker = await host.workers.start(PORT)
    await worker.call(m.Identify(), deadline_s=PATIENCE_S)
    process.send_signal(signal.SIGTERM)
    assert [await host.event(), await host.event()] == [UsbArrived(PORT, "one"), UsbLeft(PORT, "one")]
    with pytest.raises(CameraError) as failed:
        await worker.call(m.ReadBattery(), deadline_s=PATIENCE_S)
    assert failed.value.code is ErrorCode.CAMERA_LOST
    await worker.close()
    assert await process.wait() == 0


async def test_a_worker_that_dies_is_replaced_and_nobody_takes_it_for_a_removal(host: Host) -> None:
    process = await host.worker()
    worker = await host.workers.start(PORT)
    process.kill()
    with pytest.raises(CameraError) as failed:
        await worker.call(m.Identify(), deadline_s=PATIENCE_S)
    assert failed.value.code is ErrorCode.PROCESS_DIED
    await worker.close()
    await host.worker()
    assert (await identify(host)).usb_serial == "USB0001"
    assert await host.event() == UsbArrived(PORT, "one")
    assert host.events.empty()


async def test_a_worker_that_died_this_moment_is_not_the_one_a_conversation_begins_with(host: Host) -> None:
    await until(host.socket.exists)
    dying = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    dying.connect(str(host.socket))
    dying.sendall(msgspec.json.encode(m.Greeting(connection="one")) + b"\n")
    assert await host.event() == UsbArrived(PORT, "one")
    dying.close()  # the core has not looked at the line yet
    starting = asyncio.create_task(host.workers.start(PORT))
    await host.worker()
    worker = await starting
    assert host.ports.asked == [p.Open(slot=SLOT), p.Rest(slot=SLOT), p.Open(slot=SLOT)]
    assert isinstance(await worker.call(m.Identify(), deadline_s=PATIENCE_S), m.Identified)
    await worker.close()
    assert host.events.empty()


async def test_a_worker_whose_conversation_broke_off_is_given_no_other_though_its_line_still_holds(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connected_workers, "LAST_WORD_S", 0.2)
    await until(host.socket.exists)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as dying:
        dying.connect(str(host.socket))
        dying.sendall(msgspec.json.encode(m.Greeting(connection="one")) + b"\n")
        first = await host.workers.start(PORT)
        _, fds, _, _ = await asyncio.to_thread(socket.recv_fds, dying, 512, 8)
        os.close(fds[0])
        with pytest.raises(CameraError):
            await first.call(m.Identify(), deadline_s=PATIENCE_S)
        starting = asyncio.create_task(host.workers.start(PORT))
        assert (
            await asyncio.to_thread(dying.recv, 512) == b""
        )  # its line is broken, and nothing is asked of it
        await host.worker()
        worker = await starting
        assert isinstance(await worker.call(m.Identify(), deadline_s=PATIENCE_S), m.Identified)
        await worker.close()


async def test_a_port_that_could_not_be_shut_is_told_and_tried_again_until_it_is(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connected_workers, "SHUT_AGAIN_S", 0.05)
    await host.worker()
    assert await host.event() == UsbArrived(PORT, "one")
    await identify(host)
    host.ports.says = b"nonsense\n"
    host.workers.shut(SLOT)
    await until(lambda: SLOT in host.workers.unshut())
    assert host.workers.unshut()[SLOT].code is ErrorCode.PORT_FAULT
    asked = len(host.ports.asked)
    await until(lambda: not host.ports.open)  # that conversation was broken off
    host.ports.says = None
    await until(lambda: not host.workers.unshut())
    assert p.Close(slot=SLOT) in host.ports.asked[asked:]
    assert [event for event, _ in host.log].count("EDG-9105") == 1  # once, not at each try


async def test_a_worker_that_does_not_come_back_is_a_device_that_left(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connected_workers, "RETURN_S", 0.3)
    process = await host.worker()
    assert await host.event() == UsbArrived(PORT, "one")
    process.kill()
    assert await host.event() == UsbLeft(PORT, "one")


async def test_another_device_on_the_same_port_is_told_from_the_one_before(host: Host) -> None:
    process = await host.worker("one")
    assert await host.event() == UsbArrived(PORT, "one")
    await host.worker("two")
    assert [await host.event(), await host.event()] == [UsbLeft(PORT, "one"), UsbArrived(PORT, "two")]
    async with asyncio.timeout(PATIENCE_S):
        assert await process.wait() == 0  # its line was broken
    assert (await identify(host)).usb_serial == "USB0001"


async def test_nobody_but_the_workers_user_is_let_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connected_workers, "START_S", 0.5)
    async with hosted(tmp_path, uid=os.getuid() + 1) as host:
        process = await host.worker()
        await process.wait()
        with pytest.raises(CameraError) as failed:
            await host.workers.start(PORT)
        assert failed.value.code is ErrorCode.PROCESS_DIED
        assert host.events.empty()
        ((event, fields),) = host.log
        assert (event, fields["pid"]) == ("EDG-9104", process.pid)
        (stranger,) = host.workers.strangers()
        assert (stranger.slot, stranger.uid) == (SLOT, os.getuid())
        assert not host.workers.strangers()  # told once


@pytest.mark.parametrize(
    "said",
    [
        b"{}\n",
        b"[" * 300,
        b"\xff\n",
        b'{"kind":"greeting","connection":"\\u0007"}\n',
        b'{"kind":"greeting","connection":"' + b"x" * 101 + b'"}\n',
        b"",
    ],
)
async def test_whoever_does_not_greet_is_let_go(
    said: bytes, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connected_workers, "GREETING_S", 0.3)
    await until(host.socket.exists)
    count = 2 * connected_workers.BACKLOG
    with ExitStack() as stack:
        for _ in range(count):
            sock = stack.enter_context(socket.socket(socket.AF_UNIX))
            sock.settimeout(PATIENCE_S)
            await asyncio.to_thread(sock.connect, str(host.socket))
            sock.sendall(said)
        await until(lambda: len(host.log) == count)
    assert {event for event, _ in host.log} == {"EDG-9104"}
    await host.worker()
    assert await host.event() == UsbArrived(PORT, "one")
