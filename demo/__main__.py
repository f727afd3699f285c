"""`make demo`: a shift at a dock of eight slots, from the first badge to the centre's receipts.

Exit status 0 only if every recording is accounted for byte by byte and both verdicts are good.
"""

import argparse
import asyncio
import shutil
import sys
import time
from contextlib import suppress
from pathlib import Path

from demo import clips
from demo.account import Account, reckon
from demo.screen import Screen
from demo.shift import Shift, cameras, persons
from demo.site import Site

FOLDER = Path(__file__).parent.parent / ".cache" / "demo"
LIMIT_S = 180.0  # on a machine that does nothing else it takes a third of that
SETTINGS = {
    # A demonstration does not wait as long as a post does; nothing else differs.
    "timing": "grace_s = 1.0\npower_cycle_s = 0.6\nretry_s = 2.0\n",
    "sync": "idle_s = 4.0\nanswer_s = 4.0\nretry_s = 0.5\nretry_max_s = 2.0\n",
}


async def play(folder: Path) -> Account:
    print("making the clips (ffmpeg), once …", flush=True)
    films = await clips.make()
    print(f"everything lies in {folder} (removed at the end of a good run; --keep keeps it)", flush=True)
    async with Site.open(folder) as site:
        await site.commission(persons(), cameras(), SETTINGS)
        screen = Screen(site)
        shift = Shift(site, screen, films)
        screen.say("centre, line and dock are there; the station is commissioned")
        await shift.prepare()
        await site.start()
        screen.say("edged, edged-sync and intake run")
        following = asyncio.create_task(screen.follow())
        try:
            async with asyncio.timeout(LIMIT_S):
                await shift.morning()
                await shift.issue()
                await shift.patrol()
                await shift.come_back()
                await shift.torn_out()
                await shift.evening()
        finally:
            following.cancel()
            with suppress(asyncio.CancelledError):
                await following
        return await reckon(site, shift.expected_refusals)


def main() -> int:
    parser = argparse.ArgumentParser(prog="demo", description=__doc__)
    parser.add_argument("--folder", type=Path, default=FOLDER, help="scratch folder; emptied first")
    parser.add_argument("--keep", action="store_true", help="leave the folder for looking around")
    args = parser.parse_args()
    folder = args.folder.absolute()
    shutil.rmtree(folder, ignore_errors=True)
    began = time.monotonic()
    try:
        account = asyncio.run(play(folder))
    except (RuntimeError, TimeoutError) as exc:
        print(f"\nNOT GOOD: {exc}\nlogs: {folder}/edged.log, edged-sync.log, intake.log", file=sys.stderr)
        return 1
    print("\n" + account.text())
    print(f"\n{time.monotonic() - began:.0f} s")
    if account.good and not args.keep:
        shutil.rmtree(folder, ignore_errors=True)
    return 0 if account.good else 1


if __name__ == "__main__":
    sys.exit(main())
