"""Every fact that somebody watches the log for, as its catalogued log event: one table.

Who states a fact does not log it as well: the line is written here, once, when the fact is durable.
"""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from edged.errors import ErrorCode, Fact
from edged.formats import facts as f
from edged.formats import shift_facts as sf
from edged.formats.line import Line
from edged.ports import Log

_Fields = Callable[[Any], dict[str, Fact]]
_BY_NUMBER = {code.number: code for code in ErrorCode}


def _code(number: int) -> str:
    return f"E{number}"


def _text(number: int) -> str:
    code = _BY_NUMBER.get(number)
    return code.text if code is not None else f"E{number}"


def _pick(*names: str) -> _Fields:
    return lambda x: {name: getattr(x, name) for name in names}


def _alert(x: f.AlertRaised) -> dict[str, Fact]:
    code = _BY_NUMBER.get(x.code, ErrorCode.DEFECT)
    facts = " ".join(f"{k}={v}" for k, v in x.detail.items())
    text = f"{code.text} ({facts})" if facts else code.text
    return {"alert": x.alert, "text": text, "code": code.label, "remedy": code.remedy}


def _lost(part: str) -> _Fields:
    def fields(x: f.DockLost | f.ReaderLost) -> dict[str, Fact]:
        why = " ".join(f"{k}={v}" for k, v in x.detail.items())
        return {part: getattr(x, part), "reason": why or _text(x.code), "code": _code(x.code)}

    return fields


def _refused_list(x: f.RosterRefused | sf.ScheduleRefused) -> dict[str, Fact]:
    why = " ".join(f"{k}={v}" for k, v in x.detail.items())
    return {"reason": f"{_text(x.code)} {why}".strip(), "code": _code(x.code)}


REPORTS: Mapping[type[f.Fact], tuple[str, _Fields]] = MappingProxyType(
    {
        f.AlertRaised: ("EDG-5101", _alert),
        f.AlertWithdrawn: ("EDG-5102", _pick("alert")),
        f.LedgerTailCut: ("EDG-6002", _pick("size", "sha256")),
        f.RosterAccepted: ("EDG-4101", _pick("version", "persons", "valid_until")),
        f.RosterRefused: ("EDG-4102", _refused_list),
        sf.ScheduleAccepted: ("EDG-4103", _pick("version", "shifts", "valid_until")),
        sf.ScheduleRefused: ("EDG-4104", _refused_list),
        f.DockConnected: ("EDG-1102", _pick("dock", "serial", "firmware")),
        f.DockLost: ("EDG-1101", _lost("dock")),
        f.DockReported: ("EDG-1104", _pick("dock", "number", "what", "slot")),
        f.ReaderConnected: ("EDG-1202", _pick("reader", "serial", "firmware")),
        f.ReaderLost: ("EDG-1201", _lost("reader")),
        f.SlotFaulted: (
            "EDG-1301",
            lambda x: {"slot": x.slot, "reason": _text(x.code), "code": _code(x.code)},
        ),
        f.SlotCleared: ("EDG-1302", _pick("slot", "reason")),
        f.CameraDocked: ("EDG-2102", _pick("camera", "slot", "model", "driver", "known")),
        f.DeviceRefused: (
            "EDG-2105",
            lambda x: {
                "vendor_id": x.vendor_id,
                "product_id": x.product_id,
                "slot": x.slot,
                "reason": x.reason,
                "interfaces": " ".join(x.interfaces),
            },
        ),
        f.ClockMeasured: ("EDG-2106", _pick("camera", "slot", "offset_ms", "uncertainty_ms")),
        f.ClockCorrected: ("EDG-2107", _pick("camera", "slot", "offset_ms")),
        f.CameraUndocked: ("EDG-2110", _pick("camera", "slot", "reason")),
        f.OffloadStarted: ("EDG-2201", _pick("recording", "camera", "slot", "offset")),
        f.RecordingSealed: ("EDG-2202", _pick("recording", "camera", "size", "sha256")),
        f.OffloadInterrupted: (
            "EDG-2203",
            lambda x: {
                "recording": x.recording,
                "held": x.held,
                "reason": x.reason,
                "code": _code(x.code),
            },
        ),
        f.ClearStarted: (
            "EDG-2301",
            lambda x: {
                "recordings": len(x.recordings),
                "camera": x.camera,
                "slot": x.slot,
                "policy": x.policy,
            },
        ),
        f.CameraCleared: (
            "EDG-2302",
            lambda x: {
                "camera": x.camera,
                "slot": x.slot,
                "recordings": len(x.recordings),
                "free_bytes": x.free_after,
            },
        ),
        f.ClearFailed: (
            "EDG-2303",
            lambda x: {"camera": x.camera, "slot": x.slot, "reason": x.reason, "code": _code(x.code)},
        ),
        f.RecordingConfirmed: ("EDG-3104", _pick("recording", "server", "retain_until")),
        f.RecordingHeld: ("EDG-3106", _pick("recording", "reason")),
        f.ReceiptRefused: (
            "EDG-3105",
            lambda x: {
                "recording": x.recording,
                "reason": x.reason,
                "code": ErrorCode.RECEIPT_BAD.label,
            },
        ),
        f.RecordingCorrupted: ("EDG-6006", _pick("recording")),
        f.CameraGranted: ("EDG-7101", _pick("slot", "officer", "camera", "reader")),
        f.CameraIssued: ("EDG-7102", _pick("camera", "officer", "slot", "issue")),
        f.GrantVoided: ("EDG-7103", _pick("slot", "reason")),
        f.ReturnConfirmed: (
            "EDG-7105",
            lambda x: {"count": len(x.issues), "responsible": x.responsible},
        ),
        f.BadgeRefused: ("EDG-7106", _pick("credential", "reader", "reason", "count")),
        f.SlotForcedOpen: ("EDG-7107", _pick("camera", "slot", "witness")),
        f.IncidentDrafted: ("EDG-7108", _pick("incident", "kind", "slot", "camera")),
        f.AccessRefused: ("EDG-7110", _pick("account", "verb")),
    }
)


def _ready(x: f.ReadinessChanged) -> tuple[str, dict[str, Fact]]:
    if x.ready:
        return "EDG-2108", _pick("camera", "slot", "charge_percent", "free_bytes")(x)
    return "EDG-2109", {"camera": x.camera, "slot": x.slot, "reasons": ", ".join(x.reasons)}


def reports(fact: f.Fact) -> Iterator[tuple[str, dict[str, Fact]]]:
    """Yield the log events of a fact, and their fields."""
    found = REPORTS.get(type(fact))
    if found is not None:
        event, fields = found
        yield event, fields(fact)
    match fact:
        case f.CameraDocked(issue=issue) if issue:
            yield "EDG-7104", _pick("camera", "slot", "issue", "officer")(fact)
        case f.CameraListed(problems=problems) if problems:
            listed: dict[str, Fact] = {
                "camera": fact.camera,
                "slot": fact.slot,
                "problems": "; ".join(problems),
            }
            yield "EDG-2206", listed
        case f.RecordingSealed(gaps=gaps) if gaps:
            yield "EDG-2204", {"recording": fact.recording, "camera": fact.camera, "gaps": len(gaps)}
        case f.ReadinessChanged():
            yield _ready(fact)
        case _:
            pass


class Reporter:
    """A listener of the recorder."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def __call__(self, line: Line) -> None:
        for event, fields in reports(line.fact):
            self._log(event, **fields)
