"""A dock that one can play with by hand.

    docksim run --dir /tmp/dock --slots 8 --gat 6 --msc 2
    docksim --dir /tmp/dock tap 04a1b2c3
    docksim --dir /tmp/dock insert cam-1 3

``run`` makes serial lines, USB bus, cameras and cards in the folder, prints what a station's
configuration needs, and goes on until Ctrl-C. All other commands talk to it.
"""

import argparse
import asyncio
import json
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from simulators import hands
from simulators.cards import Filesystem
from simulators.usb.bus import BusError
from simulators.usb.spec import CameraSpec
from simulators.world import World, WorldError

SOCKET = "docksim.sock"
DEFAULT_DIR = Path(os.environ.get("DOCKSIM_DIR", "docksim"))
GAT, MSC = 3, 1  # cameras, where nobody says how many
CARD_SIZE = 64 << 30  # a sparse file; with less free than a shift needs no camera would ever be ready
CLIPS = 2
CLIP_SIZE = 256 * 1024


def main(argv: list[str] | None = None) -> int:
    """Exit status: 0 done, 1 refused, 2 wrong use, 3 no dock runs there."""
    args = _parser().parse_args(argv)
    if args.command == "run":
        try:
            asyncio.run(_run(args))
        except (WorldError, BusError, OSError) as exc:
            return _fail(args, str(exc), 1)
        return 0
    try:
        members = _members(args)
    except ValueError as exc:
        return _fail(args, str(exc), 2)
    try:
        answer = asyncio.run(hands.ask(args.dir / SOCKET, args.command, **members))
    except (OSError, TimeoutError) as exc:
        return _fail(
            args, f"no dock answers in {args.dir} ({exc}); start one: docksim --dir {args.dir} run", 3
        )
    if not answer.pop("ok"):
        return _fail(args, str(answer["error"]), 1)
    print(json.dumps(answer, ensure_ascii=False) if args.json else _text(args.command, answer))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="docksim", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--dir", type=Path, default=DEFAULT_DIR, help="the dock's folder (or DOCKSIM_DIR)")
    parser.add_argument("--json", action="store_true", help="answer as one JSON object")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    run = commands.add_parser("run", help="run a dock until Ctrl-C")
    run.add_argument("--dir", type=Path, default=argparse.SUPPRESS)
    run.add_argument("--slots", type=int, default=8, help="how many slots (default 8)")
    run.add_argument("--gat", type=int, help="GA/T 947 cameras (default 3, or as many as there is room for)")
    run.add_argument("--msc", type=int, help="plain mass-storage cameras (default 1, if there is room)")
    run.add_argument(
        "--clip", type=Path, action="append", default=[], help="a file that each camera has recorded"
    )
    run.add_argument("--empty", action="store_true", help="leave the cameras beside the dock")
    commands.add_parser("status", help="slots, cameras, reader")
    commands.add_parser("truth", help="every recording ever made")
    tap = commands.add_parser("tap", help="hold a badge to the reader")
    tap.add_argument("uid", help="hex digits of 4 to 16 bytes")
    tap.add_argument("--kind", default="desfire-id", help="desfire-id, iso14443-uid, em4100, hid-prox")
    insert = commands.add_parser("insert", help="push a camera into a slot")
    insert.add_argument("camera")
    insert.add_argument("slot", type=int)
    pull = commands.add_parser("pull", help="take the camera out of a slot")
    pull.add_argument("slot", type=int)
    pull.add_argument("--force", action="store_true", help="whatever the lock says")
    take = commands.add_parser("take", help="wait until a slot unlocks and take the camera")
    take.add_argument("slot", type=int, nargs="?")
    take.add_argument("--within", type=float, default=20.0, metavar="S", help="seconds (default 20)")
    record = commands.add_parser("record", help="let a camera outside the dock make a recording")
    record.add_argument("camera")
    record.add_argument("file", nargs="?", default="", help="default: made-up bytes")
    record.add_argument("--size", type=int, default=1 << 20, help="of made-up bytes")
    for name, what in (
        ("set", "battery=12 recording=true …"),
        ("fault", "pull_after_bytes=1000000 … or none"),
    ):
        change = commands.add_parser(name, help=f"change a camera: {what}")
        change.add_argument("camera")
        change.add_argument("values", nargs="+", metavar="name=value")
    broken = commands.add_parser("break", help="break a slot: overheat, jam, overcurrent …; none repairs it")
    broken.add_argument("slot", type=int)
    broken.add_argument("what")
    line = commands.add_parser("line", help="pull or plug a serial line")
    line.add_argument("name", choices=("dock", "reader"))
    line.add_argument("state", choices=("plug", "unplug"))
    return parser


def _members(args: argparse.Namespace) -> dict[str, object]:
    """The request of a command line. Raises ValueError."""
    given = {k: v for k, v in vars(args).items() if k not in ("dir", "json", "command")}
    match args.command:
        case "record":
            if args.file:
                given["file"] = str(Path(args.file).resolve())
        case "take":
            given["within_s"] = given.pop("within")
        case "set":
            given["changes"] = _values(given.pop("values"))
        case "fault":
            given["faults"] = _values(given.pop("values"))
        case "line":
            given["plugged"] = given.pop("state") == "plug"
        case _:
            pass  # the members are the arguments
    return given


