"""What the core and a slot's worker say to each other: one request, one answer, in order.

Lines of JSON over a Unix socket pair; the read end of a copy's pipe travels beside its answer
(SCM_RIGHTS). In tests the same structs go through a plain call. The core believes none of it more
than it believes the camera: lengths are checked again where the bytes arrive.

An answer is the request's own answer struct or ``Failed``.
"""

from typing import TypeAlias

import msgspec


class _Message(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", forbid_unknown_fields=True):
    pass


class Capabilities(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a camera can tell and do; what it cannot is unknown, never zero."""

    clock_read: bool = False
    clock_set: bool = False
    battery: bool = False
    assign: bool = False
    disk_mode_switch: bool = False  # must be told to become a disk, and re-enumerates


class Clip(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file aboard, as its directory entry describes it. Names are claims, never paths of ours."""

    path: str  # "/DCIM/100MEDIA/CLIP0001.MP4"; undecodable units as \\udcXX escapes (surrogateescape)
    size: int  # bytes
    mtime: str  # camera's local time "2026-11-22T07:00:02", "" where the entry holds none
    first_cluster: int
    recording: bool = False  # grew between two listings: still being written


class Identify(_Message, frozen=True, tag="identify"):
    """Open the device and say what it is. Answered by Identified."""


class Identified(_Message, frozen=True, tag="identified"):
    driver: str  # "gat947" or "msc"
    mode: str  # "command" or "disk"
    serial: str  # product serial as the camera tells it, printable, at most 64 characters; may be ""
    usb_serial: str  # iSerialNumber, the same rules
    model: str
    vendor_id: int
    product_id: int
    interfaces: tuple[str, ...]  # "08/06/50": class/subclass/protocol of each interface
    descriptor_sha256: str  # of device and configuration descriptors
    capabilities: Capabilities


class ReadClock(_Message, frozen=True, tag="read-clock"):
    """Answered by ClockRead."""


class ClockRead(_Message, frozen=True, tag="clock-read"):
    local: str  # "2026-11-22T07:00:02.500": the camera's local time without zone
    resolution_ms: int


class SetClock(_Message, frozen=True, tag="set-clock"):
    local: str  # the same form, whole seconds. Answered by Done.


class ReadBattery(_Message, frozen=True, tag="read-battery"):
    """Answered by BatteryRead."""


class BatteryRead(_Message, frozen=True, tag="battery-read"):
    percent: int | None  # 0..100; None: the camera gave no usable number


class Assign(_Message, frozen=True, tag="assign"):
    user_no: str  # at most 6 ASCII characters. Answered by Done.


class EnterDisk(_Message, frozen=True, tag="enter-disk"):
    """Become a disk. Answered by Done; a camera with ``disk_mode_switch`` then leaves the bus and
    comes back as a disk after 0-10 s: the core waits for that and starts a conversation anew."""


class ListClips(_Message, frozen=True, tag="list-clips"):
    """Answered by ClipsListed."""


class ClipsListed(_Message, frozen=True, tag="clips-listed"):
    filesystem: str  # "fat12" "fat16" "fat32" "exfat"
    volume_id: str  # 8 hex digits
    cluster_size: int  # bytes
    free_bytes: int
    total_bytes: int
    clips: tuple[Clip, ...]  # every regular file on the card, at most 65,536
    problems: tuple[str, ...]  # damage found while listing, a sentence each, at most 100
    complete: bool  # False: damage or a bound kept entries from being listed; never clear then


class Copy(_Message, frozen=True, tag="copy"):
    """Send a clip's bytes from ``offset`` into a pipe. Answered by CopyStarted, then by CopyEnded."""

    clip: Clip
    offset: int = 0


class CopyStarted(_Message, frozen=True, tag="copy-started"):
    """The pipe's read end comes with this answer."""


class Gap(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Bytes that could not be read; zeros stand in their place."""

    offset: int
    size: int


class CopyEnded(_Message, frozen=True, tag="copy-ended"):
    sent: int  # bytes written into the pipe
    gaps: tuple[Gap, ...] = ()  # not empty: DAMAGED


class Fingerprint(_Message, frozen=True, tag="fingerprint"):
    """Hash of the first and the last MiB: recognises a clip, proves nothing. → FingerprintRead."""

    clip: Clip


class FingerprintRead(_Message, frozen=True, tag="fingerprint-read"):
    sha256: str


class Clear(_Message, frozen=True, tag="clear"):
    """Remove these clips from the card, each only if its entry still is exactly as described
    (path, size, mtime, first cluster). Answered by Cleared."""

    clips: tuple[Clip, ...]


class Cleared(_Message, frozen=True, tag="cleared"):
    cleared: tuple[str, ...]  # paths
    refused: tuple[str, ...]  # paths whose entry changed or was not found
    free_bytes_before: int
    free_bytes_after: int
    free_bytes_expected: int


class Done(_Message, frozen=True, tag="done"):
    """It is done and there is nothing to tell."""


class Failed(_Message, frozen=True, tag="failed"):
    code: int  # number of an edged.errors.ErrorCode
    detail: dict[str, str | int | float | bool]


class Greeting(_Message, frozen=True, tag="greeting"):
    """A worker that came by itself: first line on its line of life, see `lifeline`."""

    connection: str  # tells two plug-ins on its port apart; printable, at most 100 characters


class Converse(_Message, frozen=True, tag="converse"):
    """The core's: beside it comes one end of a socket pair, on which the next conversation is held."""


class Leaving(_Message, frozen=True, tag="leaving"):
    """The worker was told to end, because its device has left. Last line on its line of life."""


Request: TypeAlias = (
    Identify
    | ReadClock
    | SetClock
    | ReadBattery
    | Assign
    | EnterDisk
    | ListClips
    | Copy
    | Fingerprint
    | Clear
)
Answer: TypeAlias = (
    Identified
    | ClockRead
    | BatteryRead
    | ClipsListed
    | CopyStarted
    | CopyEnded
    | FingerprintRead
    | Cleared
    | Done
    | Failed
)
