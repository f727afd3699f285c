"""The Merkle tree of RFC 6962, section 2.1, with SHA-256: roots, proofs and their verification.

Leaves and inner nodes are hashed with different first bytes (0x00, 0x01), so that neither can be
passed off as the other. Everything here works on leaf hashes; `leaf_hash` makes them.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from functools import partial

HASH_SIZE = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf_hash(data: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


class Tree:
    """A growing tree that remembers only the roots of its full subtrees: at most 64 hashes."""

    def __init__(self) -> None:
        self.size = 0
        self._peaks: list[bytes] = []  # from the largest full subtree to the smallest

    def append(self, leaf: bytes) -> None:
        """Add one leaf hash at the end."""
        node, position = leaf, self.size
        while position & 1:
            node = node_hash(self._peaks.pop(), node)
            position >>= 1
        self._peaks.append(node)
        self.size += 1

    def root(self) -> bytes:
        if not self._peaks:
            return EMPTY_ROOT
        node = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            node = node_hash(peak, node)
        return node

    def peaks(self) -> tuple[bytes, ...]:
        """With ``size``, all that is needed to go on from here (`resume`)."""
        return tuple(self._peaks)

    @classmethod
    def resume(cls, size: int, peaks: Sequence[bytes]) -> "Tree":
        """The tree that had these `peaks`. Raises ValueError if a tree of that size has another number.

        The caller compares `root` with a signed one: wrong hashes give another root.
        """
        if size < 0 or len(peaks) != size.bit_count() or any(len(p) != HASH_SIZE for p in peaks):
            raise ValueError("peaks do not fit the size")
        tree = cls()
        tree.size, tree._peaks = size, list(peaks)
        return tree


def root_of(leaves: Iterable[bytes]) -> bytes:
    tree = Tree()
    for leaf in leaves:
        tree.append(leaf)
    return tree.root()


def inclusion_proof(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """Return the audit path of leaf ``index`` in the tree over all of ``leaves`` (RFC 6962 2.1.1)."""
    return _path(index, len(leaves), partial(_subtree, leaves))


def inclusion_proofs(leaves: Sequence[bytes], indexes: Iterable[int]) -> dict[int, list[bytes]]:
    """Return the audit paths of many leaves at once: every subtree is hashed once only."""
    known: dict[tuple[int, int], bytes] = {}

    def subtree(low: int, high: int) -> bytes:
        if high - low == 1:
            return leaves[low]
        if (low, high) not in known:
            middle = low + _split(high - low)
            known[(low, high)] = node_hash(subtree(low, middle), subtree(middle, high))
        return known[(low, high)]

    return {index: _path(index, len(leaves), subtree) for index in indexes}


def _path(index: int, size: int, subtree: Callable[[int, int], bytes]) -> list[bytes]:
    if not 0 <= index < size:
        raise ValueError("no such leaf")
    path: list[bytes] = []
    low, high = 0, size
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            path.append(subtree(middle, high))
            high = middle
        else:
            path.append(subtree(low, middle))
            low = middle
    return path[::-1]


def consistency_proof(leaves: Sequence[bytes], old_size: int) -> list[bytes]:
    """Return the proof that the first ``old_size`` leaves are a prefix of ``leaves`` (RFC 6962 2.1.2)."""
    if not 0 < old_size <= len(leaves):
        raise ValueError("no such older tree")
    path: list[bytes] = []
    low, high, whole = 0, len(leaves), True
    while old_size != high:
        middle = low + _split(high - low)
        if old_size <= middle:
            path.append(_subtree(leaves, middle, high))
            high = middle
        else:
            path.append(_subtree(leaves, low, middle))
            low, whole = middle, False
    if not whole:
        path.append(_subtree(leaves, low, high))
    return path[::-1]


def is_included(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Whether ``path`` proves that ``leaf`` is number ``index`` of the tree (RFC 9162 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    number, last, node = index, size - 1, leaf
    for sibling in path:
        if last == 0 or len(sibling) != HASH_SIZE:
            return False
        if number & 1 or number == last:
            node = node_hash(sibling, node)
            while not number & 1 and number:
                number, last = number >> 1, last >> 1
        else:
            node = node_hash(node, sibling)
        number, last = number >> 1, last >> 1
    return last == 0 and node == root


def is_consistent(old_size: int, size: int, old_root: bytes, root: bytes, path: Sequence[bytes]) -> bool:
    """Whether ``path`` proves that the old tree is a prefix of the new one (RFC 9162 2.1.4.2)."""
    if old_size == size:
        return not path and old_root == root
    if not 0 < old_size < size or any(len(node) != HASH_SIZE for node in path):
        return False
    nodes = [old_root, *path] if old_size & (old_size - 1) == 0 else list(path)
    if not nodes:
        return False
    number, last = old_size - 1, size - 1
    while number & 1:
        number, last = number >> 1, last >> 1
    old = new = nodes[0]
    for sibling in nodes[1:]:
        if last == 0:
            return False
        if number & 1 or number == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while not number & 1 and number:
                number, last = number >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        number, last = number >> 1, last >> 1
    return last == 0 and old == old_root and new == root


def _split(size: int) -> int:
    """The largest power of two below ``size``."""
    return 1 << (size - 1).bit_length() - 1


def _subtree(leaves: Sequence[bytes], low: int, high: int) -> bytes:
    return root_of(leaves[i] for i in range(low, high))
