"""Makes what the tests in the virtual machine begin with: the image, the package, a warm machine with it."""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from package.deb import build
from package.suites import SUITES
from tests.vm.machine import Machine

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache" / "vm"
IMAGE = Path(__file__).with_name("image")
PROGRAMS = {  # and the Debian packages that have them
    "qemu-system-x86_64": "qemu-system-x86",
    "qemu-img": "qemu-utils",
    "mmdebstrap": "mmdebstrap",
    "cpio": "cpio",
    "xz": "xz-utils",
    "mke2fs": "e2fsprogs",
    "debugfs": "e2fsprogs",
    "systemd-nspawn": "systemd-container",
}
BUILD_S = 900.0
DEB = "/root/edged.deb"


def missing() -> Sequence[str]:
    """Debian packages that the machine needs and this host lacks."""
    path = os.environ["PATH"] + ":/usr/sbin:/sbin"
    return [package for program, package in PROGRAMS.items() if shutil.which(program, path=path) is None]


def image(suite: str) -> Path:
    """The suite's image; built once for each state of its recipe."""
    recipe = hashlib.sha256(
        b"".join((IMAGE / name).read_bytes() for name in ("build.sh", "agent.py"))
    ).hexdigest()[:16]
    folder = CACHE / f"{suite}-{recipe}"
    if not (folder / "rootfs.ext4").exists():
        unfinished = CACHE / f"{suite}-unfinished"
        subprocess.run([IMAGE / "build.sh", suite, unfinished], check=True, timeout=BUILD_S)
        shutil.rmtree(folder, ignore_errors=True)
        unfinished.rename(folder)
    return folder


def tree(suite: str) -> Path:
    """The files of the suite's image, for a container."""
    made = image(suite)
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
        deb = build(SUITES[suite], work / "deb")
        first = Machine(self.image, work / "warm")
        try:
            first.boot()
            first.run("systemctl is-system-running --wait", check=False)
            first.put(DEB, deb.read_bytes())
            self.installed = first.run(f"dpkg -i {DEB}", timeout_s=300)
            first.run(
                "modprobe -a usb_storage uas usbhid ftdi_sio vfat exfat"
            )  # what a host would load when asked
            self._disk = first.disk
            first.save(work / "warm" / "state")
        finally:
            first.kill()

    def machine(self) -> Machine:
        """One more that goes on from there, in little more than a second."""
        self._made += 1
        machine = Machine(self.image, self._work / f"machine-{self._made}", self._disk)
        try:
            machine.resume(self._work / "warm" / "state")
        except BaseException:
            machine.kill()
            raise
        return machine
