"""docksim: a dock that runs by itself, and commands that talk to it."""

import json
import os
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from edged.config import Camera, Dock
from simulators import docksim

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("dock")
    command = (sys.executable, "-m", "simulators.docksim", "--dir", str(folder), "run", "--slots", "3")
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        (*command, "--gat", "1", "--msc", "1"), stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        printed = "".join(iter(process.stdout.readline, 'driver = "msc"\n'))
        (folder / "printed.toml").write_text(printed + 'driver = "msc"\n')
        yield folder
        process.send_signal(signal.SIGINT)
        process.stdout.read()
        assert process.wait(10) == 0
    assert not (folder / docksim.SOCKET).exists()


def run(folder: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    status = docksim.main(["--dir", str(folder), "--json", *arguments])
    out, err = capsys.readouterr()
    answer: dict[str, Any] = json.loads(out or err)
    return status, answer


def test_status_shows_slots_and_cameras(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, answer = run(folder, capsys, "status")
    assert status == 0
    assert {slot["slot"] for slot in answer["slots"]} == {1, 2, 3}
    assert {camera["name"] for camera in answer["cameras"]} == {"cam-1", "cam-2"}
    assert docksim.main(["--dir", str(folder), "status"]) == 0
    table = capsys.readouterr().out
    assert "reader shows" in table
    assert "dock no host" in table


def test_what_it_prints_is_configuration_ready_to_paste(folder: Path) -> None:
    found = tomllib.loads((folder / "printed.toml").read_text())
    assert found["usb"]["backend"] == "usbip"
    docks = msgspec.convert(found["dock"], tuple[Dock, ...])
    assert [slot.label for slot in docks[0].slots] == [1, 2, 3]
    cameras = msgspec.convert(found["camera"], tuple[Camera, ...])
    assert [(camera.serial, camera.driver) for camera in cameras] == [
        ("K000001", "gat947"),
        ("BWC00002", "msc"),
    ]


def test_a_number_that_no_badge_has_leaves_the_reader_alive(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(folder, capsys, "tap", "04ffff")[0] == 1
    assert run(folder, capsys, "tap", "04a1b2c3") == (0, {"heard": False})
    _, answer = run(folder, capsys, "status")
    assert answer["trouble"] == []


def test_a_camera_goes_out_records_and_comes_back(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, answer = run(folder, capsys, "pull", "1")
    assert (status, "locked" in answer["error"]) == (1, True)
    assert run(folder, capsys, "pull", "1", "--force") == (0, {"camera": "cam-1"})
    status, made = run(folder, capsys, "record", "cam-1", "--size", "5000")
    assert (status, made["size"]) == (0, 5000)
    assert run(folder, capsys, "insert", "cam-1", "3") == (0, {})
    _, truth = run(folder, capsys, "truth")
    assert made["sha256"] in {one["sha256"] for one in truth["recordings"]}


def test_taps_changes_and_faults_reach_the_world(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(folder, capsys, "tap", "04a1b2c3") == (0, {"heard": False})
    assert run(folder, capsys, "set", "cam-2", "battery=12", "recording=true") == (0, {})
    assert run(folder, capsys, "fault", "cam-2", "bytes_per_s=1000")[0] == 0
    assert run(folder, capsys, "fault", "cam-2", "none")[0] == 0
    assert run(folder, capsys, "break", "2", "overheat") == (0, {})
    assert run(folder, capsys, "break", "2", "none") == (0, {})
    assert run(folder, capsys, "line", "reader", "unplug") == (0, {})
    assert not (folder / "reader.tty").exists()
    assert run(folder, capsys, "line", "reader", "plug") == (0, {})
    assert (folder / "reader.tty").is_symlink()
    _, answer = run(folder, capsys, "status")
    camera = next(camera for camera in answer["cameras"] if camera["name"] == "cam-2")
    assert (round(camera["battery"]) < 20, camera["recording"]) == (True, True)


@pytest.mark.parametrize(
    ("arguments", "status", "word"),
    [
        (("insert", "cam-9", "1"), 1, "cam-9"),
        (("fault", "cam-2", "colour=1"), 1, "colour"),
        (("set", "cam-2", "battery"), 2, "name=value"),
        (("tap", "not-hex"), 1, "hex"),
        (("tap", "04", "--kind", "paper"), 1, "desfire-id"),
        (("tap", "04ffff"), 1, "4 to 16 bytes"),
        (("tap", "04" * 17), 1, "4 to 16 bytes"),
        (("break", "2", "heart"), 1, "overheat"),
        (("take", "2", "--within", "0.05"), 1, "in time"),
    ],
    ids=lambda v: v[0] if isinstance(v, tuple) else None,
)
def test_what_cannot_be_done_is_said(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], status: int, word: str
) -> None:
    code, answer = run(folder, capsys, *arguments)
    assert code == status
    assert word in answer["error"]


def test_without_a_dock_the_way_to_start_one_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, answer = run(tmp_path, capsys, "status")
    assert code == 3
    assert "run" in answer["error"]


def test_a_second_dock_in_the_same_folder_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, answer = run(folder, capsys, "run", "--slots", "1")
    assert (code, "already" in answer["error"]) == (1, True)
    assert run(folder, capsys, "status")[0] == 0


@pytest.mark.parametrize(
    ("words", "kinds"),
    [
        ("--slots 8", ["gat947"] * 3 + ["msc"]),
        ("--slots 3", ["gat947"] * 3),
        ("--slots 1", ["gat947"]),
        ("--slots 2 --msc 1", ["gat947", "msc"]),
        ("--slots 2 --gat 1", ["gat947", "msc"]),
        ("--slots 2 --gat 0", ["msc"]),
        ("--slots 1 --msc 2", ["msc"] * 2),
    ],
)
def test_cameras_that_nobody_asked_for_fit_the_slots(words: str, kinds: list[str]) -> None:
    args = docksim._parser().parse_args(["run", *words.split()])
    assert docksim._kinds(args) == kinds


def test_more_cameras_than_slots_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, answer = run(tmp_path, capsys, "run", "--slots", "1", "--gat", "2")
    assert (code, "do not fit" in answer["error"]) == (1, True)
