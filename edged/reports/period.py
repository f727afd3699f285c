"""What happened in a period: a fold over its lines of the ledger and those shortly before. Pure.

An issue that began before the period and goes on in it belongs to it, so reading begins ``BEFORE`` earlier. How a
camera was left that lay idle for longer is recalled from a few lines of its own.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from edged.clock_drift import Reading
from edged.coverage import Film, Untimed
from edged.films import film_of, is_film, untimed_of
from edged.formats import facts as f
from edged.formats.line import Envelope, Line
from edged.reports.moments import moment

BEFORE = timedelta(days=3)  # longer than any issue that is not an incident


@dataclass(slots=True)
class Issued:
    issue: str
    camera: str
    officer: str
    taken: str
    returned: str = ""
    confirmed: str = ""
    shift: str = ""  # for which it was taken; "": of none that is known
    flags: tuple[str, ...] = ()
    clock_before: Reading | None = None  # of the camera: the last before it was taken
    clock_after: Reading | None = None  # the first after it was brought back


@dataclass(slots=True)
class Made:
    """A recording that was first listed in the period."""

    recording: str
    camera: str
    path: str
    issue: str
    sealed: bool = False
    damaged: bool = False
    confirmed: bool = False
    held: str = ""
    corrupt: bool = False


@dataclass(frozen=True, slots=True)
class Filmed:
    """A film that was sealed in the period."""

    recording: str
    camera: str
    path: str
    issue: str  # "": of none
    film: Film | None  # None: nobody knows when it was made


@dataclass(slots=True)
class Period:
    """``began`` and ``ended`` are times of the ledger; the end is not in it."""

    began: str
    ended: str
    issues: dict[str, Issued] = field(default_factory=dict)
    made: dict[str, Made] = field(default_factory=dict)
    refusals: dict[str, int] = field(default_factory=dict)
    films: dict[str, list[Film]] = field(default_factory=dict)  # by issue
    untimed: dict[str, list[Untimed]] = field(default_factory=dict)  # by issue
    filmed: list[Filmed] = field(default_factory=list)
    media: set[str] = field(
        default_factory=set
    )  # issues after which another medium was aboard, or a formatted one
    first: int = -1
    last: int = -1
    before: dict[str, Film] = field(default_factory=dict)  # issue -> the camera's last film before it
    _newest: dict[str, Film] = field(default_factory=dict)  # camera -> its last film, where that is known
    _doubtful: set[str] = field(default_factory=set)  # cameras whose last film has no time
    _clocks: dict[str, Reading] = field(default_factory=dict)  # camera -> its clock as measured last
    _back: dict[str, Issued] = field(
        default_factory=dict
    )  # camera -> the issue whose return is to be measured
    _volumes: dict[str, str] = field(default_factory=dict)  # camera -> the medium that was listed last
    _out: dict[str, str] = field(default_factory=dict)  # camera -> its open issue

    def take(self, line: Line | Envelope) -> None:
        """Take one line, in order. What comes after the period counts where it ends something of it.

        Of a type that is none of TYPES the envelope is enough.
        """
        if self.began <= line.stamp.time < self.ended:
            self.first = line.seq if self.first < 0 else self.first
            self.last = line.seq
        if isinstance(line, Envelope):
            return
        handler = _HANDLERS.get(type(line.fact))
        if handler is not None:
            handler(self, line, line.fact)

    def recall(self, lines: Iterable[Line]) -> None:
        """Take the newest lines of one camera from before those that are taken, however old they are.

        They say with which medium it was left, and after which film: the last of its last issue with films, if the
        times of all of them are known.
        """
        sealed: list[f.RecordingSealed] = []
        for line in lines:
            if isinstance(line.fact, f.CameraListed) and line.fact.slot:
                self._volumes[line.fact.camera] = line.fact.volume
            elif isinstance(line.fact, f.RecordingSealed) and is_film(line.fact):
                sealed.append(line.fact)
        last = [film_of(one) for one in sealed if one.issue == sealed[-1].issue]
        films = [film for film in last if film is not None]
        if films and len(films) == len(last):
            self._newest[sealed[-1].camera] = max(films, key=lambda one: one.ended)

    def own_issues(self) -> list[Issued]:
        """Those that were open at some moment of the period, by the time they were taken."""
        own = (one for one in self.issues.values() if one.taken < self.ended)
        return [one for one in own if not one.returned or one.returned >= self.began]

    def within(self, line: Line) -> bool:
        return self.began <= line.time < self.ended


def _issued(p: Period, at: Line, x: f.CameraIssued) -> None:
    p.issues[x.issue] = Issued(x.issue, x.camera, x.officer, at.time, shift=x.shift, flags=x.flags)
    p.issues[x.issue].clock_before = p._clocks.get(x.camera)
    p._back.pop(x.camera, None)
    p._out[x.camera] = x.issue
    if x.camera in p._doubtful:  # which number was its last, nobody can say
        p._newest.pop(x.camera, None)
        p._doubtful.discard(x.camera)
    elif (film := p._newest.get(x.camera)) is not None:
        p.before[x.issue] = film


def _docked(p: Period, at: Line, x: f.CameraDocked) -> None:
    issue = p.issues.get(p._out.pop(x.camera, ""))
    if issue is not None:
        issue.returned = at.time
        p._back[x.camera] = issue


def _taken_back(p: Period, _at: Line, x: f.SlotForcedOpen) -> None:
    if p.issues.pop(x.issue, None) is not None:
        p._out.pop(x.camera, None)


def _return_confirmed(p: Period, at: Line, x: f.ReturnConfirmed) -> None:
    for issue in x.issues:
        if issue in p.issues:
            p.issues[issue].confirmed = at.time


def _clock_measured(p: Period, at: Line, x: f.ClockMeasured) -> None:
    bound = timedelta(milliseconds=x.uncertainty_ms) if x.uncertainty_ms >= 0 else None
    reading = Reading(moment(at.time), timedelta(milliseconds=x.offset_ms), bound)
    p._clocks[x.camera] = reading
    if (issue := p._back.pop(x.camera, None)) is not None:
        issue.clock_after = reading


def _clock_corrected(p: Period, _at: Line, x: f.ClockCorrected) -> None:
    p._clocks.pop(x.camera, None)  # the measurement that follows says to what


def _listed(p: Period, at: Line, x: f.CameraListed) -> None:
    if x.slot and p._volumes.setdefault(x.camera, x.volume) != x.volume:
        p._volumes[x.camera] = x.volume
        p.media.add(x.issue)
    if p.within(at):
        for clip in x.clips:
            p.made.setdefault(clip.recording, Made(clip.recording, x.camera, clip.path, x.issue))


def _sealed(p: Period, at: Line, x: f.RecordingSealed) -> None:
    film = film_of(x)
    if is_film(x) and p.within(at):
        p.filmed.append(Filmed(x.recording, x.camera, x.path, x.issue, film))
    if film is not None:
        p.films.setdefault(x.issue, []).append(film)
        p._newest[x.camera] = max(p._newest.get(x.camera, film), film, key=lambda one: one.ended)
    elif is_film(x):
        p.untimed.setdefault(x.issue, []).append(untimed_of(x))
        p._doubtful.add(x.camera)
    if (made := p.made.get(x.recording)) is not None:
        made.sealed, made.damaged = True, bool(x.gaps)


def _confirmed(p: Period, _at: Line, x: f.RecordingConfirmed) -> None:
    if (made := p.made.get(x.recording)) is not None:
        made.confirmed = True


def _held(p: Period, _at: Line, x: f.RecordingHeld) -> None:
    if (made := p.made.get(x.recording)) is not None:
        made.held = x.reason


def _corrupted(p: Period, _at: Line, x: f.RecordingCorrupted) -> None:
    if (made := p.made.get(x.recording)) is not None:
        made.corrupt = True


def _badge_refused(p: Period, at: Line, x: f.BadgeRefused) -> None:
    if p.within(at):
        p.refusals[x.reason] = p.refusals.get(x.reason, 0) + x.count


_HANDLERS: dict[type[f.Fact], Callable[[Period, Line, Any], None]] = {
    f.CameraIssued: _issued,
    f.CameraDocked: _docked,
    f.SlotForcedOpen: _taken_back,
    f.ReturnConfirmed: _return_confirmed,
    f.ClockMeasured: _clock_measured,
    f.ClockCorrected: _clock_corrected,
    f.CameraListed: _listed,
    f.RecordingSealed: _sealed,
    f.RecordingConfirmed: _confirmed,
    f.RecordingHeld: _held,
    f.RecordingCorrupted: _corrupted,
    f.BadgeRefused: _badge_refused,
}
TYPES = frozenset(kind.TYPE for kind in _HANDLERS)
"""What has to be decoded; the rest of a ledger may be skipped."""
