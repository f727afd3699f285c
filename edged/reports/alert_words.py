"""An open alert in words: what is the matter, and what it is about. Pure."""

from collections.abc import Mapping
from types import MappingProxyType

from edged.reports.data import AlertRow, Report
from edged.reports.moments import NONE, when
from edged.reports.texts import Lang, of, say

ABOUT: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("dock-silent", "dock-version", "dock-counters-back", "dock-line"), "dock"),
        **dict.fromkeys(("reader-silent", "reader-opened", "reader-line", "reader-attacked"), "reader"),
        "reader-out-of-service": "reader",
        **dict.fromkeys(("slot-fault", "slot-forced", "device-refused", "camera-unidentified"), "slot"),
        **dict.fromkeys(("camera-unknown", "camera-twin", "camera-out", "camera-filesystem"), "camera"),
        **dict.fromkeys(("camera-reads-differ", "clear-undone", "works-unentered"), "camera"),
        **dict.fromkeys(("recording-damaged", "recording-held", "reference-bad"), "recording"),
        "import-unfinished": "recording",
        **dict.fromkeys(("works-long", "works-long-over"), "works"),
        "works-due": "entry",
        "update-unannounced": "part",
        "papers-late": "matter",
        "papers-due": "matter",
        "return-unconfirmed": "camera",
        "port-open": "slot",
        "handover-unsigned": "sheet",
    }
)
"""What stands after the colon of an alert's id, by kind; the others have no subject."""


def sentence_of(alert: str, lang: Lang) -> str:
    """Return what is the matter; of a kind that a newer station has, its id."""
    return of("alert", alert.partition(":")[0], lang)


def subject_of(alert: str, report: Report, lang: Lang) -> str:
    """Return which slot, camera, works, … it is about; "" where the station itself is meant."""
    kind, _, name = alert.partition(":")
    match ABOUT.get(kind, ""):
        case "":
            return name
        case "camera":
            return _camera(name, report, lang)
        case "entry":
            return of("entry", name, lang)
        case "part":
            return say("about-station", lang) if name == "station" else _camera(name, report, lang)
        case "matter":  # of papers: what the table of papers says it is
            owed = next((row.what[lang] for row in report.papers if row.about == name), "")
            return owed or say("about-matter", lang, name=name)
        case sort:
            return say(f"about-{sort}", lang, name=name)


def _camera(serial: str, report: Report, lang: Lang) -> str:
    number = next((row.number for row in report.cameras if row.camera == serial), "")
    return say("about-number", lang, name=number) if number else say("about-serial", lang, name=serial)


def attention(alert: AlertRow, report: Report, lang: Lang) -> str:
    """Return an alert as one line."""
    about = subject_of(alert.alert, report, lang)
    what = sentence_of(alert.alert, lang)
    if about:
        what = f"{what} ({about})"
    return say("attend-alert", lang, what=what, code=alert.code, since=when(alert.since))


def alert_cells(alert: AlertRow, report: Report, lang: Lang) -> tuple[str, ...]:
    """Return an alert's row of the table: with its code, by which `edgectl alerts` gives the remedy."""
    about = subject_of(alert.alert, report, lang)
    return sentence_of(alert.alert, lang), about or NONE, when(alert.since), f"E{alert.code}"
