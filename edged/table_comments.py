"""Comments beside the members of a table, for the pages made from it: the source is their only home."""

import io
import tokenize
from pathlib import Path


def comments_of(path: Path) -> dict[str, str]:
    """Return ``NAME`` -> comment for every line ``NAME = …  # comment`` inside a class of the module."""
    notes: dict[str, str] = {}
    name = ""
    for token in tokenize.generate_tokens(io.StringIO(path.read_text("utf-8")).readline):
        if token.type == tokenize.NAME and token.line[: token.start[1]] == "    ":
            name = token.string
        elif token.type == tokenize.COMMENT and name and token.line.lstrip().startswith(f"{name} ="):
            notes[name] = token.string.removeprefix("#").strip()
    return notes
