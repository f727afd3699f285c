"""What an inspection is handed of one camera, issue or recording."""

from collections.abc import Iterator, Sequence

import msgspec
import pytest

from edged.court.related import related
from edged.formats import facts as f
from edged.formats import shift_facts as sf
from edged.formats.facts import Fact
from edged.formats.line import FIRST_PREV, Stamp, encode_data, encode_line
from tests.edged.ledger.station import sealed

STAMP = Stamp(
    time="2026-11-22T07:00:00.123Z", boottime_ns=5_000, boot_id="b" * 32, clock="unknown", max_error_ns=None
)
DOCUMENT = sf.Document(number="1", date="2026-11-22")
ISSUE, OTHER_ISSUE = "a" * 16, "b" * 16
MINE, THEIRS = "1" * 32, "2" * 32
INCIDENT, SHEET, WORKS, EXPORT = "c" * 16, "d" * 16, "e" * 16, "f" * 16


def granted(grant: str, camera: str) -> f.CameraGranted:
    return f.CameraGranted(grant=grant, slot=1, camera=camera, officer="OF-1", reader="A", open_s=10.0)


def issued(grant: str, issue: str, camera: str) -> f.CameraIssued:
    return f.CameraIssued(grant=grant, issue=issue, slot=1, camera=camera, officer="OF-1")


def clock(camera: str) -> f.ClockMeasured:
    return f.ClockMeasured(
        camera=camera, slot=1, offset_ms=3_600_000, uncertainty_ms=500, host_class="trusted"
    )


def confirmed(recording: str) -> f.RecordingConfirmed:
    return f.RecordingConfirmed(
        recording=recording,
        receipt_sha256="",
        server="s",
        server_level="local",
        placed_at="",
        retain_until="",
    )


def film(recording: str, camera: str, issue: str) -> Fact:
    return msgspec.structs.replace(sealed(recording), camera=camera, issue=issue)


def clip(recording: str) -> f.ClipFact:
    return f.ClipFact(recording=recording, path="CLIP0001.MP4", size=1, mtime="", first_cluster=2)


def listed(camera: str, recording: str, issue: str) -> f.CameraListed:
    return f.CameraListed(
        camera=camera,
        slot=1,
        volume="",
        filesystem="fat32",
        complete=True,
        clips=(clip(recording),),
        issue=issue,
    )


STORY: Sequence[tuple[str, Fact]] = (
    ("start", f.StationStarted(version="1", config_sha256="", clean=True)),
    ("grant", granted("9" * 16, "CAM-1")),
    ("their grant", granted("8" * 16, "CAM-2")),
    ("issue", issued("9" * 16, ISSUE, "CAM-1")),
    ("their issue", issued("8" * 16, OTHER_ISSUE, "CAM-2")),
    ("clock", clock("CAM-1")),
    ("their clock", clock("CAM-2")),
    ("listed", listed("CAM-1", MINE, ISSUE)),
    ("begun", f.OffloadStarted(recording=MINE, camera="CAM-1", slot=1, offset=0, folder="2026/11/22")),
    ("sealed", film(MINE, "CAM-1", ISSUE)),
    ("theirs sealed", film(THEIRS, "CAM-2", OTHER_ISSUE)),
    ("receipt", confirmed(MINE)),
    ("their receipt", confirmed(THEIRS)),
    ("incident", f.IncidentDrafted(incident=INCIDENT, kind="damaged-recording", recording=MINE)),
    ("late", f.AlertRaised(alert=f"papers-late:{INCIDENT}", code=7011)),
    ("paper", sf.PaperGiven(paper="report-memo", about=INCIDENT, document=DOCUMENT)),
    (
        "sheet",
        sf.SheetMade(
            sheet=SHEET,
            journal="incident",
            volume=1,
            rows=(),
            signatories=(),
            first=0,
            last=0,
            root="",
            sha256="",
            entries=(INCIDENT, "0" * 16),
        ),
    ),
    ("registered", sf.SheetRegistered(sheet=SHEET, document=DOCUMENT)),
    (
        "export",
        sf.ExportRequested(export=EXPORT, recording=MINE, request=DOCUMENT, law="§", receiver="суд"),
    ),
    ("export dropped", sf.ExportDropped(export=EXPORT, reason="так")),
    ("next grant", granted("7" * 16, "CAM-1")),
    ("clock later", clock("CAM-1")),
    (
        "works",
        sf.WorksOpened(works=WORKS, entry="cleaning", grounds="г", items=("INV-1", "INV-2"), persons=("Х",)),
    ),
    ("works closed", sf.WorksClosed(works=WORKS, measures="м", result="р")),
    ("tag", sf.ItemTagged(item="INV-1", tag="3", place='шафа "А"')),
    ("their tag", sf.ItemTagged(item="INV-2", tag="4", place='шафа "А"')),
)
OF_ISSUE = {
    "grant", "issue", "clock", "listed", "begun", "sealed", "receipt", "incident", "late", "paper", "sheet",
    "registered",
    "export", "export dropped",
}  # fmt: skip
OF_RECORDING = OF_ISSUE - {"grant", "issue", "clock"}
OF_CAMERA = OF_ISSUE | {"next grant", "clock later", "works", "works closed", "tag"}


def ledger() -> Iterator[bytes]:
    prev = FIRST_PREV
    for seq, (_, fact) in enumerate(STORY):
        line = encode_line(seq, prev, STAMP, "station", fact, encode_data(fact))
        prev = line.hash
        yield line.raw


@pytest.mark.clause(
    "459-V.4-inspection",
    "an inspection is handed what belongs to an issue, a camera or a recording at one remove too, nothing else",
)
@pytest.mark.parametrize(
    ("about", "issue", "wanted"),
    [
        ((), ISSUE, OF_ISSUE),
        (("CAM-1", "INV-1"), "", OF_CAMERA),
        ((MINE,), "", OF_RECORDING),
        (("CAM-3", "", "sheet"), "", set()),
    ],
)
def test_what_belongs_is_found_and_nothing_else(about: tuple[str, ...], issue: str, wanted: set[str]) -> None:
    assert {STORY[number][0] for number in related(ledger, about, issue)} == wanted
