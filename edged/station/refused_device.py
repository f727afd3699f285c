"""What was found in a slot instead of a camera, as a fact: by its own descriptors, as far as they were read."""

from edged.errors import EdgeError
from edged.formats import facts as f

REASON_CHARACTERS = 300
DESCRIPTOR_DIGITS = 512


def device_refused(slot: int, error: EdgeError) -> f.DeviceRefused:
    """Everything in it is the device's claim; the descriptors are the bytes that it gave."""
    told = error.detail
    return f.DeviceRefused(
        slot=slot,
        vendor_id=int(told.get("vendor_id", 0)),
        product_id=int(told.get("product_id", 0)),
        interfaces=tuple(str(told.get("interfaces", "")).split()),
        reason=str(told.get("reason", error.code.text))[:REASON_CHARACTERS],
        descriptors=str(told.get("descriptors", ""))[:DESCRIPTOR_DIGITS],
    )
