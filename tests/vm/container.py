"""A real systemd as PID 1 in a container, at native speed: for what needs neither a kernel of its own nor USB.

Not enforced there, and so proven in the virtual machine only: memory and device limits, udev.
"""

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

START = """
for hierarchy in systemd unified; do
    group=/sys/fs/cgroup/$hierarchy/edged-test-$$
    [ -d /sys/fs/cgroup/$hierarchy ] && mkdir -p "$group" && echo $$ >"$group/cgroup.procs"
done
exec systemd-nspawn -q --boot --register=no --keep-unit --private-network --console=pipe "$@"
"""  # in a group of its own: else payload and supervisor are made at the host's root
UP_S, DOWN_S, ANSWER_S, LOOK_S = 60.0, 60.0, 120.0, 0.05


class ContainerError(AssertionError):
    """The container, or a command in it, did not do what the test needs."""


class Container:
    """Boots a root file system of its own; ended by ``stop``. One thread.

    Args:
        tree: the image's files; copied.
        work: a folder of its own.
        binds: folders of the host that it sees, read-only, under the same name.
    """

    def __init__(self, tree: Path, work: Path, binds: Sequence[Path] = ()) -> None:
        work.mkdir(parents=True)
        self.root, self._log = work / "root", work / "console.log"
        subprocess.run(["cp", "-a", "--reflink=auto", str(tree), str(self.root)], check=True, timeout=300)
        self._binds = [f"--bind-ro={path}" for path in binds]
        self._process: subprocess.Popen[bytes] | None = None
        self._leader = 0

    def boot(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                ["bash", "-c", START, "nspawn", "-D", str(self.root), *self._binds],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=os.environ | {"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"},
            )
        self._leader = self._find_leader()
        self.until("systemctl is-system-running | grep -Eq 'running|degraded'", within_s=UP_S)

    def stop(self) -> None:
        """Power off in order; what does not end is killed, the whole of its process namespace with it."""
        if self._process is None:
            return
        with contextlib.suppress(ContainerError, subprocess.TimeoutExpired):
            if not self._leader:
                self._process.kill()
            self.run("systemctl poweroff --no-block", check=False)
        try:
            self._process.wait(DOWN_S)
        except subprocess.TimeoutExpired:
            if self._leader > 1:
                os.kill(self._leader, signal.SIGKILL)
            self._process.kill()
            self._process.wait(DOWN_S)
        self._process = None

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.root)

    def run(self, command: str, *, timeout_s: float = ANSWER_S, check: bool = True) -> str:
        """Run a shell line inside; return its output (and its errors, where they may be)."""
        done = self._run(command, timeout_s)
        if check and done.returncode:
            raise ContainerError(
                f"{command!r} ended with {done.returncode}: {done.stdout[-800:]}{done.stderr[-800:]}"
            )
        return done.stdout + ("" if check else done.stderr)

    def until(self, command: str, *, within_s: float = 60.0) -> str:
        """Run a shell line again and again until it succeeds; return its output."""
        end = time.monotonic() + within_s
        while (done := self._run(command, ANSWER_S)).returncode:
            if time.monotonic() > end:
                raise ContainerError(f"{command!r} never succeeded: {done.stdout[-800:]}{done.stderr[-800:]}")
            time.sleep(LOOK_S * 4)
        return done.stdout

    def put(self, path: str, data: bytes, mode: int = 0o644) -> None:
        place = self.root / path.lstrip("/")
        place.write_bytes(data)
        place.chmod(mode)

    def get(self, path: str) -> bytes:
        return (self.root / path.lstrip("/")).read_bytes()

    def _run(self, command: str, timeout_s: float) -> subprocess.CompletedProcess[str]:
        enter = f"nsenter -t {self._leader} -m -u -i -n -p -C -r -w"
        words = [*shlex.split(enter), "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root"]
        return subprocess.run(
            [*words, "sh", "-c", command], capture_output=True, text=True, timeout=timeout_s
        )

    def _find_leader(self) -> int:
        assert self._process is not None
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        end = time.monotonic() + UP_S
        while time.monotonic() < end:
            if self._process.poll() is not None:
                break
            with contextlib.suppress(OSError, ValueError, IndexError):  # not there yet
                leader = int(children.read_text().split()[0])
                if Path(f"/proc/{leader}/comm").read_text().strip() == "systemd":
                    return leader
            time.sleep(LOOK_S)
        raise ContainerError(f"it does not come up:\n{self._log.read_text()[-2000:]}")
