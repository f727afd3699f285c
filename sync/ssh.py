"""One SSH connection to the centre: the only file that imports paramiko, and nothing private of it.

Rule 1: nothing is sent to a peer that does not greet as an SSH server.
Rule 2: no login is tried before the host key is equal to the pinned one and both sides keep strict key
    exchange (without it a man in the middle can strip messages: CVE-2023-48795).
Rule 3: every call has a deadline, and ``abort`` from any thread ends it earlier.
"""

import base64
import contextlib
import socket
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import paramiko

from edged.errors import EdgeError, ErrorCode
from edged.key_files import BY_HAND, Credentials
from sync.store import (
    CentreAuthError,
    CentreBusyError,
    CentreGoneError,
    CentreKeyChangedError,
    CentreProtocolError,
    TransferStalledError,
)

# paramiko prefers AES-CTR with a separate MAC, which costs a third of the throughput, and still offers
# CBC, 3DES, MD5 and SHA-1. GCM first; CTR with encrypt-then-MAC for servers without it.
CIPHERS = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "aes256-ctr")
MACS = ("hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com")
KEX = ("mlkem768x25519", "curve25519", "ecdh-sha2-nistp")  # beginnings of the names allowed
RSA = ("rsa-sha2-512", "rsa-sha2-256")  # what an "ssh-rsa" key may sign with
KEEPALIVE_S = 20
USER_TIMEOUT_MS = 60_000  # unacknowledged bytes break the connection after a minute (tcp(7))
# What OpenSSH says instead of its banner when it wants to be left alone for a while.
BUSY = (b"Exceeded MaxStartups", b"Not allowed at this time", b"Too many")


@dataclass(frozen=True, slots=True, kw_only=True)
class SshAddress:
    """Where the centre is and how it is told from others."""

    host: str
    fallback: str = ""  # a literal address of the same server
    port: int
    user: str
    key_file: str
    credentials: Credentials = BY_HAND  # that `key_file` may name
    host_key: str  # OpenSSH public key line: "ssh-ed25519 AAAA…"
    connect_s: float = 20.0  # each of: TCP, greeting, key exchange, login
    answer_s: float = 60.0  # longest silence before the connection is given up


