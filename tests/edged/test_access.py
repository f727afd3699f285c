"""Who is let in, who is not and under which name; time that cannot be set back; tapping all night."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edged.access import (
    AccessList,
    Admitted,
    ConfirmReturns,
    Refusal,
    Refused,
    TapFacts,
    WantsCamera,
    tap,
)
from edged.errors import EdgeError, ErrorCode
from edged.formats import times
from edged.formats.roster import Appointment, Credential, Person, Revocation, Role, RoleGrant, Roster
from edged.ports import ClockClass, HostTime
from edged.throttle import BADGES, HOLD_S, Bucket, Throttle
from edged.time_floor import TimeFloor
from edged.verbs import VERBS, authorise, check_new_officer, check_rights_of
from tests.edged.rights import MAY, UNNAMED

KIND = "desfire-id"
JAN, MAR, JUN, SEP, DEC = (f"2026-{m:02}-01T00:00:00.000Z" for m in (1, 3, 6, 9, 12))
NOW = times.parse_ns(JUN)
SECOND = 1_000_000_000
HOUR = 3600 * SECOND
PAPER = Appointment(body="Львівська митниця", number="12", date="2026-01-01")


def digest(name: str) -> str:
    return name.encode().hex().ljust(64, "0")


def role(name: Role, begin: str = JAN, end: str = DEC) -> RoleGrant:
    return RoleGrant(role=name, appointment=PAPER, valid_from=begin, valid_until=end)


def person(name: str, *roles: RoleGrant, revoked: str = "", account: str = "", **badge: str) -> Person:
    return Person(
        id=name,
        name=name.title(),
        position="інспектор",
        account=account,
        credentials=(Credential(kind=KIND, digest=digest(name), **badge),),
        roles=roles,
        revoked=Revocation(at=revoked, reason="lost") if revoked else None,
    )


ROSTER = Roster(
    version=7,
    customs_body="Львівська митниця",
    issued_at=JAN,
    valid_from=JAN,
    valid_until=DEC,
    persons=(
        person("olena", role("officer")),
        person("petro", role("officer"), role("responsible"), account="petro"),
        person("iryna", role("responsible"), account="iryna"),
        person("gone", role("officer"), revoked=MAR, account="gone"),
        person("going", role("officer"), revoked=SEP),
        person("late", role("officer"), not_before=SEP),
        person("early", role("officer"), not_after=MAR),
        person("unpaid", role("officer", JAN, MAR)),
        person("tech", role("technician"), account="tech"),
        person("accounts", role("account_admin"), account="accounts"),
        person("security", role("security_admin"), account="security"),
        person("officer-with-account", role("officer"), account="clerk"),
        person("reader", role("officer"), role("viewer")),
        person("lapsed", role("officer", JAN, MAR), account="lapsed"),
        person("moved", role("officer"), role("technician", JAN, MAR), account="moved"),
        person("helper", account="helper"),
        person("user", role("viewer"), account="viewer"),
    ),
)


@dataclass(frozen=True)
class Entry:
    person: str
    name: str = ""
    credential: str = ""
    valid_until: str = DEC
    revoked: str = ""


def access(roster: Roster | None = ROSTER, local: Iterable[Entry] = (), grace_h: float = 0) -> AccessList:
    return AccessList(roster, local, kinds=[KIND], responsible_grace_h=grace_h)


def refusal(of: Admitted | Refused) -> Refusal | None:
    return of.reason if isinstance(of, Refused) else None


# --- decisions --------------------------------------------------------------------------------------


def test_an_officer_of_the_roster_is_admitted_with_the_roles_in_force() -> None:
    assert access().decide(digest("olena"), KIND, NOW) == Admitted("olena", "Olena", frozenset({"officer"}))
    assert access().decide(digest("petro"), KIND, NOW) == Admitted(
        "petro", "Petro", frozenset({"officer", "responsible"})
    )


@pytest.mark.clause("gov-no-access", "the badge of a stranger is refused by name")
@pytest.mark.fault("B01", "A badge that nobody holds is refused as unknown, and names nobody.")
def test_a_strangers_badge_is_unknown() -> None:
    assert access().decide(digest("stranger"), KIND, NOW) == Refused(Refusal.UNKNOWN_BADGE)


@pytest.mark.clause("459-II.8-lists", "without an appointing document in force there is no role")
@pytest.mark.fault("B02", "Revoked, expired, not-yet-valid badges and lapsed roles are each refused by name.")
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("gone", Refusal.REVOKED),
        ("early", Refusal.EXPIRED),
        ("late", Refusal.NOT_YET_VALID),
        ("unpaid", Refusal.NO_APPOINTMENT),
    ],
)
def test_a_badge_out_of_force_is_refused_by_name(name: str, reason: Refusal) -> None:
    assert access().decide(digest(name), KIND, NOW) == Refused(reason, name)


@pytest.mark.fault(
    "B02", "A revocation that lies in the future does not count yet, and counts from its moment on."
)
def test_a_revocation_counts_from_its_moment_on() -> None:
    at = times.parse_ns(SEP)
    assert refusal(access().decide(digest("going"), KIND, at - 1)) is None
    assert refusal(access().decide(digest("going"), KIND, at)) is Refusal.REVOKED


@pytest.mark.fault(
    "B03", "A badge kind that is a bare number does not count unless the configuration lets it."
)
def test_a_copied_number_of_a_good_badge_is_the_wrong_kind() -> None:
    assert refusal(access().decide(digest("olena"), "iso14443-uid", NOW)) is Refusal.WRONG_KIND
    both = AccessList(ROSTER, kinds=[KIND, "iso14443-uid"])
    assert refusal(both.decide(digest("olena"), "iso14443-uid", NOW)) is Refusal.UNKNOWN_BADGE


def test_without_a_roster_nobody_is_let_in_not_even_local_officers() -> None:
    local = [Entry("new", credential=digest("new"))]
    assert refusal(access(None, local).decide(digest("new"), KIND, NOW)) is Refusal.NO_ROSTER


@pytest.mark.fault(
    "B14", "An expired roster refuses officers; the responsible person goes on for the hours policy gives."
)
def test_an_expired_roster_refuses_all_but_the_responsible_person_for_some_hours() -> None:
    end = times.parse_ns(DEC)
    strict, lenient = access(), access(grace_h=8)
    people = replace_all(ROSTER, valid_until="2027-06-01T00:00:00.000Z")
    lenient = AccessList(people, kinds=[KIND], responsible_grace_h=8)
    assert refusal(strict.decide(digest("iryna"), KIND, end)) is Refusal.ROSTER_EXPIRED
    assert refusal(lenient.decide(digest("olena"), KIND, end)) is Refusal.ROSTER_EXPIRED
    assert lenient.decide(digest("petro"), KIND, end) == Admitted(
        "petro", "Petro", frozenset({"responsible"})
    )
    assert refusal(lenient.decide(digest("iryna"), KIND, end + 8 * HOUR - 1)) is None
    assert refusal(lenient.decide(digest("iryna"), KIND, end + 8 * HOUR)) is Refusal.ROSTER_EXPIRED


def replace_all(roster: Roster, valid_until: str) -> Roster:
    """The roster with roles that outlive it."""
    persons = tuple(
        Person(
            id=p.id,
            name=p.name,
            position=p.position,
            credentials=p.credentials,
            roles=tuple(role(g.role, g.valid_from, valid_until) for g in p.roles),
        )
        for p in roster.persons
    )
    return Roster(
        version=8,
        customs_body=roster.customs_body,
        issued_at=JAN,
        valid_from=JAN,
        valid_until=DEC,
        persons=persons,
    )


def test_a_roster_of_next_month_is_not_in_force_yet() -> None:
    at = times.parse_ns(JAN) - 1
    assert refusal(access().decide(digest("olena"), KIND, at)) is Refusal.ROSTER_NOT_YET


# --- what was entered at the station ------------------------------------------------------------------


def test_a_local_officer_is_an_officer_until_his_own_end() -> None:
    listed = access(local=[Entry("new", "Новий", digest("new"), SEP)])
    assert listed.decide(digest("new"), KIND, NOW) == Admitted("new", "Новий", frozenset({"officer"}))
    assert refusal(listed.decide(digest("new"), KIND, times.parse_ns(SEP))) is Refusal.EXPIRED


def test_a_local_revocation_beats_the_roster() -> None:
    listed = access(local=[Entry("olena", revoked="lost badge")])
    assert refusal(listed.decide(digest("olena"), KIND, NOW)) is Refusal.REVOKED


def test_a_local_entry_never_takes_over_a_badge_of_the_roster() -> None:
    listed = access(local=[Entry("thief", credential=digest("petro"))])
    assert listed.decide(digest("petro"), KIND, NOW) == Admitted(
        "petro", "Petro", frozenset({"officer", "responsible"})
    )


@pytest.mark.clause(
    "459-II.8-lists", "a badge that was entered at the station gives the role of officer, whoever holds it"
)
@pytest.mark.parametrize("name", ["petro", "iryna", "tech", "accounts", "security"])
def test_a_badge_that_was_entered_here_never_gives_more_than_the_role_of_officer(name: str) -> None:
    listed = access(local=[Entry(name, credential=digest("second"))])
    admitted = listed.decide(digest("second"), KIND, NOW)
    assert isinstance(admitted, Admitted)
    assert admitted.roles == {"officer"}
    waiting = replace(IDLE, returns_waiting=("i1",))
    assert not isinstance(tap(admitted, waiting), ConfirmReturns)


def test_a_local_second_badge_does_not_revive_a_person_whom_the_roster_revoked() -> None:
    listed = access(local=[Entry("gone", credential=digest("gone-2"))])
    assert refusal(listed.decide(digest("gone-2"), KIND, NOW)) is Refusal.REVOKED


# --- time -------------------------------------------------------------------------------------------


def host(
    wall: str | int, boot_s: float = 0, clock: ClockClass = ClockClass.SYNCHRONISED, boot: str = "b1"
) -> HostTime:
    wall_ns = times.parse_ns(wall) if isinstance(wall, str) else wall
    return HostTime(
        wall_ns, round(boot_s * SECOND), boot, clock, 0 if clock is ClockClass.SYNCHRONISED else None
    )


@pytest.mark.fault("B15", "A clock set back, in the same boot or in the next, revives no expired list.")
@pytest.mark.parametrize("clock", [ClockClass.HOLDOVER, ClockClass.UNKNOWN, ClockClass.SYNCHRONISED])
@pytest.mark.parametrize("boot", ["b1", "b2"])
def test_setting_the_clock_back_revives_nothing(clock: ClockClass, boot: str) -> None:
    floor = TimeFloor().seen(host(DEC))
    back = host(JUN, 60, clock, boot)
    judged = floor.seen(back).judged(back)
    assert judged >= times.parse_ns(DEC)
    assert refusal(access().decide(digest("olena"), KIND, judged)) is Refusal.ROSTER_EXPIRED


@pytest.mark.fault(
    "B15", "Within a boot the floor goes on with BOOTTIME although the wall clock stands still."
)
def test_the_floor_goes_on_with_boottime() -> None:
    floor = TimeFloor().seen(host(JUN, 10))
    stopped = host(JUN, 10 + 3600, ClockClass.HOLDOVER)
    assert floor.judged(stopped) == NOW + HOUR


@pytest.mark.fault("C01", "A boot in 1970 or 2106 with an unknown clock neither expires nor revives a list.")
@pytest.mark.parametrize("year", ["1970-01-01T00:00:00.000Z", "2106-02-07T06:28:15.000Z"])
def test_an_unknown_clock_ends_no_list(year: str) -> None:
    lost = host(year, 5, ClockClass.UNKNOWN)
    fresh = TimeFloor().signed(times.parse_ns(JUN), lost)
    assert refusal(access().decide(digest("olena"), KIND, fresh.judged(lost))) is None
    ended = TimeFloor().signed(times.parse_ns(DEC), lost)
    assert refusal(access().decide(digest("olena"), KIND, ended.judged(lost))) is Refusal.ROSTER_EXPIRED


def test_a_step_forward_that_nobody_vouches_for_leaves_no_trace() -> None:
    floor = TimeFloor().seen(host(JUN, 10))
    wild = floor.seen(host("2036-06-01T00:00:00.000Z", 20, ClockClass.UNKNOWN))
    assert wild.judged(host(JUN, 30, ClockClass.UNKNOWN)) == NOW + 20 * SECOND


@given(
    st.lists(
        st.tuples(st.integers(0, 2**62), st.integers(0, 2**40), st.sampled_from(ClockClass)), max_size=30
    )
)
def test_the_floor_never_goes_back(looks: list[tuple[int, int, ClockClass]]) -> None:
    floor, boottime, before = TimeFloor(), 0, 0
    for wall, later, clock in looks:
        boottime += later
        now = HostTime(wall, boottime, "b", clock, 0)
        floor = floor.seen(now)
        assert floor.at(now) >= before
        assert floor.judged(now) >= floor.at(now)
        before = floor.at(now)


# --- what a tap means ---------------------------------------------------------------------------------

OFFICER = Admitted("olena", "Olena", frozenset({"officer"}))
RESPONSIBLE = Admitted("iryna", "Iryna", frozenset({"responsible"}))
BOTH = Admitted("petro", "Petro", frozenset({"officer", "responsible"}))
IDLE = TapFacts(grant_at_reader=False, grant_of_person=False, holds_a_camera=False, returns_waiting=())


def test_an_officers_tap_wants_a_camera() -> None:
    assert tap(OFFICER, IDLE) == WantsCamera("olena")


@pytest.mark.fault("B18", "An officer who holds a camera gets no second one.")
def test_one_open_issue_an_officer() -> None:
    assert tap(OFFICER, replace(IDLE, holds_a_camera=True)) == Refused(Refusal.HOLDS_A_CAMERA, "olena")


@pytest.mark.fault("B18", "An officer with an open grant at one reader gets no second one at another.")
def test_one_open_grant_an_officer() -> None:
    assert tap(OFFICER, replace(IDLE, grant_of_person=True)) == Refused(Refusal.ALREADY_GRANTED, "olena")


@pytest.mark.fault("B09", "While a reader's grant is open the next badge there is refused, whoever it is.")
@pytest.mark.fault("B10", "A repeated tap of the same badge opens nothing more.")
@pytest.mark.parametrize("who", [OFFICER, RESPONSIBLE, BOTH])
def test_one_open_grant_a_reader(who: Admitted) -> None:
    facts = replace(IDLE, grant_at_reader=True, returns_waiting=("i1",))
    assert tap(who, facts) == Refused(Refusal.GRANT_PENDING, who.person)


@pytest.mark.clause(
    "459-III.11-return", "a return is confirmed by the badge of the responsible person and by nobody else's"
)
def test_the_responsible_persons_tap_confirms_the_returns_that_wait() -> None:
    waiting = replace(IDLE, returns_waiting=("i1", "i2"), holds_a_camera=True)
    assert tap(BOTH, waiting) == ConfirmReturns("petro", ("i1", "i2"))
    assert tap(RESPONSIBLE, waiting) == ConfirmReturns("iryna", ("i1", "i2"))
    assert tap(OFFICER, replace(IDLE, returns_waiting=("i1",))) == WantsCamera("olena")


def test_with_nothing_to_confirm_it_is_an_officers_tap_like_any_other() -> None:
    assert tap(BOTH, IDLE) == WantsCamera("petro")
    assert tap(RESPONSIBLE, IDLE) == Refused(Refusal.NOT_AN_OFFICER, "iryna")


# --- throttle ---------------------------------------------------------------------------------------


def throttle() -> Throttle:
    return Throttle(badge=(3, 10.0), reader=(10, 2.0))


@pytest.mark.fault(
    "B16", "A badge a second all night: the ledger gets a bounded number of lines that count them all."
)
def test_a_night_of_guessing_fills_no_ledger_and_nothing_goes_uncounted() -> None:
    guard, lines, counted, alarms = throttle(), 0, 0, 0
    for second in range(8 * 3600):
        heard = guard.refused(digest(str(second)), "A", second * SECOND)
        lines += heard.report
        counted += heard.count if heard.report else 0
        alarms += heard.alarm
    counted += sum(guard.unreported().values())
    assert counted == 8 * 3600
    assert lines <= 8 * 3600 / 2 + 10
    assert alarms == 1


@pytest.mark.fault(
    "B16", "At a reader under attack every answer is held back, a valid badge's too, but never over 2 s."
)
def test_an_answer_is_slow_under_attack_and_prompt_before_and_after() -> None:
    guard = throttle()
    assert guard.hold_s("A", 0) == 0
    for n in range(11):
        guard.refused(digest(str(n)), "A", 0)
    assert guard.hold_s("A", 0) == HOLD_S
    assert HOLD_S + 0.15 < 2.0
    assert guard.hold_s("B", 0) == 0
    assert guard.hold_s("A", 60 * SECOND) == 0


def test_the_alarm_comes_again_when_the_reader_had_recovered() -> None:
    guard = throttle()
    first = [guard.refused(digest(str(n)), "A", 0).alarm for n in range(15)]
    assert sum(first) == 1
    assert guard.calmed(SECOND) == ()
    assert guard.calmed(3600 * SECOND) == ("A",)
    assert guard.calmed(3600 * SECOND) == ()
    second = [guard.refused(digest(str(n)), "A", 3600 * SECOND).alarm for n in range(15)]
    assert sum(second) == 1


@pytest.mark.fault(
    "B01", "One badge tapped again and again gets a line for its first refusals, then only a count."
)
def test_one_badge_tapped_again_and_again_is_counted_in_its_next_line() -> None:
    guard = throttle()
    heard = [guard.refused(digest("x"), "A", n * SECOND // 10) for n in range(6)]
    assert [h.report for h in heard] == [True, True, True, False, False, False]
    later = guard.refused(digest("y"), "A", 60 * SECOND)
    assert later.report
    assert later.count == 4


def test_only_so_many_badges_are_remembered() -> None:
    guard = Throttle(badge=(1, 1e9), reader=(10**6, 1.0))
    for n in range(BADGES + 1):
        guard.refused(digest(str(n)), "A", 0)
    assert guard.refused(digest("0"), "A", 0).report  # forgotten, so heard out again
    assert not guard.refused(digest(str(BADGES)), "A", 0).report


@given(st.integers(1, 20), st.floats(0.1, 100), st.lists(st.integers(0, 10**12), max_size=40))
def test_a_bucket_never_holds_more_than_its_size_nor_less_than_nothing(
    size: int, refill_s: float, at: list[int]
) -> None:
    bucket = Bucket(size, refill_s, size, 0)
    for moment in at:
        bucket = bucket.at(moment)
        bucket = bucket.take() or bucket
        assert 0 <= bucket.tokens <= size


# --- verbs ------------------------------------------------------------------------------------------

ACCOUNTS: dict[Role, str] = {
    "officer": "clerk",
    "viewer": "viewer",
    "responsible": "iryna",
    "technician": "tech",
    "account_admin": "accounts",
    "security_admin": "security",
}
CELLS = [(verb, role_) for verb in sorted({*VERBS, *MAY}) for role_ in ACCOUNTS]
NOTHING = {"officer", "viewer"}


@pytest.mark.clause("459-IV.7-no-tampering", "an officer has no verb of edgectl")
@pytest.mark.parametrize(("verb", "role_"), CELLS)
def test_each_cell_of_the_table_of_verbs(verb: str, role_: Role) -> None:
    """What is expected stands in `tests.edged.rights`, and in no table of the code."""
    if role_ in MAY[verb] or (verb in UNNAMED and role_ not in NOTHING):
        assert authorise(access(), verb, ACCOUNTS[role_], NOW).text.startswith("person:")
    else:
        with pytest.raises(EdgeError) as caught:
            authorise(access(), verb, ACCOUNTS[role_], NOW)
        assert caught.value.code is ErrorCode.NOT_ALLOWED


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_each_verb_is_of_the_roles_that_the_order_gives_it_to(verb: str) -> None:
    """Also where the difference would not show, because anybody may ask."""
    assert VERBS[verb].roles == MAY[verb]
    assert VERBS[verb].unnamed == (verb in UNNAMED)


@pytest.mark.parametrize("verb", sorted(MAY))
@pytest.mark.parametrize("account", ["root", "nobody"])
def test_an_account_of_nobody_looks_and_nothing_else(verb: str, account: str) -> None:
    if verb in UNNAMED:
        assert authorise(access(), verb, account, NOW).text == f"account:{account}"
    else:
        with pytest.raises(EdgeError) as caught:
            authorise(access(), verb, account, NOW)
        assert caught.value.code is ErrorCode.NOT_ALLOWED


@pytest.mark.clause(
    "459-II.5-protect", "the security administrator reads every journal and log and changes nothing"
)
def test_an_officer_reaches_nothing_and_the_security_administrator_changes_nothing() -> None:
    assert not [verb for verb, v in VERBS.items() if "officer" in v.roles]
    reading = {"status", "slots", "alerts", "events", "verify", "log", "prove", "camera list", "officer list"}
    reading |= {f"{kind} list" for kind in ("incident", "paper", "works", "repair", "memo", "journal")}
    reading |= {
        "paper draft",
        "journal print",
        "report",
        "extract",
        "issue show",
        "rights list",
        "export list",
    }
    assert {verb for verb, v in VERBS.items() if "security_admin" in v.roles} == reading


def test_root_and_unnamed_accounts_look_but_do_not_touch_and_show_as_such() -> None:
    assert authorise(access(), "status", "root", NOW).text == "account:root"
    for verb in ("officer add", "camera works", "clock confirm", "slots open", "log"):
        with pytest.raises(EdgeError):
            authorise(access(), verb, "root", NOW)


@pytest.mark.clause(
    "459-IV.7-no-tampering",
    "whoever was an officer, and is revoked or no longer in force, has no verb of edgectl",
)
@pytest.mark.parametrize(
    ("account", "at", "local"),
    [
        ("clerk", JUN, ()),
        ("clerk", DEC, ()),  # the roster has run out
        ("clerk", JUN, (Entry("officer-with-account", revoked="lost badge"),)),
        ("gone", JUN, ()),  # by the roster
        ("lapsed", JUN, ()),  # the document that made him one
        ("moved", JUN, ()),  # was more than that until March
    ],
)
@pytest.mark.parametrize("verb", sorted(VERBS))
def test_whoever_is_known_as_an_officer_only_reaches_nothing(
    account: str, at: str, local: tuple[Entry, ...], verb: str
) -> None:
    with pytest.raises(EdgeError) as caught:
        authorise(access(local=local), verb, account, times.parse_ns(at))
    assert caught.value.code is ErrorCode.NOT_ALLOWED


@pytest.mark.parametrize(("account", "at"), [("root", JUN), ("monitor", DEC), ("tech", DEC), ("helper", JUN)])
def test_an_account_of_no_officer_looks_and_loads_lists(account: str, at: str) -> None:
    for verb in ("status", "events", "reload"):
        authorise(access(), verb, account, times.parse_ns(at))


def test_with_an_expired_roster_a_new_one_can_still_be_loaded() -> None:
    at = times.parse_ns(DEC)
    assert authorise(access(), "reload", "tech", at).text == "person:tech"
    assert authorise(None, "reload", "root", at).text == "account:root"
    with pytest.raises(EdgeError):
        authorise(access(), "camera works", "tech", at)


@pytest.mark.clause(
    "459-V.3-access", "an account of nobody in the signed roster, or of somebody revoked, has no access"
)
@pytest.mark.parametrize("account", ["gone", "nobody", ""])
def test_a_revoked_or_unknown_account_has_no_role(account: str) -> None:
    assert access().who(account, NOW) is None


def test_a_verb_that_is_none_is_not_found() -> None:
    with pytest.raises(EdgeError) as caught:
        authorise(access(), "format disk", "tech", NOW)
    assert caught.value.code is ErrorCode.NOT_FOUND


@pytest.mark.clause(
    "459-II.2-accounts", "nobody gives a right to oneself, nor a badge that is somebody's already"
)
@pytest.mark.fault(
    "O06", "The account administrator cannot add a badge for himself, nor hand out somebody's badge."
)
@pytest.mark.parametrize(
    ("actor", "person_", "credential", "code"),
    [
        ("accounts", "accounts", "new", ErrorCode.NOT_ALLOWED),
        ("olena", "olena", "new", ErrorCode.NOT_ALLOWED),  # whatever else she is
        ("accounts", "friend", "accounts", ErrorCode.NOT_ALLOWED),
        ("accounts", "friend", "olena", ErrorCode.NOT_ALLOWED),
        ("accounts", "olena", "olena", ErrorCode.CONFLICT),  # she has it: nothing that anybody may not
        ("accounts", "gone", "new", ErrorCode.NOT_ALLOWED),
        *(("accounts", one, "new", ErrorCode.NOT_ALLOWED) for one in ("iryna", "petro", "tech", "security")),
    ],
)
def test_nobody_gives_rights_to_oneself(actor: str, person_: str, credential: str, code: ErrorCode) -> None:
    with pytest.raises(EdgeError) as caught:
        check_new_officer(access(), actor, person_, digest(credential))
    assert caught.value.code is code


@pytest.mark.parametrize("person_", ["friend", "olena", "unpaid", "reader"])
def test_an_officer_or_a_stranger_may_be_added_with_a_new_badge(person_: str) -> None:
    check_new_officer(access(), "accounts", person_, digest("new"))


@pytest.mark.clause(
    "459-II.2-accounts", "the account administrator revokes officers and users, nobody else and never oneself"
)
@pytest.mark.parametrize("person_", ["accounts", "security", "iryna", "petro", "tech"])
def test_only_officers_and_users_are_revoked_by_the_account_administrator(person_: str) -> None:
    with pytest.raises(EdgeError) as caught:
        check_rights_of(access(), "accounts", person_)
    assert caught.value.code is ErrorCode.NOT_ALLOWED
    for officer in ("olena", "unpaid", "reader", "entered-here"):
        check_rights_of(access(), "accounts", officer)


def test_nobody_revokes_oneself_even_as_an_officer() -> None:
    with pytest.raises(EdgeError) as caught:
        check_rights_of(access(), "olena", "olena")
    assert caught.value.code is ErrorCode.NOT_ALLOWED
