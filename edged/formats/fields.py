"""Kinds of values that several documents share, with the bounds that reading them enforces."""

from collections import Counter
from collections.abc import Iterable
from typing import Annotated, Literal

import msgspec

from edged.errors import FormatError
from edged.formats import times

Hex64 = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]
RecordingId = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{32}\Z")]
Size = Annotated[int, msgspec.Meta(ge=0, le=2**62)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=300)]
Time = Annotated[str, msgspec.Meta(pattern=rf"^{times.PATTERN}\Z")]
Day = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")]

# Parts of paths: what a document may say here is all that a reader may join to a folder of its own.
Folder = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{4}/[0-9]{2}/[0-9]{2}\Z")]
FileName = Annotated[str, msgspec.Meta(pattern=r"^content\.[a-z0-9]{1,8}\Z")]

ServerLevel = Literal["local", "central"]  # Order 459, I.3: a server of the local or the central level


def require_once(what: str, values: Iterable[str]) -> None:
    """Raises FormatError: one of them is there twice."""
    for value, count in Counter(values).items():
        if count > 1:
            raise FormatError(reason=f"one {what} twice", value=value[:16], count=count)
