"""Foreign text made fit for eyes: terminals, journals, pages. Pure.

Names of cameras, clips and badges, and every reason out of a library, come from outside. Nothing of theirs may
move a cursor, turn the reading direction, forge a line or fill a disk. The original is kept where it is evidence.
"""

import unicodedata

CAP = 300  # characters
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def printable(text: str, cap: int = CAP) -> str:
    """Return ``text`` on one line: what is not visible stands as ``\\xNN`` or ``\\uNNNN``, the end past
    ``cap`` characters as ``…``. A backslash is doubled, so that nothing can pass for an escape."""
    shown = "".join(_shown(c) for c in text[: cap + 1])
    return shown if len(text) <= cap and len(shown) <= 2 * cap else f"{shown[:cap]}…"


def _shown(c: str) -> str:
    if c == "\\":
        return "\\\\"
    if c != " " and (unicodedata.category(c) in _HIDDEN or c.isspace()):
        code = ord(c)
        return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x1_0000 else f"\\U{code:08x}"
    return c
