"""``make clauses``: which clauses of the law are proved, by which code and tests; ``--write`` makes docs/compliance.md.

A test that proves a clause carries ``@pytest.mark.clause("459-III.8-no-removal", "what it claims, in a sentence")``,
and a row of ``tests/mutants/clauses.toml`` takes its defence out. Nothing else counts: what is not proved is called so.
"""

import argparse
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from tests.faults import AT_A_TIME, say, verdict
from tests.markers import TESTS, Marker, read
from tests.mutant_runs import Outcome, judge
from tests.mutation import ROOT, Proof, load_as

TABLE = TESTS / "mutants" / "clauses.toml"
PAGE = ROOT / "docs" / "compliance.md"

_LISTED = tomllib.loads((TESTS / "clauses.toml").read_text("utf-8"))
CLAUSES: Mapping[str, str] = MappingProxyType(
    {name: clause["says"] for name, clause in _LISTED["clause"].items()}
)
"""Clause → what it says."""
OUTSIDE: Mapping[str, str] = MappingProxyType(_LISTED["outside"])
"""Clause that is outside a dock station → why."""

_HEAD = """\
<!-- Made by `make docs` from tests/clauses.toml and the tests' markers. Do not edit. -->

# The order, clause by clause

What of Order 459, and of the papers around it, the station is shown to keep: by which code, and by which tests. Each of
these tests is red once the defence in that code is taken out (`make clauses ALL=1`). Shown is the sentence beside a
clause and nothing more; a clause without a test is not claimed. What `scan-` says binds scanning systems and is taken
over by choice; means that no paper prescribes are our own.

Something is shown of {proved} of {all} clauses.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClauseMutant(Proof):
    """The defence of a clause, taken out."""

    clause: str

    @property
    def about(self) -> str:
        return self.clause


@cache
def mutants() -> tuple[ClauseMutant, ...]:
    """Raises MutantError."""
    return tuple(load_as(ClauseMutant, TABLE))


def proved() -> dict[str, list[Marker]]:
    """Clause → its markers, in the order of `CLAUSES`."""
    found: dict[str, list[Marker]] = {clause: [] for clause in CLAUSES}
    for marker in read("clause"):
        if marker.about in found:
            assert marker.about is not None
            found[marker.about].append(marker)
    return {clause: markers for clause, markers in found.items() if markers}


def page() -> str:
    found = proved()
    lines = [_HEAD.format(proved=len(found), all=len(CLAUSES)), "## Shown", ""]
    lines += ["| clause | what it says | code | what the tests show |", "| --- | --- | --- | --- |"]
    lines += [_row(clause, markers) for clause, markers in found.items()]
    lines += ["", "## Nothing is shown yet", "", "| clause | what it says |", "| --- | --- |"]
    lines += [f"| {clause} | {_cell(says)} |" for clause, says in CLAUSES.items() if clause not in found]
    lines += ["", "## Outside a dock station", "", "| clause | why |", "| --- | --- |"]
    lines += [f"| {clause} | {_cell(why)} |" for clause, why in OUTSIDE.items()]
    return "\n".join(lines) + "\n"


def table() -> Iterator[str]:
    """Lines for a terminal."""
    found = proved()
    for clause in CLAUSES:
        for marker in found.get(clause, ()):
            yield f"{clause:<26} {', '.join(_code(clause))}  {marker.claim}  [{marker.place} {marker.test}]"
    missing = [clause for clause in CLAUSES if clause not in found]
    yield f"\nsomething is shown of {len(found)} of {len(CLAUSES)}; nothing yet of: {' '.join(missing)}"


def _row(clause: str, markers: Iterable[Marker]) -> str:
    code = "<br>".join(f"`{file}`" for file in _code(clause))
    shown = "<br>".join(f"{_cell(marker.claim or '')} (`{marker.file}`)" for marker in markers)
    return f"| {clause} | {_cell(CLAUSES[clause])} | {code} | {shown} |"


def _code(clause: str) -> list[str]:
    return sorted({mutant.file for mutant in mutants() if mutant.clause == clause})


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="make clauses", description=__doc__)
    parser.add_argument("--write", action="store_true", help="make docs/compliance.md")
    parser.add_argument("--all", action="store_true", help="take each defence out; its test must fail")
    options = parser.parse_args(words)
    if options.write:
        PAGE.write_text(page(), "utf-8")
        return 0
    for line in table():
        say(line)
    return judged() if options.all else 0


def judged() -> int:
    killed = 0
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        for result in pool.map(judge, mutants()):
            say(verdict(result))
            killed += result.outcome is Outcome.KILLED
    say(f"{killed} of {len(mutants())} killed")
    return 0 if killed == len(mutants()) else 1


if __name__ == "__main__":
    sys.exit(main())
