"""The daemon behind the control socket, as far as a command line needs it."""

from typing import Any


class Daemon:
    """In the place of `edged.control.client.Client`; a subclass answers."""

    def __init__(self, socket: str) -> None:
        pass

    async def __aenter__(self) -> "Daemon":
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def call(self, verb: str, **params: Any) -> Any:
        raise NotImplementedError
