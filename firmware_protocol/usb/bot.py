"""USB Mass Storage Class, Bulk-Only Transport 1.0: the wrappers around a SCSI command.

A command is: CBW on the OUT pipe, its data phase on one pipe, CSW on the IN pipe. All integers are
little-endian (chapter 5).
"""

import struct
from dataclasses import dataclass
from enum import IntEnum

from firmware_protocol.errors import (
    FieldOutOfRangeError,
    WireError,
)
from firmware_protocol.usb.checks import exactly, in_range

INTERFACE = (0x08, 0x06, 0x50)
"""Class, subclass (SCSI transparent), protocol (bulk-only) of the interface (chapter 4.3)."""

CBW_SIZE = 31
CSW_SIZE = 13
MAX_LENGTH = 0xFFFF_FFFF

RESET = 0xFF
"""bRequest of Bulk-Only Mass Storage Reset: class request 0x21, no data (3.1)."""
GET_MAX_LUN = 0xFE
"""bRequest of Get Max LUN: class request 0xA1, one byte; a device with one LUN may stall it (3.2)."""

_CBW = struct.Struct("<4sIIBBB16s")
_CSW = struct.Struct("<4sIIB")
_CBW_SIGNATURE, _CSW_SIGNATURE = b"USBC", b"USBS"


class Status(IntEnum):
    """bCSWStatus (table 5.3)."""

    PASSED = 0
    FAILED = 1
    PHASE_ERROR = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandWrapper:
    """CBW (5.1): what the host asks and how much data it expects to move."""

    tag: int
    length: int  # bytes of the data phase
    inbound: bool  # the data phase goes to the host; False where length is 0
    command: bytes  # the CDB, 1..16 bytes
    lun: int = 0

    def encode(self) -> bytes:
        """Return the 31 bytes. Raises FieldOutOfRangeError."""
        in_range("tag", self.tag, 0, 0xFFFF_FFFF)
        in_range("length", self.length, 0, MAX_LENGTH)
        in_range("lun", self.lun, 0, 15)
        in_range("command length", len(self.command), 1, 16)
        flags = 0x80 if self.inbound else 0
        size = len(self.command)
        return _CBW.pack(_CBW_SIGNATURE, self.tag, self.length, flags, self.lun, size, self.command)


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusWrapper:
    """CSW (5.2): how the command with this tag ended."""

    tag: int
    residue: int  # bytes expected and not moved
    status: Status

    def encode(self) -> bytes:
        """Return the 13 bytes. Raises FieldOutOfRangeError."""
        in_range("tag", self.tag, 0, 0xFFFF_FFFF)
        in_range("residue", self.residue, 0, MAX_LENGTH)
        return _CSW.pack(_CSW_SIGNATURE, self.tag, self.residue, self.status)


def decode_command(data: bytes) -> CommandWrapper:
    """Return the CBW in ``data``; valid and meaningful as 6.2.1 and 6.2.2 demand.

    Raises:
        TruncatedMessageError, TrailingBytesError: not 31 bytes.
        WireError: another signature.
        FieldOutOfRangeError: reserved bits set, or a length that cannot be.
    """
    exactly("CBW", data, CBW_SIZE)
    signature, tag, length, flags, lun, size, command = _CBW.unpack(data)
    if signature != _CBW_SIGNATURE:
        raise WireError(f"CBW signature {signature.hex()}")
    if flags & 0x7F:
        raise FieldOutOfRangeError(f"CBW flags 0x{flags:02X} has reserved bits set")
    in_range("lun", lun, 0, 15)
    in_range("command length", size, 1, 16)
    if any(command[size:]):
        raise FieldOutOfRangeError("CBW has bytes after its command")
    return CommandWrapper(tag=tag, length=length, inbound=bool(flags), lun=lun, command=command[:size])


def decode_status(data: bytes) -> StatusWrapper:
    """Return the CSW in ``data`` (6.3). Tag and residue are for the caller to compare.

    Raises:
        TruncatedMessageError, TrailingBytesError: not 13 bytes.
        WireError: another signature.
        FieldOutOfRangeError: a status that is reserved.
    """
    exactly("CSW", data, CSW_SIZE)
    signature, tag, residue, status = _CSW.unpack(data)
    if signature != _CSW_SIGNATURE:
        raise WireError(f"CSW signature {signature.hex()}")
    in_range("status", status, 0, max(Status))
    return StatusWrapper(tag=tag, residue=residue, status=Status(status))
