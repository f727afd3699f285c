"""The UPS: what a NUT server says of it, what is shown and which alerts stand."""

import asyncio
import json

import pytest

from edged.errors import EdgeError, ErrorCode, FormatError
from simulators.ups import NAME, SimUps
from sync import nut
from sync.nut import UpsState, ask, parse_answer
from sync.ups_address import UpsAddress, parse_address
from tests.sync.test_courier import drive, until
from tests.sync.virtual import run
from tests.sync.world import World


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("ups@localhost", UpsAddress("ups", "localhost", 3493)),
        ("apc-1@10.0.0.7:13493", UpsAddress("apc-1", "10.0.0.7", 13493)),
        ("ups@[fe80::1]:3494", UpsAddress("ups", "fe80::1", 3494)),
    ],
)
def test_an_address_is_what_nut_writes(text: str, address: UpsAddress) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize(
    "text", ["ups", "@host", "ups@", "ups@host:0", "ups@host:99999", "ups@a:b:c", "ups@[::1"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(FormatError):
        parse_address(text)


def test_an_answer_is_read() -> None:
    state = UpsState(status=("OL", "CHRG"), charge_percent=98.0, runtime_s=1830.0)
    assert parse_answer(SimUps().listed(), NAME) == state


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"ERR DATA-STALE\n",
        b"ERR UNKNOWN-UPS\n",
        b"HTTP/1.1 400 Bad Request\n",
        SimUps().listed()[:-4],
        b"\xff\xfe",
    ],
)
def test_what_is_no_whole_answer_is_refused(answer: bytes) -> None:
    with pytest.raises(FormatError):
        parse_answer(answer, NAME)


def test_numbers_that_are_none_are_not_known() -> None:
    ups = SimUps()
    ups.charge, ups.runtime = "n/a", "1e9"
    assert parse_answer(ups.listed(), NAME) == UpsState(status=("OL", "CHRG"))


def test_a_server_is_asked_over_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nut, "ANSWER_S", 0.3)

    async def scene() -> None:
        async with SimUps().serve() as ups:
            address = UpsAddress(NAME, "127.0.0.1", ups.port)
            assert (await ask(address)).status == ("OL", "CHRG")
            reasons = []
            ups.broken = b"ERR DRIVER-NOT-CONNECTED\n"
            reasons.append(await silent(address))
            ups.broken = b"VAR " * 100_000 + b"\n"
            reasons.append(await silent(address))
            ups.broken, ups.mute = b"", True
            reasons.append(await silent(address))
            reasons.append(await silent(UpsAddress("other", "127.0.0.1", ups.port)))
        reasons.append(await silent(address))
        assert "DRIVER-NOT-CONNECTED" in reasons[0]
        assert all(reasons)

    asyncio.run(scene())


async def silent(address: UpsAddress) -> str:
    with pytest.raises(EdgeError) as caught:
        await ask(address)
    assert caught.value.code is ErrorCode.UPS_SILENT
    return str(caught.value.detail["reason"])


def status(world: World) -> dict[str, object]:
    found: dict[str, object] = json.loads(world.fs.read("/inbox/status.json"))
    return found


def alerts(world: World) -> set[str]:
    found = json.loads(world.fs.read("/inbox/status.json"))["alerts"]
    return {one["alert"] for one in found if one["alert"].startswith("ups-")}


@pytest.mark.clause("459-II.2-update", "the state of the UPS is shown, and each trouble of it is an alert")
def test_each_trouble_of_the_ups_is_an_alert_until_it_is_over() -> None:
    world, ups = World(), SimUps()

    async def answer() -> UpsState:
        if ups.mute:
            raise EdgeError(ErrorCode.UPS_SILENT, ups=NAME, reason="none")
        return parse_answer(ups.listed(), NAME)

    async def scene() -> None:
        task = asyncio.create_task(world.courier(answer).run())
        await until(lambda: "/inbox/status.json" in world.fs.files("/inbox") and bool(status(world)["ups"]))
        assert (status(world)["ups"], alerts(world)) == (
            {"status": ["OL", "CHRG"], "charge_percent": 98.0, "runtime_s": 1830.0},
            set(),
        )
        for words, standing in (
            ("OB DISCHRG", {"ups-on-battery"}),
            ("OB DISCHRG LB", {"ups-on-battery", "ups-battery-low"}),
            ("OL RB", {"ups-battery-worn"}),
            ("OL OVER SOMETHING", {"ups-overloaded"}),
            ("OL", set()),
        ):
            ups.words = words
            await until(lambda wanted=standing: alerts(world) == wanted, 60)  # type: ignore[misc]  # bound now
        ups.mute = True
        await until(lambda: alerts(world) == {"ups-silent"}, 60)
        assert status(world)["ups"] is None
        ups.mute = False
        await until(lambda: not alerts(world), 60)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    run(scene())


def test_a_courier_that_is_stopped_as_it_starts_asks_no_more() -> None:
    world = World(start_jitter_s=600.0)

    async def answer() -> UpsState:
        return UpsState(status=("OL",))

    async def scene() -> None:
        task = asyncio.create_task(world.courier(answer).run())
        await until(lambda: any(one.get_name() == "ups" for one in asyncio.all_tasks()))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await asyncio.sleep(0.1)
        assert [one for one in asyncio.all_tasks() if one.get_name() == "ups"] == []

    run(scene())


def test_where_none_is_configured_none_is_missed() -> None:
    world = World()
    world.seal(b"x")
    drive(world, lambda: bool(world.fs.files("/inbox")))
    assert (status(world)["ups"], alerts(world)) == (None, set())
