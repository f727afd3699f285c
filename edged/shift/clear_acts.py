"""A clearing that the station does not do by itself any more: asked for by one person, agreed to by another. Pure.

It goes past the brake after failures and past what this docking found closed; each recording still needs the server's
receipt and all else of G1 to G7 (`edged.gate`). It lasts for one round, or until the camera is taken out.
"""

from collections.abc import Mapping
from types import MappingProxyType

from edged.errors import EdgeError, ErrorCode
from edged.formats import shift_facts as sf
from edged.formats.facts import Fact
from edged.shift.scene import Act, Params, Scene, Short, not_alone, refuse


class AskParams(Params, frozen=True):
    camera: Short
    reason: Short


class AgreeParams(Params, frozen=True):
    camera: Short


def _ask(scene: Scene, p: AskParams) -> tuple[Fact, ...]:
    scene.inventory.camera(p.camera)
    camera = scene.station.cameras.get(p.camera)
    if camera is None or not camera.slot:
        raise refuse(camera=p.camera, expected="the camera in a slot")
    return (sf.ClearAsked(camera=p.camera, reason=p.reason),)


def _agree(scene: Scene, p: AgreeParams) -> tuple[Fact, ...]:
    asked = scene.shift.clears.get(p.camera)
    if asked is None:
        raise EdgeError(ErrorCode.NOT_FOUND, clearing_of=p.camera[:64])
    if asked.agreed_by:
        raise refuse(camera=p.camera, agreed_by=asked.agreed_by)
    if asked.asked_by == f"person:{scene.actor}":
        raise not_alone(scene, camera=p.camera, asked_by=asked.asked_by)
    return (sf.ClearAgreed(camera=p.camera),)


ACTS: Mapping[str, Act] = MappingProxyType(
    {"clear ask": Act(AskParams, _ask), "clear agree": Act(AgreeParams, _agree)}
)
