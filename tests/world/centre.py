"""The centre, and a line to it that never fails: files go there, the shipped intake answers, answers come back."""

from edged.errors import Fact
from edged.formats.note import Signer, Verifier
from edged.ports import Clock
from sync.centre.intake import Intake
from tests.fakes.memory_fs import MemoryFS

HOME, STORE = "/home", "/store"


class Centre:
    """``deliver`` is one round of a courier and of the intake. Nothing is lost on the way, and nothing is late."""

    def __init__(self, clock: Clock, signer: Signer, station: Verifier) -> None:
        self.fs = MemoryFS()
        self.signer = signer
        self.open = True  # False: the line is down, nothing goes and nothing comes
        self.log: list[tuple[str, dict[str, Fact]]] = []
        self._sent: set[str] = set()
        self._intake = Intake(
            self.fs,
            clock,
            self._note,
            home=HOME,
            store=STORE,
            station=station,
            centre=signer,
            server="centre-1",
            level="local",
        )

    def deliver(self, fs: MemoryFS, state: str, vault: str, inbox: str) -> None:
        if not self.open:
            return
        for path, data in fs.files(f"{vault}/recordings").items():
            home = path.rpartition("/")[0]
            # The manifest is written last: what has none is not sealed yet.
            if f"{home}/manifest.note" in fs.files(home) and path.endswith((".mp4", ".bin", ".png", ".note")):
                self._send(path.removeprefix(f"{vault}/"), data)
        for path, data in fs.files(f"{state}/ledger").items():
            if path.endswith(".note") or (path.endswith(".jsonl") and "current" not in path):
                self._send(path.removeprefix(f"{state}/"), data)
        self._intake.scan()
        for path, data in self.fs.files(f"{HOME}/receipts").items():
            target = f"{inbox}/{path.removeprefix(HOME + '/')}"
            if fs.files(target.rpartition("/")[0]).get(target) != data:
                fs.put(target, data)

    def alerts(self) -> list[str]:
        return [str(fields["alert"]) for event, fields in self.log if event == "EDG-3205"]

    def _send(self, name: str, data: bytes) -> None:
        if name not in self._sent:
            self._sent.add(name)
            self.fs.put(f"{HOME}/{name}", data)

    def _note(self, event: str, /, **fields: Fact) -> None:
        self.log.append((event, fields))
