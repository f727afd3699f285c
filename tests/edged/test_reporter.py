"""What a fact is told as in the log."""

from typing import Any

import pytest

from edged.events import EVENTS
from edged.formats import facts as f
from edged.station.reporter import reports

SEALED: dict[str, Any] = {
    "recording": "1" * 32,
    "camera": "CAM1",
    "path": "DCIM/1.MP4",
    "size": 7,
    "sha256": "a" * 64,
    "fingerprint": "",
    "mtime": "",
    "medium": "disk",
    "folder": "2026/11/22",
    "file": "content.mp4",
}
LISTED: dict[str, Any] = {"camera": "CAM1", "slot": 3, "volume": "", "filesystem": "fat32", "complete": True}

TOLD: list[tuple[f.Fact, list[str]]] = [
    (
        f.OffloadStarted(recording="1" * 32, camera="CAM1", slot=3, offset=0, folder="2026/11/22"),
        ["Offload of 1111… from camera CAM1 in slot 3, from byte 0"],
    ),
    (f.RecordingSealed(**SEALED), ["Recording 1111… of camera CAM1 sealed: 7 bytes, SHA-256 aaaa…"]),
    (
        f.RecordingSealed(**SEALED, gaps=(f.GapFact(offset=0, size=1), f.GapFact(offset=5, size=1))),
        [
            "Recording 1111… of camera CAM1 sealed: 7 bytes, SHA-256 aaaa…",
            "Recording 1111… of camera CAM1 is damaged: 2 unreadable parts",
        ],
    ),
    (f.CameraListed(**LISTED), []),
    (
        f.CameraListed(**LISTED, problems=("loop in DCIM", "cross-link")),
        ["Listing of camera CAM1 in slot 3 has problems: loop in DCIM; cross-link"],
    ),
    (
        f.ReadinessChanged(camera="CAM1", slot=3, ready=True, charge_percent=93, free_bytes=1000),
        ["Camera CAM1 in slot 3 is ready, charge 93 %, 1000 bytes free"],
    ),
    (
        f.ReadinessChanged(camera="CAM1", slot=3, ready=False, reasons=("charge", "clock")),
        ["Camera CAM1 in slot 3 is not ready: charge, clock"],
    ),
    (
        f.CameraDocked(
            slot=3,
            camera="CAM1",
            driver="msc",
            model="M",
            known=True,
            usb_serial="",
            descriptor_sha256="",
            issue="i1",
            officer="olena",
        ),
        [
            "Camera CAM1 docked in slot 3: M, driver msc, in the list: True",
            "Camera CAM1 returned to slot 3, issue i1 of olena",
        ],
    ),
    (f.LedgerTailCut(size=5, sha256="a" * 64), ["Torn last line of the ledger cut: 5 bytes, SHA-256 aaaa…"]),
]


@pytest.mark.parametrize(("fact", "sentences"), TOLD, ids=lambda x: getattr(x, "TYPE", ""))
def test_a_fact_is_told_in_whole_sentences(fact: f.Fact, sentences: list[str]) -> None:
    said = [EVENTS[event].sentence(fields) for event, fields in reports(fact)]
    short = [s.replace("1" * 32, "1111…").replace("a" * 64, "aaaa…") for s in said]
    assert short == sentences
