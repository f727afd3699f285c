#!/usr/bin/python3
"""Runs in the guest: carries out what the test asks for over a virtio serial port. JSON lines; standard library only.

{"id": 1, "cmd": "shell line", "timeout": 60} → {"id": 1, "rc": 0, "out": "", "err": ""}
{"id": 2, "put": "/path", "data": "base64", "mode": 420} → {"id": 2, "rc": 0}
{"id": 3, "get": "/path"} → {"id": 3, "rc": 0, "data": "base64"}

The first line is {"id": 0, "hello": kernel}.
"""

import base64
import json
import os
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

PORT = "/dev/virtio-ports/lab.agent"
Message = dict[str, Any]


def put(request: Message) -> Message:
    path = Path(request["put"])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(base64.b64decode(request["data"]))
    path.chmod(request["mode"])
    return {"rc": 0}


def get(request: Message) -> Message:
    return {"rc": 0, "data": base64.b64encode(Path(request["get"]).read_bytes()).decode()}


def run(request: Message) -> Message:
    timeout = request.get("timeout", 60)
    try:
        done = subprocess.run(
            request["cmd"], shell=True, stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout
        )
    except subprocess.TimeoutExpired as exc:
        return {"rc": 124, "out": (exc.stdout or b"").decode(errors="replace"), "err": f"after {timeout} s"}
    out, err = done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
    return {"rc": done.returncode, "out": out, "err": err}


def answer(request: Message) -> Message:
    try:
        return put(request) if "put" in request else get(request) if "get" in request else run(request)
    except OSError as exc:
        return {"rc": -1, "out": "", "err": repr(exc)}


class Line:
    """The port, for one thread for each request."""

    def __init__(self) -> None:
        self._port, self._turn = os.open(PORT, os.O_RDWR), threading.Lock()

    def say(self, message: Message) -> None:
        raw = json.dumps(message).encode() + b"\n"
        with self._turn:
            while raw:
                raw = raw[os.write(self._port, raw) :]

    def serve(self) -> None:
        held = b""
        while True:
            some = os.read(self._port, 65536)
            if not some:
                time.sleep(0.05)  # nobody has the other end open
            *lines, held = (held + some).split(b"\n")
            for line in lines:
                threading.Thread(target=self._reply, args=(json.loads(line),), daemon=True).start()

    def _reply(self, request: Message) -> None:
        self.say({"id": request["id"], **answer(request)})


if __name__ == "__main__":
    line = Line()
    line.say({"id": 0, "hello": os.uname().release})
    line.serve()
