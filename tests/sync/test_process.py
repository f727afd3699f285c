"""The real courier process over a real OpenSSH server and a line that breaks, and the real intake."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import sync.main
from demo.proxy import Proxy
from demo.sshd import Sshd
from edged.errors import DiskError
from tests.sync.world import STATION, World

pytestmark = pytest.mark.slow


class Rig:
    """Folders, server, line, and the two processes."""

    def __init__(self, folder: Path, server: Sshd, line: Proxy) -> None:
        self.folder, self.server, self.line = folder, server, line
        self.world = World()
        self.home, self.store = folder / "home", folder / "store"
        self.courier: subprocess.Popen[bytes] | None = None

    def lay_out(self) -> None:
        """Write the station's memory disk to the real one."""
        for path, data in self.world.fs.files().items():
            target = self.folder / "station" / path.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)

    def start(self, **config: object) -> None:
        station = self.folder / "station"
        (self.folder / "centre.key").write_bytes(self.world.centre_key.pem())
        values = {
            "host": "127.0.0.1",
            "port": self.line.port,
            "user": self.server.user,
            "key_file": self.server.key_file,
            "host_key": self.server.host_key,
            "state": str(self.folder / "sync"),
            "scan_s": 0.2,
            "poll_s": 0.2,
            "status_s": 1.0,
            "start_jitter_s": 0.0,
            "retry_s": 0.1,
            "retry_max_s": 0.5,
            "connect_s": 3.0,
            "answer_s": 1.5,
            **config,
        }
        lines = [f"{key} = {json.dumps(value)}" for key, value in values.items()]
        (self.folder / "edged.toml").write_text(
            f'[station]\nid = "{STATION}"\nstate = "{station}/state"\ninbox = "{station}/inbox"\n'
            f'[vault]\npath = "{station}/vault"\n[log]\nformat = "json"\n[sync]\n' + "\n".join(lines) + "\n"
        )
        command = [sys.executable, "-m", "sync.main", "--config", str(self.folder / "edged.toml")]
        with (self.folder / "courier.log").open("ab") as log:
            self.courier = subprocess.Popen(command, stderr=log)

    def stop(self, number: int = signal.SIGTERM) -> float:
        """Send a signal and return how long the courier took to end."""
        assert self.courier is not None
        began = time.monotonic()
        self.courier.send_signal(number)
        self.courier.wait(20)
        self.courier = None
        return time.monotonic() - began

    def intake(self) -> dict[str, object]:
        command = [
            *(sys.executable, "-m", "sync.centre.command", "--once"),
            *("--home", str(self.home), "--store", str(self.store), "--server", "server-1"),
            *("--key", str(self.folder / "centre.key"), "--key-name", "centre"),
            *("--station-key", str(self.world.station.verifier)),
        ]
        done = subprocess.run(command, capture_output=True, timeout=20)
        assert done.returncode == 0, done.stderr
        found: dict[str, object] = json.loads(done.stdout)
        return found

    def log(self) -> str:
        return (self.folder / "courier.log").read_text()

    def parts(self) -> list[Path]:
        return list(self.home.rglob("content.mp4.*.part"))

    def content(self, recording: str) -> Path:
        return self.home / "recordings/2026/11/22" / recording / "content.mp4"

    def receipt(self, recording: str) -> Path:
        return self.folder / "station/inbox/receipts" / f"{recording}.note"


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with (
        Sshd.start(tmp_path / "sshd", tmp_path / "home") as server,
        Proxy.start("127.0.0.1", server.port) as line,
    ):
        made = Rig(tmp_path, server, line)
        try:
            yield made
        finally:
            if made.courier is not None:
                made.stop(signal.SIGKILL)


def wait(rig: Rig, condition: Callable[[], bool], limit: float = 20.0) -> None:
    deadline = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < deadline, rig.log()
        assert rig.courier is None or rig.courier.poll() is None, rig.log()
        time.sleep(0.05)


