"""An ASC MHL history (Media Hash List, version 2.0) of a bundle: what media laboratories check hashes with. Pure.

One generation, hashes in the C4 form (SMPTE ST 2114: SHA-512 in base 58). Source: specification ASC MHL 2.0.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from xml.sax.saxutils import escape

_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_DIGITS = 88  # of a SHA-512 in base 58
FOLDER = "ascmhl"
CHAIN = f"{FOLDER}/ascmhl_chain.xml"


@dataclass(frozen=True, slots=True)
class Hashed:
    """A file of the bundle, as its hash was taken."""

    name: str
    size: int
    sha512: bytes


def c4(sha512: bytes) -> str:
    """Return a SHA-512 as C4 id."""
    number, digits = int.from_bytes(sha512), ""
    while number:
        number, digit = divmod(number, 58)
        digits = _ALPHABET[digit] + digits
    return "c4" + digits.rjust(_DIGITS, _ALPHABET[0])


def history(folder: str, files: Iterable[Hashed], made: datetime, tool: str) -> dict[str, bytes]:
    """Return the files of the history: its one generation and the chain.

    Args:
        folder: name of the bundle's folder.
        made: moment, in UTC.
        tool: who made it, with its version: ``edged 1.0``.
    """
    name = f"0001_{folder}_{made:%Y-%m-%d_%H%M%S}Z.mhl"
    generation = _generation(files, made, tool).encode()
    chain = _CHAIN.format(name=escape(name), c4=c4(hashlib.sha512(generation).digest()))
    return {f"{FOLDER}/{name}": generation, CHAIN: chain.encode()}


_HEAD = """\
<?xml version="1.0" encoding="UTF-8"?>
<hashlist version="2.0" xmlns="urn:ASC:MHL:v2.0">
  <creatorinfo>
    <creationdate>{moment}</creationdate>
    <hostname>{tool}</hostname>
    <tool version="{version}">{tool}</tool>
  </creatorinfo>
  <processinfo>
    <process>in-place</process>
    <ignore>
      <pattern>.DS_Store</pattern>
      <pattern>ascmhl</pattern>
      <pattern>ascmhl/</pattern>
    </ignore>
  </processinfo>
  <hashes>
"""
_FILE = """\
    <hash>
      <path size="{size}">{name}</path>
      <c4 action="original" hashdate="{moment}">{c4}</c4>
    </hash>
"""
_CHAIN = """\
<?xml version="1.0" encoding="UTF-8"?>
<ascmhldirectory xmlns="urn:ASC:MHL:DIRECTORY:v2.0">
  <hashlist sequencenr="1">
    <path>{name}</path>
    <c4>{c4}</c4>
  </hashlist>
</ascmhldirectory>
"""


def _generation(files: Iterable[Hashed], made: datetime, tool: str) -> str:
    moment = f"{made:%Y-%m-%dT%H:%M:%S}+00:00"
    name, _, version = tool.partition(" ")
    head = _HEAD.format(moment=moment, tool=escape(name), version=escape(version))
    rows = (
        _FILE.format(size=one.size, name=escape(one.name), moment=moment, c4=c4(one.sha512))
        for one in sorted(files, key=lambda one: one.name)
    )
    return "".join((head, *rows, "  </hashes>\n</hashlist>\n"))
