"""Whether the bus shows a device at a slot's port, and since which connection.

A camera may leave the bus and come back without leaving the slot (disk mode, power cycle, a moment's drop), and
another may take its place within milliseconds: every arrival is a new generation, so that nobody takes one
connection for the one before.
"""


class Presence:
    """One slot's port. Fed by the owner of the bus's events, looked at by the slot and the camera's session."""

    def __init__(self) -> None:
        self.connected = False
        self.generation = 0

    def arrived(self) -> None:
        """The bus shows a device. A second arrival without a departure means that one was missed."""
        self.connected = True
        self.generation += 1

    def left(self) -> None:
        self.connected = False
