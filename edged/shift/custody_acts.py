"""Returns, reserve cameras, briefings, repairs, references: what a person may enter about cameras, and when. Pure."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated

import msgspec

from edged.errors import EdgeError, ErrorCode
from edged.formats import facts as f
from edged.formats import shift_facts as sf
from edged.formats.facts import Fact
from edged.formats.reference import Code, Year
from edged.formats.reference import Number as ReferenceNumber
from edged.shift.inventory import Item, Sort
from edged.shift.records import Condition, Repair, Stage
from edged.shift.scene import Act, Day, Long, Maybe, Number, Params, Scene, Short, refuse
from edged.station_state import Life


class MemoParams(Params, frozen=True):
    camera: Short
    number: Number
    date: Day
    head: Short
    incident: Maybe = ""


class CameraParams(Params, frozen=True):
    camera: Short


class IssueParams(Params, frozen=True):
    issue: Short


class PersonParams(Params, frozen=True):
    person: Short


class DamageParams(Params, frozen=True):
    item: Short
    description: Long
    incident: Maybe = ""


class TagParams(Params, frozen=True):
    item: Short
    tag: Number
    place: Short


class StatementParams(Params, frozen=True):
    item: Short
    statement: Long


class ReleaseParams(Params, frozen=True):
    item: Short
    receiver: Short
    third_party: bool
    contract_number: Annotated[str, msgspec.Meta(max_length=100)] = ""
    contract_date: Annotated[str, msgspec.Meta(max_length=10)] = ""


class BackParams(Params, frozen=True):
    item: Short
    result: Long


class ReferenceParams(Params, frozen=True):
    recording: Short
    code: Code
    number: ReferenceNumber
    year: Year


def require_open(scene: Scene, incident: str) -> None:
    """Raises EdgeError: NOT_FOUND; CONFLICT, it is closed or rejected."""
    found = scene.shift.incidents.get(incident)
    if found is None:
        raise EdgeError(ErrorCode.NOT_FOUND, incident=incident)
    if found.stage not in {Stage.DRAFT, Stage.OPEN}:
        raise refuse(incident=incident, stage=found.stage, expected="an open incident")


# --- a return (459-III.11-return) ------------------------------------------------------------------------


def _confirm(scene: Scene, p: IssueParams) -> tuple[Fact, ...]:
    """One return of those that the responsible person's badge would confirm all at once."""
    if p.issue not in scene.station.issues:
        raise EdgeError(ErrorCode.NOT_FOUND, issue=p.issue)
    if p.issue not in scene.station.returns_to_confirm():
        raise refuse(issue=p.issue, expected="a camera that is back, whose return nobody has confirmed")
    return (f.ReturnConfirmed(issues=(p.issue,), responsible=scene.actor, reader=""),)


# --- a reserve camera (459-III.5-reserve, III.12-reserve) -----------------------------------------------


def _memo(scene: Scene, p: MemoParams) -> tuple[Fact, ...]:
    item = scene.inventory.camera(p.camera)
    if not item.reserve:
        raise refuse(camera=p.camera, expected="a reserve camera")
    if p.camera in scene.shift.memos:
        raise refuse(camera=p.camera, expected="a camera that has no memo yet")
    if p.incident:
        require_open(scene, p.incident)
    document = scene.document(p.number, p.date)
    return (sf.MemoEntered(camera=p.camera, document=document, head=p.head, incident=p.incident),)


def _memo_end(scene: Scene, p: CameraParams) -> tuple[Fact, ...]:
    if p.camera not in scene.shift.memos:
        raise EdgeError(ErrorCode.NOT_FOUND, memo_of=p.camera)
    camera = scene.station.cameras.get(p.camera)
    if camera is not None and camera.issue:
        raise refuse(camera=p.camera, issue=camera.issue, expected="a camera that is not issued")
    return (sf.MemoEnded(camera=p.camera),)


def _brief(scene: Scene, p: PersonParams) -> tuple[Fact, ...]:
    scene.person(p.person)
    return (sf.OfficerBriefed(person=p.person),)


# --- repair (459-II.3-damaged, III.12-repair, III.12-contract) ------------------------------------------


def _repair(scene: Scene, item: str, *conditions: Condition) -> Repair:
    found = scene.shift.repairs.get(item)
    if found is None:
        raise EdgeError(ErrorCode.NOT_FOUND, damaged=item)
    if found.condition not in conditions:
        raise refuse(item=item, condition=found.condition, expected=" or ".join(conditions))
    return found


