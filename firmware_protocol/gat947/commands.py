"""Command blocks of a GA/T 947 camera (PROTOCOL.md 2, 3).

Numbers 1-14 are those of the family's Jieli-type firmware; 64 is our documented extension.
"""

from dataclasses import dataclass
from enum import IntEnum

from firmware_protocol.errors import (
    FieldOutOfRangeError,
    TrailingBytesError,
    TruncatedMessageError,
    UnknownMessageError,
)

CDB_SIZE = 16
READ, WRITE = 0xFD, 0xFB
_DIRECTION = {READ: 0x81, WRITE: 0x82}
DATA_S = 10.0
"""Seconds that the family's clients wait for a data phase."""


class Command(IntEnum):
    """Byte 5 of the command block. Where a length is fixed it stands in LENGTHS."""

    INIT = 1
    GET_ID_CODE = 2
    GET_DEV_INFO = 3
    WRITE_DEV_INFO = 4
    SYNC_DEV_TIME = 5
    SET_MSDC = 6
    READ_DEV_RES = 7
    READ_BATTERY_VAL = 8
    WRITE_ALL_DEV_INFO = 9
    SET_PASSWORD = 10
    SET_ID_CODE = 11
    GET_SD_STATUS = 12
    GET_PASSWORD = 13
    GET_RETURN_STATUS = 14
    READ_DEV_TIME = 64  # ours (PROTOCOL.md 5)


READS = frozenset(
    {
        Command.GET_ID_CODE,
        Command.GET_DEV_INFO,
        Command.READ_DEV_RES,
        Command.READ_BATTERY_VAL,
        Command.GET_SD_STATUS,
        Command.GET_PASSWORD,
        Command.GET_RETURN_STATUS,
        Command.READ_DEV_TIME,
    }
)
"""The data phase goes to the host; all other commands write."""

LENGTHS: dict[Command, tuple[int, ...]] = {
    Command.INIT: (0,),
    Command.GET_ID_CODE: (6,),
    Command.GET_DEV_INFO: (89, 94),
    Command.WRITE_DEV_INFO: (89, 94),
    Command.SYNC_DEV_TIME: (7,),
    Command.SET_MSDC: (0,),
    Command.READ_DEV_RES: (8,),
    Command.READ_BATTERY_VAL: (4,),
    Command.WRITE_ALL_DEV_INFO: (89, 94),
    Command.SET_PASSWORD: (16,),
    Command.SET_ID_CODE: (32,),
    Command.GET_SD_STATUS: (4,),
    Command.GET_PASSWORD: (16,),
    Command.GET_RETURN_STATUS: (4,),
    Command.READ_DEV_TIME: (11,),
}

STATUS_AFTER = frozenset(
    {
        Command.GET_ID_CODE,
        Command.GET_DEV_INFO,
        Command.WRITE_DEV_INFO,
        Command.SYNC_DEV_TIME,
        Command.READ_BATTERY_VAL,
    }
)
"""After these a client reads GET_RETURN_STATUS; only 0 means that it worked."""


class ReturnCode(IntEnum):
    """``iRet`` of the family's function interface (PROTOCOL.md 4); for texts and logs, not on this wire."""

    UNSET = 0
    CONNECT_SUCCESS = 1
    CONNECT_FAILED = 2
    CHECK_PWD_SUCCESS = 3
    CHECK_PWD_FAILED = 4
    SET_SYSTEMTIME_SUCCESS = 5
    SET_SYSTEMTIME_FAILED = 6
    MSDC_SUCCESS = 7
    MSDC_FAILED = 8
    SD_STATUS_READ_FAILED = 101
    ID_READ_FAILED = 102


@dataclass(frozen=True, slots=True)
class VendorCommand:
    """One command block: which command, and how many bytes its data phase has."""

    command: Command
    length: int

    @property
    def inbound(self) -> bool:
        return self.command in READS

    def encode(self) -> bytes:
        """16 bytes. Raises FieldOutOfRangeError: a length that the command does not have."""
        _check_length(self.command, self.length)
        operation = READ if self.inbound else WRITE
        head = bytes([operation, _DIRECTION[operation], 0, 0, 0, self.command])
        return (head + self.length.to_bytes(2, "big")).ljust(CDB_SIZE, b"\0")


def command_block(command: Command, length: int | None = None) -> VendorCommand:
    """The command with its one length, or with the given one where there are two.

    Raises FieldOutOfRangeError: no length given and the command has two, or one that it does not have.
    """
    allowed = LENGTHS[command]
    if length is None:
        if len(allowed) != 1:
            raise FieldOutOfRangeError(f"{command.name} needs a length of {allowed}")
        length = allowed[0]
    _check_length(command, length)
    return VendorCommand(command, length)


def is_vendor(cdb: bytes) -> bool:
    """Whether the CDB's first byte is one of ours; any other is plain SCSI."""
    return bool(cdb) and cdb[0] in _DIRECTION


def decode_command(cdb: bytes) -> VendorCommand:
    """Return the command in a 16-byte CDB. ``decode_command(c.encode()) == c``.

    Raises:
        TruncatedMessageError, TrailingBytesError: not 16 bytes.
        UnknownMessageError: a command (or operation code) that is not here.
        FieldOutOfRangeError: direction, length or the bytes that must be 0 do not fit the command.
    """
    if len(cdb) < CDB_SIZE:
        raise TruncatedMessageError(f"command block: {len(cdb)} of {CDB_SIZE} bytes")
    if len(cdb) > CDB_SIZE:
        raise TrailingBytesError(f"command block: {len(cdb) - CDB_SIZE} bytes too many")
    if cdb[0] not in _DIRECTION:
        raise UnknownMessageError(cdb[0])
    try:
        command = Command(int.from_bytes(cdb[2:6], "big"))
    except ValueError as exc:
        raise UnknownMessageError(cdb[5]) from exc
    if cdb[1] != _DIRECTION[cdb[0]] or (cdb[0] == READ) != (command in READS) or any(cdb[8:]):
        raise FieldOutOfRangeError(f"{command.name}: direction or reserved bytes are wrong ({cdb.hex()})")
    length = int.from_bytes(cdb[6:8], "big")
    _check_length(command, length)
    return VendorCommand(command, length)


def _check_length(command: Command, length: int) -> None:
    if length not in LENGTHS[command]:
        raise FieldOutOfRangeError(f"{command.name} with {length} bytes; it has {LENGTHS[command]}")
