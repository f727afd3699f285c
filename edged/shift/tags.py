"""What stands on the tag of a damaged item (459-II.3-damaged). Pure."""

from dataclasses import dataclass

from edged.errors import EdgeError, ErrorCode
from edged.shift.inventory import SORTS_UK
from edged.shift.scene import Scene, refuse


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    number: str
    item: str  # inventory number
    sort: str  # as the journals name it
    serial: str  # of a camera; "" of anything else
    description: str  # of the damage
    since: str
    place: str
    tagged: str  # when
    station: str
    post: str


def tag_of(scene: Scene, item: str) -> Tag:
    """Return the tag of an item that is damaged or away.

    Raises:
        EdgeError: NOT_FOUND, it is neither; CONFLICT, it was not tagged yet.
    """
    repair = scene.shift.repairs.get(item)
    if repair is None:
        raise EdgeError(ErrorCode.NOT_FOUND, damaged=item[:64])
    if not repair.tag:
        raise refuse(item=item, expected="an item that was tagged: `edgectl repair tag`")
    found, commissioned = scene.inventory.item(item), scene.station.station
    return Tag(
        number=repair.tag,
        item=item,
        sort=SORTS_UK[found.sort],
        serial=found.serial,
        description=repair.description,
        since=repair.since,
        place=repair.place,
        tagged=repair.tagged,
        station=commissioned.station if commissioned is not None else "",
        post=commissioned.post if commissioned is not None else "",
    )
