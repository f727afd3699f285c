"""GA/T 947 cameras over SCSI vendor commands on a USB disk. Pure: bytes in, values out. See PROTOCOL.md."""
