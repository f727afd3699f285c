"""`edgectl extract`: lines of the ledger in a folder that anybody can check without us (459-V.4, 459-II.5-audit)."""

import argparse
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from edged.cli.output import EXIT_OK, emit_json, pairs
from edged.control.client import Client
from edged.court import verify_proof
from edged.errors import EdgeError, ErrorCode

CHECK = """\
ПЕРЕВІРКА ВИТЯГУ З ЖУРНАЛУ ПОДІЙ                 CHECKING AN EXTRACT OF THE LEDGER

Запит / asked for: {about}
Записів / lines:   {lines}

Потрібен лише Python 3.9 або новіший. / Only Python 3.9 or newer is needed.
Команда вводиться в цій теці. / The command is typed in this folder.

    python3 verify_proof.py --extract extract.jsonl keys.txt

Код завершення 0: кожен запис дослівно стоїть у журналі, який підписали станція та сервер; 3: сервер ще не підписав.
Exit status 0: every line stands in the ledger word for word, signed by the station and the server; 3: not yet by the
server. That these are all lines there are, only the whole ledger shows.

Ключі звіряють із тими, які оприлюднив митний орган. / Compare the keys with those that the customs body has published.
"""


def run(params: Callable[[argparse.Namespace], dict[str, Any]]) -> Callable[..., Coroutine[Any, Any, int]]:
    async def extract(args: argparse.Namespace) -> int:
        async with Client(args.socket) as client:
            answer = await client.call("extract", **params(args))
        summary = write(Path(args.out), answer, params(args))
        if args.json:
            emit_json(summary)
        else:
            print(pairs(summary))
        return EXIT_OK

    return extract


def files(answer: dict[str, Any], asked: dict[str, Any]) -> dict[str, bytes]:
    """Return what is in the folder, by name."""
    about = " ".join(f"{name}={value}" for name, value in asked.items() if value)
    return {
        "extract.jsonl": answer["extract"].encode(),
        "keys.txt": "".join(f"{key}\n" for key in answer["keys"]).encode(),
        "verify_proof.py": Path(verify_proof.__file__).read_bytes(),
        "CHECK.txt": CHECK.format(about=about, lines=answer["lines"]).encode(),
    }


def write(folder: Path, answer: dict[str, Any], asked: dict[str, Any]) -> dict[str, Any]:
    """Write the folder. Raises EdgeError: CONFLICT, it is there."""
    try:
        folder.mkdir()
    except FileExistsError as exc:
        raise EdgeError(
            ErrorCode.CONFLICT, path=str(folder), expected="a folder that is not there yet"
        ) from exc
    for name, data in files(answer, asked).items():
        (folder / name).write_bytes(data)
    return {
        "lines": answer["lines"],
        "folder": str(folder),
        "check": "python3 verify_proof.py --extract extract.jsonl keys.txt",
    }
