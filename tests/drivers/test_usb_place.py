"""From a device node to its port, on a sysfs of the test's own."""

from pathlib import Path

import pytest

from drivers.usb_place import id_path_of, place_of
from edged.errors import CameraError, ErrorCode

NODE = Path("/dev/null")  # any character device: 1:3


def sysfs(folder: Path, name: str) -> Path:
    device = folder / "devices" / "pci0000:00" / "usb1" / "1-1" / name
    device.mkdir(parents=True)
    (folder / "dev" / "char").mkdir(parents=True)
    (folder / "dev" / "char" / "1:3").symlink_to(device)
    return folder


def test_a_link_to_the_node_leads_to_the_port(tmp_path: Path) -> None:
    link = tmp_path / "slot-3"
    link.symlink_to(NODE)
    place = place_of(link, sysfs(tmp_path / "sys", "1-1.3"))
    assert place.port == "1-1.3"
    assert place.connection == f"1:3/{NODE.stat().st_ctime_ns}"


def buses(folder: Path, subsystem: str) -> Path:
    controller = folder / "devices" / "pci0000:00" / "0000:00:10.0"
    (controller / "usb1" / "1-1").mkdir(parents=True)
    (folder / "bus" / subsystem).mkdir(parents=True)
    (controller / "subsystem").symlink_to(folder / "bus" / subsystem)
    named = folder / "bus" / "usb" / "devices"
    named.mkdir(parents=True)
    (named / "usb1").symlink_to(controller / "usb1")
    return folder


def test_a_port_is_named_as_udev_names_it(tmp_path: Path) -> None:
    assert id_path_of("1-1.3", buses(tmp_path, "pci")) == "pci-0000:00:10.0-usb-0:1.3"


@pytest.mark.parametrize(("port", "subsystem"), [("2-1", "pci"), ("1-1", "vhci")])
def test_a_port_of_no_controller_that_lasts_has_no_name(port: str, subsystem: str, tmp_path: Path) -> None:
    with pytest.raises(CameraError) as failed:
        id_path_of(port, buses(tmp_path, subsystem))
    assert failed.value.code is ErrorCode.CAMERA_LOST


@pytest.mark.parametrize("name", ["usb1", "1-1.3:1.0", "null", "1-"])
def test_what_is_no_device_of_a_port_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(CameraError) as failed:
        place_of(NODE, sysfs(tmp_path, name))
    assert failed.value.code is ErrorCode.CAMERA_LOST


def test_a_node_that_is_gone_or_is_a_file_is_a_lost_camera(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "none", tmp_path / "file", NODE):
        with pytest.raises(CameraError) as failed:
            place_of(path, tmp_path / "no-sysfs")
        assert failed.value.code is ErrorCode.CAMERA_LOST
