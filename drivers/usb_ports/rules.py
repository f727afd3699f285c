"""The udev rules that keep the dock's ports shut, made from the slot map. Pure.

udev applies them to every device of the dock's host controllers before anything of ours runs, at boot as well:

1. a root hub leaves what will be plugged in below it unauthorised, and so its interfaces;
2. what is in a slot stays so (what the kernel had enumerated before udev ran is shut), gets a link by its slot, belongs
   to the workers' group, and starts the slot's worker; nobody else is to touch it;
3. of a slot's disk, should the kernel ever show one, udisks and what mounts by itself keep off;
4. everything else there (the dock's own hubs, its controller's serial line) is authorised and probed as ever.

Devices of other controllers are not touched.

Who keeps off because of what, and where it looks: ModemManager, `ID_MM_DEVICE_IGNORE` of the USB device (its manual,
"Common udev tags"); libmtp's `69-libmtp.rules`, which would speak to the device, `MTP_NO_PROBE`, and `ID_MTP_DEVICE` of
its list of devices; gphoto2 and the volume monitors of gvfs, `ID_GPHOTO2` of `60-libgphoto2`; udisks, `UDISKS_*` of the
block device. So the file's number lies between 60 and 69: FILE_NAME.
"""

from collections.abc import Iterator, Mapping

from drivers.usb_ports.id_path import IdPath

GROUP = "edged-slot"
FILE_NAME = "68-edged.rules"

_HEAD = """\
# Made from the slot map of the station's configuration. Changes are lost: change the map.
SUBSYSTEM!="usb|block", GOTO="edged_end"
"""
_SLOT = (
    f'ENV{{DEVTYPE}}=="usb_device", ENV{{EDGED_SLOT}}=="?*", GROUP="{GROUP}", MODE="0660", '
    'TAG+="systemd", SYMLINK+="edged/slot-$env{EDGED_SLOT}", '
    'ENV{SYSTEMD_WANTS}+="edged-slot@$env{EDGED_SLOT}.service", '
    'ENV{ID_MM_DEVICE_IGNORE}="1", ENV{MTP_NO_PROBE}="1", '
    'ENV{ID_MTP_DEVICE}="", ENV{ID_MEDIA_PLAYER}="", ENV{ID_GPHOTO2}="", ENV{GPHOTO2_DRIVER}=""\n'
)
_TAIL = """\
SUBSYSTEM=="block", ENV{EDGED_SLOT}=="?*", \\
  ENV{UDISKS_IGNORE}="1", ENV{UDISKS_AUTO}="0", ENV{UDISKS_PRESENTATION_HIDE}="1"
SUBSYSTEM=="block", GOTO="edged_end"

# Beside SYSTEMD_WANTS: that start is refused while the worker of what just left is still being stopped.
ACTION=="add", ENV{DEVTYPE}=="usb_device", ENV{EDGED_SLOT}=="?*", \\
  RUN+="/bin/systemctl --no-block start edged-slot@$env{EDGED_SLOT}.service"
ACTION=="add", ENV{DEVTYPE}=="usb_device", ENV{EDGED_SLOT}=="?*", ATTR{authorized}="0"
# No module is loaded for what is in a slot: a driver that comes late would take what is open for the worker.
ENV{EDGED_SLOT}=="?*", ENV{MODALIAS}="", GOTO="edged_end"

ACTION!="add", GOTO="edged_end"
ENV{DEVTYPE}=="usb_device", ATTR{authorized}=="0", ATTR{authorized}="1"
ENV{DEVTYPE}=="usb_interface", ATTR{authorized}=="0", ATTR{authorized}="1", \\
  RUN+="/bin/sh -c 'echo $kernel > /sys/bus/usb/drivers_probe'"

LABEL="edged_end"
"""


def rules(slots: Mapping[int, IdPath]) -> str:
    """The text of the rules file."""
    return _HEAD + "".join(_controllers(slots)) + "".join(_slots(slots)) + _TAIL


def _controllers(slots: Mapping[int, IdPath]) -> Iterator[str]:
    for name in sorted({port.controller for port in slots.values()}):
        yield (
            f'ACTION=="add", KERNEL=="usb[0-9]*", KERNELS=="{name}", '
            'ATTR{authorized_default}="0", ATTR{interface_authorized_default}="0"\n'
        )
        yield f'KERNEL!="usb[0-9]*", KERNELS=="{name}", ENV{{EDGED_DOCK}}="1"\n'
    yield 'ENV{EDGED_DOCK}!="1", GOTO="edged_end"\n\nIMPORT{builtin}="path_id"\n'


def _slots(slots: Mapping[int, IdPath]) -> Iterator[str]:
    for label, port in sorted(slots.items()):
        yield f'ENV{{DEVTYPE}}=="usb_device", ENV{{ID_PATH}}=="{port.id_path}", ENV{{EDGED_SLOT}}="{label}"\n'
    yield _SLOT
    for label, port in sorted(slots.items()):  # its interfaces, and whatever a hub in a slot might show
        below = f"{port.id_path}:*|{port.id_path}.*"
        yield f'ENV{{ID_PATH}}=="{below}", ENV{{EDGED_SLOT}}="{label}"\n'
