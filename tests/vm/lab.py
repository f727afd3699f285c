"""Makes what the tests in the virtual machine begin with: the image, the package, a warm machine with it."""

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from package.deb import build
from package.suites import SUITES
from tests.vm import spare
from tests.vm.hardware import CAMERAS, SLOTS, Hardware, Keys, new_keys
from tests.vm.machine import Machine
from tests.vm.station import Station

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "edged" / "vm"
"""Images, for every checkout of this user: one takes minutes to make."""
IMAGE = Path(__file__).with_name("image")
PROGRAMS = Path(__file__).with_name(
    "programs.txt"
)  # and the Debian packages that have them; `setup.sh` reads it too
BUILD_S = 900.0
DEB = "/root/edged.deb"


def require_programs() -> None:
    with spare.host_can("do without some programs"):
        lacking = _missing()
        assert not lacking, f"apt-get install {' '.join(lacking)}"


def _missing() -> Sequence[str]:
    """Debian packages that the machine needs and this host lacks."""
    path = os.environ["PATH"] + ":/usr/sbin:/sbin"
    needed = (line.split() for line in PROGRAMS.read_text().splitlines())
    return [package for program, package in needed if shutil.which(program, path=path) is None]


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Machine and container are tried at the same time, and are of one image."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def image(suite: str) -> Path:
    """The suite's image; built once for each state of its recipe."""
    with _alone():
        return _image(suite)


def tree(suite: str) -> Path:
    """The files of the suite's image, for a container."""
    made = image(suite)
    with _alone():
        return _tree(made)


def _image(suite: str) -> Path:
    recipe = hashlib.sha256(
        b"".join((IMAGE / name).read_bytes() for name in ("build.sh", "agent.py"))
    ).hexdigest()[:16]
    folder = CACHE / f"{suite}-{recipe}"
    if not (folder / "rootfs.ext4").exists():
        unfinished = CACHE / f"{suite}-unfinished"
        with spare.host_can("make an image"):
            subprocess.run([IMAGE / "build.sh", suite, unfinished], check=True, timeout=BUILD_S)
        shutil.rmtree(folder, ignore_errors=True)
        unfinished.rename(folder)
    return folder


def _tree(made: Path) -> Path:
    files = made / "tree"
    if not files.exists():
        unfinished = made / "tree-unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir()
        words = ["debugfs", "-R", f"rdump / {unfinished}", str(made / "rootfs.ext4")]
        subprocess.run(words, check=True, capture_output=True, timeout=BUILD_S)
        unfinished.rename(files)
    return files


class Lab:
    """A machine with the package installed and nothing configured, stopped in a moment from which others go on."""

    def __init__(self, suite: str, work: Path) -> None:
        self.image, self._work = image(suite), work
        self._made = 0
        self._keys = new_keys()
        self._station: tuple[Station, Path] | None = None
        deb = build(SUITES[suite], work / "deb")
        first = Machine(self.image, work / "warm")
        try:
            with spare.host_can("boot a machine"):
                first.boot()
            first.run("systemctl is-system-running --wait", check=False)
            first.put(DEB, deb.read_bytes())
            self.installed = first.run(f"dpkg -i {DEB}", timeout_s=300)
            first.run(
                "modprobe -a usb_storage uas usbhid ftdi_sio cdc_acm vfat exfat"
            )  # what a host would load when asked
            self._disk = first.disk
            first.save(work / "warm" / "state")
        finally:
            first.kill()

    def machine(self) -> Machine:
        """One more that goes on from there, in little more than a second."""
        return self._resumed(self._disk, "warm")

    def post(self) -> tuple[Machine, Station, Keys]:
        """A machine that goes on as a commissioned station of the layout in `hardware`, its dock not plugged in yet."""
        if self._station is None:
            machine = self.machine()
            try:
                station = Station(machine, self._keys, Hardware.settings(SLOTS, CAMERAS))
                station.commission()
                (self._work / "post").mkdir()
                machine.save(self._work / "post" / "state")
                self._station = station, machine.disk
            finally:
                machine.kill()
        station, disk = self._station
        machine = self._resumed(disk, "post")
        return machine, station.on(machine), self._keys

    def _resumed(self, disk: Path, state: str) -> Machine:
        self._made += 1
        machine = Machine(self.image, self._work / f"machine-{self._made}", disk)
        try:
            machine.resume(self._work / state / "state")
        except BaseException:
            machine.kill()
            raise
        return machine
