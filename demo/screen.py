"""What one sees: a live table of the slots on a terminal, plain lines elsewhere."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from demo.site import Site
from edged.errors import EdgeError

_STYLE = {"green": "bold green", "amber": "bold yellow", "red": "bold red", "off": "dim"}
_STORY = 12  # lines of the story under the table


class Screen:
    """``say`` tells the story; ``follow`` shows the slots until cancelled."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._console = Console(highlight=False)
        self._began = time.monotonic()
        self._story: list[str] = []
        self._last: dict[int, str] = {}
        self._queue = ""
        self._live: Live | None = None

    def say(self, text: str) -> None:
        line = f"{time.monotonic() - self._began:6.1f} s  {text}"
        self._story.append(line)
        if self._live is None:
            self._console.print(line, markup=False, soft_wrap=True)

    async def follow(self) -> None:
        if not self._console.is_terminal:
            while True:
                await self._look(self._lines)
                await asyncio.sleep(0.3)
        with Live(console=self._console, refresh_per_second=8) as self._live:
            try:
                while True:
                    await self._look(self._draw)
                    await asyncio.sleep(0.15)
            finally:
                live, self._live = self._live, None
                live.stop()
                for line in self._story:
                    self._console.print(line, markup=False, soft_wrap=True)

    async def _look(self, show: Any) -> None:
        try:
            rows = await self._site.call("slots")
            status = await self._site.call("status")
        except EdgeError:
            self._queue = "the daemon does not answer"
            return
        r = status["recordings"]
        self._queue = (
            f"made {r['made']}  sealed {r['sealed']}  confirmed {r['confirmed']}  cleared {r['cleared']}  "
            f"waiting for the centre {r['waiting']}  alerts {status['alerts']}"
        )
        show(rows)

    # --- plain lines --------------------------------------------------------------------------------

    def _lines(self, rows: Sequence[dict[str, Any]]) -> None:
        for row in rows:
            light = "off" if row["colour"] == "off" else f"{row['colour']} {row['pattern']}"
            now = f"{light}, {row['state']}"
            if self._last.get(row["slot"]) != now:
                self._last[row["slot"]] = now
                charge = "" if row["charge_percent"] is None else f", {row['charge_percent']} %"
                why = (
                    f" ({', '.join(row['reasons'])})" if row["reasons"] and row["state"] == "holding" else ""
                )
                camera = f", {row['camera']}" if row["camera"] else ""
                self.say(f"    slot {row['slot']}: {now}{why}{charge}{camera}")

    # --- the table ----------------------------------------------------------------------------------

    def _draw(self, rows: Sequence[dict[str, Any]]) -> None:
        table = Table(expand=True)
        for heading in ("slot", "light", "state", "camera", "charge", "work"):
            table.add_column(heading)
        for row in rows:
            light = Text(f"● {row['colour']} {row['pattern']}", style=_STYLE[row["colour"]])
            charge = "" if row["charge_percent"] is None else f"{row['charge_percent']} %"
            table.add_row(str(row["slot"]), light, row["state"], row["camera"], charge, _work(row))
        story = Text("\n".join(self._story[-_STORY:]))
        if self._live is not None:
            self._live.update(Group(table, Text(self._queue, style="bold"), Panel(story, title="the shift")))


def _work(row: dict[str, Any]) -> str:
    if row["bytes_total"]:
        done = row["bytes_done"] / row["bytes_total"]
        return f"{'█' * int(done * 20):<20} {100 * done:3.0f} %"
    return ", ".join(row["reasons"] or row["flags"])
