"""A camera that is a plain USB disk: files, and nothing else."""

from drivers.cameras.base import DiskCamera


class MscCamera(DiskCamera):
    """Its serial number is the USB one; clock and charge are unknown, never zero."""

    driver = "msc"