def test_from_the_vault_over_ssh_into_the_store_and_the_receipt_back(rig: Rig) -> None:
    content = os.urandom(3_000_000)
    recording = rig.world.seal(content)
    piece = rig.world.ledger.close()
    rig.lay_out()
    rig.start()
    wait(
        rig,
        lambda: (
            (rig.content(recording).parent / "manifest.note").exists()
            and (rig.home / "ledger" / piece).exists()
        ),
    )
    wait(rig, lambda: (rig.home / "ledger/checkpoints/000000000001.note").exists())
    found = rig.intake()
    assert (found["countersigned"], found["placed"]) == (1, [recording])
    wait(rig, rig.receipt(recording).exists)
    stored = rig.store / STATION / "recordings/2026/11/22" / recording / "content.mp4"
    assert stored.read_bytes() == content
    assert rig.stop() < 10


@pytest.mark.fault("N02", "a line that swallows everything is noticed by silence and the transfer resumes")
def test_a_swallowed_line_is_noticed_and_the_transfer_resumes_where_it_was_synced(rig: Rig) -> None:
    content = os.urandom(24_000_000)
    recording = rig.world.seal(content)
    rig.lay_out()
    rig.line.swallow(after=14_000_000)
    rig.start()
    wait(rig, lambda: "EDG-3109" in rig.log())
    rig.line.heal()
    wait(rig, rig.content(recording).exists)
    assert rig.content(recording).read_bytes() == content
    assert "EDG-3110" in rig.log()
    assert rig.line.traffic.up < 24_000_000 + 16_000_000


@pytest.mark.fault(
    "N05", "a connection whose path has changed falls silent, and a new one goes on with the transfer"
)
def test_a_path_that_changes_in_mid_transfer_is_replaced(rig: Rig) -> None:
    content = os.urandom(12_000_000)
    recording = rig.world.seal(content)
    rig.lay_out()
    rig.line.strand(after=9_500_000)
    rig.start()
    wait(rig, rig.content(recording).exists)
    assert rig.content(recording).read_bytes() == content
    assert rig.line.traffic.swallowed > 0
    assert rig.line.traffic.connections == 2


@pytest.mark.fault("N04", "a reset in mid-block costs a new connection, and the content arrives whole")
def test_a_reset_line_is_taken_up_again(rig: Rig) -> None:
    content = os.urandom(12_000_000)
    recording = rig.world.seal(content)
    rig.lay_out()
    rig.line.cut(after=5_000_000)
    rig.start()
    wait(rig, rig.content(recording).exists)
    assert rig.content(recording).read_bytes() == content
    assert rig.line.traffic.connections >= 2


@pytest.mark.fault("X06", "SIGTERM in mid-transfer ends the process within 10 s, and the next one goes on")
def test_stopping_in_mid_transfer_is_quick_and_loses_nothing(rig: Rig) -> None:
    content = os.urandom(20_000_000)
    recording = rig.world.seal(content)
    rig.lay_out()
    rig.line.throttle(6_000_000)
    rig.start()
    wait(rig, lambda: rig.line.traffic.up > 10_000_000)
    assert rig.stop() < 10
    assert not rig.content(recording).exists()
    rig.line.throttle(None)
    rig.start()
    wait(rig, rig.content(recording).exists)
    assert rig.content(recording).read_bytes() == content
    assert len(rig.parts()) == 0


def test_a_state_folder_that_cannot_be_made_is_waited_for_and_delivery_begins_by_itself(rig: Rig) -> None:
    recording = rig.world.seal(os.urandom(100_000))
    rig.lay_out()
    state = rig.folder / "sync"
    state.write_text("in the way")
    rig.start()
    wait(rig, lambda: "EDG-3116" in rig.log())
    state.unlink()
    wait(rig, rig.content(recording).exists, 40.0)


def test_only_a_configuration_that_is_not_in_order_ends_with_the_status_that_starts_nothing_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "edged.toml"
    assert sync.main.main(["--config", str(file)]) == sync.main.EXIT_CONFIG
    file.write_text("[sync\n")
    assert sync.main.main(["--config", str(file)]) == sync.main.EXIT_CONFIG

    async def fails(_: object) -> None:
        raise DiskError(path="/var/lib/edged-sync", reason="Input/output error")

    monkeypatch.setattr(sync.main, "load", lambda *_: None)
    monkeypatch.setattr(sync.main, "run", fails)
    assert sync.main.main(["--config", str(file)]) == sync.main.EXIT_FAILED
