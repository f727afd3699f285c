"""Commands that ask the running daemon."""

import argparse
import json
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any

from edged.cli import acts, entered, inspection, learning, printing
from edged.cli.moments import moment
from edged.cli.output import EXIT_OK, emit_json, json_text, pairs, printable, table
from edged.control.client import Client
from edged.journals.papers import Paper
from edged.shift.recovered_acts import RecoveredParams

Run = Callable[[argparse.Namespace], Coroutine[Any, Any, int]]
ROW_LIMIT = 200  # characters of a line for people; --json has all of it
Sub = Any  # argparse's private type of add_subparsers()


def add_commands(commands: Sub, others: Mapping[str, Sub]) -> None:
    """``others``: sub-commands of words that somebody else has begun."""
    _simple(commands, "status", "the station as a whole", _show_status)
    _simple(commands, "alerts", "conditions that somebody should end", _show_alerts)
    _simple(commands, "rebuild", "drop the search views and make them again from the ledger", _show_pairs)
    _simple(
        commands,
        "reload",
        "read the signed lists, look at the configuration; say what is refused",
        _show_pairs,
    )
    events = commands.add_parser("events", help="print the ledger's lines as they are written")
    events.set_defaults(run=_events)
    _add_slots(commands)
    _add_log(commands)
    _add_camera(commands)
    groups = {"officer": _add_officer(commands), **others}
    acts.add_commands(commands, lambda verb, params: _asking(verb, params, entered.show_act), groups)
    for verb, (text, show) in entered.LISTS.items():
        group, _, action = verb.partition(" ")
        listing = groups[group].add_parser(action, help=text)
        listing.set_defaults(run=_asking(verb.replace(" ", "-", 1), lambda _: {}, show))
    _add_draft(groups["paper"])
    make = groups["export"].add_parser("make", help="make the copy that another person has asked for")
    make.add_argument("export", help="its id")
    make.set_defaults(run=_asking("export-make", lambda a: {"export": a.export}, entered.show_act))
    brought = commands.add_parser("import", help="data from elsewhere").add_subparsers(
        metavar="ACTION", required=True
    )
    acts.add_command(
        brought.add_parser("recovered", help="bring in a file that a service centre has recovered"),
        "import-recovered",
        RecoveredParams,
        lambda verb, params: _asking(verb, params, entered.show_act),
    )
    printing.add_sheets(groups["journal"])
    printing.add_tag(groups["repair"])
    printing.add_report(commands)
    issue = commands.add_parser("issue", help="one issue").add_subparsers(metavar="ACTION", required=True)
    shown = issue.add_parser(
        "show", help="its recordings, their gaps, and where to listen for name and notice"
    )
    shown.add_argument("issue", help="its id")
    shown.set_defaults(run=_asking("issue-show", lambda a: {"issue": a.issue}, entered.show_issue))
    rights = commands.add_parser("rights", help="who may do what").add_subparsers(
        metavar="ACTION", required=True
    )
    rights.add_parser("list", help="every change of rights, oldest first").set_defaults(
        run=_asking("rights-list", lambda _: {}, entered.show_rights)
    )
    clock = commands.add_parser("clock", help="the host's clock").add_subparsers(
        metavar="ACTION", required=True
    )
    confirm = clock.add_parser("confirm", help="vouch for the host's clock: compare it with a good one first")
    confirm.set_defaults(run=_asking("clock-confirm", lambda _: {}, _show_pairs))
    prove = commands.add_parser("prove", help="make the proof file of one recording")
    prove.add_argument("recording", help="its id, or the beginning of it")
    prove.add_argument("--out", default="", help="file to write (default <recording>.proof)")
    prove.set_defaults(run=_prove)


# --- the pieces ---------------------------------------------------------------------------------------


def _asking(
    verb: str,
    params: Callable[[argparse.Namespace], dict[str, Any]],
    show: Callable[[Any], str],
) -> Run:
    async def run(args: argparse.Namespace) -> int:
        async with Client(args.socket) as client:
            answer = await client.call(verb, **params(args))
        if args.json:
            emit_json(answer)
        else:
            print(show(answer))
        return EXIT_OK

    return run


def _simple(commands: Sub, verb: str, text: str, show: Callable[[Any], str]) -> None:
    commands.add_parser(verb, help=text).set_defaults(run=_asking(verb, lambda _: {}, show))


