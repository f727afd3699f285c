"""What the authority wrote by hand is signed as the station will read it, or refused by the bad field."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edged.cli.main import main
from edged.formats.roster import open_roster
from edged.formats.schedule import open_schedule
from tests.edged.samples import AUTHORITY

FROM, UNTIL = "2026-01-01T00:00:00.000Z", "2027-01-01T00:00:00.000Z"


def draft() -> dict[str, Any]:
    appointment = {"body": "Митниця", "number": "12-к", "date": "2026-01-01"}
    role = {"role": "officer", "appointment": appointment, "valid_from": FROM, "valid_until": UNTIL}
    badge = {"digest": "ab" * 32, "kind": "desfire-id"}
    person = {
        "position": "інспектор",
        "id": "UA0001",
        "name": "Олена",
        "credentials": [badge],
        "roles": [role],
    }
    return {
        "persons": [person],
        "version": 3,
        "customs_body": "Митниця",
        "issued_at": FROM,
        "valid_from": FROM,
        "valid_until": UNTIL,
        "type": "edged/roster/v1",
    }


def sign(folder: Path, text: bytes) -> tuple[int, Path]:
    key, file, out = folder / "a.key", folder / "draft.json", folder / "roster.note"
    key.write_bytes(AUTHORITY.pem())
    file.write_bytes(text)
    words = ["roster", "sign", str(file), "--name", AUTHORITY.name, "--key", str(key), "--out", str(out)]
    return main(["--json", *words]), out


@pytest.mark.parametrize(
    "write",
    [
        lambda d: json.dumps(d, indent=4).encode(),
        lambda d: json.dumps(d, ensure_ascii=False, indent="\t").encode().replace(b"\n", b"\r\n"),
        lambda d: b"\xef\xbb\xbf" + json.dumps(d).encode() + b"\n",
    ],
    ids=["indented", "tabs-crlf", "bom"],
)
def test_ordinary_json_is_signed_in_the_one_form(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], write: Callable[[object], bytes]
) -> None:
    status, out = sign(tmp_path, write(draft()))
    assert status == 0
    roster = open_roster(out.read_bytes(), AUTHORITY.verifier)
    assert (roster.version, roster.persons[0].name) == (3, "Олена")
    told = json.loads(capsys.readouterr().out)
    assert told == {"version": 3, "persons": 1, "file": str(out), "key": str(AUTHORITY.verifier)}


def without(name: str) -> bytes:
    return json.dumps({k: v for k, v in draft().items() if k != name}).encode()


def person(**changes: object) -> bytes:
    found = draft()
    found["persons"][0] |= changes
    return json.dumps(found, indent=2).encode()


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (b'{"type": ', "line 1 column"),
        (b"\xff", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (without("valid_until"), "valid_until"),
        (json.dumps(draft() | {"type": "edged/roster/v9"}).encode(), "$.type"),
        (person(rank="x"), "rank"),
        (person(name=7), "$.persons[0].name"),
        (json.dumps(draft() | {"version": "3"}).encode(), "$.version"),
        (json.dumps(draft() | {"version": float("nan")}).encode(), "$.version"),
        (json.dumps(draft() | {"valid_until": FROM}).encode(), "validity ends before it begins"),
        (b'{"version": 1, "version": 2}', "version"),
        (person(name="\ud800"), "JSON"),
        (b" " * (4 * 1024 * 1024 + 1), "too long"),
    ],
    ids=range(13),
)
def test_what_is_wrong_is_named_and_nothing_is_signed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: bytes, named: str
) -> None:
    status, out = sign(tmp_path, text)
    told = json.loads(capsys.readouterr().err)
    assert (status, told["code"]) == (3, "E7002")
    assert named in str(told["detail"])
    assert not out.exists()


def test_a_duty_schedule_is_signed_as_the_station_reads_it_and_a_slip_of_the_pen_is_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shift = {"id": "day", "begins": FROM, "ends": "2026-01-01T12:00:00.000Z", "responsible": ["UA0101"]}
    written = {
        "type": "edged/schedule/v1",
        "version": 4,
        "customs_body": "Митниця",
        "post": "Ягодин",
        "document": "графік № 1",
        "issued_at": FROM,
        "valid_from": FROM,
        "valid_until": UNTIL,
        "shifts": [shift | {"officers": ["UA0001"]}],
    }
    key, file, out = tmp_path / "a.key", tmp_path / "draft.json", tmp_path / "schedule.note"
    key.write_bytes(AUTHORITY.pem())
    words = ["schedule", "sign", str(file), "--name", AUTHORITY.name, "--key", str(key), "--out", str(out)]
    file.write_text(json.dumps(written, indent=1), "utf-8")
    assert main(["--json", *words]) == 0
    assert json.loads(capsys.readouterr().out)["shifts"] == 1
    assert open_schedule(out.read_bytes(), AUTHORITY.verifier).post == "Ягодин"
    out.unlink()
    file.write_text(json.dumps(written | {"shifts": [shift | {"officers": ["UA0101"]}]}), "utf-8")
    assert main(["--json", *words]) == 3  # one person in two places of a shift
    assert not out.exists()
    assert "UA0101" in capsys.readouterr().err
