"""One pass of the centre over what its stations have delivered.

The ledger comes first: what it says is worth more than any recording, and it is small.
"""

from dataclasses import replace

from edged.errors import EdgeError
from edged.formats.fields import ServerLevel
from edged.formats.note import Signer, Verifier
from edged.ports import Clock, FileSystem, Log
from sync.centre.desk import Desk, Summary
from sync.centre.ledger import LedgerIntake
from sync.centre.recordings import RecordingIntake


class Intake:
    """The desk of one station. Blocking; one at a time for a store.

    Args:
        home: the station's SFTP home, which the station writes.
        store: the final store, which no station can reach.
        station: the station's public key; its name is ``edged/<station id>``.
        centre: the centre's signing key, which is not the server's SSH key.
        server, level: named in every receipt (Order 459, I.3).
    """

    def __init__(
        self,
        fs: FileSystem,
        clock: Clock,
        log: Log,
        *,
        home: str,
        store: str,
        station: Verifier,
        centre: Signer,
        server: str,
        level: ServerLevel,
    ) -> None:
        self._desk = Desk(
            fs=fs,
            clock=clock,
            log=log,
            home=home,
            store=store,
            station=station,
            centre=centre,
            server=server,
            level=level,
        )

    @property
    def station(self) -> str:
        return self._desk.station_id

    def scan(self) -> Summary:
        """Take everything that is complete. What fails is an alert in the store and in the summary.

        Raises:
            OSError: not even an alert could be written.
        """
        desk = replace(self._desk, summary=Summary())
        for folder in ("recordings", "ledger/checkpoints", "status", "receipts/checkpoints", "inbox"):
            desk.fs.make_dirs(f"{desk.home}/{folder}")
        for part in (LedgerIntake, RecordingIntake):
            try:
                part(desk).take()
            except EdgeError as exc:
                desk.alert("intake-stopped", part=part.__name__, code=exc.code.number, reason=str(exc)[:300])
            except OSError as exc:
                reason = exc.strerror or type(exc).__name__
                desk.alert("store-failed", part=part.__name__, errno=exc.errno or 0, reason=reason)
        return desk.summary
