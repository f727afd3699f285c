"""journald's native protocol: fields as they are, no sentence to parse.

Source: systemd, "Native Journal Protocol": one datagram an entry; ``NAME=value\\n``, or for a value with a
newline ``NAME\\n`` + 64-bit little-endian length + value + ``\\n``; too large for a datagram: a sealed memfd.
"""

import array
import contextlib
import errno
import fcntl
import os
import re
import socket
import struct
from collections.abc import Mapping

ADDRESS = "/run/systemd/journal/socket"
_NAME = re.compile(r"[A-Z0-9][A-Z0-9_]{0,63}", re.ASCII)
_F_ADD_SEALS, _ALL_SEALS = 1033, 0xF  # linux/fcntl.h


def encode(fields: Mapping[str, str]) -> bytes:
    """Return one entry.

    Raises:
        ValueError: a field name that journald would drop (A-Z, 0-9, _; not _ first; at most 64).
    """
    entry = bytearray()
    for name, text in fields.items():
        if not _NAME.fullmatch(name):
            raise ValueError(f"not a journal field: {name!r}")
        value = text.encode("utf-8", "backslashreplace")
        if b"\n" in value:
            entry += name.encode() + b"\n" + struct.pack("<Q", len(value)) + value + b"\n"
        else:
            entry += name.encode() + b"=" + value + b"\n"
    return bytes(entry)


class Journal:
    """Sends entries and never waits: a full or missing journal costs the entry, which is counted."""

    def __init__(self, address: str = ADDRESS) -> None:
        self._address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._socket.setblocking(False)
        self.lost = 0

    def send(self, fields: Mapping[str, str]) -> bool:
        """Hand over one entry; False if it was lost."""
        entry = encode(fields)
        try:
            self._socket.sendto(entry, self._address)
        except OSError as exc:
            if exc.errno not in (errno.EMSGSIZE, errno.ENOBUFS) or not self._send_large(entry):
                self.lost += 1
                return False
        return True

    def close(self) -> None:
        self._socket.close()

    def _send_large(self, entry: bytes) -> bool:
        with contextlib.suppress(OSError):
            memory = os.memfd_create("journal-entry", os.MFD_ALLOW_SEALING | os.MFD_CLOEXEC)
            try:
                with open(memory, "wb", closefd=False) as file:
                    file.write(entry)
                fcntl.fcntl(memory, _F_ADD_SEALS, _ALL_SEALS)
                rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [memory]))]
                self._socket.sendmsg([], rights, 0, self._address)
            finally:
                os.close(memory)
            return True
        return False
