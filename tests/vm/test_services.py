"""The package on a bare Debian with a real systemd, at native speed: units, users, keys, upgrade, removal.

The dock, its cameras and their bus are `docksim`, which runs in the container; USB and udev are proven in the virtual
machine. One station lives through all tests of this file, in their order.
"""

import json
import os
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from package.deb import build
from package.suites import SUITES
from tests.vm import lab as labs
from tests.vm import spare
from tests.vm.conftest import suite
from tests.vm.container import Container
from tests.vm.station import OFFICER, Station

pytestmark = [pytest.mark.vm, pytest.mark.sample, pytest.mark.timeout(600)]
FULL = bool(os.environ.get("FULL"))
NEXT = {"bookworm": "trixie"}
UPGRADE_S = 1500.0
ROOT = Path(__file__).resolve().parents[2]
DEB, HARDWARE = "/root/edged.deb", "/hw"
SIM = f"env PYTHONPATH={ROOT} /usr/lib/edged/bin/python -m simulators.docksim"
CAMERAS = {"gat947": "K000001", "msc": "BWC00002"}
SECRETS = {  # unit → what it is handed, and nothing else
    "edged": {"edged_station.key", "edged_badge.key", "edged_dock.key", "edged_reader.key"},
    "edged-sync": {"edged_login.key", "edged_login.key.pub"},
}


