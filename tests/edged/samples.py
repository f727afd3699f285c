"""A small sound configuration, and its pieces to break."""

from edged.formats.note import Signer

AUTHORITY = Signer.from_seed("authority", b"a" * 32)
CENTRE = Signer.from_seed("centre", b"c" * 32)

CONFIG = f"""\
# Post 1
[station]
id = "post-1"

[keys]
authority = "{AUTHORITY.verifier}"
centre = "{CENTRE.verifier}"

[vault]
path = "/srv/vault"

[access]
roster = "/etc/edged/roster.note"
grant_open_s = 15

[sync]
host = "centre.example"
user = "post-1"
key_file = "/etc/edged/courier.key"
host_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"

[[dock]]
name = "A"
controller = "/dev/serial/by-path/a"
controller_key = "/etc/edged/a.key"
reader = "/dev/serial/by-path/ra"
reader_key = "/etc/edged/ra.key"
slots = [
    {{ label = 1, port = "1-1.1", controller_slot = 1 }},
    {{ label = 2, port = "1-1.2", controller_slot = 2 }},
]

[[dock]]
name = "B"
controller = "/dev/serial/by-path/b"
controller_key = "/etc/edged/b.key"
slots = [
    {{ label = 3, port = "1-2.1", controller_slot = 1 }},
]

[[camera]]
serial = "CAM0001"
inventory_number = "101450001"
driver = "gat947"

[[camera]]
serial = "CAM0002"
inventory_number = "101450002"
driver = "msc"
"""
