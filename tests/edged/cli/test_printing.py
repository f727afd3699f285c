"""`edgectl repair print` and `journal print` write what the daemon answers, and nothing else."""

import base64
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from edged.cli import printing
from edged.cli.entered import LISTS
from edged.cli.main import main
from edged.cli.output import EXIT_OK
from edged.control.shift_views import sheets_view, signatures_view
from edged.formats import shift_facts as sf
from edged.printed.tag import render
from tests.edged.cli.daemon import Daemon
from tests.edged.printed.test_tag import TAG
from tests.edged.shift.office import COUNTS, NAMES, Office

ODD = replace(TAG, item="10/45")  # no name of a file


class Tagging(Daemon):
    async def call(self, verb: str, **params: Any) -> Any:
        assert (verb, params) == ("repair-print", {"item": "10/45"})
        return msgspec.to_builtins(ODD)


@pytest.mark.clause("459-II.3-damaged", "the tag of a damaged item is printed")
@pytest.mark.parametrize(("given", "named"), [((), "tag-10-45.pdf"), (("--out", "b"), "b.pdf")])
def test_the_tag_is_one_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: tuple[str, ...], named: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(printing, "Client", Tagging)
    assert main(["repair", "print", "10/45", *given]) == EXIT_OK
    (file,) = tmp_path.iterdir()
    assert file.name == named
    assert file.read_bytes() == render(ODD)


TOOL = "to-be-verified-by-the-certified-tool"


def handed_over() -> Office:
    """One of two has signed, by an algorithm that the station does not verify."""
    office = Office()
    office.act("iryna", "handover", taking="daria", safe=0, counts=COUNTS)
    sheet = next(iter(office.shift.sheets))
    office.later(0.5)
    office.record(
        sf.SheetSigned(
            sheet=sheet, place=1, sha256="f" * 64, algorithm="DSTU 4145", signer="ШЕВЧУК Дарʼя", verdict=TOOL
        )
    )
    return office


@pytest.mark.parametrize("kept", [b"a signature", b""])
def test_a_sheet_is_printed_with_its_signatures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], kept: bytes
) -> None:
    office = handed_over()
    (record,) = office.shift.sheets.values()
    rows = [row | {"file": base64.b64encode(kept).decode()} for row in signatures_view(record)]

    class Printing(Daemon):
        async def call(self, verb: str, **params: Any) -> Any:
            assert verb == "journal-print"
            made = msgspec.to_builtins(record.made)
            return {"at": record.at, "sheet": made, "registered": None, "signatures": rows}

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(printing, "Client", Printing)
    assert main(["journal", "print", record.made.sheet, "--out", "s"]) == EXIT_OK
    written = {file.name for file in tmp_path.iterdir()}
    assert written == {"s.json", "s.pdf", "s.csv"} | ({"s.json.2.p7s"} if kept else set())
    if kept:
        assert (tmp_path / "s.json.2.p7s").read_bytes() == kept
    said = capsys.readouterr().out
    assert f"{NAMES['daria']}: {TOOL}" in said
    assert ("f" * 64 in said) == (not kept)


def test_the_list_of_sheets_says_what_each_signature_is_worth() -> None:
    shown = LISTS["journal list"][1](sheets_view(handed_over().scene()))
    assert "1 of 2" in shown
    (line,) = [line for line in shown.splitlines() if TOOL in line]
    for part in (NAMES["daria"], "2026-11-27T10:30:00.000Z", "DSTU 4145", "ШЕВЧУК Дарʼя"):
        assert part in line
    assert NAMES["iryna"] not in shown
