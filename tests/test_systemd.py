"""The units as systemd reads them: sound, as closed as they can be, every exception with its reason."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from drivers.usb_ports.id_path import IdPath
from drivers.usb_ports.rules import FILE_NAME, rules
from drivers.usb_ports.write_rules import main as make_rules

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parent.parent
UNITS = ROOT / "systemd"
BIN = "/usr/lib/edged/bin/"
LIMITS = {  # of `systemd-analyze security`, on systemd 252
    "edged.service": 1.0,
    "edged-slot@.service": 0.8,
    "edged-sync.service": 1.2,
    "edged-ports.service": 2.5,
    "edged-rules.service": 2.5,
}
CLOSED = (
    "NoNewPrivileges=yes",
    "CapabilityBoundingSet=",
    "IPAddressDeny=any",
    "LockPersonality=yes",
    "MemoryDenyWriteExecute=yes",
    "PrivateDevices=yes",
    "PrivateIPC=yes",
    "PrivateMounts=yes",
    "PrivateNetwork=yes",
    "PrivateTmp=yes",
    "PrivateUsers=yes",
    "ProcSubset=pid",
    "ProtectClock=yes",
    "ProtectControlGroups=yes",
    "ProtectHome=yes",
    "ProtectHostname=yes",
    "ProtectKernelLogs=yes",
    "ProtectKernelModules=yes",
    "ProtectKernelTunables=yes",
    "ProtectProc=invisible",
    "ProtectSystem=strict",
    "RemoveIPC=yes",
    "RestrictNamespaces=yes",
    "RestrictRealtime=yes",
    "RestrictSUIDSGID=yes",
    "SystemCallArchitectures=native",
)
"""Each stands in each long-running unit, or a comment of the unit says why not: ``# ... Not Name=: reason``."""
RUNNING = ("edged.service", "edged-slot@.service", "edged-sync.service", "edged-ports.service")


def lines(unit: str) -> list[str]:
    return (UNITS / unit).read_text().splitlines()


def test_systemd_finds_nothing_to_complain_about(tmp_path: Path) -> None:
    """The programs are not installed here: each is some program that is."""
    for path in [*UNITS.glob("*.service"), *UNITS.glob("*.socket"), *UNITS.glob("*.path")]:
        text = re.sub(rf"{BIN}[a-z-]+", "/bin/true", path.read_text()).replace(
            "/usr/bin/udevadm", "/bin/true"
        )
        (tmp_path / path.name.replace("@.", "@7.")).write_text(text)
    units = sorted(map(str, tmp_path.iterdir()))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *units], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("unit", LIMITS)
