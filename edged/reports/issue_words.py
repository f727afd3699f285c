"""An issue and what was found of it, in words that accuse nobody. Pure."""

from collections.abc import Sequence

from edged.coverage import BREAKS, Kind
from edged.duty import Flag
from edged.formats import times
from edged.reports.data import Finding, IssueRow, Report
from edged.reports.issue_row import Other
from edged.reports.moments import NONE, when
from edged.reports.texts import Lang, say, word

NAMED = 4  # recordings of one finding
_FOR_SECURITY = {Kind.ORDER, Other.MEDIUM, Other.CLOCK}

_WITHOUT_SHIFT = {
    Flag.NO_SCHEDULE,
    Flag.SCHEDULE_EXPIRED,
    Flag.UNKNOWN,
    Flag.NOT_LISTED,
}  # and the issue says so


def addressed(report: Report, lang: Lang) -> str:
    """To whom coverage goes (459-III.3-control), what a gap may be, and what could not be looked at."""
    if not report.issues:
        return ""
    found = {finding.kind for issue in report.issues for finding in issue.findings}
    said = [say("addressed", lang)]
    if found & BREAKS:
        said.append(say("addressed-break", lang))
    if found & _FOR_SECURITY:
        said.append(say("addressed-security", lang))
    if unknown := sum(
        not issue.shift_ends and not _WITHOUT_SHIFT & set(issue.flags) for issue in report.issues
    ):
        said.append(say("shift-unknown", lang, number=unknown))
    return " ".join(said)


def issue_cells(issue: IssueRow, lang: Lang) -> tuple[str, ...]:
    """Return an issue's row of the table."""
    asked = f"{_minutes(issue.recorded_s)} / {_minutes(issue.asked_s)}" if issue.asked_s else NONE
    if issue.at_least:
        asked = say("at-least", lang, value=asked)
    found = "; ".join(
        (*(_flag(one, lang) for one in issue.flags), *(_found(one, lang) for one in issue.findings))
    )
    who = (issue.number or issue.camera, issue.officer)
    return *who, *map(when, (issue.taken, issue.returned, issue.confirmed)), asked, found or NONE


def _flag(flag: str, lang: Lang) -> str:
    return word(f"flag-{flag}" if flag in set(Flag) else f"reason-{flag}", lang)


def _minutes(seconds: int) -> str:
    return f"{seconds // 3600}:{seconds % 3600 // 60:02}"


def _found(found: Finding, lang: Lang) -> str:
    minutes = ""
    if found.began:
        length = times.parse_ns(found.ended) - times.parse_ns(found.began)
        minutes = str(max(1, round(length / 60_000_000_000)))
    said = say(
        f"found-{found.kind}",
        lang,
        minutes=minutes,
        numbers=found.numbers,
        recordings=_named(found.recordings, lang),
        why=word(f"unknown-{found.why}", lang),
        how=word(f"off-{found.why}", lang),
        before=_offset(found.before_ms, lang),
        after=_offset(found.after_ms, lang),
        bound=f"{found.uncertainty_ms / 1000:.1f}",
    )
    since = f" ({when(found.began)[11:]})" if found.began else ""
    return said + since + (f", {say('perhaps', lang)}" if found.perhaps else "")


def _offset(offset_ms: int | None, lang: Lang) -> str:
    """In the largest unit that tells it to a person: an hour is a time zone, decades are a clock begun anew."""
    if offset_ms is None:
        return say("unknown", lang)
    for unit, length_ms in (("days", 86_400_000), ("hours", 3_600_000)):
        if abs(offset_ms) >= length_ms:
            return say(unit, lang, value=f"{offset_ms / length_ms:+.1f}")
    return say("seconds", lang, value=f"{offset_ms / 1000:+.1f}")


def _named(recordings: Sequence[str], lang: Lang) -> str:
    shown = ", ".join(one[:8] for one in recordings[:NAMED])
    more = len(recordings) - NAMED
    return shown if more <= 0 else f"{shown} {say('more', lang, left_out=more)}"
