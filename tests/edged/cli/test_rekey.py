"""`edgectl station rekey`: only what was ordered, the key stays root's, and cut off it is ended by the next call."""

import asyncio
import json
import os
from pathlib import Path

import pytest

from drivers.disk import PosixDisk
from edged.app import real_clock
from edged.cli.main import main
from edged.config import load
from edged.formats import shift_facts as sf
from edged.formats.checkpoint import origin_of
from edged.formats.facts import Fact
from edged.formats.note import Signer
from edged.ledger.book import Book
from edged.ledger.verify import verify_ledger
from tests.edged.cli.commissioning import USER, init

ORDER = sf.KeyChangeOrdered(decision=sf.Document(number="31", date="2026-11-20"), reason="repaired elsewhere")


def rekey(host: Path) -> int:
    return main(["--config", f"{host}/edged.toml", "station", "rekey", "--keys", f"{host}/keys"])


def present(host: Path) -> Signer:
    return Signer.from_pem(origin_of("post-1"), (host / "keys" / "station.key").read_bytes())


def written(host: Path, *facts: Fact) -> list[str]:
    """Write these as the station would; return the types of all lines."""

    async def write() -> list[str]:
        text = (host / "edged.toml").read_bytes()
        book = await Book.open(PosixDisk(), f"{host}/state/ledger", real_clock(load(text, "edged.toml")))
        for fact in facts:
            await book.append(fact, "account:daria")
        types = [line.type for line in book.lines()]
        await book.close()
        return types

    os.setegid(USER)
    os.seteuid(USER)
    try:
        return asyncio.run(write())
    finally:
        os.seteuid(0)
        os.setegid(0)


def test_without_an_order_nothing_is_touched(host: Path) -> None:
    assert init(host, credentials=True) == 0
    key = present(host).verifier
    assert rekey(host) != 0
    assert present(host).verifier == key
    assert sorted(path.name for path in (host / "keys").iterdir()) == ["badge.key", "station.key"]
    assert written(host)[-1] == "station.commissioned"


def test_an_order_is_carried_out_once(host: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert init(host, credentials=True) == 0
    before = present(host).verifier
    written(host, ORDER)
    capsys.readouterr()
    assert rekey(host) == 0
    after = present(host).verifier
    assert after != before
    assert str(after) in capsys.readouterr().out
    keys = {
        path.name: (path.stat().st_uid, path.stat().st_mode & 0o777) for path in (host / "keys").iterdir()
    }
    assert keys == {"station.key": (0, 0o600), "badge.key": (0, 0o600)}
    assert json.loads((host / "state" / "station.json").read_bytes())["station_key"] == str(after)
    assert {path.lstat().st_uid for path in (host / "state").rglob("*")} == {USER}
    for key in (before, after):
        report = verify_ledger(PosixDisk(), f"{host}/state/ledger", station=key)
        assert (report.good, report.signed) == (True, report.lines)
    assert rekey(host) != 0  # and no second time


@pytest.mark.parametrize("at", ["change_key", "write_durably"])
def test_cut_off_it_is_ended_by_the_same_command(
    host: Path, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    assert init(host, credentials=True) == 0
    before = present(host).verifier
    written(host, ORDER)

    def cut(*_: object) -> None:
        raise OSError(5, "cut off")

    with monkeypatch.context() as patched:
        patched.setattr(f"edged.cli.rekey.{at}", cut)
        assert rekey(host) != 0
    assert present(host).verifier == before
    assert (host / "keys" / "station.key.next").exists()
    assert rekey(host) == 0
    assert present(host).verifier != before
    assert written(host).count("station.key_changed") == 1
