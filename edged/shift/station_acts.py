"""What ends a station or the key that it signs with. Pure.

A station is retired only once nothing that it holds is evidence that the server has not confirmed.
"""

from collections.abc import Mapping
from types import MappingProxyType

from edged.formats import shift_facts as sf
from edged.formats.facts import Fact
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
    return (sf.StationRetired(decision=scene.document(p.number, p.date), reason=p.reason),)


def _rotate(scene: Scene, p: ByDecision) -> tuple[Fact, ...]:
    if scene.station.key_change:
        raise refuse(
            ordered=scene.station.key_change, expected="`edgectl station rekey`, by root on the host"
        )
    return (sf.KeyChangeOrdered(decision=scene.document(p.number, p.date), reason=p.reason),)


ACTS: Mapping[str, Act] = MappingProxyType(
    {"station retire": Act(ByDecision, _retire), "key rotate": Act(ByDecision, _rotate)}
)
