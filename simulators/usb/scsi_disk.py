"""The SCSI side of a USB disk: commands in; data, a place for data, or a sense code out."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from firmware_protocol.errors import UnknownMessageError, WireError
from firmware_protocol.usb import scsi
from simulators.usb.device import Buffer
from simulators.usb.disk import SECTOR, CheckConditionError, Disk

MAX_COUNT = 0x10000
"""Sectors of one command, 32 MiB: as many as READ(10) can ask for."""


@dataclass(frozen=True, slots=True)
class DataIn:
    """Bytes for the host; with ``sense`` the command fails after them."""

    data: Buffer
    sense: scsi.Sense | None = None
    card: bool = False  # they come from the card: counted by pulls, slowed by slow cards


@dataclass(frozen=True, slots=True)
class DataOut:
    """The device takes ``size`` bytes; ``sink(offset, data)`` gets them in order, in whole units."""

    size: int
    sink: Callable[[int, Buffer], None]
    unit: int
    card: bool = False


@dataclass(frozen=True, slots=True)
class NoData:
    """Done. ``then`` happens once the host has the status."""

    then: Callable[[], None] | None = None


Answer: TypeAlias = DataIn | DataOut | NoData


class Target(Protocol):
    """What sits behind the bulk-only transport."""

    def execute(self, cdb: bytes) -> Answer:
        """Carry out a command. Raises CheckConditionError: see ``sense``; Gone."""
        ...


class ScsiDisk:
    """A removable disk, or with ``disk=None`` a slot without a medium."""

    def __init__(self, inquiry: scsi.InquiryData, disk: Disk | None) -> None:
        self._inquiry = inquiry
        self.disk = disk
        self.sense = scsi.NOTHING_WRONG
        self.stopped = False
        self._attention = True  # power came on: the first command that may is refused (SAM-5 5.14)

    def execute(self, cdb: bytes) -> Answer:
        """See Target. A failed command's sense is kept until it is asked for, as SAM-5 says."""
        try:
            command = self._decode(cdb)
            if isinstance(command, scsi.RequestSense):
                sense, self.sense = self.sense, scsi.NOTHING_WRONG
                return DataIn(sense.encode()[: command.allocation])
            self.sense = scsi.NOTHING_WRONG
            return self._execute(command)
        except CheckConditionError as exc:
            self.sense = exc.sense
            raise

    def failed_late(self, sense: scsi.Sense) -> None:
        """A data phase that had begun has failed."""
        self.sense = sense

    def _decode(self, cdb: bytes) -> scsi.Command:
        try:
            return scsi.decode_command(cdb)
        except UnknownMessageError as exc:
            raise CheckConditionError(scsi.INVALID_OPERATION) from exc
        except WireError as exc:
            raise CheckConditionError(scsi.INVALID_FIELD) from exc

    def _execute(self, command: scsi.Command) -> Answer:
        match command:
            case scsi.Inquiry(allocation):
                return DataIn(self._inquiry.encode()[:allocation])
            case _ if self._attention:
                self._attention = False
                raise CheckConditionError(scsi.POWERED_ON)
            case scsi.PreventAllowRemoval():
                return NoData()
            case scsi.StartStopUnit(start, _):
                self.stopped = not start
                return NoData()
            case _:
                return self._with_medium(command, self._medium())

    def _medium(self) -> Disk:
        if self.disk is None or self.stopped:
            raise CheckConditionError(scsi.NO_MEDIUM)
        return self.disk

    def _with_medium(self, command: scsi.Command, disk: Disk) -> Answer:
        match command:
            case scsi.ReadCapacity10():
                return DataIn(_capacity(disk).encode_10())
            case scsi.ReadCapacity16(allocation):
                return DataIn(_capacity(disk).encode_16()[:allocation])
            case scsi.ModeSense6(_, allocation):
                header = scsi.ModeHeader(write_protected=disk.write_protected)
                return DataIn(header.encode()[:allocation])
            case scsi.Read10(lba, count) | scsi.Read16(lba, count):
                _bounded(count)
                data, sense = disk.read(lba, count)
                return DataIn(data, sense, card=True)
            case scsi.Write10(lba, count) | scsi.Write16(lba, count):
                return _write(disk, lba, count)
            case scsi.SynchronizeCache10():
                disk.flush()
                return NoData()
            case _:  # TEST UNIT READY: there is a medium
                return NoData()


def _capacity(disk: Disk) -> scsi.Capacity:
    return scsi.Capacity(sectors=disk.sectors, sector_size=disk.sector_size)


def _bounded(count: int) -> None:
    if count > MAX_COUNT:
        raise CheckConditionError(scsi.INVALID_FIELD)


def _write(disk: Disk, lba: int, count: int) -> Answer:
    if count == 0:
        return NoData()
    _bounded(count)
    if disk.write_protected:
        raise CheckConditionError(scsi.WRITE_PROTECTED)
    if lba + count > disk.sectors:
        raise CheckConditionError(scsi.LBA_OUT_OF_RANGE)

    def sink(offset: int, data: Buffer) -> None:
        disk.write(lba + offset // SECTOR, data)

    return DataOut(count * SECTOR, sink, unit=SECTOR, card=True)
