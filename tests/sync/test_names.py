"""The name service gives a wrong answer, or none: who has not the pinned key hears no login, and the address helps."""

import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec
import paramiko
import pytest

from edged.errors import ErrorCode, Fact
from sync.config import SyncConfig
from sync.sftp_store import SftpDialler
from sync.ssh import SshAddress
from sync.store import CentreKeyChangedError
from tests.sync.test_ssh import library_server

NAME, ADDRESS = "centre.example", "192.0.2.7"
Leads = Callable[[dict[str, int]], None]


@pytest.fixture
def leads(monkeypatch: pytest.MonkeyPatch) -> Leads:
    """Where names and addresses lead in this test: to which port of this machine; others are not known."""
    plain = socket.create_connection

    def chosen(ports: dict[str, int]) -> None:
        def connect(where: tuple[str, int], timeout: float) -> socket.socket:
            if where[0] not in ports:
                raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
            return plain(("127.0.0.1", ports[where[0]]), timeout=timeout)

        monkeypatch.setattr("sync.ssh.socket.create_connection", connect)

    return chosen


def centre(true: SshAddress, *, fallback: str = "") -> SshAddress:
    return replace(true, host=NAME, fallback=fallback)


def another_key() -> str:
    key = paramiko.ECDSAKey.generate()
    return f"{key.get_name()} {key.get_base64()}"


async def connect(where: SshAddress) -> list[tuple[str, Fact]]:
    """Connect and leave again; return the log's events with their codes."""
    said: list[tuple[str, Fact]] = []
    store = await SftpDialler(
        where, log=lambda event, /, **fields: said.append((event, fields["code"]))
    ).connect()
    await store.close()
    return said


@pytest.mark.fault("N13", "a name that leads to a stranger costs a connection: he hears no login")
async def test_a_stranger_behind_the_name_hears_no_login(tmp_path: Path, leads: Leads) -> None:
    with library_server(tmp_path) as (stranger, his):
        leads({NAME: stranger.port})
        with pytest.raises(CentreKeyChangedError):
            await connect(replace(centre(stranger), host_key=another_key()))
    assert his.logins == 0


@pytest.mark.fault("N13", "the literal address leads around a name that leads to a stranger")
async def test_the_address_helps_where_the_name_leads_to_a_stranger(tmp_path: Path, leads: Leads) -> None:
    with library_server(tmp_path) as (stranger, his), library_server(tmp_path) as (true, ours):
        leads({NAME: stranger.port, ADDRESS: true.port})
        said = await connect(centre(true, fallback=ADDRESS))
    assert (his.logins, ours.logins) == (0, 1)
    assert said == [("EDG-3101", ErrorCode.CENTRE_KEY_CHANGED.label)]


async def test_the_address_helps_where_the_name_is_not_known(tmp_path: Path, leads: Leads) -> None:
    with library_server(tmp_path) as (true, ours):
        leads({ADDRESS: true.port})
        said = await connect(centre(true, fallback=ADDRESS))
    assert ours.logins == 1
    assert said == [("EDG-3101", ErrorCode.CENTRE_GONE.label)]


async def test_where_the_address_does_not_help_it_is_told_what_the_name_led_to(
    tmp_path: Path, leads: Leads
) -> None:
    with library_server(tmp_path) as (stranger, his):
        leads({NAME: stranger.port})
        with pytest.raises(CentreKeyChangedError):
            await connect(replace(centre(stranger, fallback=ADDRESS), host_key=another_key()))
    assert his.logins == 0


@pytest.mark.parametrize("wrong", ["centre2.example", "192.0.2.7 ", "192.0.2.7/24"])
def test_the_address_is_a_literal_one_that_nobody_has_to_look_up(wrong: str) -> None:
    settings = {"host": NAME, "user": "u", "key_file": "/key", "host_key": another_key()}
    assert msgspec.convert(settings | {"fallback": "2001:db8::7"}, SyncConfig).fallback == "2001:db8::7"
    with pytest.raises(msgspec.ValidationError, match="fallback"):
        msgspec.convert(settings | {"fallback": wrong}, SyncConfig)
