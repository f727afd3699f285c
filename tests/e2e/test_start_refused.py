"""What must not start does not: it says which file, which key, which line, and it touches nothing."""

import asyncio
import hashlib
import io
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

from demo.site import BODY, POST
from edged.main import EXIT_CONFIG, EXIT_FAILED, main
from tests.e2e import places
from tests.real_disk import scratch

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]  # of a busy machine; alone each needs a tenth

START_S = 20
Damage = Callable[[Path], AbstractContextManager[None]]


async def _commission(folder: Path) -> None:
    async with places.QuickSite.open(folder, slots=2) as site:
        await site.commission(places.PERSONS, places.ENTRIES, places.SETTINGS)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A commissioned station at rest. Every test leaves it as it was."""
    with scratch() as made:
        asyncio.run(_commission(made))
        yield made


def snapshot(folder: Path) -> dict[str, str]:
    """Everything that a refused start may not touch."""
    found = {}
    for part in ("station", "vault", "keys", "roster.note"):
        top = folder / part
        for path in [top, *top.rglob("*")]:
            if path.name not in {"edged.lock", "clock.json"} and path.exists():
                data = path.read_bytes() if path.is_file() else b""
                found[str(path)] = f"{path.stat().st_mode:o} {hashlib.sha256(data).hexdigest()}"
    return found


@dataclass(frozen=True, slots=True)
class Ended:
    returncode: int
    stdout: str
    stderr: str


def start(folder: Path, *words: str) -> Ended:
    """Run the daemon's main in this process: what is refused is refused before anything runs."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        status = main(words or ("--config", str(folder / "edged.toml")))
    return Ended(status, out.getvalue(), err.getvalue())


def start_process(folder: Path, *words: str) -> Ended:
    """Run the daemon as systemd would; it is expected to end by itself."""
    command = [sys.executable, "-m", "edged.main", *(words or ("--config", str(folder / "edged.toml")))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=START_S)
    return Ended(done.returncode, done.stdout, done.stderr)


@contextmanager
def content(path: Path, change: Callable[[bytes], bytes]) -> Iterator[None]:
    """A file with other content, as it was afterwards."""
    was, mode = path.read_bytes(), path.stat().st_mode
    path.write_bytes(change(was))
    try:
        yield
    finally:
        path.write_bytes(was)
        path.chmod(mode)


@contextmanager
def away(path: Path) -> Iterator[None]:
    """A file or folder that is not there; what came instead is removed."""
    hidden = path.with_name(f"{path.name}.hidden")
    path.rename(hidden)
    try:
        yield
    finally:
        if path.is_dir():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)
        hidden.rename(path)


@contextmanager
def mode(path: Path, bits: int) -> Iterator[None]:
    was = path.stat().st_mode
    path.chmod(bits)
    try:
        yield
    finally:
        path.chmod(was)


@contextmanager
def a_folder_instead(path: Path) -> Iterator[None]:
    with away(path):
        path.mkdir()
        yield


# --- configuration ------------------------------------------------------------------------------------


def line_with(folder: Path, text: str) -> int:
    rows = (folder / "edged.toml").read_text().splitlines()
    return next(number for number, row in enumerate(rows, 1) if text in row)


CONFIGURATIONS = [
    # what stands there, what is put in its place, the key that is named, what is expected
    ("grant_open_s = 8.0", "grant_open_s = 8.0.0", "", "TOML"),
    ("grant_open_s = 8.0", "grant_opens_s = 8.0", "access.grant_opens_s", "grant_open_s"),
    ("grant_open_s = 8.0", 'grant_open_s = "long"', "access.grant_open_s", "float"),
    ("grant_open_s = 8.0", "grant_open_s = 3600", "access.grant_open_s", "60"),
    ("grant_open_s = 8.0", "grant_open_s = nan", "access.grant_open_s", "finite"),
    ('backend = "usbip"', 'backend = "floppy"', "usb.backend", "libusb"),
    ('driver = "msc"', 'driver = "tape"', "camera[1].driver", "gat947"),
    ("label = 2,", "label = 1,", "dock[0].slots[1].label", "of its own"),
]


@pytest.mark.fault(
    "F01", "a configuration error names file, key, line and what was expected; nothing starts on it"
)
@pytest.mark.parametrize(("good", "bad", "key", "expected"), CONFIGURATIONS)
def test_a_wrong_configuration_is_refused_with_its_place(
    folder: Path, good: str, bad: str, key: str, expected: str
) -> None:
    file, number = folder / "edged.toml", line_with(folder, good)
    before = snapshot(folder)
    with content(file, lambda text: text.replace(good.encode(), bad.encode(), 1)):
        checked, refused = start(folder, "check-config", str(file)), start(folder)
    assert (checked.returncode, refused.returncode) == (EXIT_CONFIG, EXIT_CONFIG)
    for text in (checked.stdout, refused.stderr):
        assert "E4001" in text
        assert str(file) in text
        assert f"line={number}" in text or f"at line {number}" in text
        assert f"key={key!r}" in text or not key
        assert expected in text
    assert snapshot(folder) == before


