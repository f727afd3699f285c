"""What the ledger says, read as anybody may who has its lines: for the checks, and with nothing of the station."""

from collections.abc import Iterator
from functools import lru_cache

from drivers.worker import messages as m
from edged.errors import EdgeError
from edged.formats import facts as f
from edged.formats.checkpoint import open_checkpoint
from edged.formats.line import Line, decode_line
from tests.world.world import CENTRE, STATION_KEY

DRIVE_NS = 300 * 10**9  # within this time a drive has written what it called durable


decoded = lru_cache(8192)(decode_line)
"""As `decode_line`: the same lines are looked at again and again."""


@lru_cache(256)
def lines_vouched_for(note: bytes) -> int:
    try:
        return open_checkpoint(note, STATION_KEY.verifier, CENTRE.verifier).size
    except EdgeError:
        return 0


def in_order(some: list[str], of: list[str]) -> bool:
    """Whether these are there in this order, with others between them or not."""
    left = iter(of)
    return all(one in left for one in some)


def intent_of(fact: f.Fact) -> tuple[str, str] | None:
    match fact:
        case f.OffloadStarted(recording=recording):
            return "copy", recording
        case f.ClearStarted(camera=camera):
            return "clear", camera
        case f.CameraGranted(grant=grant):
            return "grant", grant
        case _:
            return None


def outcomes_of(fact: f.Fact) -> Iterator[tuple[str, str]]:
    match fact:
        case f.OffloadInterrupted(recording=recording) | f.RecordingSealed(recording=recording):
            yield "copy", recording
        case f.ClearFailed(camera=camera) | f.CameraCleared(camera=camera):
            yield "clear", camera
        case f.GrantVoided(grant=grant) | f.CameraIssued(grant=grant):
            yield "grant", grant
        case _:
            return


class Known:
    """What the ledger says of one camera.

    Attributes:
        spoilt: recordings whose copy was found to be other than it was sealed.
        unread: those sealed so shortly before the power went that a drive may have lost them, and not read since.
    """

    def __init__(self, lines: list[Line], camera: str) -> None:
        self.listed: dict[tuple[str, int, str, int], list[str]] = {}
        self.sealed: dict[str, tuple[f.RecordingSealed, int]] = {}
        self.intent: f.ClearStarted | None = None
        self.spoilt, self.unread = set[str](), set[str]()
        self._fresh: dict[str, int] = {}
        before = lines[0].stamp
        for line in lines:
            if line.stamp.boot_id != before.boot_id:
                self.unread |= {r for r, at in self._fresh.items() if at >= before.boottime_ns - DRIVE_NS}
                self._fresh.clear()
            before = line.stamp
            match line.fact:
                case f.CameraListed(camera=serial, clips=clips) if serial == camera:
                    for c in clips:
                        key = (c.path, c.size, c.mtime, c.first_cluster)
                        self.listed.setdefault(key, []).append(c.recording)
                case f.RecordingSealed() as sealed:
                    self.sealed[sealed.recording] = (sealed, line.seq)
                    self._fresh[sealed.recording] = line.stamp.boottime_ns
                case f.RecordingReread(recording=read):
                    self.unread.discard(read)
                case f.RecordingCorrupted(recording=read):
                    self.spoilt.add(read)
                case f.ClearStarted(camera=serial) as intent if serial == camera:
                    self.intent = intent
                case f.CameraCleared(camera=serial) | f.ClearFailed(camera=serial) if serial == camera:
                    self.intent = None

    def recording(self, clip: m.Clip, intent: f.ClearStarted) -> str | None:
        """The recording that this clip was listed as, if the intent names it."""
        found = self.listed.get((clip.path, clip.size, clip.mtime, clip.first_cluster), [])
        return next((name for name in reversed(found) if name in intent.recordings), None)
