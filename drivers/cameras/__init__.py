"""Cameras: what each family can tell and do, behind one interface (drivers/cameras/base.py)."""
