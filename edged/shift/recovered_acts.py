"""What a service centre has recovered of a camera: who brings it in, and for what (459-III.12-recovered). Pure."""

from typing import Annotated

import msgspec

from edged.errors import EdgeError, ErrorCode
from edged.formats import shift_facts as sf
from edged.shift.custody_acts import require_open
from edged.shift.scene import Params, Scene, Short, switched_off

FOLDER = "recovered/"  # before the name of the file: as the ledger has it, beside what cameras call theirs


class RecoveredParams(Params, frozen=True):
    file: Annotated[
        str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]{0,120}\Z")
    ]  # in the folder of the settings
    camera: Short
    incident: Short
    centre: Short  # the service centre
    contract_number: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    contract_date: Annotated[str, msgspec.Meta(min_length=10, max_length=10)]


def require_designated(scene: Scene) -> None:
    """Raises EdgeError: SWITCHED_OFF, nobody is designated; NOT_ALLOWED, somebody else is."""
    if not scene.designated:
        raise switched_off("[recovered] decision and persons: whom a document designates")
    if scene.actor not in scene.designated:
        raise EdgeError(
            ErrorCode.NOT_ALLOWED, person=scene.actor, roles="a technical administrator who is designated"
        )


def accepted(scene: Scene, p: RecoveredParams, recording: str, size: int) -> sf.RecoveredAccepted:
    """Return the fact that stands in the ledger before the first byte is taken.

    Raises:
        EdgeError: as `require_designated`; NOT_FOUND: no such camera, no such incident; CONFLICT: it is finished.
    """
    require_designated(scene)
    scene.inventory.camera(p.camera)
    require_open(scene, p.incident)
    return sf.RecoveredAccepted(
        recording=recording,
        file=p.file,
        size=size,
        camera=p.camera,
        incident=p.incident,
        centre=p.centre,
        contract=scene.document(p.contract_number, p.contract_date),
    )
