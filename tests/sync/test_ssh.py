"""The SSH line against real servers: OpenSSH, the library's own server, and things that are no server."""

import io
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import paramiko
import pytest

from demo.sshd import Sshd
from edged.errors import EdgeError, ErrorCode
from edged.key_files import Credentials
from sync.sftp_store import SftpDialler
from sync.ssh import SshAddress, SshLine, login_key, pinned_key
from sync.store import (
    CentreAuthError,
    CentreBusyError,
    CentreGoneError,
    CentreKeyChangedError,
    CentreProtocolError,
    CentreRefusedError,
    Store,
    StoreError,
    TransferStalledError,
)
from tests.sync.places import address

OK, NO_SUCH_FILE, FAILURE = 0, 2, 4  # SFTP status codes
OTHER_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiI other"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Sshd]:
    with Sshd.start(tmp_path / "sshd", tmp_path / "home") as made:
        yield made


async def connect(where: SshAddress) -> None:
    store = await SftpDialler(where).connect()
    await store.close()


def but(where: SshAddress, **change: object) -> SshAddress:
    return replace(where, **change)  # type: ignore[arg-type]  # tests give the right kinds


@pytest.mark.slow
@pytest.mark.fault("N10", "with another host key the connection ends before any login is tried")
@pytest.mark.parametrize("other", [OTHER_KEY, "ecdsa"])
async def test_another_host_key_ends_it_before_any_login(server: Sshd, other: str) -> None:
    if other == "ecdsa":  # the server has lost the key of the pinned kind
        key = paramiko.ECDSAKey.generate()
        other = f"{key.get_name()} {key.get_base64()}"
    with pytest.raises(CentreKeyChangedError):
        await connect(but(address(server), host_key=other))
    assert "publickey" not in server.log.read_text()
    await connect(address(server))
    assert "Accepted publickey" in server.log.read_text()


@pytest.mark.slow
@pytest.mark.fault("N12", "a revoked login has an outcome of its own")
async def test_a_login_that_is_not_accepted_is_said_so(server: Sshd, tmp_path: Path) -> None:
    with pytest.raises(CentreAuthError):
        await connect(but(address(server), key_file=other_key(tmp_path)))


@pytest.mark.slow
async def test_the_ciphers_chosen_are_the_quick_and_strong_ones(server: Sshd) -> None:
    line = SshLine(address(server))
    try:
        line.open()
        transport = line._transport
        assert transport is not None
        assert getattr(transport, "remote_cipher", "") == "aes128-gcm@openssh.com"
        options = transport.get_security_options()
        assert not [name for name in options.ciphers if "cbc" in name or "3des" in name]
        assert not [name for name in options.kex if "group" in name]
        assert not [name for name in options.digests if "md5" in name or "sha1" in name]
    finally:
        line.end()


@pytest.mark.slow
async def test_a_server_that_went_away_is_gone(server: Sshd) -> None:
    store = await SftpDialler(address(server)).connect()
    server.stop()
    with pytest.raises(CentreGoneError):
        await store.stat("a")
    await store.close()
    with pytest.raises(CentreGoneError):
        await connect(address(server))