@pytest.mark.fault(
    "F02", "settings that can cost evidence or identity are refused without a written decision"
)
@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ("[usb]", '[clear]\npolicy = "on-seal-when-needed"\n[usb]'),
        ("grant_open_s = 8.0", 'grant_open_s = 8.0\nbadge_kinds = ["iso14443-uid"]'),
    ],
)
def test_a_dangerous_setting_needs_a_decision(folder: Path, good: str, bad: str) -> None:
    file = folder / "edged.toml"
    with content(file, lambda text: text.replace(good.encode(), bad.encode(), 1)):
        checked, refused = start(folder, "check-config", str(file)), start(folder)
    assert (checked.returncode, refused.returncode) == (EXIT_CONFIG, EXIT_CONFIG)
    assert "E4003" in checked.stdout
    assert "E4003" in refused.stderr


@pytest.mark.fault("F03", "without a configuration nothing starts, and the remedy is to write it")
@pytest.mark.parametrize("damage", [away, lambda file: content(file, lambda _: b"")])
def test_without_a_configuration_the_remedy_is_to_write_it(folder: Path, damage: Damage) -> None:
    file, before = folder / "edged.toml", snapshot(folder)
    with damage(file):
        checked, refused = start(folder, "check-config", str(file)), start(folder)
    assert (checked.returncode, refused.returncode) == (EXIT_CONFIG, EXIT_CONFIG)
    for text in (checked.stdout, refused.stderr):
        assert "E4002" in text
        assert "docs/configuration.md" in text
        assert "station init" not in text
    assert snapshot(folder) == before


@pytest.mark.fault("F03", "a station that is not commissioned says so, names the command, and makes nothing")
@pytest.mark.parametrize("made", [True, False], ids=["empty", "missing"])
def test_a_station_that_is_not_commissioned_says_so(folder: Path, made: bool) -> None:
    state = folder / "station"
    with away(state):
        if made:
            state.mkdir()
        before = snapshot(folder)
        done = start(folder)
        assert snapshot(folder) == before
        assert not (state / "edged.lock").exists()
    assert done.returncode == EXIT_FAILED
    assert "E4004" in done.stderr
    assert str(state) in done.stderr
    assert "edgectl station init" in done.stderr


def test_the_process_itself_ends_with_the_status_that_systemd_does_not_restart(folder: Path) -> None:
    file = folder / "edged.toml"
    with content(file, lambda text: text + b"[usbb]\n"):
        checked, refused = start_process(folder, "check-config", str(file)), start_process(folder)
    assert (checked.returncode, refused.returncode) == (EXIT_CONFIG, EXIT_CONFIG)
    assert "perhaps usb" in checked.stdout
    assert "perhaps usb" in refused.stderr
    assert "Traceback" not in checked.stderr + refused.stderr


def test_a_good_configuration_is_said_to_be_in_order(folder: Path) -> None:
    done = start(folder, "check-config", str(folder / "edged.toml"))
    assert done.returncode == 0
    assert "in order" in done.stdout


# --- keys ---------------------------------------------------------------------------------------------

KEYS = ("station/keys/station.key", "station/keys/badge.key", "dock/dock.key", "dock/reader.key")


@pytest.mark.fault(
    "F08", "a key that is missing, open to others or no key stops the daemon, which names the file"
)
@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize(
    "damage",
    [
        away,
        lambda file: mode(file, 0o644),
        lambda file: content(file, lambda _: b""),
        a_folder_instead,
    ],
    ids=["missing", "0644", "empty", "folder"],
)
def test_an_unusable_key_is_named(folder: Path, key: str, damage: Damage) -> None:
    before = snapshot(folder)
    with damage(folder / key):
        done = start(folder)
    assert done.returncode == EXIT_FAILED
    assert "E6101" in done.stderr
    assert str(folder / key) in done.stderr
    assert "0600" in done.stderr
    assert snapshot(folder) == before


@pytest.mark.fault("F08", "every unusable key is logged, not only the first, and the GA/T password is one")
@pytest.mark.parametrize(
    ("bits", "data", "said"),
    [(0o644, b"123456", "0644"), (0o600, b"\xff" * 6, "not a password"), (0o600, None, "No such file")],
)
def test_an_unusable_password_file_is_named_like_a_key(
    folder: Path, bits: int, data: bytes | None, said: str
) -> None:
    password, config = folder / "password", folder / "edged.toml"
    if data is not None:
        password.write_bytes(data)
        password.chmod(bits)
    setting = f'\n[camera_driver]\ngat947_password_file = "{password}"\n'.encode()
    try:
        with content(config, lambda text: text + setting):
            done = start(folder)
            assert done.returncode == EXIT_FAILED
            assert f"{password}" in done.stderr
            assert said in done.stderr
            with mode(folder / "dock/dock.key", 0o644):
                done = start(folder)
            assert "dock.key" in done.stderr
            assert (str(password) in done.stderr) == (said != "not a password")
    finally:
        password.unlink(missing_ok=True)


# --- ledger and vault ---------------------------------------------------------------------------------


