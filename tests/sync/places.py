"""Centres that tests deliver to: in memory, in a folder, behind a real OpenSSH server."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from demo.sshd import Sshd
from drivers.disk import PosixDisk
from sync.directory_store import DirectoryDialler
from sync.sftp_store import SftpDialler
from sync.ssh import SshAddress
from sync.store import Dialler
from tests.fakes.memory_fs import MemoryFS


@contextmanager
def memory(folder: Path) -> Iterator[Dialler]:
    fs = MemoryFS()
    fs.make_dirs("/home")
    yield DirectoryDialler(fs, "/home")


@contextmanager
def directory(folder: Path) -> Iterator[Dialler]:
    home = folder / "home"
    home.mkdir()
    yield DirectoryDialler(PosixDisk(), str(home))


@contextmanager
def openssh(folder: Path) -> Iterator[Dialler]:
    with Sshd.start(folder / "sshd", folder / "home") as server:
        yield SftpDialler(address(server))


def address(server: Sshd, port: int = 0, *, connect_s: float = 5.0, answer_s: float = 5.0) -> SshAddress:
    return SshAddress(
        host="127.0.0.1",
        port=port or server.port,
        user=server.user,
        key_file=server.key_file,
        host_key=server.host_key,
        connect_s=connect_s,
        answer_s=answer_s,
    )


Place = Callable[[Path], Iterator[Dialler]]
