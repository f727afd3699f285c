"""A host with the software and no station yet: it says so everywhere, opens nothing, and starts when it is one."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import edged.main
from demo.site import BODY, POST
from edged.cli.output import EXIT_REFUSED
from edged.config import load
from edged.errors import ConfigError, EdgeError, ErrorCode, Fact
from edged.events import EVENTS
from edged.leds import SIGNS, Sign
from edged.main import await_commissioning, uncommissioned
from firmware_protocol.dock.messages import Latch
from tests.e2e import places

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]
WITHIN_S = 20


class Log:
    def __init__(self) -> None:
        self.events: list[str] = []

    def __call__(self, event: str, /, **fields: Fact) -> None:
        EVENTS[event].text.format(**fields)
        self.events.append(event)


@contextmanager
def manager(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What systemd is told."""
    heard: list[str] = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(str(folder / "notify"))
        ear.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(folder / "notify"))
        loop = asyncio.get_running_loop()
        loop.add_reader(ear, lambda: heard.extend(ear.recv(4096).decode().splitlines()))
        yield heard
        loop.remove_reader(ear)


async def test_a_station_to_be_says_so_on_its_lights_and_to_everybody_who_asks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with places.new_site() as site:
        await site.configure(places.ENTRIES, places.SETTINGS)
        config, log = load(site.config.read_bytes(), "edged.toml"), Log()
        out = SIGNS[Sign.OUT]
        with manager(site.folder, monkeypatch) as heard:
            waiting = asyncio.create_task(
                await_commissioning(str(site.config), EdgeError(ErrorCode.NOT_COMMISSIONED), config, log)
            )
            await site.until(
                "every slot shows that it is out of use",
                lambda: (
                    {(x.colour, x.pattern) for x in site.world.leds().values()} == {(out.colour, out.pattern)}
                ),
                within_s=WITHIN_S,
            )
            for words in (("status",), ("slots",), ("slots", "open", "1"), ("officer", "list")):
                status, _, err = await site.ask(*words)
                assert status == EXIT_REFUSED
                assert "E4004" in err
                assert "edgectl station init" in err
            assert "READY=1" in heard
            assert any(line.startswith("STATUS=commissioning needed: E4004") for line in heard)
            assert not site.state.exists()
            assert {slot.latch for slot in site.world.dock.slots.values()} == {Latch.LOCKED}
            await site.edgectl_json("station", "init", "--customs-body", BODY, "--post", POST)
            async with asyncio.timeout(WITHIN_S):
                assert await waiting == 0
            assert "WATCHDOG=1" in heard
        assert log.events == ["EDG-4002", "EDG-4003"]
        await site.publish_roster(1, places.PERSONS)
        await site.start_edged()
        assert (await site.call("status"))["station"] == "checkpoint-7"


async def test_without_a_configuration_it_waits_for_one_and_begins_again_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edged.main, "DEFAULT_SOCKET", str(tmp_path / "control.sock"))
    async with places.new_site() as site:
        await site.configure(places.ENTRIES, places.SETTINGS)
        text, file = site.config.read_text(), tmp_path / "edged.toml"
        error = uncommissioned(str(file))
        assert error is not None
        with manager(tmp_path, monkeypatch) as heard:
            waiting = asyncio.create_task(await_commissioning(str(file), error, None, Log()))
            await site.until("it is ready", lambda: "READY=1" in heard, within_s=WITHIN_S)
            words = ("--socket", str(tmp_path / "control.sock"), "status")
            status, _, err = await asyncio.to_thread(places.command_line, *words)
            assert (status, "E4002" in err) == (EXIT_REFUSED, True)
            file.write_text("[station")  # saved in the middle of writing
            await site.until("it says what is wrong", lambda: "E4001" in heard[-1], within_s=WITHIN_S)
            assert not waiting.done()
            file.write_text(text)
            async with asyncio.timeout(WITHIN_S):
                assert await waiting == 0
        found = uncommissioned(str(file))
        assert found is not None
        assert found.code is ErrorCode.NOT_COMMISSIONED


def test_a_configuration_that_is_not_in_order_is_no_reason_to_wait(tmp_path: Path) -> None:
    (tmp_path / "edged.toml").write_text("[station")
    with pytest.raises(ConfigError):
        uncommissioned(str(tmp_path / "edged.toml"))
