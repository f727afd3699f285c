"""A USB bus without USB: devices that answer byte for byte, behind USB/IP. See README.md."""
