"""`edgectl reload`, and so `systemctl reload edged`: what lies on the disk is looked at now, and each refusal is told.

What is good takes force whatever else is refused. The configuration is only looked at: it is in force from a start
to the next.
"""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from edged.config import SIZE_LIMIT, check
from edged.control.calls import Call
from edged.errors import ConfigError, EdgeError, ErrorCode, Fact
from edged.ports import FileSystem
from edged.station.station import Station

IN_FORCE = "in force"
CHANGED = "changed: in force after systemctl restart edged"


@dataclass(frozen=True, slots=True)
class _Look:
    """What a look at the configuration's file has shown."""

    changed: bool = False
    refusals: Sequence[EdgeError] = ()


async def reload(call: Call) -> Any:
    """Take what is newer and genuine of the signed lists.

    Raises:
        EdgeError: the first refusal, with the sentences of all others.
    """
    station = call.station
    await station.lists.refresh()
    look = await _configuration(station)
    if refusals := (*look.refusals, *station.lists.refusals):
        raise _joined(refusals, look)
    schedule = station.lists.schedule
    return {
        "roster_version": station.lists.roster_version,
        "schedule_version": schedule.version if schedule is not None else 0,
        "configuration": CHANGED if look.changed else IN_FORCE,
    }


def _joined(refusals: Sequence[EdgeError], look: _Look) -> EdgeError:
    first, *others = refusals
    detail: dict[str, Fact] = dict(first.detail)
    if others:
        detail["also"] = "; ".join(map(str, others))
    if look.changed:
        detail["configuration"] = CHANGED
    return EdgeError(first.code, **detail)


async def _configuration(station: Station) -> _Look:
    if not station.config_file:
        return _Look()
    # A large one takes its time to be read and judged; the slots must not wait for that.
    return await asyncio.to_thread(_look, station.outside.fs, station.config_file, station.config_sha256)


def _look(fs: FileSystem, file: str, in_force: str) -> _Look:
    try:
        text = fs.read(file, SIZE_LIMIT)
    except OSError as exc:
        code = ErrorCode.CONFIG_MISSING if isinstance(exc, FileNotFoundError) else ErrorCode.CONFIG_INVALID
        return _Look(refusals=[ConfigError(code, file=file, reason=exc.strerror or str(exc))])
    if hashlib.sha256(text).hexdigest() == in_force:
        return _Look()
    problems = check(text, file)
    return _Look(changed=not problems, refusals=problems)
