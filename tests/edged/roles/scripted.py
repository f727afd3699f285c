"""A worker that plays a script: as a server object for `InlineRoles`, as a process for `SubprocessRoles`.

The port names the script: ``<name>`` or ``<name>:<number>``.
"""

import argparse
import os
import socket
import sys
import time
from collections.abc import Iterator

import msgspec

from drivers.worker import messages as m
from edged.errors import CameraError, CameraLostError, EdgeError, ErrorCode
from tests.edged.vault.rig import clip

SIZE = 3 * 1024 * 1024 + 77
CLIP = m.Clip(path="/DCIM/100MEDIA/CLIP0001.MP4", size=SIZE, mtime="2026-11-22T07:00:02", first_cluster=7)
DATA = clip(SIZE)
BLOCK = 256 * 1024


class Run:
    """A copy as the script has it."""

    def __init__(self, name: str, number: int, offset: int) -> None:
        self.name, self.number, self.offset, self.sent = name, number, offset, 0

    def __iter__(self) -> Iterator[bytes]:
        data = DATA[: self.number] if self.name in ("cut", "short", "hang") else DATA
        if self.name == "long":
            data += b"x"
        for start in range(self.offset, len(data), BLOCK):
            block = data[start : start + BLOCK]
            yield block
            self.sent += len(block)
        if self.name == "cut":
            raise CameraLostError(reason="pulled")
        if self.name == "fails-at-the-end":
            raise CameraError(ErrorCode.CAMERA_MEDIA, lba=5)

    def ended(self) -> m.CopyEnded:
        gaps = {
            "gap": (m.Gap(offset=1024 * 1024, size=512),),
            "wild-gap": (m.Gap(offset=SIZE - 1, size=512),),
        }.get(self.name, ())
        sent = self.sent + (1 if self.name == "miscounts" else 0)
        return m.CopyEnded(sent=sent, gaps=gaps)


class ScriptedServer:
    def __init__(self, port: str) -> None:
        self.name, _, number = port.partition(":")
        self.number = int(number or 0)

    def handle(self, request: m.Request) -> m.Answer:
        if self.name == "refuses":
            return m.Failed(code=ErrorCode.CAMERA_PASSWORD.number, detail={"said": "no\x1b[31m"})
        if self.name == "speaks-for-the-disk":
            return m.Failed(code=ErrorCode.DISK_FULL.number, detail={})
        return m.BatteryRead(percent=81)

    def copy(self, request: m.Copy) -> Run:
        if self.name == "refuses":
            raise CameraError(ErrorCode.CAMERA_CHANGED)
        return Run(self.name, self.number, request.offset)

    def failed(self, error: EdgeError) -> m.Failed:
        return m.Failed(code=error.code.number, detail=error.detail)

    def close(self) -> None:
        pass


def _serve(sock: socket.socket, server: ScriptedServer) -> None:
    decode = msgspec.json.Decoder(m.Request).decode
    with sock.makefile("rb") as lines:
        for line in lines:
            request = decode(line)
            if server.name == "dies":
                sys.stderr.write("Traceback: the \x1b worker is dead\n" + "x" * 1000 + "\n")
                sys.exit(3)
            if server.name == "silent":
                time.sleep(600)
            if server.name == "garbage":
                sock.sendall(b"{]\n")
            elif server.name == "another-answer":
                _say(sock, m.Done())
            elif isinstance(request, m.Copy):
                _copy(sock, server, request)
            else:
                _say(sock, server.handle(request))


def _copy(sock: socket.socket, server: ScriptedServer, request: m.Copy) -> None:
    try:
        run = server.copy(request)
    except EdgeError as error:
        return _say(sock, server.failed(error))
    if server.name == "no-pipe":
        return _say(sock, m.CopyStarted())
    reader, writer = os.pipe()
    socket.send_fds(sock, [msgspec.json.encode(m.CopyStarted()) + b"\n"], [reader])
    os.close(reader)
    try:
        _write_all(writer, server.name, run)
        answer: m.Answer = run.ended()
    except BrokenPipeError:
        answer = m.CopyEnded(sent=run.sent)
    except EdgeError as error:
        answer = server.failed(error)
    finally:
        os.close(writer)
    if server.name == "dies-in-copy":
        os._exit(9)
    if server.name == "no-end":
        time.sleep(600)
    return _say(sock, answer)


def _write_all(writer: int, script: str, run: Run) -> None:
    for block in run:
        rest = block
        while rest:
            rest = rest[os.write(writer, rest) :]
        if script == "slow":
            time.sleep(0.2)
    if script == "hang":
        time.sleep(600)


def _say(sock: socket.socket, answer: m.Answer) -> None:
    sock.sendall(msgspec.json.encode(answer) + b"\n")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", required=True)
    parser.add_argument("--fd", type=int, required=True)
    options = parser.parse_args()
    with socket.socket(fileno=options.fd) as sock:
        _serve(sock, ScriptedServer(options.port))


if __name__ == "__main__":
    main()
