"""The Debian releases that a package is made for. Each has its own Python, and so its own package."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Suite:
    name: str
    number: int
    python: str  # of `python3` there
    next_python: str  # the first that does not fit any more
    units: str  # where its dpkg expects units: before Debian 13 the merged /usr is no path of a package


SUITES = {
    suite.name: suite
    for suite in (
        Suite("bookworm", 12, "3.11", "3.12", "lib/systemd/system"),
        Suite("trixie", 13, "3.13", "3.14", "usr/lib/systemd/system"),
    )
}