def _add_slots(commands: Sub) -> None:
    parser = commands.add_parser("slots", help="every slot: light, camera, charge, work")
    parser.set_defaults(run=_asking("slots", lambda _: {}, _show_slots))
    actions = parser.add_subparsers(metavar="ACTION")
    for action, text in (
        ("clear-fault", "put a slot back into use after its fault is mended"),
        ("blink", "let the light of this slot blink for ten seconds"),
        ("open", "open the lock of a slot out of use, for a technician"),
        ("acknowledge", "end the alarm of a camera that was torn out"),
    ):
        sub = actions.add_parser(action, help=text)
        sub.add_argument("slot", type=int)
        sub.set_defaults(run=_asking(f"slots-{action}", lambda a: {"slot": a.slot}, _show_pairs))
    learning.add_command(actions)


def _add_log(commands: Sub) -> None:
    log = commands.add_parser(
        "log", help="search the ledger by time, person, camera, slot, recording, issue, type"
    )
    _add_query(log)
    log.add_argument("--limit", type=int, default=200, help="newest lines at most (default 200)")
    log.set_defaults(run=_asking("log", _log_params, _show_log))
    extract = commands.add_parser(
        "extract",
        help="the same lines as a folder that anybody can check; a camera, issue or recording alone: all about it",
    )
    _add_query(extract)
    extract.add_argument("--limit", type=int, default=100_000, help="newest lines at most (default 100000)")
    extract.add_argument("--out", required=True, metavar="FOLDER", help="a new folder")
    extract.set_defaults(run=inspection.run(_log_params))


def _add_query(parser: argparse.ArgumentParser) -> None:
    for name in ("since", "until"):
        parser.add_argument(f"--{name}", default="", help="2026-11-22T07:00:00Z, or 30m, 8h, 2d ago")
    for name in ("person", "camera", "recording", "issue", "type"):
        parser.add_argument(f"--{name}", default="")
    parser.add_argument("--slot", type=int, default=0)


def _log_params(args: argparse.Namespace) -> dict[str, Any]:
    names = ("person", "camera", "recording", "issue", "type", "slot", "limit")
    moments = {"since": moment(args.since), "until": moment(args.until)}
    return moments | {name: getattr(args, name) for name in names}


def _add_camera(commands: Sub) -> None:
    actions = commands.add_parser("camera", help="cameras of the station").add_subparsers(
        metavar="ACTION", required=True
    )
    actions.add_parser("list", help="where every camera is").set_defaults(
        run=_asking("camera-list", lambda _: {}, _show_cameras)
    )
    works = actions.add_parser("works", help="begin maintenance works on a camera, or end them")
    works.add_argument("camera")
    works.add_argument("--end", action="store_true", help="the works are over; --reason tells the result")
    works.add_argument("--reason", default="", help="the grounds, or the result")
    works.set_defaults(
        run=_asking(
            "camera-works", lambda a: {"camera": a.camera, "reason": a.reason, "end": a.end}, _show_pairs
        )
    )
    for action, text in (
        ("quarantine", "keep a camera in its slot: not issued, not cleared"),
        ("release", "end a camera's quarantine"),
    ):
        sub = actions.add_parser(action, help=text)
        sub.add_argument("camera")
        sub.add_argument("--reason", required=True)
        sub.set_defaults(
            run=_asking(f"camera-{action}", lambda a: {"camera": a.camera, "reason": a.reason}, _show_pairs)
        )


def _add_draft(actions: Sub) -> None:
    draft = actions.add_parser(
        "draft", help="print the draft of a paper that is owed, or of a letter on works to come"
    )
    draft.add_argument("paper", choices=[str(paper) for paper in Paper])
    draft.add_argument("about", help=f"{acts.FIELDS['about']}; of works to come: their entry in the manual")
    planned = draft.add_argument_group("of works to come", "what is left out is a line to fill in")
    planned.add_argument("--grounds", default="", help=acts.FIELDS["grounds"])
    planned.add_argument("--items", nargs="+", default=[], metavar="NUMBER", help=acts.FIELDS["items"])
    planned.add_argument("--begin", default="", help="when: 2026-11-22T07:00:00+02:00, or 3d from now")
    draft.set_defaults(run=_asking("paper-draft", _draft_params, lambda answer: str(answer["text"])))


def _draft_params(args: argparse.Namespace) -> dict[str, Any]:
    asked = {"paper": args.paper, "about": args.about}
    planned = {"grounds": args.grounds, "items": args.items, "begin": moment(args.begin, ahead=True)}
    return asked | {name: value for name, value in planned.items() if value}


