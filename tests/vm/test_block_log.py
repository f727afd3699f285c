"""One offload, and the disk as it was at each of its flushes: ledger and recordings are whole at every one of them."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulators.hands import film
from tests.vm.block_log import LoggedDisk, apply, entries
from tests.vm.cameras import a_card
from tests.vm.evidence import PLACE, PORTS, SERIAL, SLOT, UUID, prepare
from tests.vm.hardware import Hardware
from tests.vm.machine import Machine, MachineError

pytestmark = [
    pytest.mark.vm,
    pytest.mark.timeout(7200),
    pytest.mark.skipif(not os.environ.get("FULL"), reason="every flush point takes seconds: make vm-full"),
]
CLIPS = {f"DCIM/100MEDIA/CLIP000{n}.MP4": film(n, (1 << 20) + n) for n in (1, 2)}
MAKE = {
    "ext4": ["mkfs.ext4", "-q", "-U", UUID],
    "xfs": ["mkfs.xfs", "-q", "-m", f"uuid={UUID}"],
}
LET_GO_S = 30.0
POINT = "/dev/disk/by-id/scsi-0QEMU_QEMU_HARDDISK_POINT"


@pytest.mark.parametrize("filesystem", sorted(MAKE))
def test_ledger_and_recordings_are_whole_at_every_flush(
    machine: Machine, hardware: Hardware, tmp_path: Path, filesystem: str
) -> None:
    image, before = tmp_path / "data.img", tmp_path / "before.img"
    with image.open("wb") as file:
        file.truncate(512 << 20)
    subprocess.run([*MAKE[filesystem], str(image)], check=True, timeout=60)
    shutil.copyfile(image, before)
    disk = LoggedDisk(image, tmp_path / "writes.log")
    station = prepare(machine, disk, hardware, filesystem)
    station.commission()
    machine.run("sync")
    with disk.log.open("rb") as log:
        commissioned = sum(1 for _ in entries(log))
    hardware.insert(SLOT)
    card = a_card(tmp_path / "card.img", "fat32", CLIPS)
    machine.plug_disk("camera", card, PORTS[SLOT], SERIAL)
    station.until(station.cleared(len(CLIPS)), "all is delivered, confirmed and cleared from the camera")
    machine.run(f"systemctl stop edged edged-sync intake; umount {PLACE}", timeout_s=120)
    unplug(machine, "data")
    seen = [
        lines_at(machine, station.key, point) for point in flush_points(disk, before, tmp_path, commissioned)
    ]
    assert len(seen) > 20
    assert seen == sorted(seen), "lines that were durable are gone at a later point"
    assert seen[-1] > seen[0]


def flush_points(disk: LoggedDisk, before: Path, work: Path, first: int) -> Iterator[Path]:
    """The disk at each flush from entry ``first`` on, as a fresh overlay each time."""
    with disk.log.open("rb") as log, before.open("r+b") as image:
        for number, entry in enumerate(entries(log)):
            apply(log, image, entry)
            if entry.durable and number >= first:
                image.flush()
                point = work / "point.qcow2"
                words = [
                    "qemu-img",
                    "create",
                    "-q",
                    "-f",
                    "qcow2",
                    "-F",
                    "raw",
                    "-b",
                    str(before),
                    str(point),
                ]
                subprocess.run(words, check=True, timeout=60)
                yield point


def lines_at(machine: Machine, key: str, point: Path) -> int:
    """Mount the disk as it was, verify what lies on it; return how many lines the ledger has."""
    machine.monitor(
        "blockdev-add",
        **{"driver": "qcow2", "node-name": "point", "file": {"driver": "file", "filename": str(point)}},
    )
    machine.monitor("device_add", driver="scsi-hd", id="point", bus="scsi0.0", drive="point", serial="POINT")
    machine.until(f"test -b {POINT} && mkdir -p /point && mount {POINT} /point")
    where = "/point/state/ledger"
    said = machine.run(f"edgectl verify {where} --station-key '{key}' --vault /point/vault", timeout_s=300)
    assert "good" in said, said
    lines = int(machine.run(f"cat {where}/*.jsonl | wc -l"))
    machine.run("umount /point")
    unplug(machine, "point")
    return lines


def unplug(machine: Machine, name: str) -> None:
    """The guest lets go of it in its own time; until then QEMU says that it is in use."""
    machine.pull(name)
    end = time.monotonic() + LET_GO_S
    while True:
        try:
            machine.monitor("blockdev-del", **{"node-name": name})
        except MachineError:
            if time.monotonic() >= end:
                raise
            time.sleep(0.1)
        else:
            return
