"""The control socket: HTTP on a Unix socket, one verb a request, a stream of the ledger's lines.

Who asks is what the kernel says (SO_PEERCRED); what the account may do stands in `edged.verbs`. Every refusal is a
fact; an answer is JSON; an expected failure has code, sentence and remedy.
"""

import asyncio
import json
import logging
import os
import pwd
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web

from edged.control.calls import Call
from edged.control.verbs import HANDLERS
from edged.errors import EdgeError, ErrorCode
from edged.formats.facts import AccessRefused
from edged.station.station import Station
from edged.verbs import REFUSALS, Actor, authorise

BODY_LIMIT = 256 * 1024
STATUS = {
    ErrorCode.NOT_ALLOWED: 403,
    ErrorCode.SWITCHED_OFF: 403,
    ErrorCode.NOT_FOUND: 404,
    ErrorCode.BAD_REQUEST: 400,
}
KEEP_ALIVE_S = 15.0  # an idle event stream says so this often, so that a dead listener is noticed


_SILENT = logging.getLogger("edged.control.http")
"""What the HTTP library says of broken requests: whoever can reach the socket must not fill the journal."""
_SILENT.addHandler(logging.NullHandler())
_SILENT.propagate = False


class _Socket:
    """Where requests come in, from ``start`` to ``stop``."""

    def __init__(self, path: str, mode: int) -> None:
        self._path, self._mode = path, mode
        app = web.Application(client_max_size=BODY_LIMIT)
        app.add_routes([web.post("/v1/{verb}", self._call), web.get("/v1/events", self._events)])
        self._runner = web.AppRunner(app, access_log=None, logger=_SILENT, shutdown_timeout=1.0)

    async def _call(self, request: web.Request) -> web.StreamResponse:
        raise NotImplementedError

    async def _events(self, request: web.Request) -> web.StreamResponse:
        raise NotImplementedError

    async def start(self) -> None:
        """Raises EdgeError BAD_REQUEST if the socket's folder is missing or not ours."""
        await self._runner.setup()
        before = os.umask(0o777 & ~self._mode)
        try:
            with suppress(FileNotFoundError):
                Path(self._path).unlink()  # noqa: ASYNC240  # left by a killed process; we hold the lock
            await web.UnixSite(self._runner, self._path).start()
        except OSError as exc:
            raise EdgeError(
                ErrorCode.BAD_REQUEST, socket=self._path, reason=exc.strerror or str(exc)
            ) from exc
        finally:
            os.umask(before)

    async def stop(self) -> None:
        await self._runner.cleanup()
        with suppress(FileNotFoundError):
            Path(self._path).unlink()  # noqa: ASYNC240  # aiohttp leaves it behind


class RefusingServer(_Socket):
    """Answers every request with one and the same reason: there is no station yet."""

    def __init__(self, path: str, mode: int, why: Callable[[], EdgeError]) -> None:
        super().__init__(path, mode)
        self._why = why

    async def _call(self, request: web.Request) -> web.StreamResponse:  # noqa: ARG002  # whatever it asks
        return _refusal(self._why())

    _events = _call


class ControlServer(_Socket):
    """Answers for a station."""

    def __init__(self, path: str, mode: int, station: Station) -> None:
        super().__init__(path, mode)
        self._station = station

    async def _call(self, request: web.Request) -> web.StreamResponse:
        verb = request.match_info["verb"].replace("-", " ", 1)
        return await self._answer(self._run(request, verb))

    async def _run(self, request: web.Request, verb: str) -> Any:
        handler = HANDLERS.get(verb)
        if handler is None:
            raise EdgeError(ErrorCode.NOT_FOUND, verb=verb[:40])
        async with self._refusals_recorded(request, verb):
            actor = self._authorised(request, verb)
            params = _decode(await request.read(), handler.params)
            return await handler.run(Call(self._station, actor, params))

    def _authorised(self, request: web.Request, verb: str) -> Actor:
        account = _account(_peer_uid(request))
        return authorise(self._station.lists.access, verb, account, self._station.lists.judged_ns())

    @asynccontextmanager
    async def _refusals_recorded(self, request: web.Request, verb: str) -> AsyncIterator[None]:
        """Whoever refuses what the account may not do (`REFUSALS`): the table of verbs, or the act itself."""
        try:
            yield
        except EdgeError as exc:
            if exc.code in REFUSALS:
                uid = _peer_uid(request)
                refused = AccessRefused(verb=verb, account=_account(uid), uid=uid)
                await self._station.recorder.record(refused)
            raise

    async def _answer(self, work: Awaitable[Any]) -> web.StreamResponse:
        try:
            return web.json_response(await work, dumps=_dumps)
        except EdgeError as exc:
            return _refusal(exc)
        except web.HTTPException as exc:
            return _refusal(EdgeError(ErrorCode.BAD_REQUEST, reason=exc.reason))
        except ConnectionError:
            raise  # nobody is there to be answered
        except Exception as exc:  # noqa: BLE001  # a defect of one verb is one answer and one log line
            self._station.outside.log("EDG-9001", part="control", error=f"{type(exc).__name__}: {exc}"[:500])
            return _refusal(EdgeError(ErrorCode.DEFECT, what=type(exc).__name__))

    async def _events(self, request: web.Request) -> web.StreamResponse:
        try:
            async with self._refusals_recorded(request, "events"):
                self._authorised(request, "events")
        except EdgeError as exc:
            return _refusal(exc)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        lines = self._station.recorder.listen()
        try:
            while True:
                try:
                    async with asyncio.timeout(KEEP_ALIVE_S):
                        line = await anext(lines)
                except TimeoutError:
                    await response.write(b": idle\n\n")
                    continue
                except StopAsyncIteration:
                    return response  # it lagged too far behind; it may connect again
                await response.write(b"data: " + line.raw + b"\n\n")
        except (ConnectionError, asyncio.CancelledError):
            return response
        finally:
            lines.close()


def _refusal(error: EdgeError) -> web.Response:
    body = {"code": error.code.number, "text": error.code.text, "detail": error.detail}
    return web.json_response(body, status=STATUS.get(error.code, 409), dumps=_dumps)


def _decode(body: bytes, kind: type[Any]) -> Any:
    try:
        return msgspec.json.decode(body or b"{}", type=kind)
    except (ValueError, RecursionError) as exc:  # what msgspec raises, its own errors included
        raise EdgeError(ErrorCode.BAD_REQUEST, reason=str(exc)[:200]) from exc


def _peer_uid(request: web.Request) -> int:
    transport = request.transport
    sock = transport.get_extra_info("socket") if transport is not None else None
    if sock is None:
        raise EdgeError(ErrorCode.BAD_REQUEST, reason="no peer")
    peer = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    uid: int = struct.unpack("3i", peer)[1]
    return uid


def _account(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid-{uid}"


_dumps: Callable[[Any], str] = lambda value: json.dumps(value, ensure_ascii=False)  # noqa: E731  # aiohttp's hook
