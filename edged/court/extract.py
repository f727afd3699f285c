"""Lines of the ledger about one camera, issue or person, each with its place in the signed tree. Pure.

For an internal inspection (459-V.4-inspection) and an audit (459-II.5-audit): it shows that these lines stand in the
ledger, word for word. That they are all there are, only the whole ledger shows.
"""

import base64
from collections.abc import Iterable, Sequence

from edged.formats import document, merkle
from edged.formats.line import Line

TYPE = "edged/extract/v1"


def extract(about: str, lines: Iterable[Line], leaves: Sequence[bytes], checkpoint: bytes) -> bytes:
    """Return the file: a head, then a row for each line.

    Args:
        about: what was asked for, in words.
        lines: those below the checkpoint's size, any order.
        leaves: leaf hashes of all lines that the checkpoint covers.
        checkpoint: the signed note.

    Raises:
        ValueError: a line that the checkpoint does not cover.
    """
    by_index = {line.seq: line for line in lines}
    paths = merkle.inclusion_proofs(leaves, sorted(by_index))
    head = {"type": TYPE, "about": about, "size": len(leaves), "checkpoint": checkpoint.decode()}
    rows = [document.encode(head)]
    for index, path in paths.items():
        steps = [base64.b64encode(node).decode() for node in path]
        rows.append(document.encode({"index": index, "path": steps, "line": by_index[index].raw.decode()}))
    return b"".join(row + b"\n" for row in rows)
