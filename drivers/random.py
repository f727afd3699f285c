"""Adapter of `edged.ports.Random`: the kernel's generator."""

import secrets

_SYSTEM = secrets.SystemRandom()


class SystemRandom:
    """See `edged.ports.Random`."""

    def token(self, size: int) -> bytes:
        return secrets.token_bytes(size)

    def uniform(self, low: float, high: float) -> float:
        return _SYSTEM.uniform(low, high)
