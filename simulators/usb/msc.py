"""A plain camera: a USB disk as soon as it has power, and nothing more."""

from firmware_protocol.usb.scsi import InquiryData
from simulators.usb.camera import Camera, Leave, usb_identity
from simulators.usb.device import UsbDevice
from simulators.usb.mass_storage import MassStorage
from simulators.usb.scsi_disk import ScsiDisk


class MscCamera(Camera):
    """No clock, no battery value, no identity record: what it cannot tell, nobody can ask."""

    def power_on(self, leave: Leave) -> UsbDevice:
        self.charge(True)
        own = usb_identity(
            self.spec, self.spec.model, self.faults, self.faults.extra_interfaces, self.release
        )
        inquiry = InquiryData(vendor="BODYCAM", product=self.spec.model[:16], revision="1.00")
        target = ScsiDisk(inquiry, self.insert_card())
        return self.show(MassStorage(own, target, self.faults, note_fired=self.fired, leave=leave))
