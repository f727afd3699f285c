"""What ends a station or the key that it signs with. Pure.

A station is retired only once nothing that it holds is evidence that the server has not confirmed.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from edged.formats import shift_facts as sf
from edged.formats.facts import Fact
from edged.shift.records import Condition, Stage
from edged.shift.scene import Act, Day, Number, Params, Scene, Short, refuse
from edged.station_state import Life


class ByDecision(Params, frozen=True):
    number: Number
    date: Day
    reason: Short


def _retire(scene: Scene, p: ByDecision) -> tuple[Fact, ...]:
    station = scene.station
    if station.retired:
        raise refuse(retired=station.retired)
    unconfirmed = [
        r for r in station.recordings.values() if r.awaits_receipt or r.life in {Life.MADE, Life.COPYING}
    ]
    if unconfirmed:
        raise refuse(recordings=len(unconfirmed), expected="the server's receipt for every recording")
    out = [camera.serial for camera in station.cameras.values() if camera.issue]
    if out:
        raise refuse(camera=out[0], out=len(out), expected="every camera back")
    unknown = [c.serial for c in station.cameras.values() if c.slot and c.serial not in scene.listed]
    if unknown:
        raise refuse(camera=unknown[0], expected="a camera whose card was listed to its end")
    lost = list(_unread(scene))
    if lost:
        raise refuse(camera=lost[0], unread=len(lost), expected="the camera back, or its incident closed")
    if scene.waiting:
        raise refuse(
            files=scene.waiting, expected="every file of the watched folders in the vault, or moved away"
        )
    return (sf.StationRetired(decision=scene.document(p.number, p.date), reason=p.reason),)


def _unread(scene: Scene) -> Iterator[str]:
    """Cameras in no slot of which nobody knows what is aboard: torn out, or out before their cards were read.

    Of one that never comes back a person says what came of it, by closing its incident or releasing it to repair.
    """
    for camera in scene.station.cameras.values():
        number = scene.inventory.number_of(camera.serial)
        gone = camera.missing or (camera.unread and not camera.slot and number)
        if gone and not _settled(scene, camera.serial, number):
            yield camera.serial


def _settled(scene: Scene, serial: str, number: str) -> bool:
    repair = scene.shift.repairs.get(number)
    if repair is not None and repair.condition is Condition.RELEASED:
        return True
    last = next((one for one in reversed(scene.shift.incidents.values()) if one.camera == serial), None)
    return last is not None and last.stage is Stage.CLOSED


def _rotate(scene: Scene, p: ByDecision) -> tuple[Fact, ...]:
    if scene.station.key_change:
        raise refuse(
            ordered=scene.station.key_change, expected="`edgectl station rekey`, by root on the host"
        )
    return (sf.KeyChangeOrdered(decision=scene.document(p.number, p.date), reason=p.reason),)


ACTS: Mapping[str, Act] = MappingProxyType(
    {"station retire": Act(ByDecision, _retire), "key rotate": Act(ByDecision, _rotate)}
)
