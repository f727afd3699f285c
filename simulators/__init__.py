"""Docks, cameras, readers without hardware: the same bytes as the device, faults as data."""
