"""What can be wrong with bytes. Raised by codecs and sessions, never by framing."""


class WireError(ValueError):
    """The bytes do not form a message of this protocol."""


class TruncatedMessageError(WireError):
    """The body ends before its last field."""


class TrailingBytesError(WireError):
    """The body goes on after its last field."""


class FieldOutOfRangeError(WireError):
    """A field's value lies outside the range that the document gives it."""


class UnknownMessageError(WireError):
    """No message has this id. Carries the id, so that a newer peer is told from a broken one."""

    def __init__(self, message_id: int) -> None:
        super().__init__(f"unknown message id 0x{message_id:02X}")
        self.message_id = message_id