@pytest.fixture(scope="module")
def container(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    labs.require_programs()
    work = tmp_path_factory.mktemp("services")
    deb = build(SUITES[suite()], work / "deb")
    made = Container(labs.tree(suite()), work / "container", [ROOT])
    try:
        with spare.host_can("boot a container"):
            made.boot()
        made.put(DEB, deb.read_bytes())
        made.run(f"dpkg -i {DEB}")
        yield made
    finally:
        made.remove()


@pytest.fixture(scope="module")
def station(container: Container) -> Station:
    container.run(f"install -d -o edged -g edged {HARDWARE}")
    unit = f"-p User=edged -p StandardOutput=file:{HARDWARE}/dock.toml -p WorkingDirectory={HARDWARE}"
    container.run(
        f"systemd-run -q --unit=docksim {unit} {SIM} run --dir {HARDWARE} --slots 2 --gat 1 --msc 1"
    )
    container.until(f"grep -q inventory {HARDWARE}/dock.toml")
    keys = {name: container.get(f"{HARDWARE}/{name}") for name in ("dock.key", "reader.key")}
    dock = re.sub(
        rf'"{HARDWARE}/([a-z]+[.]key)"', r'"credential:\1"', container.get(f"{HARDWARE}/dock.toml").decode()
    )
    made = Station(container, keys, dock)
    made.commission()
    return made


def sim(container: Container, *words: str) -> str:
    return container.run(f"{SIM} --dir {HARDWARE} {' '.join(words)}")


def truth(container: Container) -> list[str]:
    """SHA-256 of everything that was ever recorded."""
    return sorted(made["sha256"] for made in json.loads(sim(container, "--json", "truth"))["recordings"])


def main_pid(container: Container, unit: str) -> int:
    return int(container.run(f"systemctl show -P MainPID {unit}"))


def test_before_it_is_a_station_it_says_so_and_nothing_fails(container: Container) -> None:
    container.until("systemctl show -P StatusText edged | grep -q 'commissioning needed: E4002'")
    assert "E4002" in container.run("edgectl status", check=False)
    failed = container.run("systemctl list-units --state=failed --plain --no-legend 'edged*'")
    assert failed == ""
    assert container.run("systemctl show -P NRestarts edged edged-ports edged-sync").split() == ["0"] * 3


def test_the_whole_job_of_two_makes_of_cameras(container: Container, station: Station) -> None:
    everything = truth(container)
    assert len(everything) == 4
    for _ in range(2):
        station.until("edgectl slots | grep -qw ready", "a camera is ready")
    station.until("test $(find /srv/store -name 'content.*' | wc -l) = 4", "all is at the centre")
    assert station.stored() == everything
    station.until(station.cleared(4), "all is cleared from the cameras")
    sim(container, "tap", OFFICER.badge)
    sim(container, "take", "--within", "30")
    station.until(station.logged("camera.issued"), "the camera is issued")
    assert (
        container.run(
            "systemctl list-units --state=failed --plain --no-legend 'edged*' | grep -v edged-rules || true"
        )
        == ""
    )


@pytest.mark.parametrize("unit", SECRETS)
def test_each_process_is_handed_its_own_keys_and_reads_no_other(
    container: Container, station: Station, unit: str
) -> None:
    assert set(container.run(f"ls /run/credentials/{unit}.service").split()) == SECRETS[unit]
    user = container.run(f"systemctl show -P User {unit}").strip()
    inside = f"nsenter -t {main_pid(container, unit)} -m runuser -u {user} --"
    for place in ("/etc/edged/keys/core", "/etc/edged/keys/courier"):
        assert "ermission denied" in container.run(f"{inside} ls {place}", check=False)
    other = next(iter(set(SECRETS) - {unit}))
    assert container.run(
        f"{inside} cat /run/credentials/{other}.service/* 2>/dev/null", check=False
    ).strip() in (
        "",
        f"cat: '/run/credentials/{other}.service/*': No such file or directory",
    )


def test_a_core_that_stands_still_is_replaced_and_goes_on(container: Container, station: Station) -> None:
    before = main_pid(container, "edged")
    container.run("systemctl kill -s STOP edged")
    began = time.monotonic()
    container.until(
        f"test $(systemctl show -P MainPID edged) -gt 1 -a $(systemctl show -P MainPID edged) != {before}",
        within_s=120,
    )
    assert time.monotonic() - began < 90  # WatchdogSec=30, the time to write nothing more, RestartSec=5
    station.until("edgectl status | grep -q 'dock.*connected'", "it is in service again")
    assert "edged.service has ended: watchdog" in container.run(
        "journalctl -b -t edged-alarm -p alert -o cat"
    )


def test_a_courier_that_stands_still_is_replaced(container: Container, station: Station) -> None:
    before = main_pid(container, "edged-sync")
    container.run("systemctl kill -s STOP edged-sync")
    container.until(
        f"pid=$(systemctl show -P MainPID edged-sync); test $pid -gt 1 -a $pid != {before}", within_s=120
    )
    assert "edged-sync.service has ended: watchdog" in container.run(
        "journalctl -b -t edged-alarm -p alert -o cat"
    )


def test_an_upgrade_in_mid_offload_loses_nothing(container: Container, station: Station) -> None:
    for _ in range(2):  # the officer has it
        sim(container, "record", "cam-1", "--size", str(16 << 20))
    sim(container, "fault", "cam-1", f"bytes_per_s={1 << 20}")
    sim(container, "insert", "cam-1", "1")
    station.until("edgectl slots | grep -qw offloading", "the offload has begun")
    container.run(f"dpkg -i {DEB}")
    sim(container, "fault", "cam-1", "none")
    everything = truth(container)
    count = len(everything)
    station.until(f"test $(find /srv/store -name 'content.*' | wc -l) = {count}", "all is at the centre")
    assert station.stored() == everything


def test_another_signing_key_is_ordered_made_by_root_and_learned_by_the_centre(
    container: Container, station: Station
) -> None:
    container.run("useradd -M -G edged daria")
    why = "--number 31 --date 2026-11-20 --reason drill"
    assert "E7001" in container.run(f"edgectl key rotate {why}", check=False)
    container.run(f"runuser -u daria -- edgectl key rotate {why}")
    container.run("systemctl stop edged")
    made = json.loads(container.run("edgectl --json station rekey"))
    container.run("systemctl start edged")
    station.until("edgectl status | grep -q 'dock.*connected'", "it is in service again")
    count = "import json, sys; print(json.load(sys.stdin)['ledger']['countersigned'])"
    signed = f'$(edgectl --json status | /usr/lib/edged/bin/python -c "{count}")'
    station.until(f"test {signed} -gt {made['line'] + 1}", "the centre signs for the new key")
    for key in (station.key, made["station_key"]):
        assert "good" in container.run(f"edgectl verify /var/lib/edged/ledger --station-key '{key}'")
    assert container.run("ls /etc/edged/keys/core | grep next || true") == ""


def test_an_older_package_that_cannot_read_the_ledger_does_not_get_in(
    container: Container, station: Station
) -> None:
    control = (
        "Package: edged\\nVersion: 0.0.1\\nArchitecture: amd64\\nMaintainer: edged\\nDescription: old\\n"
    )
    container.run(f"mkdir -p /root/old/DEBIAN && printf '{control}' >/root/old/DEBIAN/control")
    container.run("dpkg-deb -b /root/old /root/old.deb")
    before = main_pid(container, "edged")
    said = container.run("dpkg -i /root/old.deb", check=False)
    assert "cannot read what this version has written" in said
    assert container.run("dpkg-query -W -f '${Status} ${Version}' edged").startswith(
        "install ok installed 0.1"
    )
    station.until("edgectl status", "the station answers")
    assert main_pid(container, "edged") == before


def test_what_is_evidence_stays_when_the_package_goes_and_is_taken_up_again(
    container: Container, station: Station
) -> None:
    kept = "cat /var/lib/edged/ledger/*.jsonl | wc -l; find /srv/edged -name 'content.*'; ls /etc/edged/keys/core"
    container.run("systemctl stop edged edged-sync")
    before = container.run(kept)
    container.run("dpkg --purge edged")
    assert (
        container.run("systemctl list-units --plain --no-legend 'edged*' | grep -v docksim || true").strip()
        == ""
    )
    assert container.run(kept) == before
    container.run(f"dpkg -i {DEB}")
    station.until("edgectl status | grep -q 'dock.*connected'", "it is in service again")
    key = f"--station-key '{station.key}'"
    assert "good" in container.run(f"edgectl verify /var/lib/edged/ledger {key}")


@pytest.mark.timeout(3600)
@pytest.mark.skipif(not FULL, reason="a whole release is fetched: make vm-full")
@pytest.mark.skipif(suite() not in NEXT, reason="there is no later release to go to")
def test_the_next_release_of_debian_takes_the_station_along(container: Container, station: Station) -> None:
    deb = build(SUITES[NEXT[suite()]], container.root / "root/next")
    _fetch_release(container.root, suite(), NEXT[suite()], deb)
    container.run(f"{SIM} --dir {HARDWARE} pull 1 --force", check=False)  # if it sits there
    sim(container, "record", "cam-1", "--size", str(64 << 20))
    sim(container, "fault", "cam-1", f"bytes_per_s={1 << 20}")
    sim(container, "insert", "cam-1", "1")
    everything = truth(container)
    station.until("edgectl slots | grep -qw offloading", "the offload has begun")
    upgrade = "DEBIAN_FRONTEND=noninteractive apt-get -q -y"
    keep = "-o Dpkg::Options::=--force-confold -o Dpkg::Options::=--force-unsafe-io"
    said = container.run(f"{upgrade} {keep} full-upgrade /root/next/{deb.name} 2>&1", timeout_s=UPGRADE_S)
    sim(container, "fault", "cam-1", "none")
    assert container.run("cat /etc/debian_version").startswith(str(SUITES[NEXT[suite()]].number)), said[
        -2000:
    ]
    assert container.run("dpkg-query -W -f '${Status}' edged") == "install ok installed"
    assert SUITES[NEXT[suite()]].python in container.run("readlink -f /usr/lib/edged/bin/python")
    station.until("edgectl status | grep -q 'dock.*connected'", "it is in service again")
    assert "good" in container.run(f"edgectl verify /var/lib/edged/ledger --station-key '{station.key}'")
    count = len(everything)
    station.until(f"test $(find /srv/store -name 'content.*' | wc -l) = {count}", "all is at the centre")
    assert station.stored() == everything


def _fetch_release(root: Path, old: str, new: str, deb: Path) -> None:
    """Lay the packages of the next release into the container, which has no network, as its own apt would."""
    for path in (root / "etc/apt").rglob("*sources*"):
        if path.is_file():
            path.write_text(path.read_text().replace(old, new))
    words = [
        "apt-get",
        "-q",
        "-y",
        "-o",
        f"Dir={root}",
        "-o",
        f"Dir::State::status={root}/var/lib/dpkg/status",
    ]
    for command in (["update"], ["--download-only", "full-upgrade", str(deb)]):
        subprocess.run([*words, *command], check=True, capture_output=True, timeout=UPGRADE_S)