@pytest.mark.fault("L03", "a commissioned station without its ledger does not start, and begins no new one")
@pytest.mark.parametrize("damage", [away, lambda path: content(path / "current.jsonl", lambda _: b"")])
def test_a_missing_ledger_is_no_new_beginning(folder: Path, damage: Damage) -> None:
    ledger = folder / "station" / "ledger"
    with damage(ledger):
        before = snapshot(folder)
        done = start(folder)
        assert snapshot(folder) == before
    assert done.returncode == EXIT_FAILED
    assert "E6002" in done.stderr


@pytest.mark.fault("F07", "a ledger of a newer version is refused by name and not touched")
def test_a_newer_ledger_is_not_touched(folder: Path) -> None:
    current = folder / "station" / "ledger" / "current.jsonl"
    with content(current, lambda data: data.replace(b'{"v":1,', b'{"v":2,')):
        before = snapshot(folder)
        done = start(folder)
        assert snapshot(folder) == before
    assert done.returncode == EXIT_FAILED
    assert "E6004" in done.stderr


@pytest.mark.fault("K11", "an empty mount point where the vault was is refused and stays empty")
def test_an_empty_mount_point_is_no_vault(folder: Path) -> None:
    vault = folder / "vault"
    with away(vault):
        vault.mkdir()
        done = start(folder)
        assert list(vault.iterdir()) == []
    assert done.returncode == EXIT_FAILED
    assert "E5004" in done.stderr
    assert str(vault) in done.stderr


def _other(**changes: str) -> Callable[[bytes], bytes]:
    return lambda data: json.dumps(json.loads(data) | changes).encode()


@pytest.mark.fault("K12", "another station's vault is refused, and nothing is written to it")
@pytest.mark.parametrize(
    "change",
    [_other(station="another-7"), lambda _: b"{}", lambda _: b"\xff\x00"],
    ids=["other", "none", "bytes"],
)
def test_another_vault_is_refused(folder: Path, change: Callable[[bytes], bytes]) -> None:
    with content(folder / "vault" / "vault.json", change):
        before = snapshot(folder)
        done = start(folder)
        assert snapshot(folder) == before
    assert done.returncode == EXIT_FAILED
    assert "E5004" in done.stderr


def test_a_station_is_commissioned_once(folder: Path) -> None:
    before = snapshot(folder)
    words = ("station", "init", "--customs-body", BODY, "--post", POST)
    status, _, err = places.command_line("--config", str(folder / "edged.toml"), *words)
    assert status == 3
    assert "E7004" in err
    assert "commissioned already" in err
    assert snapshot(folder) == before


def test_no_station_is_commissioned_onto_the_vault_of_another(folder: Path) -> None:
    """What a commissioning that was cut off had made is taken up; what belongs to another is not."""
    words = (
        "--config",
        str(folder / "edged.toml"),
        "station",
        "init",
        "--customs-body",
        BODY,
        "--post",
        POST,
    )
    marker = folder / "vault" / "vault.json"
    with away(folder / "station" / "ledger"):
        with content(marker, _other(station="another-7")):
            before = snapshot(folder)
            status, _, err = places.command_line(*words)
            assert snapshot(folder) == before
        assert status == 3, err
        assert "E5004" in err
        key = (folder / "station" / "keys" / "station.key").read_bytes()
        assert places.command_line(*words)[0] == 0
        assert (folder / "station" / "keys" / "station.key").read_bytes() == key


# --- one daemon ---------------------------------------------------------------------------------------


@pytest.mark.fault("L12", "a second daemon on the same state is refused; the first goes on undisturbed")
@pytest.mark.fault("L07", "the state folder belongs to one process: init and a second daemon meet its lock")
async def test_a_second_daemon_leaves_the_first_alone() -> None:
    async with places.commissioned() as site:
        await site.start_edged()
        lines = (await site.call("status"))["ledger"]["lines"]
        done = await asyncio.to_thread(start_process, site.folder)
        assert done.returncode == EXIT_FAILED
        assert "E5201" in done.stderr
        status, _, err = await site.ask("station", "init", "--customs-body", BODY, "--post", POST)
        assert status == 3
        assert "E5201" in err
        assert site.procs["edged"].process.returncode is None
        assert (await site.call("status"))["ledger"]["lines"] >= lines
        assert await site.procs["edged"].end() == 0


@pytest.mark.fault(
    "F08", "a login key that is open to others stops delivery only, and is told where people look"
)
async def test_an_unusable_login_key_stops_delivery_only() -> None:
    async with places.commissioned() as site:
        with mode(Path(site.sshd.key_file), 0o644):
            await site.start_edged()
            await site.start_sync()
            await places.alert(site, "courier-key-unusable")
            row = next(x for x in await site.call("alerts") if x["alert"] == "courier-key-unusable")
            assert row["code"] == "E6101"
            assert row["detail"]["file"] == site.sshd.key_file
            _, shown, _ = await site.ask("alerts")
            assert site.sshd.key_file in shown
            assert site.sshd.key_file in site.procs["edged-sync"].log.read_text()
            assert site.proxy.traffic.connections == 0
            assert not (await site.call("status"))["courier"]["connected"]
        await places.alert(site, "courier-key-unusable", raised=False)