def _values(texts: list[str]) -> dict[str, Any]:
    """``battery=12 card= recording=true`` as JSON values, or as texts where they are none."""
    if texts == ["none"]:
        return {}
    found = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise ValueError(f"{text!r} is not name=value")
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found


def _fail(args: argparse.Namespace, sentence: str, status: int) -> int:
    print(
        json.dumps({"error": sentence}, ensure_ascii=False) if args.json else f"docksim: {sentence}",
        file=sys.stderr,
    )
    return status


def _text(command: str, answer: dict[str, Any]) -> str:
    if command == "status":
        return _table(answer)
    if command == "truth":
        rows = (
            f"{r['camera']:<8} {r['path']:<28} {r['size']:>11}  {r['sha256']}" for r in answer["recordings"]
        )
        return "\n".join(rows) or "nothing was recorded"
    if command == "tap" and not answer["heard"]:
        return "no host listens to the reader: the tap is lost"
    return (
        ", ".join(f"{name} {value}" for name, value in answer.items() if not isinstance(value, dict))
        or "done"
    )


def _table(answer: dict[str, Any]) -> str:
    cameras = {camera["name"]: camera for camera in answer["cameras"]}
    lines = ["slot  camera    light              latch   mode     charge"]
    for slot in answer["slots"]:
        camera = cameras.get(slot["camera"] or "", {})
        charge = f"{camera['battery']:.0f} %" if camera else ""
        mode = camera.get("mode", "") + (f" {slot['fault']}" if slot["fault"] else "")
        lines.append(
            f"{slot['slot']:>4}  {slot['camera'] or '-':<9} {slot['led']:<18} {slot['latch']:<7} {mode:<8} {charge}"
        )
    outside = [name for name, camera in cameras.items() if camera["port"] is None]
    lines.append(f"beside the dock: {', '.join(outside) or 'nothing'}")
    host = " ".join(f"{name} {'in session' if on else 'no host'}" for name, on in answer["host"].items())
    lines.append(f"reader shows {answer['reader']}; {host}; {answer['recordings']} recordings made")
    return "\n".join(lines + [f"trouble: {one}" for one in answer["trouble"]])


async def _run(args: argparse.Namespace) -> None:
    args.dir.mkdir(parents=True, exist_ok=True)
    with suppress(OSError):
        await hands.ask(args.dir / SOCKET, "status")
        raise WorldError(f"a dock runs in {args.dir} already")
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with World.open(args.dir.resolve(), slots=args.slots) as world:
        cameras = await _fill(world, args)
        server = await hands.serve(world, args.dir / SOCKET)
        try:
            print(_configuration(world, args.slots) + _listed(cameras), flush=True)
            await stop.wait()
        finally:
            server.close()
            (args.dir / SOCKET).unlink(missing_ok=True)


async def _fill(world: World, args: argparse.Namespace) -> list[CameraSpec]:
    kinds = _kinds(args)
    if len(kinds) > args.slots and not args.empty:
        raise WorldError(f"{len(kinds)} cameras do not fit into {args.slots} slots; see --empty")
    cameras = []
    for number, kind in enumerate(kinds, 1):
        name = f"cam-{number}"
        usb_serial, serial = f"BWC{number:05d}", f"K{number:06d}"
        filesystem: Filesystem = "exfat" if number % 2 else "fat32"
        spec = CameraSpec(
            name=name, kind=kind, serial=serial, usb_serial=usb_serial, battery=60, charge_per_s=0.5
        )
        await world.add(spec, filesystem=filesystem, size_bytes=CARD_SIZE)
        cameras.append(spec)
        for clip in args.clip or [hands.film(100 * number + n, CLIP_SIZE) for n in range(CLIPS)]:
            await world.record(name, clip)
        if not args.empty:
            await world.insert(name, number)
    return cameras


def _kinds(args: argparse.Namespace) -> list[str]:
    """The cameras that were asked for; what was left open is filled up only as far as there are slots."""
    gat, msc = args.gat, args.msc
    if gat is None:
        gat = max(0, min(GAT, args.slots - (msc or 0)))
    if msc is None:
        msc = max(0, min(MSC, args.slots - gat))
    return ["gat947"] * gat + ["msc"] * msc


def _configuration(world: World, slots: int) -> str:
    """What a station's configuration needs of this dock, as TOML."""
    paths = world.paths
    lines = ["[usb]", 'backend = "usbip"', f'socket = "{paths.usb}"', "", "[[dock]]", 'name = "A"']
    lines += [f'controller = "{paths.controller}"', f'controller_key = "{paths.controller_key}"']
    lines += [f'reader = "{paths.reader}"', f'reader_key = "{paths.reader_key}"']
    for number in range(1, slots + 1):
        lines += [
            "",
            "[[dock.slots]]",
            f"label = {number}",
            f'port = "1-1.{number}"',
            f"controller_slot = {number}",
        ]
    return "\n".join(lines)


def _listed(cameras: list[CameraSpec]) -> str:
    """The cameras as entries of the inventory, with the serial that a station reads from each kind.

    The inventory numbers are made up.
    """
    lines = [""] if cameras else []
    for number, camera in enumerate(cameras, 1):
        told = camera.serial if camera.kind == "gat947" else camera.usb_serial
        lines += ["", "[[camera]]", f'serial = "{told}"', f'inventory_number = "{10_000 + number}"']
        lines.append(f'driver = "{camera.kind}"')
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main())