class SshLine:
    """A connection that is logged in and runs the server's SFTP subsystem. One thread at a time."""

    def __init__(self, address: SshAddress) -> None:
        self._address = address
        self._socket: socket.socket | None = None
        self._transport: paramiko.Transport | None = None

    def open(self) -> paramiko.Channel:
        """Connect, compare the host key, log in, ask for SFTP; in this order.

        Raises:
            StoreError: of the kind that fits.
            EdgeError: CONFIG_INVALID for the pinned key, KEY_UNUSABLE for our own.
        """
        pinned = pinned_key(self._address.host_key)
        login = login_key(self._address.key_file, self._address.credentials)
        self._socket = _connect(self._address)
        _await_greeting(self._socket)
        with _ssh_failures():
            transport = self._transport = paramiko.Transport(self._socket)
            transport.banner_timeout = transport.auth_timeout = self._address.connect_s
            _harden(transport.get_security_options(), pinned)
            self._exchange_keys(transport, pinned)
            _log_in(transport, self._address.user, login)
            transport.set_keepalive(KEEPALIVE_S)
            channel = transport.open_session(timeout=self._address.connect_s)
            channel.settimeout(self._address.answer_s)
            channel.invoke_subsystem("sftp")
        return channel

    def abort(self) -> None:
        """Break the connection now. What waits on it, in whatever thread, fails within moments."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def end(self) -> None:
        """Free socket and threads. Nothing is said goodbye to: a half-dead line would make us wait."""
        self.abort()
        if self._transport is not None:
            self._transport.close()
            if self._transport.is_alive():
                self._transport.join(self._address.connect_s)
        if self._socket is not None:
            self._socket.close()

    def _exchange_keys(self, transport: paramiko.Transport, pinned: paramiko.PKey) -> None:
        try:
            transport.start_client(timeout=self._address.connect_s)
        except paramiko.ssh_exception.IncompatiblePeer as exc:
            # We accept the pinned key's kind only, so a server that lost that key cannot agree with us.
            if "host key" in str(exc):
                raise CentreKeyChangedError(pinned=pinned.fingerprint, reason="no key of this kind") from exc
            raise CentreProtocolError(reason=str(exc)[:200]) from exc
        if not transport.initial_kex_done:
            raise TransferStalledError(reason="key exchange")
        found = transport.get_remote_server_key()
        if found.asbytes() != pinned.asbytes():
            raise CentreKeyChangedError(pinned=pinned.fingerprint, found=found.fingerprint)
        if not getattr(transport, "agreed_on_strict_kex", False):  # public, but not in the type stubs
            raise CentreProtocolError(reason="no strict key exchange", peer=transport.remote_version[:100])


def pinned_key(line: str) -> paramiko.PKey:
    """Return the key of an OpenSSH public key line.

    Raises:
        EdgeError: CONFIG_INVALID, it is none.
    """
    try:
        kind, data, *_ = line.split()
        return paramiko.PKey.from_type_string(kind, _whole(base64.b64decode(data, validate=True)))
    except Exception as exc:  # the library lets through whatever those under it raise
        expected = "an OpenSSH public key line"
        raise EdgeError(ErrorCode.CONFIG_INVALID, key="sync.host_key", expected=expected) from exc


def _whole(blob: bytes) -> bytes:
    """A key is strings, each after its length (RFC 4253 6.6). The library fills up what is missing of one,
    up to a mebibyte, and then takes seconds to make a number of it. Raises ValueError."""
    at = 0
    while at < len(blob):
        at += 4 + int.from_bytes(blob[at : at + 4], "big")
    if at != len(blob):
        raise ValueError("lengths that do not fit")
    return blob


def login_key(secret: str, credentials: Credentials = BY_HAND) -> paramiko.PKey:
    """Return the private key that the station logs in with: a path, or one of the ``credentials``.

    Raises:
        EdgeError: KEY_UNUSABLE: missing, unreadable, protected by a passphrase or open to others.
    """
    path = credentials.path(secret)
    try:
        mode = stat.S_IMODE(Path(path).stat().st_mode)
        if credentials.vouched(path) or not mode & 0o077:
            return paramiko.PKey.from_path(path)
    except Exception as exc:  # as above
        raise EdgeError(ErrorCode.KEY_UNUSABLE, file=path, reason=str(exc)[:200]) from exc
    raise EdgeError(ErrorCode.KEY_UNUSABLE, file=path, mode=f"{mode:04o}")


def _connect(address: SshAddress) -> socket.socket:
    try:
        # A poisoned name leads to a peer without the pinned key, so names need no trust of their own.
        sock = socket.create_connection((address.host, address.port), timeout=address.connect_s)
    except OSError as exc:
        raise CentreGoneError(host=address.host, port=address.port, reason=str(exc)[:200]) from exc
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, USER_TIMEOUT_MS)
    return sock


def _await_greeting(sock: socket.socket) -> None:
    """Look at the first bytes without taking them. OpenSSH sends nothing before its banner."""
    try:
        seen = sock.recv(255, socket.MSG_PEEK)
    except TimeoutError as exc:
        raise TransferStalledError(reason="no greeting") from exc
    except OSError as exc:
        raise CentreGoneError(reason=str(exc)[:200]) from exc
    if not seen:
        raise CentreGoneError(reason="closed before the greeting")
    if seen.startswith(BUSY):
        raise CentreBusyError(said=seen.split(b"\r")[0].decode("ascii", "replace")[:80])
    if not (seen.startswith(b"SSH-") or b"SSH-".startswith(seen)):
        raise CentreProtocolError(reason="not an SSH server", said=ascii(seen[:40]))


def _harden(options: paramiko.transport.SecurityOptions, pinned: paramiko.PKey) -> None:
    options.ciphers = CIPHERS
    options.digests = MACS
    options.kex = tuple(name for name in options.kex if name.startswith(KEX))
    options.key_types = RSA if pinned.get_name() == "ssh-rsa" else (pinned.get_name(),)


def _log_in(transport: paramiko.Transport, user: str, key: paramiko.PKey) -> None:
    try:
        further = transport.auth_publickey(user, key)
    except paramiko.AuthenticationException as exc:
        # The library says so too when the line broke or fell silent in mid-login.
        if not transport.is_active():
            raise CentreGoneError(reason="broken during login") from exc
        if str(exc) == "Authentication timeout.":
            raise TransferStalledError(reason="login") from exc
        raise CentreAuthError(user=user, key=key.fingerprint) from exc
    if further:
        raise CentreAuthError(user=user, key=key.fingerprint, reason="asks for more than the key")


@contextlib.contextmanager
def _ssh_failures() -> Iterator[None]:
    try:
        yield
    except (paramiko.SSHException, EOFError, OSError) as exc:
        raise CentreGoneError(reason=str(exc)[:200] or type(exc).__name__) from exc
