"""Watches the UPS (459-II.2-update): its state is shown, and what threatens the work of the complex is an alert.

Nothing is decided by it. Rule 1: a UPS that is not heard is an alert too, and not one that is in order.
Rule 2: a word of NUT that is not known here is shown and means nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType

from edged.errors import EdgeError, ErrorCode
from sync.nut import UpsState
from sync.report import Alerts, Gauge

EVERY_S = 30.0
ALERTS: Mapping[str, tuple[str, ErrorCode]] = MappingProxyType(
    {
        "OB": ("ups-on-battery", ErrorCode.UPS_ON_BATTERY),
        "LB": ("ups-battery-low", ErrorCode.UPS_BATTERY_LOW),
        "RB": ("ups-battery-worn", ErrorCode.UPS_BATTERY_WORN),
        "OVER": ("ups-overloaded", ErrorCode.UPS_OVERLOADED),
    }
)
"""Word of NUT → alert, and its code."""
SILENT = "ups-silent"


class UpsWatch:
    """``run`` is its task; what it hears stands in the gauge."""

    def __init__(
        self,
        ask: Callable[[], Awaitable[UpsState]],
        gauge: Gauge,
        alerts: Alerts,
        changed: Callable[[], None],
    ) -> None:
        self._ask, self._gauge, self._alerts, self._changed = ask, gauge, alerts, changed

    async def run(self) -> None:
        """Ask until cancelled; ``changed`` is called when what is to be told of it has."""
        while True:
            before = self._alerts.entries()
            await self._look()
            if self._alerts.entries() != before:
                self._changed()
            await asyncio.sleep(EVERY_S)

    async def _look(self) -> None:
        try:
            found = await self._ask()
        except EdgeError as exc:
            self._gauge.ups = None
            self._alerts.raise_for(SILENT, exc)
            return
        self._gauge.ups = found
        standing = dict(ALERTS[word] for word in found.status if word in ALERTS)
        for alert, code in standing.items():
            self._alerts.raise_(alert, code)
        self._alerts.withdraw(SILENT, *(alert for alert, _ in ALERTS.values() if alert not in standing))
