"""What was seen at the ports is an alert or a fact, and not in the journal alone."""

from collections.abc import Collection, Mapping

import pytest

from edged.errors import CameraError, EdgeError, ErrorCode
from edged.formats import facts as f
from edged.roles.base import Stranger
from tests.world.loop import story
from tests.world.world import World


class Seen:
    """What the roles say they saw."""

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        self.unshut: Mapping[int, EdgeError] = {}
        self.strangers: Collection[Stranger] = ()
        roles = world.station.outside.roles
        monkeypatch.setattr(roles, "unshut", lambda: self.unshut)
        monkeypatch.setattr(roles, "strangers", lambda: self.strangers)


@story
async def test_a_port_that_stays_open_is_an_alert_until_it_is_shut() -> None:
    with pytest.MonkeyPatch.context() as patch:
        async with World.open() as world:
            seen = Seen(world, patch)
            await world.passes(10)
            assert not world.alerts()
            seen.unshut = {2: CameraError(ErrorCode.PORT_FAULT, reason="no answer")}
            await world.until(lambda: "port-open:2" in world.alerts(), 10)
            assert world.facts(f.AlertRaised)[-1].code == ErrorCode.PORT_FAULT.number
            assert "port-open:1" not in world.alerts()
            seen.unshut = {}
            await world.until(lambda: "port-open:2" not in world.alerts(), 10)


@story
async def test_a_stranger_at_a_workers_socket_is_in_the_ledger_once_an_hour() -> None:
    with pytest.MonkeyPatch.context() as patch:
        async with World.open() as world:
            seen = Seen(world, patch)
            seen.strangers = [Stranger(1, "mallory", 1007), Stranger(2, "mallory", 1007)]
            await world.passes(600)
            refused = world.facts(f.AccessRefused)
            assert [(x.verb, x.account, x.uid) for x in refused] == [
                ("worker of slot 1", "mallory", 1007),
                ("worker of slot 2", "mallory", 1007),
            ]
            await world.passes(3600)
            assert len(world.facts(f.AccessRefused)) == 4