def test_no_unit_is_more_exposed_than_was_decided(unit: str) -> None:
    command = ["systemd-analyze", "security", "--offline=yes", "--no-pager", str(UNITS / unit)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    found = re.search(r"Overall exposure level for \S+: (\d+\.\d)", done.stdout + done.stderr)
    assert found is not None, done.stdout + done.stderr
    assert float(found[1]) <= LIMITS[unit]


@pytest.mark.parametrize("unit", RUNNING)
def test_what_a_unit_leaves_open_has_its_reason(unit: str) -> None:
    text = (UNITS / unit).read_text()
    for setting in CLOSED:
        name = setting.partition("=")[0]
        assert setting in lines(unit) or re.search(rf"^#.*Not .*{name}=", text, re.MULTILINE), (
            unit,
            setting,
        )


@pytest.mark.parametrize("unit", RUNNING)
def test_a_unit_is_watched_limited_and_starts_again_for_ever(unit: str) -> None:
    names = {line.partition("=")[0] for line in lines(unit)}
    assert {"WatchdogSec", "Restart", "RestartSec", "StartLimitIntervalSec", "TasksMax", "MemoryMax"} <= names
    assert {"LogRateLimitBurst", "TimeoutStopSec", "OOMScoreAdjust"} - names <= {"OOMScoreAdjust"}
    assert {"Type=notify", "StartLimitIntervalSec=0"} <= set(lines(unit))
    assert not [line for line in lines(unit) if line.startswith(("LogNamespace", "RestartSteps"))]
    if unit != "edged-slot@.service":  # whose end the core tells
        assert "OnFailure=edged-alarm@%n.service" in lines(unit)
        assert [line for line in lines(unit) if line.startswith("ExecStopPost=") and "edged-alarm" in line]


def test_a_class_of_devices_is_known_to_the_kernel_before_a_unit_that_may_use_it_starts() -> None:
    """A class that is not known yet is left out of what is allowed, for as long as the unit runs."""
    drivers = {"char-ttyACM": "cdc_acm", "char-ttyUSB": "usbserial"}
    text = (UNITS / "edged.service").read_text()
    allowed = set(re.findall(r"^DeviceAllow=(char-\S+) ", text, re.MULTILINE))
    for name in allowed - {"char-ttyS"}:  # that driver is built in
        wanted = f"modprobe@{drivers[name]}.service"
        for setting in ("Wants", "After"):
            assert any(wanted in line for line in text.splitlines() if line.startswith(f"{setting}=")), wanted


SIGNALLING = {"kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "pidfd_send_signal"}
"""Each of them can reach another process of the same user."""


def test_a_worker_sends_no_signal() -> None:
    """All workers are one user's: the kernel would deliver it to another slot's."""
    filters = [
        line.removeprefix("SystemCallFilter=")
        for line in lines("edged-slot@.service")
        if line.startswith("SystemCallFilter=")
    ]
    forbidden = {word for line in filters if line.startswith("~") for word in line[1:].split()}
    assert forbidden >= SIGNALLING
    assert (
        filters[0] == "@system-service"
    )  # a list of what is allowed; a line that came after could allow them again
    assert all(line.startswith("~") for line in filters[1:])


def test_every_program_of_a_unit_is_one_of_the_packages() -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    called = {
        word for unit in UNITS.glob("*.service") for word in re.findall(rf"{BIN}([a-z-]+)", unit.read_text())
    }
    assert called <= set(scripts)
    assert {"edged", "edged-sync", "edged-worker", "edged-ports", "edged-usb-rules"} <= called


def test_the_package_carries_the_versions_that_were_tested() -> None:
    def pins(name: str) -> dict[str, set[str]]:
        blocks = re.findall(
            r"^([a-z0-9-]+==\S+)[^\n]*\n((?:    [^\n]*\n)*)", (ROOT / name).read_text(), re.MULTILINE
        )
        return {pin: set(re.findall(r"sha256:[0-9a-f]+", hashes)) for pin, hashes in blocks}

    carried = pins("requirements-run.txt")
    assert len(carried) > 20
    assert carried.items() <= pins("requirements.txt").items()


# --- the rules of the ports ---

SLOTS = {3: IdPath("pci", "0000:00:10.0", "1.3"), 4: IdPath("pci", "0000:00:11.0", "2")}


def test_the_rules_shut_each_controller_and_know_each_slot() -> None:
    text = rules(SLOTS)
    for port in SLOTS.values():
        assert f'KERNELS=="{port.controller}", ATTR{{authorized_default}}="0"' in text
    for label, port in SLOTS.items():
        assert f'ENV{{ID_PATH}}=="{port.id_path}", ENV{{EDGED_SLOT}}="{label}"' in text
        assert f'"{port.id_path}:*|{port.id_path}.*"' in text
    opening = [n for n, line in enumerate(text.splitlines()) if 'ATTR{authorized}="1"' in line]
    leaving = text.splitlines().index('ENV{EDGED_SLOT}=="?*", ENV{MODALIAS}="", GOTO="edged_end"')
    assert min(opening) > leaving  # what is in a slot never gets there


def test_the_rules_come_after_who_says_what_a_device_is_and_before_who_speaks_to_it() -> None:
    assert "60-libgphoto2-6.rules" < FILE_NAME < "69-libmtp.rules"
    assert f"--write /etc/udev/rules.d/{FILE_NAME}" in (UNITS / "edged-rules.service").read_text()
    assert f"rm -f /etc/udev/rules.d/{FILE_NAME} " in (ROOT / "package/debian/postrm").read_text()


def test_whoever_probes_or_mounts_is_told_to_keep_off_where_he_looks() -> None:
    joined = rules(SLOTS).replace("\\\n", "").splitlines()
    (device,) = (line for line in joined if 'SYMLINK+="edged/slot-' in line)
    for word in ('ENV{ID_MM_DEVICE_IGNORE}="1"', 'ENV{MTP_NO_PROBE}="1"'):
        assert word in device
    for name in ("ID_MTP_DEVICE", "ID_MEDIA_PLAYER", "ID_GPHOTO2", "GPHOTO2_DRIVER"):
        assert f'ENV{{{name}}}=""' in device
    assert "UDISKS" not in device  # udisks reads them of block devices alone
    (block,) = (line for line in joined if 'ENV{UDISKS_IGNORE}="1"' in line)
    assert block.startswith('SUBSYSTEM=="block", ENV{EDGED_SLOT}=="?*"')
    assert 'ENV{UDISKS_PRESENTATION_HIDE}="1"' in block
    # The number of a slot is known by then, and no disk gets to what authorises devices.
    (known,) = (
        n for n, line in enumerate(joined) if line.startswith(f'ENV{{ID_PATH}}=="{SLOTS[4].id_path}:*')
    )
    leaves = joined.index('SUBSYSTEM=="block", GOTO="edged_end"')
    opening = min(n for n, line in enumerate(joined) if 'ATTR{authorized}="1"' in line)
    assert known < joined.index(block) < leaves < opening


def test_the_rules_file_is_replaced_whole_or_not_at_all(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config, target = tmp_path / "edged.toml", tmp_path / "68-edged.rules"
    config.write_text('[[dock]]\nslots = [{ label = 3, port = "pci-0000:00:10.0-usb-0:1.3" }]\n')
    assert make_rules(["--map", str(config), "--write", str(target)]) == 0
    before = target.read_text()
    assert "edged/slot-" in before
    config.write_text("[[dock]]\nslots = 5\n")
    assert make_rules(["--map", str(config), "--write", str(target)]) == 1
    assert "E4001" in capsys.readouterr().err
    assert target.read_text() == before
    assert make_rules(["--map", str(tmp_path / "none"), "--write", str(target)]) == 1
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def _udev_can_verify() -> bool:
    if shutil.which("udevadm") is None:
        return False
    return not subprocess.run(["udevadm", "verify", "--help"], capture_output=True, timeout=30).returncode


@pytest.mark.skipif(
    not _udev_can_verify(),
    reason="no udev here that can verify rules (254): `make vm` tries them on a real one",
)
def test_udev_reads_the_rules(tmp_path: Path) -> None:
    target = tmp_path / "68-edged.rules"
    target.write_text(rules(SLOTS))
    done = subprocess.run(["udevadm", "verify", str(target)], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stdout + done.stderr
