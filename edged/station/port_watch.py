"""What the roles saw at the ports and at the workers' sockets, and somebody must find later: alerts and facts.

Rule 1: a port that could not be shut is an alert until it is shut.
Rule 2: whoever is refused as a worker is a refused access, once an hour for each slot and account: whoever can reach
the socket must not fill the ledger.
"""

from collections.abc import Iterable

from edged.formats.facts import AccessRefused
from edged.ports import Clock
from edged.roles.base import Roles, Stranger
from edged.station.alerts import Alerts
from edged.station.recorder import Recorder

AGAIN_NS = 3600 * 1_000_000_000


class PortWatch:
    """``look`` is called now and then."""

    def __init__(
        self, roles: Roles, slots: Iterable[int], *, alerts: Alerts, recorder: Recorder, clock: Clock
    ) -> None:
        self._roles, self._slots = roles, tuple(slots)
        self._alerts, self._recorder, self._clock = alerts, recorder, clock
        self._told: dict[Stranger, int] = {}

    async def look(self) -> None:
        unshut = self._roles.unshut()
        for slot in self._slots:
            if (error := unshut.get(slot)) is not None:
                await self._alerts.raise_(f"port-open:{slot}", error.code, **{"slot": slot} | error.detail)
            else:
                await self._alerts.withdraw(f"port-open:{slot}")
        now = self._clock.now().boottime_ns
        for stranger in self._roles.strangers():
            if now - self._told.get(stranger, -AGAIN_NS) >= AGAIN_NS:
                self._told[stranger] = now
                verb = f"worker of slot {stranger.slot}"
                await self._recorder.record(
                    AccessRefused(verb=verb, account=stranger.account, uid=stranger.uid)
                )
