"""journald's native protocol, byte for byte, small and large, and without ever waiting."""

import os
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from drivers.journal import Journal, encode


@pytest.fixture
def journald(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(str(tmp_path / "journal"))
        ear.setblocking(False)
        yield ear


def test_golden_bytes_of_an_entry() -> None:
    assert encode({"MESSAGE": "готово", "PRIORITY": "6"}) == "MESSAGE=готово\nPRIORITY=6\n".encode()
    assert encode({"A": "two\nlines"}) == b"A\n" + struct.pack("<Q", 9) + b"two\nlines\n"
    assert encode({"A": "\udcff"}) == b"A=\\udcff\n"


@pytest.mark.parametrize("name", ["", "_PID", "lower", "A-B", "A=B", "A\nB", "A" * 65, "Ж"])
def test_a_field_name_that_journald_would_drop_or_misread_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="not a journal field"):
        encode({name: "x"})


def test_an_entry_arrives_as_one_datagram(journald: socket.socket) -> None:
    journal = Journal(journald.getsockname())
    assert journal.send({"MESSAGE": "one"})
    assert journald.recv(100) == b"MESSAGE=one\n"
    journal.close()


def test_an_entry_too_large_for_a_datagram_comes_as_a_sealed_file(journald: socket.socket) -> None:
    journal = Journal(journald.getsockname())
    large = {"MESSAGE": "x" * 4_000_000}
    assert journal.send(large)
    _, rights, _, _ = journald.recvmsg(16, socket.CMSG_SPACE(4))
    (memory,) = struct.unpack("i", rights[0][2])
    try:
        assert os.pread(memory, 5_000_000, 0) == encode(large)
        with pytest.raises(PermissionError):
            os.ftruncate(memory, 0)
    finally:
        os.close(memory)
        journal.close()


def test_a_missing_or_full_journal_costs_the_entry_and_is_counted(
    tmp_path: Path, journald: socket.socket
) -> None:
    gone = Journal(str(tmp_path / "gone"))
    assert not gone.send({"MESSAGE": "x"})
    assert gone.lost == 1
    gone.close()
    full = Journal(journald.getsockname())
    sent = sum(full.send({"MESSAGE": "x" * 1000}) for _ in range(2000))
    assert full.lost == 2000 - sent > 0
    full.close()
