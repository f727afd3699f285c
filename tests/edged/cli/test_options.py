"""What a command line means before anybody is asked."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from edged.cli import online
from edged.cli.main import build_parser, main
from edged.cli.online import _log_params, _officer_params
from edged.cli.output import EXIT_UNREACHABLE
from edged.control.client import Client
from edged.errors import EdgeError, ErrorCode
from edged.main import DEFAULT_SOCKET
from tests.edged.samples import CONFIG

WORDS = (
    ["log"],
    ["camera", "list"],
    ["slots", "open", "3"],
    ["key", "show", "a", "b"],
    ["verify", "x", "--station-key", "k"],
)
COMMON = (["--json"], ["--socket", "/s"], ["--config", "/c"])


@pytest.mark.parametrize("words", WORDS, ids=" ".join)
@pytest.mark.parametrize("option", COMMON, ids=" ".join)
def test_a_common_option_means_the_same_at_every_place(words: list[str], option: list[str]) -> None:
    parse = build_parser().parse_args
    places = [[*words[:i], *option, *words[i:]] for i in range(len(words) + 1)]
    places = [p for p in places if "--station-key" not in p[p.index(option[0]) - 1]]
    given = [{k: v for k, v in vars(parse(p)).items() if k != "run"} for p in places]
    assert given == [given[0]] * len(given)
    plain = {k: v for k, v in vars(parse(words)).items() if k != "run"}
    assert plain != given[0]


def test_an_option_after_the_command_counts_and_the_other_keeps_its_value() -> None:
    args = build_parser().parse_args(["--socket", "/one", "camera", "--json", "list", "--config", "/c"])
    assert (args.socket, args.json, args.config) == ("/one", True, "/c")


def officer(until: str) -> dict[str, Any]:
    words = f"officer add p --name N --badge 01020304 --appointment A --until {until}"
    return _officer_params(build_parser().parse_args(words.split()))


@pytest.mark.parametrize(("span", "length"), [("8h", timedelta(hours=8)), ("30d", timedelta(days=30))])
def test_the_end_of_an_officers_validity_lies_ahead(span: str, length: timedelta) -> None:
    until = datetime.fromisoformat(officer(span)["valid_until"])
    assert abs(until - (datetime.now(UTC) + length)) < timedelta(minutes=1)


def test_the_beginning_of_a_search_lies_back() -> None:
    since = _log_params(build_parser().parse_args(["log", "--since", "8h"]))["since"]
    assert abs(datetime.fromisoformat(since) - (datetime.now(UTC) - timedelta(hours=8))) < timedelta(
        minutes=1
    )


def test_a_time_is_taken_as_it_stands() -> None:
    assert officer("2027-01-01T02:00:00+02:00")["valid_until"] == "2027-01-01T00:00:00.000Z"


@pytest.mark.parametrize("text", ["tomorrow", "8", "-8h", "8w", "99999999999d", "²h"])
def test_an_unreadable_end_is_refused_with_what_was_expected(text: str) -> None:
    with pytest.raises(EdgeError) as caught:
        _officer_params(
            build_parser().parse_args(
                [
                    "officer",
                    "add",
                    "p",
                    "--name",
                    "N",
                    "--badge",
                    "0102",
                    "--appointment",
                    "A",
                    f"--until={text}",
                ]
            )
        )
    assert caught.value.code is ErrorCode.BAD_REQUEST
    assert "30d" in str(caught.value.detail["expected"])


@pytest.mark.parametrize("before", [True, False])
def test_intake_takes_json_at_both_places_and_fails_in_it(
    before: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [
        "intake",
        "--home",
        f"{tmp_path}/home",
        "--store",
        f"{tmp_path}/store",
        "--server",
        "s",
        "--once",
    ]
    words += ["--key", f"{tmp_path}/none.key", "--station-key", "k+1+2"]
    assert main(["--json", *words] if before else [*words, "--json"]) == 3
    assert "No such file" in json.loads(capsys.readouterr().err)["text"]


@pytest.mark.parametrize(
    ("config", "option", "asked"),
    [
        (CONFIG + '\n[control]\nsocket = "/nowhere/edged.sock"\n', [], "/nowhere/edged.sock"),
        (CONFIG + '\n[control]\nsocket = "/nowhere/edged.sock"\n', ["--socket", "/given"], "/given"),
        (CONFIG, [], DEFAULT_SOCKET),
        ('[control]\nsocket = "/nowhere/edged.sock"\n', [], DEFAULT_SOCKET),
        (None, [], DEFAULT_SOCKET),
    ],
    ids=["configured", "given", "silent", "not-valid", "missing"],
)
def test_the_daemon_is_asked_where_the_configuration_says(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    config: str | None,
    option: list[str],
    asked: str,
) -> None:
    file, seen = tmp_path / "edged.toml", []
    if config is not None:
        file.write_text(config)

    class Asked(Client):
        def __init__(self, path: str) -> None:
            seen.append(path)
            super().__init__(str(tmp_path / "none.sock"))

    monkeypatch.setattr(online, "Client", Asked)
    assert main(["--config", str(file), *option, "status"]) == EXIT_UNREACHABLE
    assert seen == [asked]


def test_the_help_says_where_the_daemon_is_looked_for() -> None:
    assert "[control] socket" in " ".join(build_parser().format_help().split())