def _of_camera(item: Item, fact: Fact) -> tuple[Fact, ...]:
    """What the slot has to know as well: such a camera is not issued."""
    return (fact,) if item.sort is Sort.CAMERA else ()


def _damaged(scene: Scene, p: DamageParams) -> tuple[Fact, ...]:
    item = scene.inventory.item(p.item)
    if p.item in scene.shift.repairs:
        raise refuse(item=p.item, condition=scene.shift.repairs[p.item].condition)
    if p.incident:
        require_open(scene, p.incident)
    damaged = sf.ItemDamaged(item=p.item, description=p.description, incident=p.incident)
    kept = f.CameraQuarantined(camera=item.serial, reason=f"damaged: {p.description[:200]}")
    return (*_of_camera(item, kept), damaged)


def _tag(scene: Scene, p: TagParams) -> tuple[Fact, ...]:
    _repair(scene, p.item, Condition.DAMAGED, Condition.TAGGED)
    if any(r.tag == p.tag and r.item != p.item for r in scene.shift.repairs.values()):
        raise refuse(tag=p.tag, expected="a tag that no other item bears")
    return (sf.ItemTagged(item=p.item, tag=p.tag, place=p.place),)


def _impossible(scene: Scene, p: StatementParams) -> tuple[Fact, ...]:
    _repair(scene, p.item, Condition.DAMAGED, Condition.TAGGED)
    if scene.inventory.item(p.item).sort is not Sort.CAMERA:
        raise refuse(item=p.item, expected="a camera")
    return (sf.OffloadImpossible(item=p.item, statement=p.statement),)


def _release(scene: Scene, p: ReleaseParams) -> tuple[Fact, ...]:
    repair = _repair(scene, p.item, Condition.TAGGED)
    item = scene.inventory.item(p.item)
    contract = scene.optional_document(p.contract_number, p.contract_date)
    if p.third_party and contract is None:
        raise refuse(item=p.item, expected="the contract on non-disclosure: number and date")
    owed = unreceipted(scene, item.serial) if item.sort is Sort.CAMERA else 0
    if owed and not (repair.statement and contract is not None):
        raise refuse(
            item=p.item,
            recordings=owed,
            expected="the server's receipt for every recording, or the statement of the responsible person "
            "that offload is impossible and the contract",
        )
    return (sf.RepairReleased(item=p.item, receiver=p.receiver, contract=contract, unreceipted=owed),)


def unreceipted(scene: Scene, serial: str) -> int:
    """Return how many recordings aboard have no receipt of the server; -1: nobody knows what is aboard.

    That is known only of a camera in a slot whose card was listed wholly.
    """
    if serial not in scene.listed:
        return -1
    aboard = scene.station.recordings_of(serial)
    return sum(r.life is not Life.CLEARED and not r.confirmed_receipt for r in aboard)


def _back(scene: Scene, p: BackParams) -> tuple[Fact, ...]:
    _repair(scene, p.item, *Condition)
    item = scene.inventory.item(p.item)
    back = sf.RepairReturned(item=p.item, result=p.result)
    return (*_of_camera(item, f.CameraReleased(camera=item.serial, reason="repaired")), back)


def _reference(scene: Scene, p: ReferenceParams) -> tuple[Fact, ...]:
    if p.recording not in scene.station.recordings:
        raise EdgeError(ErrorCode.NOT_FOUND, recording=p.recording)
    if p.recording in scene.shift.references:
        raise refuse(recording=p.recording, expected="a recording without a reference")
    return (sf.RecordingReferenced(recording=p.recording, code=p.code, number=p.number, year=p.year),)


ACTS: Mapping[str, Act] = MappingProxyType(
    {
        "return confirm": Act(IssueParams, _confirm),
        "memo enter": Act(MemoParams, _memo),
        "memo end": Act(CameraParams, _memo_end),
        "officer brief": Act(PersonParams, _brief),
        "repair damaged": Act(DamageParams, _damaged),
        "repair tag": Act(TagParams, _tag),
        "repair statement": Act(StatementParams, _impossible),
        "repair release": Act(ReleaseParams, _release),
        "repair back": Act(BackParams, _back),
        "recording refer": Act(ReferenceParams, _reference),
    }
)
