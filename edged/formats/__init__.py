"""Formats that leave the station. Pure; the only part of `edged` (beside the leaves) that others import."""
