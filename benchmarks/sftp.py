"""Delivery: the courier's file transfer beside OpenSSH's own client, to the same server, turn about."""

import asyncio
import os
import subprocess
import time
from pathlib import Path

from benchmarks.rows import Row, mb_s, rate
from benchmarks.scale import Scale
from demo.sshd import Sshd
from drivers.disk import PosixDisk
from drivers.host_clock import HostClock
from sync.sftp_store import SftpDialler
from sync.ssh import SshAddress
from sync.transfer import Clocks, Transfer, Watch

CIPHER = "aes128-gcm@openssh.com"  # what the courier agrees on with OpenSSH
CLOCKS = Clocks(idle_s=60, min_rate=16 * 1024, rate_window_s=120, absolute_s=3600)


async def measure(scale: Scale, folder: Path) -> list[Row]:
    """Both end with the file synced at the centre; the courier also hashes it and asks for its size."""
    source, home = folder / "content.mp4", folder / "home"
    await asyncio.to_thread(_write, source, scale.sftp)
    with Sshd.start(folder / "sshd", home) as server:
        ours, theirs = list[float](), list[float]()
        for number in range(scale.repeats):
            ours.append(await _courier(server, source, f"ours-{number}.part"))
            theirs.append(await asyncio.to_thread(_openssh, server, folder, source, f"theirs-{number}"))
        for path in home.iterdir():
            if path.stat().st_size != scale.sftp:
                raise RuntimeError(f"{path.name} did not arrive whole")
    beside = (f"OpenSSH sftp, put -f, {mb_s(scale.sftp, theirs)}",)
    return [rate(f"SFTP delivery of {scale.sftp >> 20} MiB, synced", scale.sftp, ours, beside)]


async def _courier(server: Sshd, source: Path, name: str) -> float:
    address = SshAddress(
        host="127.0.0.1",
        port=server.port,
        user=server.user,
        key_file=server.key_file,
        host_key=server.host_key,
    )
    began = time.perf_counter()
    store = await SftpDialler(address).connect()
    try:
        await Transfer(store, PosixDisk(), HostClock(), CLOCKS).send(str(source), name, None, Watch())
    finally:
        await store.close()
    return time.perf_counter() - began


def _openssh(server: Sshd, folder: Path, source: Path, name: str) -> float:
    known = folder / "known_hosts"
    known.write_text(f"[127.0.0.1]:{server.port} {server.host_key}\n")
    options = (
        f"Ciphers={CIPHER}",
        f"IdentityFile={server.key_file}",
        "IdentitiesOnly=yes",
        f"UserKnownHostsFile={known}",
        "StrictHostKeyChecking=yes",
        "BatchMode=yes",
    )
    words = ["sftp", "-q", "-F", "none", "-P", str(server.port), "-b", "-"]
    for option in options:
        words += ["-o", option]
    began = time.perf_counter()
    batch = f"put -f {source} {name}\n"  # -f: fsync at the server when it is there
    subprocess.run(
        [*words, f"{server.user}@127.0.0.1"], input=batch, text=True, check=True, capture_output=True
    )
    return time.perf_counter() - began


def _write(path: Path, size: int) -> None:
    with path.open("wb") as file:
        for start in range(0, size, 1 << 20):
            file.write(os.urandom(min(1 << 20, size - start)))
        os.fsync(file.fileno())
