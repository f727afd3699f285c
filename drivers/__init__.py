"""What can be done with a device: dock controller, reader, cameras, USB, file systems, clock, disk."""
