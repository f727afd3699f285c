"""Who may do what, written down a second time: from the order and the issue, not from the code.

Whoever changes a cell of the tables in `edged.verbs` or `edged.shift.acts` has to change it here too, and say why.
"""

from collections.abc import Mapping

from edged.formats.roster import Role

_ROLES: Mapping[str, Role] = {
    "R": "responsible",
    "T": "technician",
    "A": "account_admin",
    "S": "security_admin",
}  # an officer and a user (viewer) have no letter: they reach nothing (459-IV.7)

_TABLE: Mapping[str, tuple[str, ...]] = {
    # looking
    "RTAS": (
        "status", "slots", "alerts", "events", "verify", "log", "prove", "camera list", "paper list", "paper draft",
        "works list",
    ),
    "RTS": ("incident list", "repair list", "memo list", "journal list", "journal print", "report"),
    "RAS": ("officer list", "export list"),
    "RS": ("extract", "issue show"),
    "AS": ("rights list",),
    # 459-II.1: the responsible person, in the own shift
    "R": (
        "incident open", "incident confirm", "incident reject", "incident note", "handover", "journal volume", "round",
        "memo enter", "memo end", "officer brief", "repair statement", "recording refer", "clear agree",
        "return confirm",
    ),
    # 459-II.3: the technical administrator
    "T": (
        "camera works", "camera quarantine", "camera release", "slots clear-fault", "slots learn", "slots open",
        "repair damaged", "repair tag", "repair print", "repair release", "repair back", "import recovered",
        "clear ask",
    ),
    # 459-II.2: the account administrator
    "A": (
        "officer add", "officer revoke", "station init", "station rekey", "station retire", "key rotate", "intake",
    ),
    # shared; of some it is decided further below which part is whose
    "RT": (
        "slots acknowledge", "slots blink", "outage start", "outage end", "journal sheet", "journal sign",
        "journal register",
    ),
    "RA": ("clock confirm", "export request", "export drop", "export make"),
    "TA": ("reload", "rebuild", "works start", "works end"),
    "RTA": ("paper give",),
}  # fmt: skip

MAY: Mapping[str, frozenset[Role]] = {
    verb: frozenset(_ROLES[letter] for letter in letters)
    for letters, verbs in _TABLE.items()
    for verb in verbs
}

UNNAMED = {"status", "slots", "alerts", "events", "verify", "reload", "slots blink"}
"""What an account that the roster does not name may ask too (root, a monitor), and so may all of the staff."""

KEEPS: Mapping[str, Role] = {
    "handover": "responsible",  # 459-II.1-keeps
    "incident": "responsible",
    "round": "responsible",
    "maintenance": "technician",  # 459-II.3-maintenance
}

ENTERS: Mapping[str, frozenset[Role]] = {
    "written-notice": frozenset({"responsible"}),
    "incident-information": frozenset({"responsible"}),
    "report-memo": frozenset({"responsible"}),
    "security-information": frozenset({"responsible"}),  # the security administrator changes nothing
    "warning": frozenset({"technician"}),  # 459-II.3-warn
    "works-letter": frozenset({"technician"}),
    "overrun-letter": frozenset({"technician"}),
    "copy-information": frozenset({"responsible", "account_admin"}),  # whoever made the copy
}
