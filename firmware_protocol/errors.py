"""What can be wrong with bytes from a device. Only codecs raise these."""


class WireError(ValueError):
    """These bytes are not what this protocol allows."""


class TruncatedMessageError(WireError):
    """Bytes are missing at the end."""


class TrailingBytesError(WireError):
    """Bytes are left over at the end."""


class FieldOutOfRangeError(WireError):
    """A value lies outside the range that its document gives it."""


class UnknownMessageError(WireError):
    """Nothing has this number. It is kept, so that a newer device can be told from a broken one."""

    def __init__(self, message_id: int) -> None:
        super().__init__(f"unknown message id 0x{message_id:02X}")
        self.message_id = message_id