def _add_officer(commands: Sub) -> Sub:
    actions = commands.add_parser("officer", help="officers who may take cameras").add_subparsers(
        metavar="ACTION", required=True
    )
    actions.add_parser("list", help="roster and local entries").set_defaults(
        run=_asking("officer-list", lambda _: {}, _show_officers)
    )
    add = actions.add_parser("add", help="enter an officer until the next roster")
    add.add_argument("person", help="id, as in the personnel list")
    add.add_argument("--name", required=True)
    add.add_argument("--badge", required=True, metavar="UID", help="the badge's number, hex")
    add.add_argument("--kind", default="desfire-id", help="kind of badge (default desfire-id)")
    add.add_argument(
        "--until", required=True, help="end of validity: 2026-12-31T22:00:00Z, or 8h, 30d from now"
    )
    add.add_argument("--appointment", required=True, help="appointing document: number and date")
    add.set_defaults(run=_asking("officer-add", _officer_params, _show_pairs))
    revoke = actions.add_parser("revoke", help="refuse an officer's badge from now on")
    revoke.add_argument("person")
    revoke.add_argument("--reason", required=True)
    revoke.set_defaults(
        run=_asking("officer-revoke", lambda a: {"person": a.person, "reason": a.reason}, _show_pairs)
    )
    return actions


def _officer_params(args: argparse.Namespace) -> dict[str, Any]:
    return {
        "person": args.person,
        "name": args.name,
        "kind": args.kind,
        "uid": args.badge.replace(":", ""),
        "valid_until": moment(args.until, ahead=True),
        "appointment": args.appointment,
    }


async def _prove(args: argparse.Namespace) -> int:
    async with Client(args.socket) as client:
        answer = await client.call("prove", recording=args.recording)
    summary = _write_proof(answer, args.out)
    if args.json:
        emit_json(summary)
    else:
        print(pairs(summary))
    return EXIT_OK


def _write_proof(answer: dict[str, Any], out: str) -> dict[str, Any]:
    path = Path(out or f"{answer['recording']}.proof")
    path.write_text(answer["proof"] + "\n", encoding="utf-8")
    return {"recording": answer["recording"], "file": str(path), "bytes": path.stat().st_size}


async def _events(args: argparse.Namespace) -> int:
    async with Client(args.socket) as client:
        async for line in client.events():
            print(json_text(line) if args.json else _log_row(line), flush=True)
    return EXIT_OK


# --- how answers look ---------------------------------------------------------------------------------


def _show_pairs(answer: dict[str, Any]) -> str:
    return pairs(answer)


def _show_status(s: dict[str, Any]) -> str:
    r, c, ledger, clock = s["recordings"], s["custody"], s["ledger"], s["clock"]
    bound = "unknown" if clock["max_error_ms"] is None else f"± {clock['max_error_ms']} ms"
    parts = [f"{d['dock']}: {'connected' if d['connected'] else 'SILENT'}" for d in s["docks"]]
    parts += [f"reader {x['reader']}: {'connected' if x['connected'] else 'SILENT'}" for x in s["readers"]]
    rows = {
        "station": f"{s['station']}, edged {s['version']}",
        "docks": "; ".join(parts),
        "clock": f"{clock['class']}, {bound}",
        "ledger": f"{ledger['lines']} lines, {ledger['signed']} signed, {ledger['countersigned']} countersigned",
        "roster": f"version {s['roster_version']}" if s["roster_version"] else "NONE",
        "schedule": f"version {s['schedule_version']}"
        if s["schedule_version"]
        else "none: issues are flagged",
        "recordings": f"{r['made']} made, {r['sealed']} sealed, {r['confirmed']} confirmed, {r['cleared']} cleared",
        "waiting": f"{r['waiting']} for the centre, {r['held']} held, {r['damaged']} damaged",
        **({"scans": " ".join(f"{k}={v}" for k, v in s["scans"].items())} if s["scans"] else {}),
        "courier": _courier(s["courier"]),
        "custody": f"{c['out']} out, {c['issues']} issued, {c['returns_not_confirmed']} returns not confirmed",
        "refusals": ", ".join(f"{k} {v}" for k, v in c["refusals"].items()) or "none",
        "incidents": c["incidents"],
        "alerts": f"{s['alerts']} (edgectl alerts)" if s["alerts"] else "none",
    }
    if s["key_change"]:
        rows["SIGNING KEY"] = f"another one ordered {s['key_change']}: edgectl station rekey"
    if s["retired"]:
        rows["RETIRED"] = f"since {s['retired']}: no camera is issued"
    if ledger["trouble"]:
        rows["LEDGER"] = ledger["trouble"]
    return pairs(rows)


