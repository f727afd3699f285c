"""The courier's half of NUT's protocol against NUT itself: its server, with its driver for a UPS that is a file."""

import asyncio
import os
import pwd
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from edged.errors import EdgeError, ErrorCode
from sync.nut import UpsState, ask
from sync.ups_address import UpsAddress

pytestmark = pytest.mark.slow
PROGRAMS = Path("/lib/nut")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[UpsAddress]:
    """A server on a free port of the loopback interface; ended with the test."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    user = pwd.getpwuid(os.getuid()).pw_name
    (tmp_path / "ups.conf").write_text(f"[ups]\ndriver = dummy-ups\nport = {tmp_path}/ups.dev\n")
    (tmp_path / "ups.dev").write_text("ups.status: OB LB\nbattery.charge: 12\nbattery.runtime: 240\n")
    (tmp_path / "upsd.conf").write_text(f"LISTEN 127.0.0.1 {port}\n")
    (tmp_path / "upsd.users").write_text("")
    paths = dict.fromkeys(("NUT_CONFPATH", "NUT_STATEPATH", "NUT_ALTPIDPATH"), str(tmp_path))
    with (tmp_path / "said").open("wb") as said:
        begun = [
            subprocess.Popen(
                [PROGRAMS / name, *more, "-F", "-u", user],
                env={**os.environ, **paths},
                stdout=said,
                stderr=subprocess.STDOUT,
            )
            for name, more in (("dummy-ups", ("-a", "ups")), ("upsd", ()))
        ]
        try:
            yield UpsAddress("ups", "127.0.0.1", port)
        finally:
            for program in begun:
                program.terminate()
            for program in begun:
                program.wait(timeout=10)


def heard(address: UpsAddress, within_s: float = 30.0) -> UpsState:
    """The server's answer, once it and the driver have found each other."""
    end = time.monotonic() + within_s
    while True:
        try:
            found = asyncio.run(ask(address))
        except EdgeError:
            if time.monotonic() > end:
                raise
        else:
            if found.status != ("WAIT",) or time.monotonic() > end:
                return found
        time.sleep(0.2)


def test_nuts_own_server_is_understood(server: UpsAddress) -> None:
    assert heard(server) == UpsState(status=("OB", "LB"), charge_percent=12.0, runtime_s=240.0)
    with pytest.raises(EdgeError) as caught:
        asyncio.run(ask(UpsAddress("other", server.host, server.port)))
    assert caught.value.code is ErrorCode.UPS_SILENT
    assert "UNKNOWN-UPS" in str(caught.value.detail["reason"])
