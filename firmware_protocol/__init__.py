"""Wire formats. No I/O, no clock, nothing of ours imported."""
