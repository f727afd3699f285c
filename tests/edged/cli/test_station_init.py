"""Root commissions a packaged station: the keys stay root's, everything else is the station's user's."""

import os
from pathlib import Path

import pytest

from edged.cli.station_init import write_secret
from tests.edged.cli.commissioning import READERS, USER, init


def owners(folder: Path) -> set[int]:
    return {path.lstat().st_uid for path in folder.rglob("*")}


def test_keys_that_are_credentials_stay_roots_and_the_station_is_its_users(host: Path) -> None:
    assert init(host, credentials=True) == 0
    keys = {path.name: path.stat() for path in (host / "keys").iterdir()}
    assert {name: (found.st_uid, found.st_mode & 0o777) for name, found in keys.items()} == {
        "station.key": (0, 0o600),
        "badge.key": (0, 0o600),
    }
    assert owners(host / "state") == owners(host / "vault") == {USER}
    assert not list(host.rglob("state/keys"))
    assert os.geteuid() == os.getegid() == 0


def test_the_readers_group_may_read_ledger_and_vault_and_no_key(host: Path) -> None:
    assert init(host, credentials=False) == 0
    made = [path for part in ("state", "vault") for path in (host / part).rglob("*")]
    assert {path.lstat().st_gid for path in made} == {READERS}
    closed = {path.name for path in made if path.is_file() and not path.stat().st_mode & 0o040}
    assert closed == {"station.key", "badge.key"}
    assert (host / "vault").stat().st_mode & 0o7777 == 0o2750
    assert owners(host / "state") == {USER}


def test_a_disk_with_somebody_elses_files_is_not_handed_over(host: Path) -> None:
    (host / "vault" / "film.mp4").write_bytes(b"evidence")
    assert init(host, credentials=True) != 0
    assert (host / "vault").stat().st_uid == (host / "vault" / "film.mp4").stat().st_uid == 0
    assert not (host / "state" / "ledger").exists()


def test_a_second_commissioning_is_refused_and_changes_nothing(host: Path) -> None:
    assert init(host, credentials=True) == 0
    before = {path: path.stat().st_mtime_ns for path in host.rglob("*") if path.name != "edged.lock"}
    (host / "edged.toml").touch()
    assert init(host, credentials=True) != 0
    after = {path: path.stat().st_mtime_ns for path in before if path.name != "edged.toml"}
    assert after.items() <= before.items()


def test_a_wrong_evidence_disk_is_refused_and_not_marked(host: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drivers.disk.PosixDisk.filesystem_id", lambda _self, _path: "0000-0000")
    assert init(host, credentials=True, vault='filesystem = "5EA1-ED07"') != 0
    assert not list((host / "vault").iterdir())
    assert not (host / "state" / "ledger").exists()


def test_a_key_is_durable_with_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[str] = []
    fsync = os.fsync

    def noted(fd: int) -> None:
        synced.append(str(Path(f"/proc/self/fd/{fd}").readlink()))
        fsync(fd)

    monkeypatch.setattr(os, "fsync", noted)
    write_secret(tmp_path / "new" / "keys" / "station.key", b"secret")
    assert synced == [str(tmp_path / place) for place in ("new/keys/station.key", "new/keys", "new", ".")]
