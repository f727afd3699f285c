"""When a recording was filmed, in true time: out of what was sealed, nothing else. Pure.

A camera dates its file by its own clock when it closes it; the station has measured that clock. What the film itself
says of its beginning may be the camera's local time or UTC: it is believed where it fits the file's own date, and else
the film is taken to end when the file was closed.
"""

from datetime import UTC, datetime, timedelta

from edged.coverage import Film, Unknown, Untimed
from edged.errors import FormatError
from edged.formats import times
from edged.formats.facts import RecordingSealed
from edged.formats.movie import MovieTimes

MOVIES = (".mp4", ".mov")
LONGEST = timedelta(days=7)  # of one film that is believed
ZONES = timedelta(minutes=15)  # every zone of the world lies so many of these from UTC
CLOSED_WITHIN = timedelta(minutes=5)  # of the last picture


def film_facts(movie: MovieTimes | None) -> tuple[str, int]:
    """Return what the ledger keeps: the beginning as the camera says it, "" unknown; milliseconds, -1 unknown."""
    if movie is None or not 0 < movie.duration_s <= LONGEST.total_seconds():
        return "", -1
    began = movie.began.isoformat(timespec="seconds") if movie.began is not None else ""
    return began, round(movie.duration_s * 1000)


def is_film(sealed: RecordingSealed) -> bool:
    """Whether it is a film at all, and no picture."""
    return sealed.film_ms >= 0 or sealed.file.endswith(MOVIES)


def untimed_of(sealed: RecordingSealed) -> Untimed:
    """Return a film of which `film_of` knows nothing, with what is lacking."""
    why = Unknown.DATE
    if sealed.film_ms < 0:
        why = Unknown.LENGTH
    elif sealed.uncertainty_ms < 0:
        why = Unknown.CLOCK
    return Untimed(sealed.recording, sealed.path, why)


def film_of(sealed: RecordingSealed) -> Film | None:
    """Return the film; None: its length is not known, or the camera's clock was never measured."""
    if sealed.film_ms < 0 or not sealed.true_time or sealed.uncertainty_ms < 0:
        return None
    try:
        length = timedelta(milliseconds=sealed.film_ms)
        ended = times.moment(times.parse_ns(sealed.true_time))
        began = _began(sealed, ended, length)
    except (FormatError, ValueError, OverflowError):
        return None
    uncertainty = timedelta(milliseconds=sealed.uncertainty_ms)
    return Film(sealed.recording, sealed.path, began, began + length, uncertainty)


def own_film_of(sealed: RecordingSealed) -> Film | None:
    """Return a film whose camera's clock was not measured, in that clock's own time as if it were UTC.

    By it films follow each other and have pauses, but it may be any time from true time: nothing is compared with it.
    None: its clock was measured, or its length or date is not known.
    """
    if sealed.uncertainty_ms >= 0 or sealed.film_ms < 0 or not sealed.mtime:
        return None
    try:
        length = timedelta(milliseconds=sealed.film_ms)
        ended = datetime.fromisoformat(sealed.mtime).replace(tzinfo=UTC)
        began = _began(sealed, ended, length)
    except (ValueError, OverflowError):
        return None
    return Film(sealed.recording, sealed.path, began, began + length)


def _began(sealed: RecordingSealed, ended: datetime, length: timedelta) -> datetime:
    if not (sealed.film_began and sealed.mtime):
        return ended - length
    said = datetime.fromisoformat(sealed.film_began).replace(tzinfo=UTC)
    closed = datetime.fromisoformat(sealed.mtime).replace(tzinfo=UTC)
    away = closed - (said + length)
    shift = round(away / ZONES) * ZONES
    if abs(shift) > timedelta(hours=14) or not abs(away - shift) <= CLOSED_WITHIN:
        return ended - length
    return said + shift + (ended - closed)
