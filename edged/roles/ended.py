"""Checks what a worker says at the end of a copy before it is believed. Pure."""

from dataclasses import replace

from drivers.worker.messages import CopyEnded
from edged.errors import CameraError, ErrorCode
from edged.vault.sealing import Sealed

MAX_GAPS = 10_000  # as many holes as nobody will look through one by one


def checked(sealed: Sealed, ended: CopyEnded, start: int, size: int) -> Sealed:
    """Return ``sealed`` with the gaps that the worker names.

    Args:
        start: offset from which the worker was asked to send.
        size: of the clip as listed.

    Raises:
        CameraError: CAMERA_PROTOCOL: it counts otherwise than the sealer, or its gaps do not lie in
            order within what it sent. A copy whose map of damage is wrong is not sealed.
    """
    if (ended.sent, sealed.size) != (sealed.received, size):
        raise CameraError(
            ErrorCode.CAMERA_PROTOCOL, why="counts differ", sent=ended.sent, received=sealed.received
        )
    if len(ended.gaps) > MAX_GAPS:
        raise CameraError(ErrorCode.CAMERA_PROTOCOL, why="too many gaps", gaps=len(ended.gaps))
    end = start
    for gap in ended.gaps:
        if gap.size <= 0 or gap.offset < end or gap.offset + gap.size > size:
            raise CameraError(
                ErrorCode.CAMERA_PROTOCOL, why="impossible gap", offset=gap.offset, size=gap.size
            )
        end = gap.offset + gap.size
    return replace(sealed, gaps=ended.gaps)
