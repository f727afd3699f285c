"""Inspection rounds over docks and cameras at the start and the end of a shift (scan-annex3, by choice). Pure.

Rule 1: a row is one item at both ends of one person's shift; who has looked at it signs for it, so a sheet tells the
rounds of the person who makes it. Rule 2: an end belongs to the newest start of the same item, if that is not older
than a shift can be. Rule 3: a start is told with its end; alone once none can come any more.
"""

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Annotated

import msgspec

from edged.errors import EdgeError, ErrorCode
from edged.formats import shift_facts as sf
from edged.formats import times
from edged.formats.facts import Fact
from edged.journals.forms import kyiv
from edged.shift.inventory import Inventory
from edged.shift.records import Round
from edged.shift.rows import NONE, Entries, Entry, Row
from edged.shift.scene import Act, MaybeLong, Params, Scene, Short

SHIFT_NS = 26 * 3_600_000_000_000  # ours: a shift of 24 hours, and an hour at either end for the handover
SIGNED = "КЕП під аркушем"  # one signature over the sheet stands for those of its rows
Pair = tuple[Round | None, Round | None]
"""What was found at the start and at the end of a shift; never both None."""


class RoundParams(Params, frozen=True):
    when: Annotated[str, msgspec.Meta(pattern=r"^(start|end)\Z")]
    item: Short
    in_order: bool
    faults: MaybeLong = ""


def _round(scene: Scene, p: RoundParams) -> tuple[Fact, ...]:
    scene.inventory.item(p.item)
    if p.in_order == bool(p.faults):
        raise EdgeError(ErrorCode.BAD_REQUEST, expected="in order, or faults")
    return (sf.RoundMade(when=p.when, item=p.item, in_order=p.in_order, faults=p.faults),)


def inspections(scene: Scene) -> Entries:
    """Yield what the actor's own rounds have found, a row for each item and shift."""
    person = scene.person(scene.actor)
    own = (one for one in scene.shift.rounds.values() if one.by == f"person:{scene.actor}")
    for pair in paired(own, scene.now_ns):
        row = round_row(pair, scene.inventory, f"{person.position} {person.name}")
        last = max(int(one.id) for one in pair if one is not None)
        yield Entry(_either(pair).id, (row,), last)


def paired(rounds: Iterable[Round], now_ns: int) -> Iterator[Pair]:
    """Yield one person's rounds by the rules at the top; ``rounds`` in the order in which they were made."""
    waiting: dict[str, Round] = {}  # starts, by item
    for one in rounds:
        start = waiting.pop(one.item, None)
        ends = start is not None and one.when == "end" and _fits(start, times.parse_ns(one.at))
        if start is not None and not ends:
            yield start, None
        if one.when == "start":
            waiting[one.item] = one
        else:
            yield (start if ends else None), one
    for start in waiting.values():
        if not _fits(start, now_ns):
            yield start, None


def _fits(start: Round, end_ns: int) -> bool:
    return end_ns - times.parse_ns(start.at) <= SHIFT_NS


def _either(pair: Pair) -> Round:
    start, end = pair
    found = start or end
    assert found is not None
    return found


def round_row(pair: Pair, inventory: Inventory, who: str) -> Row:
    """Return the row: the item; time, result, person and signature, twice; faults."""
    named = zip(("на початку зміни", "наприкінці зміни"), pair, strict=True)
    faults = [f"{words}: {one.faults}" for words, one in named if one is not None and one.faults]
    item = inventory.describe_uk(_either(pair).item)
    return item, *_half(pair[0], who), *_half(pair[1], who), "; ".join(faults) or NONE


def _half(one: Round | None, who: str) -> Row:
    if one is None:
        return (NONE,) * 4
    return kyiv(times.parse_ns(one.at)), "справна" if one.in_order else "несправна", who, SIGNED


ACTS: Mapping[str, Act] = MappingProxyType({"round": Act(RoundParams, _round)})
