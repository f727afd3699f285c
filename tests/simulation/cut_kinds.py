"""What a call of a file system belongs to, told by who makes it and where."""

import re
from collections.abc import Mapping, Sequence
from typing import Literal

Machine = Literal["host", "centre"]

START, OFFLOAD = "start and recovery", "offload"
LINE, CARD, LOCK, DELIVERY = "line durable", "clear", "unlock", "delivery"
"""Moments of the host that are no calls of its file system: see `cut_site`."""
OTHER = "other"

_KINDS: Mapping[Machine, Sequence[tuple[str, str]]] = {
    "host": (
        ("edged-sync .* /inbox/.?status", "courier's status"),
        ("edged-sync .* /inbox", "courier's inbox"),
        ("edged .* /state/ledger/checkpoints", "checkpoint"),
        ("edged (write_at|sync_data) /state/ledger/", "ledger append"),
        ("edged .* /state/ledger", "rotation"),
        ("edged .* /state/countersigned", "countersignature"),
        ("edged .* /state/roster", "roster copy"),
        ("edged .* /vault/.*/receipt.note", "receipt"),
        ("edged .* /vault/.*/manifest.note", "manifest"),
        ("edged .* /vault", OFFLOAD),
    ),
    "centre": (
        ("edged-sync .* /home/status", "arrival of a status"),
        ("edged-sync .* /home/ledger", "arrival of the ledger"),
        ("edged-sync .* /home", "arrival of a recording"),
        ("intake .* /home/receipts/checkpoints", "countersign"),
        ("intake .* /store/[^/]+/ledger/checkpoints", "countersign"),
        ("intake .* /home/receipts", "receipts"),
        ("intake .*/.?receipt.note", "receipts"),
        ("intake .*/recordings", "recording intake"),
        ("intake .*/(ledger|.?intake.json)", "ledger intake"),
        ("intake ", "folders of the intake"),
    ),
}
KINDS: Mapping[Machine, tuple[str, ...]] = {
    "host": (START, *dict.fromkeys(kind for _, kind in _KINDS["host"]), LINE, CARD, LOCK, DELIVERY),
    "centre": tuple(dict.fromkeys(kind for _, kind in _KINDS["centre"])),
}
"""All that a story has to meet."""


class Kinds:
    """Names the kind of one machine's calls; to be told of all of them."""

    def __init__(self, machine: Machine) -> None:
        self._table = [(re.compile(pattern), kind) for pattern, kind in _KINDS[machine]]
        self._in_folder: dict[str, str] = {}

    def of(self, process: str, call: str, path: str) -> str:
        """A folder is synced for the sake of what was last done in it."""
        if call == "sync_dir" and path in self._in_folder:
            return self._in_folder[path]
        words = f"{process} {call} {path}"
        kind = next((kind for pattern, kind in self._table if pattern.match(words)), OTHER)
        self._in_folder[path.rpartition("/")[0]] = kind
        return kind
