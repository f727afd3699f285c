"""What `edgectl` hears of the daemon, however long the answer is."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from edged.control import client as clients
from edged.control.client import Client
from edged.errors import EdgeError, ErrorCode


@asynccontextmanager
async def answering(folder: Path, answer: Callable[[], Any]) -> AsyncIterator[Client]:
    """A client of something that answers every request with this."""

    async def call(_: web.Request) -> web.Response:
        return web.json_response(answer())

    app = web.Application()
    app.add_routes([web.post("/v1/{verb}", call)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.UnixSite(runner, str(folder / "sock")).start()
    try:
        async with Client(str(folder / "sock")) as client:
            yield client
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("lines", [0, 1, 100, 20_000])
def test_an_answer_is_read_to_its_end(tmp_path: Path, lines: int) -> None:
    async def asked() -> Any:
        async with answering(tmp_path, lambda: ["x" * 500] * lines) as client:
            return await client.call("log")

    assert len(asyncio.run(asked())) == lines


def test_an_answer_without_end_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "_LIMIT", 1_000_000)

    async def asked() -> None:
        async with answering(tmp_path, lambda: "x" * 2_000_000) as client:
            await client.call("log")

    with pytest.raises(EdgeError) as refused:
        asyncio.run(asked())
    assert refused.value.code is ErrorCode.BAD_REQUEST
