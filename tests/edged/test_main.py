"""The daemon's process around the station."""

import json
import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

import edged.main
import sync.app
from edged.app import real_clock
from edged.config import load
from edged.errors import EdgeError, ErrorCode
from edged.main import single_instance
from sync.config import LogConfig, Settings
from tests.edged.samples import CONFIG


async def warns(*_: Any) -> int:
    logging.getLogger("paramiko").warning("Oops, unhandled type 3")
    return 0


def told(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


async def test_a_start_names_its_configuration_and_carries_what_libraries_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = CONFIG.replace("[station]", f'[station]\nstate = "{tmp_path}"') + '\n[log]\nformat = "json"\n'
    monkeypatch.setattr(edged.main, "_serve", warns)
    config = load(text.encode(), "edged.toml")
    await edged.main.serve(config, text.encode(), "/etc/edged/edged.toml", real_clock(config), None)
    first, second = told(capsys)
    assert (first["event"], first["file"], len(first["sha256"])) == ("EDG-4001", "/etc/edged/edged.toml", 64)
    assert (second["event"], second["library"]) == ("EDG-9003", "paramiko")
    assert second["text"] == "Oops, unhandled type 3"


async def test_the_courier_carries_what_libraries_say(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sync.app, "_run", warns)
    await sync.app.run(cast("Settings", SimpleNamespace(log=LogConfig(format="json", level="info"))))
    assert [line["event"] for line in told(capsys)] == ["EDG-9003"]


@pytest.mark.fault("L07", "only the process that holds the state folder's lock gets at what lies in it")
@pytest.mark.fault("L12", "a second holder is refused by name, and let in when the first has gone")
def test_the_state_folder_belongs_to_one_process(tmp_path: Path) -> None:
    with single_instance(str(tmp_path)):
        with pytest.raises(EdgeError) as refused, single_instance(str(tmp_path)):
            raise AssertionError("two at once")
        assert refused.value.code is ErrorCode.ALREADY_RUNNING
    with single_instance(str(tmp_path)):
        pass
