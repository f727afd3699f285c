"""Works (Annex 3) and outages: what the administrators may enter, and when. Pure."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Annotated

import msgspec

from edged.errors import EdgeError, ErrorCode
from edged.formats import facts as f
from edged.formats import shift_facts as sf
from edged.formats.facts import Fact
from edged.formats.roster import Role
from edged.shift.inventory import Sort
from edged.shift.manual import ENTRIES
from edged.shift.records import Works
from edged.shift.scene import Act, Long, Maybe, MaybeLong, Params, Scene, Short, Time, refuse


class StartParams(Params, frozen=True):
    entry: Short  # edged.shift.manual.ENTRIES
    grounds: Long
    items: Annotated[tuple[Short, ...], msgspec.Meta(min_length=1, max_length=100)]
    persons: Annotated[tuple[Short, ...], msgspec.Meta(min_length=1, max_length=20)]
    letter_number: Annotated[str, msgspec.Meta(max_length=100)] = ""
    letter_date: Annotated[str, msgspec.Meta(max_length=10)] = ""
    version: Maybe = ""  # before an update


class EndParams(Params, frozen=True):
    works: Short
    measures: Long
    result: Long
    note: MaybeLong = ""
    version: Maybe = ""  # after an update


class OutageParams(Params, frozen=True):
    cause: Long
    since: Time


class OutageEndParams(Params, frozen=True):
    outage: Short
    acts: Long
    at: Time


def _start(scene: Scene, p: StartParams) -> tuple[Fact, ...]:
    entry = ENTRIES.get(p.entry)
    if entry is None:
        raise EdgeError(ErrorCode.BAD_REQUEST, entry=p.entry[:40], expected=f"one of {', '.join(ENTRIES)}")
    _require_whose(scene, p.entry)
    if entry.update and not p.version:
        raise EdgeError(ErrorCode.BAD_REQUEST, expected="the version before the update")
    if busy := set(p.items) & {item for works in _going_on(scene) for item in works.items}:
        raise refuse(item=min(busy), expected="items that are in no other works")
    letter = scene.optional_document(p.letter_number, p.letter_date)
    opened = sf.WorksOpened(
        works=scene.new_id(),
        entry=p.entry,
        grounds=p.grounds,
        items=p.items,
        persons=p.persons,
        letter=letter,
        version_before=p.version,
    )
    cameras = (scene.inventory.item(number) for number in p.items)
    in_works = (f.WorksStarted(camera=c.serial, grounds=p.entry) for c in cameras if c.sort is Sort.CAMERA)
    return (*in_works, opened)


def _require_whose(scene: Scene, entry: str) -> None:
    """An update is begun and ended by the account administrator (459-II.2-update), all other works by the technical
    administrator (459-II.3-maintenance)."""
    whose: Role = "account_admin" if ENTRIES[entry].update else "technician"
    if whose not in scene.roles:
        raise EdgeError(ErrorCode.NOT_ALLOWED, entry=entry, person=scene.actor, roles=whose)


def _going_on(scene: Scene) -> Iterator[Works]:
    return (works for works in scene.shift.works.values() if not works.finished)


def _end(scene: Scene, p: EndParams) -> tuple[Fact, ...]:
    works = scene.shift.works.get(p.works)
    if works is None:
        raise EdgeError(ErrorCode.NOT_FOUND, works=p.works)
    if works.finished:
        raise refuse(works=p.works, ended=works.ended)
    _require_whose(scene, works.entry)
    if ENTRIES[works.entry].update and not p.version:
        raise EdgeError(ErrorCode.BAD_REQUEST, expected="the version after the update")
    closed = sf.WorksClosed(
        works=p.works, measures=p.measures, result=p.result, note=p.note, version_after=p.version
    )
    cameras = (item for item in scene.inventory if item.number in works.items and item.sort is Sort.CAMERA)
    return (*(f.WorksEnded(camera=c.serial, result=p.result[:300]) for c in cameras), closed)


def _outage(scene: Scene, p: OutageParams) -> tuple[Fact, ...]:
    if any(not outage.finished for outage in scene.shift.outages.values()):
        raise refuse(expected="no other outage that goes on")
    return (sf.OutageStarted(outage=scene.new_id(), cause=p.cause, since=scene.past(p.since)),)


def _outage_end(scene: Scene, p: OutageEndParams) -> tuple[Fact, ...]:
    outage = scene.shift.outages.get(p.outage)
    if outage is None:
        raise EdgeError(ErrorCode.NOT_FOUND, outage=p.outage)
    if outage.finished:
        raise refuse(outage=p.outage, until=outage.until)
    if scene.past(p.at) <= outage.since:
        raise EdgeError(ErrorCode.BAD_REQUEST, time=p.at, expected=f"a moment after {outage.since}")
    return (sf.OutageEnded(outage=p.outage, acts=p.acts, at=p.at),)


ACTS: Mapping[str, Act] = MappingProxyType(
    {
        "works start": Act(StartParams, _start),
        "works end": Act(EndParams, _end),
        "outage start": Act(OutageParams, _outage),
        "outage end": Act(OutageEndParams, _outage_end),
    }
)
