"""The worker: one process a slot that talks to the USB device and is trusted with nothing."""
