"""``edged-usb-rules --map FILE``: prints the rules of the slots' ports, or replaces the file that udev reads;
with ``--check`` says whether the host is as shut as they want it.
"""

import argparse
import os
import sys
from pathlib import Path

from drivers.usb_ports.host_check import kernel_gap, problems
from drivers.usb_ports.rules import rules
from drivers.usb_ports.slot_map import load_slot_map
from edged.errors import EdgeError, ErrorCode


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="edged-usb-rules", description="Make the udev rules of the slots' ports."
    )
    parser.add_argument("--map", type=Path, required=True, help="the station's configuration, with its slots")
    parser.add_argument("--write", type=Path, help="the rules file to replace; else they are printed")
    parser.add_argument(
        "--check", action="store_true", help="say what stands open on this host; 1 if anything does"
    )
    options = parser.parse_args(arguments)
    try:
        slots = load_slot_map(options.map)
        if options.check:
            return _check(problems(slots), kernel_gap())
        text = rules(slots)
        if options.write is not None:
            _replace(options.write, text)
            return 0
    except EdgeError as error:
        sys.stderr.write(f"edged-usb-rules: {error}\n                 {error.code.remedy}\n")
        return 1
    sys.stdout.write(text)
    return 0


def _check(found: list[str], gap: str) -> int:
    for sentence in found:
        sys.stdout.write(f"open: {sentence}\n")
    if gap:
        sys.stdout.write(f"note: {gap}\n")
    if not found:
        sys.stdout.write("the ports of all slots are shut\n")
    return 1 if found else 0


def _replace(path: Path, text: str) -> None:
    """The old rules or the new ones, whole, at every moment: without any the ports would be open."""
    temporary = path.with_name(f".{path.name}.new")
    try:
        with temporary.open("w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as exc:
        raise EdgeError(ErrorCode.PORT_FAULT, file=str(path), reason=exc.strerror or "") from exc


if __name__ == "__main__":
    sys.exit(main())
