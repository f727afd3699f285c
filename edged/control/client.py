"""Talks to the daemon's control socket. Used by `edgectl`; knows nothing of the station."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp

from edged.errors import EdgeError, ErrorCode

CALL_S = 60.0  # a rebuild of a large ledger may take this long; everything else answers at once
_LIMIT = 64 * 1024 * 1024  # bytes of one answer


class Refused(EdgeError):
    """The daemon's own refusal, carried to the person as it came."""


class Client:
    """One connection to the daemon: ``async with Client(path) as client``."""

    def __init__(self, socket: str) -> None:
        self._socket = socket
        self._http: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> "Client":
        self._http = aiohttp.ClientSession(
            connector=aiohttp.UnixConnector(path=self._socket), base_url="http://edged"
        )
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._http is not None:
            await self._http.close()

    async def call(self, verb: str, /, **params: Any) -> Any:
        """Ask one verb; return its answer as plain JSON values.

        Raises:
            EdgeError: SERVICE_GONE when nobody listens, else the daemon's refusal with its code.
        """
        http = self._session()
        try:
            timeout = aiohttp.ClientTimeout(total=CALL_S)
            async with http.post(f"/v1/{verb}", json=params, timeout=timeout) as answer:
                body = await _whole(answer)
        except (OSError, aiohttp.ClientError, TimeoutError) as exc:
            raise EdgeError(ErrorCode.SERVICE_GONE, socket=self._socket, reason=str(exc)) from exc
        return _unpack(answer.status, body)

    async def events(self) -> AsyncIterator[dict[str, Any]]:
        """Every durable line of the ledger from now on, as it is written."""
        try:
            timeout = aiohttp.ClientTimeout(total=None, sock_connect=5)
            async with self._session().get("/v1/events", timeout=timeout) as answer:
                if answer.status != 200:
                    _unpack(answer.status, await _whole(answer))
                async for line in answer.content:
                    if line.startswith(b"data: "):
                        yield json.loads(line[6:])
        except (OSError, aiohttp.ClientError, asyncio.IncompleteReadError) as exc:
            raise EdgeError(ErrorCode.SERVICE_GONE, socket=self._socket, reason=str(exc)) from exc

    def _session(self) -> aiohttp.ClientSession:
        if self._http is None:
            raise RuntimeError("use it as a context manager")
        return self._http


async def _whole(answer: aiohttp.ClientResponse) -> bytes:
    """Return a body to its end: one read gives only what has come so far. Raises EdgeError: longer than any answer."""
    body = bytearray()
    async for chunk in answer.content.iter_any():
        body += chunk
        if len(body) > _LIMIT:
            raise EdgeError(ErrorCode.BAD_REQUEST, reason="the answer is too long", limit=_LIMIT)
    return bytes(body)


def _unpack(status: int, body: bytes) -> Any:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError) as exc:
        raise EdgeError(ErrorCode.SERVICE_GONE, status=status, reason="no JSON answer") from exc
    if status == 200:
        return answer
    refusal = answer if isinstance(answer, dict) else {}
    code = next((c for c in ErrorCode if c.number == refusal.get("code")), ErrorCode.DEFECT)
    detail = refusal.get("detail")
    raise Refused(code, **(detail if isinstance(detail, dict) else {}))
