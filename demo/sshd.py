"""The centre's door for demo and tests: a real OpenSSH server on a loopback port.

Runs as root or as an ordinary user, with keys and configuration of its own in a scratch folder. It lets
one key in, to SFTP only, and allows the requests that a station needs: nothing that removes, replaces
or shortens a file by name.

    with Sshd.start(folder, home) as centre:
        centre.port, centre.user, centre.key_file, centre.host_key
"""

import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

# stat and lstat are asked by path, fsync, limits and statvfs are extensions. Denied are remove, rmdir,
# setstat, symlink, hardlink, posix-rename (it would replace) and copy-data.
REQUESTS = (
    "open,close,read,write,fstat,stat,lstat,realpath,mkdir,rename,opendir,readdir"
    ",fsync,limits,statvfs,fstatvfs"
)
START_S = 10.0
STOP_S = 5.0


class Sshd:
    """A running server. ``start`` makes one; leaving the ``with`` block stops it."""

    def __init__(self, folder: Path, home: Path, port: int, requests: str, extra: Sequence[str]) -> None:
        self.port = port
        self.user = getpass.getuser()
        self.key_file = str(folder / "client_key")
        self.host_key = (folder / "host_key.pub").read_text().strip()
        self.log = folder / "sshd.log"
        self._folder = folder
        self._config = folder / "sshd_config"
        self._config.write_text(_config(folder, home, port, requests, extra))
        self._process: subprocess.Popen[bytes] | None = None

    @classmethod
    def start(
        cls, folder: Path, home: Path, *, requests: str = REQUESTS, extra: Sequence[str] = ()
    ) -> "Sshd":
        """Make keys in ``folder`` (kept if they are there) and start a server whose files lie in ``home``.

        Raises:
            FileNotFoundError: OpenSSH's server is not installed.
            TimeoutError: it does not answer; its log is part of the message.
        """
        folder.mkdir(parents=True, exist_ok=True)
        home.mkdir(parents=True, exist_ok=True)
        for name in ("host_key", "client_key"):
            _make_key(folder / name)
        server = cls(folder, home, _free_port(), requests, extra)
        server.resume()
        return server

    @property
    def pid(self) -> int:
        if self._process is None:
            raise RuntimeError("the server does not run")
        return self._process.pid

    def resume(self) -> None:
        """Start (again) on the same port with the same keys."""
        program = _program()
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(
                mode=0o755, exist_ok=True
            )  # sshd's empty folder for its unprivileged half
        with self.log.open("ab") as log:
            command = [program, "-D", "-e", "-f", str(self._config)]
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self._wait_until_it_answers()

    def stop(self) -> None:
        """End the listener and the conversations it began (they are its children)."""
        process, self._process = self._process, None
        if process is None:
            return
        children = _children(process.pid)
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(STOP_S)
        for child in children:
            _terminate(child)

    def __enter__(self) -> "Sshd":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _wait_until_it_answers(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=1) as probe:
                    if probe.recv(4) == b"SSH-":
                        return
            except OSError:
                time.sleep(0.05)
        said = self.log.read_text(errors="replace")[-2000:]
        self.stop()
        raise TimeoutError(f"sshd does not answer on port {self.port}:\n{said}")


def _config(folder: Path, home: Path, port: int, requests: str, extra: Sequence[str]) -> str:
    lines = (
        f"Port {port}",
        "ListenAddress 127.0.0.1",
        f"HostKey {folder / 'host_key'}",
        "PidFile none",
        "UsePAM no",
        "StrictModes no",  # the scratch folder may lie below a folder that others can write
        "PasswordAuthentication no",
        "KbdInteractiveAuthentication no",
        "PermitRootLogin prohibit-password",
        f"AuthorizedKeysFile {folder / 'client_key.pub'}",
        "DisableForwarding yes",
        "PermitTTY no",
        "ClientAliveInterval 30",
        "LogLevel VERBOSE",
        *extra,
        "Subsystem sftp internal-sftp",
        f"ForceCommand internal-sftp -l VERBOSE -u 0027 -d {home} -p {requests}",
    )
    return "\n".join(lines) + "\n"


def _make_key(path: Path) -> None:
    if path.exists():
        return
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    path.with_name(path.name + ".pub").write_bytes(public + b"\n")
    path.touch(mode=0o600)
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))


def _program() -> str:
    found = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if found is None:
        raise FileNotFoundError("sshd is not installed (Debian package: openssh-server)")
    return found  # sshd insists on being called by its full path


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _terminate(pid: int) -> None:
    try:
        if "sshd" in Path(f"/proc/{pid}/comm").read_text():
            os.kill(pid, 15)
    except (OSError, ProcessLookupError):
        pass
