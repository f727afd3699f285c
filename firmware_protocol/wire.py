"""Turns annotated dataclasses into codecs.

A message is a frozen dataclass whose annotations say how each field lies on the wire:

    vbus: Annotated[int, U16("mV", 0, 20_000)]

The static type stays ``int``, ``bytes``, ``str`` or the enum, so callers see ordinary dataclasses.
Integers are little-endian. Variable fields carry a length byte and an upper bound. Encoding refuses
what does not fit; nothing is clipped. Messages of different devices live in different sets.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Annotated, Any, ClassVar, Protocol, TypeAlias, TypeVar, get_type_hints

from firmware_protocol.errors import (
    FieldOutOfRangeError,
    TrailingBytesError,
    TruncatedMessageError,
    UnknownMessageError,
)


class Wire(Protocol):
    """How one field lies on the wire."""

    def put(self, name: str, value: Any) -> bytes: ...

    def take(self, name: str, data: bytes, at: int) -> tuple[Any, int]:
        """Return the value at ``at`` and where the next field begins."""
        ...


def _slice(name: str, data: bytes, at: int, size: int) -> bytes:
    if at + size > len(data):
        raise TruncatedMessageError(f"{name}: {len(data) - at} of {size} bytes")
    return data[at : at + size]


@dataclass(frozen=True, slots=True)
class Number:
    """An integer of fixed size with unit and range."""

    size: int
    signed: bool
    unit: str
    low: int
    high: int

    def put(self, name: str, value: Any) -> bytes:
        number = int(value)
        self._check(name, number)
        return number.to_bytes(self.size, "little", signed=self.signed)

    def take(self, name: str, data: bytes, at: int) -> tuple[int, int]:
        number = int.from_bytes(_slice(name, data, at, self.size), "little", signed=self.signed)
        self._check(name, number)
        return number, at + self.size

    def _check(self, name: str, number: int) -> None:
        if not self.low <= number <= self.high:
            raise FieldOutOfRangeError(
                f"{name}={number}{self.unit} is outside {self.low}..{self.high}{self.unit}"
            )


def U8(unit: str = "", low: int = 0, high: int = 0xFF) -> Number:  # noqa: N802  # reads as a type
    return Number(1, False, unit, low, high)


def U16(unit: str = "", low: int = 0, high: int = 0xFFFF) -> Number:  # noqa: N802  # reads as a type
    return Number(2, False, unit, low, high)


def U32(unit: str = "", low: int = 0, high: int = 0xFFFF_FFFF) -> Number:  # noqa: N802  # reads as a type
    return Number(4, False, unit, low, high)


def I16(unit: str = "", low: int = -0x8000, high: int = 0x7FFF) -> Number:  # noqa: N802  # reads as a type
    return Number(2, True, unit, low, high)


@dataclass(frozen=True, slots=True)
class Octets:
    """``low`` to ``high`` bytes; a length byte stands before them unless the size is fixed."""

    low: int
    high: int

    def put(self, name: str, value: Any) -> bytes:
        octets = bytes(value)
        self._check(name, len(octets))
        return octets if self.low == self.high else bytes([len(octets)]) + octets

    def take(self, name: str, data: bytes, at: int) -> tuple[bytes, int]:
        size = self.low
        if self.low != self.high:
            size, at = _slice(name, data, at, 1)[0], at + 1
            self._check(name, size)
        return _slice(name, data, at, size), at + size

    def _check(self, name: str, size: int) -> None:
        if not self.low <= size <= self.high:
            raise FieldOutOfRangeError(f"{name}: {size} bytes, allowed {self.low}..{self.high}")


@dataclass(frozen=True, slots=True)
class Text:
    """Up to ``high`` printable ASCII characters after a length byte: safe to log as it is."""

    high: int

    def put(self, name: str, value: Any) -> bytes:
        self._check(name, str(value))
        return Octets(0, self.high).put(name, str(value).encode("ascii"))

    def take(self, name: str, data: bytes, at: int) -> tuple[str, int]:
        octets, at = Octets(0, self.high).take(name, data, at)
        text = octets.decode("latin-1")
        self._check(name, text)
        return text, at

    def _check(self, name: str, text: str) -> None:
        if not (text.isascii() and text.isprintable()):
            raise FieldOutOfRangeError(f"{name}: {text[:40]!a} is not printable ASCII")


Flag: TypeAlias = Annotated[bool, U8("", 0, 1)]


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    wire: Wire
    convert: Callable[[Any], Any]  # the field's static type: int, bool, bytes, str or an enum


class Message:
    """Base of every message. Subclasses are frozen dataclasses made known by a MessageSet."""

    __slots__ = ()
    ID: ClassVar[int]
    SOURCE: ClassVar[str]
    LAYOUT: ClassVar[tuple[Field, ...]]


M = TypeVar("M", bound=type[Message])


class MessageSet:
    """The messages that one kind of device and its host exchange, told apart by their first byte."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._by_id: dict[int, type[Message]] = {}

    def message(self, message_id: int, *, source: str) -> Callable[[M], M]:
        """Register a message class.

        Args:
            message_id: first byte of the message, 0..255, unique in the set.
            source: chapter of the protocol document that defines it.
        """

        def register(cls: M) -> M:
            if message_id in self._by_id:
                raise RuntimeError(f"0x{message_id:02X} is {self._by_id[message_id].__name__} already")
            cls.ID, cls.SOURCE, cls.LAYOUT = message_id, source, _layout(cls)
            self._by_id[message_id] = cls
            return cls

        return register

    def encode(self, msg: Message) -> bytes:
        """Return the id byte, then the fields in order of declaration.

        Raises:
            FieldOutOfRangeError: a field's value does not fit.
            TypeError: the message belongs to another set.
        """
        if self._by_id.get(msg.ID) is not type(msg):
            raise TypeError(f"{type(msg).__name__} is not a message of {self.name}")
        parts = [field.wire.put(field.name, getattr(msg, field.name)) for field in msg.LAYOUT]
        return bytes([msg.ID]) + b"".join(parts)

    def decode(self, data: bytes) -> Message:
        """Return the message in ``data``. ``decode(encode(m)) == m`` for every valid ``m``.

        Raises:
            UnknownMessageError: the id is not in this set.
            TruncatedMessageError, TrailingBytesError, FieldOutOfRangeError: the body is malformed.
        """
        if not data:
            raise TruncatedMessageError("empty message")
        cls = self._by_id.get(data[0])
        if cls is None:
            raise UnknownMessageError(data[0])
        values: dict[str, Any] = {}
        at = 1
        for field in cls.LAYOUT:
            raw, at = field.wire.take(field.name, data, at)
            try:
                values[field.name] = field.convert(raw)
            except ValueError as exc:  # an enum member that this version does not know
                raise FieldOutOfRangeError(f"{cls.__name__}.{field.name}: {exc}") from exc
        if at != len(data):
            raise TrailingBytesError(f"{cls.__name__}: {len(data) - at} bytes after the last field")
        return cls(**values)

    def all(self) -> tuple[type[Message], ...]:
        """Every registered message, by id. For tests and for the table of the protocol document."""
        return tuple(self._by_id[i] for i in sorted(self._by_id))


def _layout(cls: type[Message]) -> tuple[Field, ...]:
    hints = get_type_hints(cls, include_extras=True)
    layout = []
    for f in fields(cls):  # type: ignore[arg-type]  # every message is a dataclass
        (wire,) = hints[f.name].__metadata__
        layout.append(Field(f.name, wire, hints[f.name].__origin__))
    return tuple(layout)
