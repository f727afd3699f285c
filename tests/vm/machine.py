"""A virtual machine with a stock Debian kernel, real systemd and udev, and a USB controller to plug things into.

QEMU's monitor (QMP) is the hand that plugs and pulls; an agent in the guest runs commands. The processor is emulated:
ten to twenty times slower than the host, which proves function and says nothing of speed.
"""

import base64
import contextlib
import ctypes
import json
import queue
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

READY_S = 240.0  # a cold boot takes 20 s on a quiet machine
RESUME_S = 60.0
PIECE = 1 << 20  # bytes that are handed to the guest at once
ANSWER_S = 60.0
MONITOR_S = 30.0
LOOK_S = 0.02
PR_SET_PDEATHSIG = 1
STARTS = 3
STALE_CODE = "Oops: int3"
"""How an emulated kernel 6.12 dies now and then within its first two seconds: one processor patches code, the other
goes on with what the emulator has translated before. No station is running yet."""
KERNEL_LINE = (
    "console=ttyS0 quiet mitigations=off nokaslr audit=0 random.trust_cpu=on no_timer_check cryptomgr.notests "
    "systemd.show_status=0"
)


class MachineError(AssertionError):
    """The machine, or a command in it, did not do what the test needs."""


class Machine:
    """Started by ``boot`` or ``resume``; ended by ``stop`` or ``kill``. One thread.

    Args:
        image: folder with vmlinuz, initrd.img and rootfs.ext4.
        work: a folder of its own: disk, sockets, serial log.
        disk: qcow2 file that the new disk is laid over; None: the image's root file system.
    """

    def __init__(self, image: Path, work: Path, disk: Path | None = None) -> None:
        work.mkdir(parents=True, exist_ok=True)
        self.work, self.disk = work, work / "disk.qcow2"
        below, kind = (disk, "qcow2") if disk is not None else (image / "rootfs.ext4", "raw")
        overlay = ["qemu-img", "create", "-q", "-f", "qcow2", "-F", kind, "-b", str(below), str(self.disk)]
        subprocess.run(overlay, check=True, timeout=60)
        self._words = [*_board(image, work, self.disk), *_dock()]
        self._process: subprocess.Popen[bytes] | None = None
        self._answers: dict[int, queue.Queue[dict[str, Any]]] = {}
        self._hello: queue.Queue[dict[str, Any]] = queue.Queue()
        self._number = 0

    # --- life ----------------------------------------------------------------------------------------

    def boot(self, at_once: Callable[[], None] = lambda: None) -> None:
        """From power-on to an agent that answers. ``at_once``: what is plugged in before the kernel looks."""
        for _ in range(STARTS):
            before = len(self.serial())
            self._start([])
            at_once()
            try:
                self.up_again(before)
            except MachineError:
                if STALE_CODE not in self.serial()[before:]:
                    raise
                self.kill()
            else:
                return
        raise MachineError(f"it does not come up in {STARTS} tries:\n{self.serial()[-2000:]}")

    def up_again(self, since: int | None = None) -> None:
        """Wait for the agent's first word, also after a reboot that the guest was told to do.

        Args:
            since: length of the serial log before; None: what it is now.
        """
        since = len(self.serial()) if since is None else since
        end = time.monotonic() + READY_S
        while time.monotonic() < end and "Kernel panic" not in self.serial()[since:]:
            with contextlib.suppress(queue.Empty):
                self._hello.get(timeout=1.0)
                return
        raise MachineError(f"it does not come up:\n{self.serial()[-2000:]}")

    def resume(self, state: Path) -> None:
        """Go on where ``save`` has stopped a machine of the same kind over the same disk."""
        self._start(["-incoming", f"exec:cat {state}"])
        end = time.monotonic() + RESUME_S
        while self.monitor("query-status")["status"] == "inmigrate":
            if time.monotonic() > end:
                raise MachineError("it does not resume")
            time.sleep(LOOK_S)
        self.monitor("cont")
        self.run(f"date -s @{int(time.time())}")

    def save(self, state: Path) -> None:
        """Stop the machine and write memory and devices; its disk is the base for those that resume."""
        self.run("sync")
        self.monitor("stop")
        self.monitor("migrate", uri=f"exec:cat > {state}")
        while (status := self.monitor("query-migrate")["status"]) not in ("completed", "failed"):
            time.sleep(LOOK_S)
        self.kill()
        if status == "failed":
            raise MachineError("the state was not saved")

    def kill(self) -> None:
        """Power loss: of what the guest has not flushed, nothing is on its disk."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(30)
            for end in (self._lines, self._monitor, self._agent):
                end.close()
            self._process = None

    def stop(self) -> None:
        """Shut down in order."""
        assert self._process is not None
        self._ask({"cmd": "systemctl --no-block poweroff"}, ANSWER_S)
        try:
            self._process.wait(90)
        finally:
            self.kill()

    def serial(self) -> str:
        path = self.work / "serial.log"
        return path.read_text(errors="replace") if path.exists() else ""

    # --- the guest -----------------------------------------------------------------------------------

    def run(self, command: str, *, timeout_s: float = ANSWER_S, check: bool = True) -> str:
        """Run a shell line in the guest; return its output (and its errors, where they may be)."""
        done = self._ask({"cmd": command, "timeout": timeout_s}, timeout_s + ANSWER_S)
        if check and done["rc"]:
            raise MachineError(
                f"{command!r} ended with {done['rc']}: {done['out'][-800:]}{done['err'][-800:]}"
            )
        out: str = done["out"] + ("" if check else done["err"])
        return out

    def until(self, command: str, *, within_s: float = 60.0) -> str:
        """Run a shell line again and again until it succeeds; return its output."""
        end = time.monotonic() + within_s
        while (done := self._ask({"cmd": command}, 2 * ANSWER_S))["rc"]:
            if time.monotonic() > end:
                raise MachineError(f"{command!r} never succeeded: {done['out'][-800:]}{done['err'][-800:]}")
            time.sleep(0.2)
        out: str = done["out"]
        return out

    def put(self, path: str, data: bytes, mode: int = 0o644) -> None:
        if len(data) <= PIECE:
            self._put(path, data, mode)
            return
        # The guest reads a line piece by piece and looks through all of it each time.
        pieces = [data[at : at + PIECE] for at in range(0, len(data), PIECE)]
        for number, piece in enumerate(pieces):
            self._put(f"{path}.piece{number:04}", piece, mode)
        self.run(f"cat {path}.piece* >{path} && chmod {mode:o} {path} && rm {path}.piece*")

    def _put(self, path: str, data: bytes, mode: int) -> None:
        done = self._ask({"put": path, "data": base64.b64encode(data).decode(), "mode": mode}, ANSWER_S)
        if done["rc"]:
            raise MachineError(f"{path}: {done['err']}")

    def get(self, path: str) -> bytes:
        done = self._ask({"get": path}, ANSWER_S)
        if done["rc"]:
            raise MachineError(f"{path}: {done['err']}")
        return base64.b64decode(done["data"])

    # --- USB -----------------------------------------------------------------------------------------

    def plug(self, name: str, driver: str, port: str, bus: str = "xhci.0", **more: object) -> None:
        """Plug one of QEMU's own devices into a port: "1.3" is port 3 of the dock's hub."""
        self.monitor("device_add", driver=driver, id=name, bus=bus, port=port, **more)

    def second_controller(self) -> str:
        """Give the host one more USB controller, which is not the dock's; return its bus."""
        self.monitor("device_add", driver="qemu-xhci", id="second", bus="spare")
        return "second.0"

    def plug_disk(
        self, name: str, card: Path, port: str, serial: str, *, bytes_s: int = 0, bad_sector: int = -1
    ) -> None:
        """Plug a mass storage device with this card; QEMU's own, which nobody here wrote.

        Args:
            bytes_s: how fast its card is read at most; 0: as fast as may be.
            bad_sector: whose reading fails; -1: none.
        """
        self._lay_card(name, card, bytes_s, bad_sector)
        self._plug_laid(name, port, serial)

    def swap_disk(self, old: str, new: str, card: Path, port: str, serial: str) -> float:
        """Pull one disk and plug another into the same port, as fast as it goes; return seconds between."""
        self._lay_card(new, card, 0, -1)
        self.monitor("device_del", id=old)
        began, end = time.monotonic(), time.monotonic() + MONITOR_S
        while True:
            try:
                self._plug_laid(new, port, serial)
            except MachineError:  # the port is not free yet
                if time.monotonic() > end:
                    raise
            else:
                break
        between = time.monotonic() - began
        self._let_go(old, end)
        return between

    def _plug_laid(self, name: str, port: str, serial: str) -> None:
        self.plug(name, "usb-storage", port, drive=f"{name}-card", serial=serial, removable=True)

    def _lay_card(self, name: str, card: Path, bytes_s: int, bad_sector: int) -> None:
        file: dict[str, object] = {"driver": "file", "filename": str(card)}
        if bad_sector >= 0:
            fault = {"event": "none", "iotype": "read", "sector": bad_sector}
            file = {"driver": "blkdebug", "image": file, "inject-error": [fault]}
        if bytes_s:
            with contextlib.suppress(MachineError):  # it is there since the last time
                self.monitor("object-add", **{"qom-type": "throttle-group", "id": f"{name}-pace"})
            limit = {"bps-read": bytes_s}
            self.monitor("qom-set", path=f"/objects/{name}-pace", property="limits", value=limit)
            file = {"driver": "throttle", "throttle-group": f"{name}-pace", "file": file}
        self.monitor("blockdev-add", **{"driver": "raw", "node-name": f"{name}-card", "file": file})

    def socket_port(self, name: str, port: str) -> Path:
        """Lay a port out to a socket: who connects there and speaks usbredir is plugged into it."""
        path = self.work / f"{name}.sock"
        place = {"type": "unix", "data": {"path": str(path)}}
        line = {"type": "socket", "data": {"addr": place, "server": True, "wait": False}}
        self.monitor("chardev-add", id=f"{name}-line", backend=line)
        self.plug(name, "usb-redir", port, chardev=f"{name}-line")
        return path

    def bytes_read(self, name: str) -> int:
        """How much was read of the card of what is plugged in now."""
        found = [one for one in self.monitor("query-blockstats") if f"/{name}/" in one.get("qdev", "")]
        return int(found[0]["stats"]["rd_bytes"]) if found else 0

    def pull(self, name: str) -> None:
        self.monitor("device_del", id=name)
        end = time.monotonic() + MONITOR_S
        while f'id "{name}"' in self.monitor("human-monitor-command", **{"command-line": "info qtree"}):
            if time.monotonic() > end:
                raise MachineError(f"{name} does not leave the bus")
            time.sleep(LOOK_S)
        self._let_go(name, end)

    def _let_go(self, name: str, end: float) -> None:
        while self._holds_card(name):  # QEMU lets go of it a little later
            if time.monotonic() > end:
                raise MachineError(f"the card of {name} stays in use")
            time.sleep(LOOK_S)

    def _holds_card(self, name: str) -> bool:
        """Whether QEMU still has the card of a device that was pulled; not every device had one."""
        node = f"{name}-card"
        if node not in {one["node-name"] for one in self.monitor("query-named-block-nodes")}:
            return False
        with contextlib.suppress(MachineError):  # still in use
            self.monitor("blockdev-del", **{"node-name": node})
        return True

    def monitor(self, command: str, **arguments: object) -> Any:
        """One command of QEMU's monitor. Raises MachineError: it was refused."""
        self._monitor.sendall(json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n")
        while True:
            line = self._lines.readline()
            if not line:
                raise MachineError(
                    f"{command}: QEMU has ended: {(self.work / 'qemu.log').read_text()[-800:]}"
                )
            answer = json.loads(line)
            if "error" in answer:
                raise MachineError(f"{command}: {answer['error']['desc']}")
            if "return" in answer:  # else an event
                return answer["return"]

    # --- inside --------------------------------------------------------------------------------------

    def _start(self, more: Sequence[str]) -> None:
        with (self.work / "qemu.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*self._words, *more],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=_dies_with_us,  # no machine outlives a test that crashed
            )
        self._monitor = self._connected("monitor.sock")
        self._monitor.settimeout(MONITOR_S)
        self._lines = self._monitor.makefile("r")
        self._lines.readline()  # its greeting
        self.monitor("qmp_capabilities")
        self._agent = self._connected("agent.sock")
        threading.Thread(target=self._hear, args=(self._agent,), daemon=True).start()

    def _connected(self, name: str) -> socket.socket:
        end = time.monotonic() + MONITOR_S
        while True:
            sock = socket.socket(socket.AF_UNIX)
            try:
                sock.connect(str(self.work / name))
            except OSError:
                sock.close()
                assert self._process is not None
                if self._process.poll() is not None or time.monotonic() > end:
                    raise MachineError((self.work / "qemu.log").read_text()[-2000:]) from None
                time.sleep(LOOK_S)
            else:
                return sock

    def _hear(self, sock: socket.socket) -> None:
        with contextlib.suppress(OSError), sock.makefile("rb") as lines:
            for line in lines:
                with contextlib.suppress(ValueError):  # what was left in the pipe by the machine before
                    message = json.loads(line)
                    waiting = self._hello if message["id"] == 0 else self._answers.pop(message["id"], None)
                    if waiting is not None:
                        waiting.put(message)

    def _ask(self, request: dict[str, Any], timeout_s: float) -> dict[str, Any]:
        self._number += 1
        answer: queue.Queue[dict[str, Any]] = queue.Queue()
        self._answers[self._number] = answer
        self._agent.sendall(json.dumps(request | {"id": self._number}).encode() + b"\n")
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            with contextlib.suppress(queue.Empty):
                return answer.get(timeout=1.0)
            if self._process is None or self._process.poll() is not None:
                raise MachineError(f"QEMU has ended, and was asked {str(request)[:200]}")
        raise MachineError(f"no answer in {timeout_s} s to {str(request)[:200]}")


def _board(image: Path, work: Path, disk: Path) -> list[str]:
    """One machine as all tests have it; a saved state fits no other."""
    return [
        *(
            "qemu-system-x86_64",
            "-accel",
            "tcg,thread=multi,tb-size=512",
            "-machine",
            "q35",
            "-cpu",
            "qemu64",
        ),
        *("-smp", "2", "-m", "2G", "-display", "none", "-nodefaults", "-no-user-config"),
        *("-chardev", f"file,id=serial,path={work}/serial.log,append=on", "-serial", "chardev:serial"),
        *("-qmp", f"unix:{work}/monitor.sock,server=on,wait=off"),
        *("-kernel", str(image / "vmlinuz"), "-initrd", str(image / "initrd.img"), "-append", KERNEL_LINE),
        *("-drive", f"if=none,id=root,file={disk},format=qcow2,cache=writeback,discard=unmap"),
        *(
            "-device",
            "virtio-blk-pci,drive=root",
            "-device",
            "virtio-rng-pci",
            "-device",
            "virtio-serial-pci",
        ),
        *("-chardev", f"socket,id=agent,path={work}/agent.sock,server=on,wait=off"),
        *("-device", "virtserialport,chardev=agent,name=lab.agent", "-device", "virtio-scsi-pci,id=scsi0"),
    ]


def _dock() -> list[str]:
    """The dock's host controller at a fixed address; a hub of eight ports, and a second one at its last port.
    A free place for another controller."""
    controller = "qemu-xhci,id=xhci,p2=8,p3=8,addr=0x10"
    hubs = ("usb-hub,id=hub1,bus=xhci.0,port=1", "usb-hub,id=hub2,bus=xhci.0,port=1.8")
    spare = "pcie-root-port,id=spare,chassis=1"
    return [word for device in (controller, *hubs, spare) for word in ("-device", device)]


_libc = ctypes.CDLL(None)


def _dies_with_us() -> None:
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
