"""What a USB mass-storage device says on the wire, and the same over USB/IP. Pure: bytes in, values out."""
