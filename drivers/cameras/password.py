"""The station's password for GA/T 947 cameras, as its file holds it."""

from edged.errors import EdgeError, ErrorCode

LIMIT = 16  # bytes of the camera's password field: firmware_protocol/gat947/PROTOCOL.md


def parse_password(data: bytes) -> str:
    """Return the password in a file's content, without the blanks and the end of line around it.

    Raises:
        EdgeError: KEY_UNUSABLE; never with the password in it.
    """
    found = data.strip()
    if not found or len(found) > LIMIT or not all(0x21 <= byte <= 0x7E for byte in found):
        raise EdgeError(
            ErrorCode.KEY_UNUSABLE, reason=f"not a password of 1-{LIMIT} ASCII letters and digits"
        )
    return found.decode("ascii")
