"""Deterministic simulation: the shipped station, courier and intake in one process, under every kind of bad luck.

`python -m tests.simulation --help`. A history is played from a seed: `plan` makes what will happen out of it, `site` is
the place where it happens, `checks` says what must never happen. docs/reliability.md tells what is simulated and how.
"""
