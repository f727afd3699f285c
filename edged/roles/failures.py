"""Failed answers of the roles and of the ports' process as exceptions. None can speak for another, nor name a code
that is none of its business; what it says in words is made printable and capped."""

from drivers.usb_ports.messages import Refused
from drivers.worker.messages import Failed
from edged.errors import CameraError, CameraLostError, DiskError, EdgeError, ErrorCode, Fact

MAX_FACTS, MAX_TEXT = 20, 500

_BY_NUMBER = {code.number: code for code in ErrorCode}
_BOTH = frozenset({ErrorCode.PROCESS_DIED, ErrorCode.DEFECT, ErrorCode.CONFLICT, ErrorCode.BAD_REQUEST})


def camera_failure(answer: Failed) -> CameraError:
    """What a worker's Failed means: a code of the camera group, else CAMERA_PROTOCOL."""
    code, detail = _BY_NUMBER.get(answer.code), _facts(answer)
    if code is ErrorCode.CAMERA_LOST:
        return CameraLostError(**detail)
    if code is not None and (code in _BOTH or code.number // 1000 == 2):
        return CameraError(code, **detail)
    return CameraError(ErrorCode.CAMERA_PROTOCOL, **{**detail, "said": answer.code})


def sealer_failure(answer: Failed) -> EdgeError:
    """What a sealer's Failed means: a code of camera or disk, else PROCESS_DIED of the sealer."""
    code, detail = _BY_NUMBER.get(answer.code), _facts(answer)
    if code is not None and code.number // 1000 == 2:
        return camera_failure(answer)
    if code is not None and (code in _BOTH or code.number // 1000 == 5):
        return DiskError(code, **detail)
    return DiskError(ErrorCode.PROCESS_DIED, **{**detail, "said": answer.code})


def port_failure(answer: Refused) -> CameraError:
    """What a refusal of the ports' process means: a code of the camera group, else PORT_FAULT."""
    failed = Failed(code=answer.code, detail=answer.detail)
    code = _BY_NUMBER.get(answer.code)
    if code is not None and code.number // 1000 == 2:
        return camera_failure(failed)
    return CameraError(ErrorCode.PORT_FAULT, **_facts(failed))


def held_of(error: EdgeError) -> int:
    """How many bytes of a copy that failed can be resumed."""
    held = error.detail.get("held", 0)
    return held if isinstance(held, int) else 0


def with_held(error: CameraError, held: int) -> CameraError:
    """The same error with ``held`` in its detail."""
    detail = {**error.detail, "held": held}
    return (
        CameraLostError(**detail) if isinstance(error, CameraLostError) else CameraError(error.code, **detail)
    )


def _facts(answer: Failed) -> dict[str, Fact]:
    facts = list(answer.detail.items())[:MAX_FACTS]
    return {_printable(name): _printable(v) if isinstance(v, str) else v for name, v in facts}


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else "\ufffd" for c in text[:MAX_TEXT])