@contextmanager
def listener(said: bytes) -> Iterator[tuple[int, list[bytes]]]:
    """Something that listens, says ``said`` and keeps what it hears."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as sock:

        def serve() -> None:
            link, _ = sock.accept()
            with link, suppress(OSError):  # whoever came has left again
                link.settimeout(5)
                link.sendall(said)
                if said:
                    link.shutdown(socket.SHUT_WR)
                while data := link.recv(4096):
                    heard.append(data)

        thread = threading.Thread(target=serve)
        thread.start()
        yield sock.getsockname()[1], heard
        thread.join(10)


def plain(port: int, folder: Path, **change: object) -> SshAddress:
    key = other_key(folder)
    base = SshAddress(
        host="127.0.0.1", port=port, user="u", key_file=key, host_key=OTHER_KEY, connect_s=1, answer_s=1
    )
    return but(base, **change)


def other_key(folder: Path) -> str:
    path = str(folder / "other_key")
    paramiko.ECDSAKey.generate().write_private_key_file(path)
    return path


@pytest.mark.fault("N09", "what does not greet as an SSH server hears not one byte from us")
@pytest.mark.parametrize(
    "said", [b"HTTP/1.1 302 Found\r\nLocation: http://portal/\r\n\r\n", b"\x16\x03\x01\x00\xa5", b"X"]
)
async def test_what_is_no_ssh_server_hears_nothing(said: bytes, tmp_path: Path) -> None:
    with listener(said) as (port, heard), pytest.raises(CentreProtocolError):
        await connect(plain(port, tmp_path))
    assert heard == []


@pytest.mark.fault("N18", "a server's wish to be left alone has an outcome of its own")
@pytest.mark.parametrize("said", [b"Exceeded MaxStartups\r\n", b"Not allowed at this time\r\n"])
async def test_a_busy_server_is_told_from_a_broken_one(said: bytes, tmp_path: Path) -> None:
    with listener(said) as (port, _), pytest.raises(CentreBusyError):
        await connect(plain(port, tmp_path))


async def test_a_server_that_never_greets_is_given_up(tmp_path: Path) -> None:
    with listener(b"") as (port, _), pytest.raises(TransferStalledError):
        await connect(plain(port, tmp_path, connect_s=0.2))


async def test_nobody_listens(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
    with pytest.raises(CentreGoneError):
        await connect(plain(port, tmp_path))


# --- a server of the library's own, which can be told to misbehave -----------------------------------


class Host(paramiko.ServerInterface):
    def __init__(self) -> None:
        self.logins = 0

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        self.logins += 1
        return 0

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return 0

    def get_allowed_auths(self, username: str) -> str:
        return "publickey"


class Disk(paramiko.SFTPServerInterface):
    """Keeps files in memory; fails the write that covers ``fail_at``, and ``close`` if told so."""

    files: ClassVar[dict[str, bytearray]] = {}
    fail_at: ClassVar[int | None] = None

    def open(self, path: str, flags: int, attr: paramiko.SFTPAttributes) -> paramiko.SFTPHandle:
        return Handle(self.files.setdefault(path.rpartition("/")[2], bytearray()))

    def stat(self, path: str) -> paramiko.SFTPAttributes | int:
        found = self.files.get(path.rpartition("/")[2])
        return NO_SUCH_FILE if found is None else attributes(found)

    lstat = stat


class Handle(paramiko.SFTPHandle):
    def __init__(self, content: bytearray) -> None:
        super().__init__()
        self.content = content

    def write(self, offset: int, data: bytes) -> int:  # type: ignore[override]  # the server gives bytes
        if Disk.fail_at is not None and offset <= Disk.fail_at < offset + len(data):
            return FAILURE
        self.content[len(self.content) : offset] = bytes(max(0, offset - len(self.content)))
        self.content[offset : offset + len(data)] = data
        return OK

    def stat(self) -> paramiko.SFTPAttributes:
        return attributes(self.content)


def attributes(content: bytearray) -> paramiko.SFTPAttributes:
    found = paramiko.SFTPAttributes()
    found.st_size, found.st_mode = len(content), 0o100640
    return found


@contextmanager
def library_server(folder: Path, *, strict: bool = True) -> Iterator[tuple[SshAddress, Host]]:
    key, host = paramiko.ECDSAKey.generate(), Host()
    made: list[paramiko.Transport] = []
    with socket.create_server(("127.0.0.1", 0)) as sock:

        def serve() -> None:
            with suppress(OSError):  # nobody came
                link, _ = sock.accept()
                transport = paramiko.Transport(link, strict_kex=strict)
                made.append(transport)
                transport.add_server_key(key)
                transport.set_subsystem_handler("sftp", paramiko.SFTPServer, Disk)
                with suppress(paramiko.SSHException, EOFError):
                    transport.start_server(server=host)

        thread = threading.Thread(target=serve)
        thread.start()
        line = f"{key.get_name()} {key.get_base64()}"
        try:
            yield plain(sock.getsockname()[1], folder, host_key=line, connect_s=5, answer_s=5), host
        finally:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            thread.join(10)
            for transport in made:
                transport.close()
                transport.join(5)


@pytest.mark.slow
@pytest.mark.fault("N11", "a server without strict key exchange is left before any login is tried")
async def test_a_server_without_strict_key_exchange_is_refused(tmp_path: Path) -> None:
    with (
        library_server(tmp_path, strict=False) as (where, host),
        pytest.raises(CentreProtocolError, match="strict"),
    ):
        await connect(where)
    assert host.logins == 0


async def upload(store: Store, data: bytes) -> None:
    file = await store.create("a.part")
    await file.write_at(0, data)
    await file.close()


SIZE = 50 * 32768


@pytest.mark.slow
@pytest.mark.parametrize("fail_at", [None, 10 * 32768, SIZE - 40_000, SIZE - 5])
async def test_a_write_that_fails_in_the_middle_is_never_taken_for_success(
    fail_at: int | None, tmp_path: Path
) -> None:
    data = bytes(range(256)) * (SIZE // 256)
    Disk.files, Disk.fail_at = {}, fail_at
    with library_server(tmp_path) as (where, _):
        store = await SftpDialler(where).connect()
        try:
            if fail_at is None:
                await upload(store, data)
                assert bytes(Disk.files["a.part"]) == data
            else:
                with pytest.raises(CentreRefusedError):
                    await upload(store, data)
        finally:
            await store.close()


@pytest.mark.slow
def test_the_librarys_own_upload_would_have_taken_it_for_success(tmp_path: Path) -> None:
    """Why there is a writer of our own. When this fails, the library has been mended."""
    data = bytes(range(256)) * (SIZE // 256)
    Disk.files, Disk.fail_at = {}, 10 * 32768
    with library_server(tmp_path) as (where, _):
        line = SshLine(where)
        try:
            channel = line.open()
            client = paramiko.SFTPClient(channel)
            done = client.putfo(io.BytesIO(data), "/a.part")
            assert done.st_size == SIZE
            assert bytes(Disk.files["a.part"]) != data
        finally:
            line.end()


# --- keys --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line", ["", "ssh-ed25519", "ssh-ed25519 !!!", "ssh-dss AAAA", OTHER_KEY[:-20], "x y z"]
)
def test_what_is_no_public_key_line_is_refused(line: str) -> None:
    with pytest.raises(EdgeError) as caught:
        pinned_key(line)
    assert caught.value.code is ErrorCode.CONFIG_INVALID


def test_a_login_key_from_systemd_is_judged_by_systemd(tmp_path: Path) -> None:
    key = paramiko.ECDSAKey.generate()
    key.write_private_key_file(str(tmp_path / "edged_login.key"))
    (tmp_path / "edged_login.key").chmod(0o440)  # how systemd 257 shows an access list
    assert login_key("credential:login.key", Credentials(str(tmp_path))).get_base64() == key.get_base64()
    with pytest.raises(EdgeError):
        login_key(str(tmp_path / "edged_login.key"))


@pytest.mark.fault("F08", "a login key that is missing, broken or open to others is not used")
@pytest.mark.parametrize("state", ["missing", "open", "garbage", "passphrase"])
def test_a_login_key_that_is_not_ours_alone_is_refused(state: str, tmp_path: Path) -> None:
    path = tmp_path / "key"
    if state != "missing":
        secret = "secret" if state == "passphrase" else None
        paramiko.ECDSAKey.generate().write_private_key_file(str(path), password=secret)
        if state == "garbage":
            path.write_text("no key")
        path.chmod(0o644 if state == "open" else 0o600)
    with pytest.raises(EdgeError) as caught:
        login_key(str(path))
    assert caught.value.code is ErrorCode.KEY_UNUSABLE
    assert not isinstance(caught.value, StoreError)