def _courier(report: dict[str, Any] | None) -> str:
    if report is None:
        return "no report: nothing is delivered unless edged-sync runs"
    line = "connected" if report["connected"] else "NOT CONNECTED"
    return f"{line}, {report['queued']} queued, as of {report['time']}{_ups(report['ups'])}"


def _ups(ups: dict[str, Any] | None) -> str:
    if ups is None:
        return ""
    charge, runtime = ups["charge_percent"], ups["runtime_s"]
    more = "" if charge is None else f" {charge:.0f} %"
    more += "" if runtime is None else f" {runtime / 60:.0f} min"
    return f"; UPS {' '.join(ups['status'])}{more}"


def _show_slots(rows: Sequence[dict[str, Any]]) -> str:
    shown = [
        row
        | {
            "light": f"{row['colour']} {row['pattern']}" if row["colour"] != "off" else "off",
            "charge": "" if row["charge_percent"] is None else f"{row['charge_percent']} %",
            "work": _work(row),
        }
        for row in rows
    ]
    columns = (
        ("slot", "SLOT"),
        ("light", "LIGHT"),
        ("state", "STATE"),
        ("camera", "CAMERA"),
        ("charge", "CHARGE"),
        ("work", "WORK"),
    )
    return table(shown, columns)


def _work(row: dict[str, Any]) -> str:
    if row["bytes_total"]:
        return f"{100 * row['bytes_done'] // row['bytes_total']} % of {row['bytes_total'] // 2**20} MiB"
    return ", ".join(row["reasons"] or row["flags"]) or row["officer"]


def _show_alerts(rows: Sequence[dict[str, Any]]) -> str:
    return "\n".join(map(_alert, rows)) or "no alerts"


def _alert(row: dict[str, Any]) -> str:
    """What, since when, which (the remedy points at these facts), and what to do."""
    facts = " ".join(f"{name}={value}" for name, value in row["detail"].items())
    lines = [f"{row['since']}  {row['alert']}  {row['code']} {row['text']}", facts, row["remedy"]]
    return "\n    ".join(printable(line) for line in lines if line)


def _show_cameras(rows: Sequence[dict[str, Any]]) -> str:
    shown = [
        row
        | {
            "charge": "" if row.get("charge_percent") is None else f"{row['charge_percent']} %",
            "state": ("works" if row.get("works") else "")
            or ("quarantine" if row.get("quarantine") else "")
            or ("ready" if row.get("ready") else ", ".join(row.get("reasons", ()))),
        }
        for row in rows
    ]
    columns = (
        ("camera", "CAMERA"),
        ("inventory_number", "INVENTORY"),
        ("driver", "DRIVER"),
        ("where", "WHERE"),
        ("officer", "OFFICER"),
        ("state", "STATE"),
        ("charge", "CHARGE"),
        ("aboard", "ABOARD"),
    )
    return table(shown, columns)


def _show_officers(rows: Sequence[dict[str, Any]]) -> str:
    shown = [
        row | {"roles": ", ".join(row["roles"]), "state": "REVOKED" if row["revoked"] else ""} for row in rows
    ]
    columns = (
        ("person", "PERSON"),
        ("name", "NAME"),
        ("roles", "ROLES"),
        ("account", "ACCOUNT"),
        ("source", "FROM"),
        ("state", "STATE"),
    )
    return table(shown, columns)


def _show_log(lines: Sequence[str]) -> str:
    return "\n".join(_log_row(json.loads(line)) for line in lines) or "(nothing found)"


def _log_row(line: dict[str, Any]) -> str:
    data = " ".join(
        f"{k}={json.dumps(v, ensure_ascii=False) if isinstance(v, dict | list) else v}"
        for k, v in line["data"].items()
        if v not in ("", [], {}, None)
    )
    row = printable(f"{line['seq']:>7}  {line['time']}  {line['type']:<22} {line['actor']:<16} {data}")
    return row if len(row) <= ROW_LIMIT else row[: ROW_LIMIT - 1] + "…"
