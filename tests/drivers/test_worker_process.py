"""The worker as a process: socket pair, pipe, and what happens when somebody lets go."""

import array
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from drivers.worker import messages as m
from edged.errors import ErrorCode
from simulators.faults import UsbFaults
from simulators.usb.spec import CameraSpec
from tests.drivers.usb_world import PORT, World, card, served

pytestmark = pytest.mark.slow
CLIP = b"ONE!" + os.urandom(5_000_000)
SPEC = CameraSpec(name="cam", kind="msc", usb_serial="USB0001")
ROOT = Path(__file__).parents[2]


@dataclass
class Core:
    """The core's end: asks, takes answers and descriptors."""

    socket: socket.socket
    process: "subprocess.Popen[bytes]"

    def ask(self, request: m.Request) -> m.Answer:
        self.socket.sendall(msgspec.json.encode(request) + b"\n")
        answer, _ = self.take()
        return answer

    def take(self) -> tuple[m.Answer, int | None]:
        raw, descriptors = bytearray(), array.array("i")
        while not raw.endswith(b"\n"):
            some, ancillary, _, _ = self.socket.recvmsg(65536, socket.CMSG_SPACE(4))
            assert some, "the worker has ended"
            raw += some
            for _, _, data in ancillary:
                descriptors.frombytes(data)
        return msgspec.json.decode(raw, type=m.Answer), descriptors[0] if descriptors else None

    def copy(self, clip: m.Clip, offset: int = 0) -> int:
        """Return the pipe's read end."""
        self.socket.sendall(msgspec.json.encode(m.Copy(clip=clip, offset=offset)) + b"\n")
        started, descriptor = self.take()
        assert started == m.CopyStarted()
        assert descriptor is not None
        return descriptor

    def clip(self) -> m.Clip:
        assert isinstance(self.ask(m.Identify()), m.Identified)
        listed = self.ask(m.ListClips())
        assert isinstance(listed, m.ClipsListed)
        return listed.clips[0]


@contextmanager
def worker(path: Path, *words: str) -> Iterator[Core]:
    ours, theirs = socket.socketpair()
    command = [sys.executable, "-m", "drivers.worker.main", "--fd", str(theirs.fileno())]
    command += ["--backend", f"usbip:{path}", "--port", PORT, *words]
    with ours, theirs:
        process = subprocess.Popen(command, pass_fds=[theirs.fileno()], cwd=ROOT)
        theirs.close()
        ours.settimeout(15)
        try:
            yield Core(ours, process)
        finally:
            ours.close()
            assert process.wait(15) == 0


def drain(descriptor: int, limit: int = 1 << 30) -> bytes:
    got = bytearray()
    while len(got) < limit and (some := os.read(descriptor, 65536)):
        got += some
    os.close(descriptor)
    return bytes(got)


def test_a_copy_goes_through_the_pipe_whole_and_resumed(tmp_path: Path) -> None:
    world = World()
    world.dock(SPEC, card({"CLIP0001.MP4": CLIP}))
    with served(world.bus, tmp_path / "usb.sock") as path, worker(path) as core:
        clip = core.clip()
        assert drain(core.copy(clip)) == CLIP
        assert core.take() == (m.CopyEnded(sent=len(CLIP)), None)
        assert drain(core.copy(clip, 1_000_001)) == CLIP[1_000_001:]
        assert core.take() == (m.CopyEnded(sent=len(CLIP) - 1_000_001), None)


def test_a_reader_that_gives_up_stops_the_copy_and_nothing_else(tmp_path: Path) -> None:
    world = World()
    world.dock(SPEC, card({"CLIP0001.MP4": CLIP}))
    with served(world.bus, tmp_path / "usb.sock") as path, worker(path) as core:
        clip = core.clip()
        drain(core.copy(clip), limit=1)
        ended, _ = core.take()
        assert isinstance(ended, m.Failed)
        assert ended.code == ErrorCode.PROCESS_DIED.number
        assert drain(core.copy(clip)) == CLIP


@pytest.mark.fault("U01", "A pull in mid-file ends the pipe and then says CAMERA_LOST; the process lives and serves "
                   "the next docking.")  # fmt: skip
def test_a_pull_ends_the_pipe_and_the_process_goes_on(tmp_path: Path) -> None:
    world = World()
    world.dock(replace(SPEC, faults=UsbFaults(pull_after_bytes=3_000_000)), card({"CLIP0001.MP4": CLIP}))
    with served(world.bus, tmp_path / "usb.sock") as path, worker(path) as core:
        clip = core.clip()
        got = drain(core.copy(clip))
        assert got == CLIP[: len(got)]
        assert len(got) < len(CLIP)
        ended, _ = core.take()
        assert isinstance(ended, m.Failed)
        assert ended.code == ErrorCode.CAMERA_LOST.number
        world.bus.plug(PORT, "cam")
        assert core.clip() == clip
        assert drain(core.copy(clip, len(got))) == CLIP[len(got) :]


def test_the_process_ends_with_its_socket_even_in_mid_copy(tmp_path: Path) -> None:
    world = World()
    world.dock(SPEC, card({"CLIP0001.MP4": CLIP}))
    with served(world.bus, tmp_path / "usb.sock") as path, worker(path) as core:
        descriptor = core.copy(core.clip())  # nobody reads: the pipe is full
        core.socket.close()
        assert core.process.wait(10) == 0
        os.close(descriptor)


@pytest.mark.fault("Z01", "A line that is no request ends the process without a trace of the camera.")
@pytest.mark.parametrize("line", [b"{}\n", b"\xff\n", b'{"kind":"copy"}\n', b'{"kind":"identify","x":1}\n'])
def test_a_line_that_is_no_request_ends_the_process(tmp_path: Path, line: bytes) -> None:
    with worker(tmp_path / "none") as core:
        core.socket.sendall(line)
        assert core.process.wait(10) == 0


@pytest.mark.parametrize(("content", "heard"), [(None, None), (b"two words", "credential")])
def test_a_password_from_systemd_counts_where_there_is_one(
    tmp_path: Path, content: bytes | None, heard: str | None
) -> None:
    given = tmp_path / "credential"
    if content is not None:
        given.write_bytes(content)
    with worker(tmp_path / "none", "--password-credential", str(given)) as core:
        answer = core.ask(m.Identify())
        assert isinstance(answer, m.Failed)
        unusable = answer.code == ErrorCode.KEY_UNUSABLE.number
        assert (Path(str(answer.detail["path"])).name if unusable else None) == heard


@pytest.mark.parametrize("content", [None, b"", b"seventeen letters", b"\xff\xfe\x00", b"two words"])
def test_a_password_file_that_cannot_be_used_is_named_and_the_process_stays(
    tmp_path: Path, content: bytes | None
) -> None:
    file = tmp_path / "password"
    if content is not None:
        file.write_bytes(content)
    with worker(tmp_path / "none", "--password-file", str(file)) as core:
        for _ in range(2):
            answer = core.ask(m.Identify())
            assert isinstance(answer, m.Failed)
            assert answer.code == ErrorCode.KEY_UNUSABLE.number
            assert answer.detail["path"] == str(file)
            assert "words" not in str(answer.detail)
