"""The courier's account of itself, as far as a view or a report needs it."""

import asyncio

from edged.control.calls import Call
from edged.errors import FormatError
from edged.formats import times
from edged.reports.source import Account
from edged.station.courier import CourierReport, courier_report


async def courier_of(call: Call) -> CourierReport | None:
    """The courier's report of this station, as `courier_report`; None where no courier is configured."""
    station = call.station
    if station.config.sync is None:
        return None
    return await asyncio.to_thread(courier_report, station.outside.fs, station.config.station.inbox)


def account_of(report: CourierReport | None) -> Account | None:
    """What the courier says is with the server; None: nothing that can be relied on."""
    if report is None or report.awaiting_items is None:
        return None
    try:
        times.parse_ns(report.time)
    except FormatError:
        return None
    named = frozenset(report.awaiting_items)
    return Account(time=report.time, delivered=named, whole=len(named) >= report.delivered)
