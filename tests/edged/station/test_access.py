"""Who gets a camera and who does not: every refusal, through reader, desk and ledger; lists and their changes."""

import pytest

from edged.access import Refusal
from edged.control.calls import Call
from edged.control.verbs import HANDLERS, OfficerParams, RevokeParams
from edged.errors import EdgeError, ErrorCode
from edged.formats import facts as f
from edged.formats.note import Signer
from edged.slots.state import State
from edged.verbs import Actor, authorise
from firmware_protocol.reader.messages import CardKind, Show
from tests.world.loop import story
from tests.world.persons import DARIA, IRYNA, OLENA, PETRO, STAFF, TARAS, Someone, at, roster
from tests.world.world import AUTHORITY, World

pytestmark = pytest.mark.slow  # many steps each; the fast part keeps the main stories

NOBODY = "04a1b2c3d4e5ff"
OTHERS = (
    Someone(id="gone", badge="04a1b2c3d4e510", revoked=True),
    Someone(id="later", badge="04a1b2c3d4e511", badge_from=at(5)),
    Someone(id="over", badge="04a1b2c3d4e512", badge_until=at(-5)),
    Someone(id="unappointed", badge="04a1b2c3d4e513", appointed=(-48.0, -1.0)),
)


async def docked(world: World, *slots: int) -> None:
    for slot in slots:
        world.add(f"K00000{slot}")
        world.insert(f"K00000{slot}", slot)
    for slot in slots:
        await world.until_slot(slot, State.READY)


async def refused(world: World, reason: Refusal, person: str = "") -> None:
    """The last tap came to nothing for this reason, and no lock is open because of it."""
    await world.until(
        lambda: any((b.reason, b.person) == (reason, person) for b in world.facts(f.BadgeRefused)),
        10,
        f"refused: {reason}",
    )
    last = [b for b in world.facts(f.BadgeRefused) if b.reason == reason][-1]
    assert last.person == person
    assert len(last.credential) == 16
    assert world.reader.sounded[-1] in {Show.REFUSED, Show.WAIT}


@pytest.mark.parametrize(
    ("badge", "reason", "person"),
    [
        (NOBODY, Refusal.UNKNOWN_BADGE, ""),
        ("04a1b2c3d4e510", Refusal.REVOKED, "gone"),
        ("04a1b2c3d4e511", Refusal.NOT_YET_VALID, "later"),
        ("04a1b2c3d4e512", Refusal.EXPIRED, "over"),
        ("04a1b2c3d4e513", Refusal.NO_APPOINTMENT, "unappointed"),
        (TARAS.badge, Refusal.NOT_AN_OFFICER, "taras"),
    ],
)
@story
async def test_a_badge_that_gets_no_camera(badge: str, reason: Refusal, person: str) -> None:
    async with World.open() as world:
        world.publish(roster(AUTHORITY, 2, STAFF + OTHERS))
        await docked(world, 1)
        await world.until(lambda: world.station.lists.roster_version == 2)
        tapped = world.loop.time()
        world.tap(badge)
        await refused(world, reason, person)
        assert world.loop.time() - tapped < 0.3
        assert not world.open_lock(1)
        assert not world.facts(f.CameraGranted)


@story
async def test_a_kind_of_badge_that_can_be_copied_does_not_count() -> None:
    async with World.open() as world:
        await docked(world, 1)
        world.tap(OLENA.badge, CardKind.ISO14443_UID)
        await refused(world, Refusal.WRONG_KIND)


@story
async def test_without_a_roster_nobody_gets_a_camera() -> None:
    async with World.open(boot=False) as world:
        world.publish(b"no roster\n")
        await world.boot()
        await docked(world, 1)
        assert {"roster-missing", "roster-invalid"} <= world.alerts()
        world.tap(OLENA.badge)
        await refused(world, Refusal.NO_ROSTER)
        world.publish(roster(AUTHORITY, 1))
        await world.until(lambda: not world.alerts(), 30)
        world.tap(PETRO.badge)
        await world.take(1)


@pytest.mark.clause("459-II.2-accounts", "a roster of another customs body is not taken")
@pytest.mark.fault(
    "B13", "an older, foreign or forged roster changes nothing: the last good one stays in force"
)
@pytest.mark.parametrize(
    "kind", ["older", "same again", "foreign", "forged", "altered", "cut off", "empty", "endless"]
)
@story
async def test_a_roster_that_is_not_taken(kind: str) -> None:
    async with World.open(boot=False) as world:
        world.publish(roster(AUTHORITY, 5))
        await world.boot()
        await docked(world, 1)
        stranger = Signer.from_seed(AUTHORITY.name, b"z" * 32)
        without = tuple(p for p in STAFF if p is not OLENA)
        bad = {
            "older": roster(AUTHORITY, 4, without),
            "same again": roster(AUTHORITY, 5, without),
            "foreign": roster(AUTHORITY, 6, without, body="Одеська митниця"),
            "forged": roster(stranger, 6, without),
            "altered": roster(AUTHORITY, 6, without).replace(b'"version":6', b'"version":8'),
            "cut off": roster(AUTHORITY, 6, without)[:-30],
            "empty": b"",
            "endless": b"x" * 30_000_000,
        }[kind]
        world.publish(bad)
        await world.passes(60)
        assert world.station.lists.roster_version == 5
        assert len(world.facts(f.RosterRefused)) == (0 if kind == "endless" else 1)  # once, not at each look
        world.tap(OLENA.badge)
        await world.take(1)
        world.publish(roster(AUTHORITY, 7))
        await world.until(lambda: world.station.lists.roster_version == 7, 30)
        assert "roster-invalid" not in world.alerts()


@pytest.mark.fault(
    "B14", "off line longer than the roster is valid: refused with a clear reason, returns go on"
)
@story
async def test_a_roster_that_runs_out() -> None:
    async with World.open(boot=False) as world:
        world.publish(roster(AUTHORITY, 1, hours=(-24.0, 1.0)))
        await world.boot()
        await docked(world, 1)
        await world.passes(3700)
        await world.until(lambda: "roster-expired" in world.alerts(), 30)
        world.tap(OLENA.badge)
        await refused(world, Refusal.ROSTER_EXPIRED, "olena")
        world.add("K000002", {"CLIP0001.MP4": b"x" * 5000})
        world.insert("K000002", 2)
        await world.until_cleared("K000002")


@pytest.mark.fault("B15", "a clock that is set back revives no roster, not even over a restart")
@story
async def test_a_clock_that_is_set_back() -> None:
    async with World.open(boot=False) as world:
        world.publish(roster(AUTHORITY, 1, hours=(-24.0, 1.0)))
        await world.boot()
        await docked(world, 1)
        await world.passes(3700)
        world.clock.off_s = -3000.0
        world.clock.unknown()
        world.tap(OLENA.badge)
        await refused(world, Refusal.ROSTER_EXPIRED, "olena")
        await world.crash()
        await world.boot()
        await world.until_slot(1, State.READY, State.HOLDING)
        world.tap(PETRO.badge)
        await refused(world, Refusal.ROSTER_EXPIRED, "petro")


@story
async def test_refusals_that_only_mean_later_or_not_here() -> None:
    async with World.open(access="grant_open_s = 30") as world:
        world.tap(OLENA.badge)
        await refused(world, Refusal.NO_CAMERA_DOCKED, "olena")
        await docked(world, 1)
        await world.passes(1)
        world.tap(OLENA.badge)
        await world.until(lambda: world.open_lock(1), 5)
        world.tap(PETRO.badge)  # the next in the queue is too quick
        await refused(world, Refusal.GRANT_PENDING, "petro")
        assert world.reader.sounded[-1] is Show.WAIT
        await world.take(1)
        await world.until(lambda: world.facts(f.CameraIssued))
        await docked(world, 2)
        world.tap(OLENA.badge)  # she holds one
        await refused(world, Refusal.HOLDS_A_CAMERA, "olena")
        world.change("K000002", battery=10.0)
        await world.until_slot(2, State.HOLDING, within_s=900)
        world.tap(PETRO.badge)
        await refused(world, Refusal.NO_CAMERA_READY, "petro")
        assert not world.open_lock(2)


@pytest.mark.fault(
    "B16",
    "a night of strange badges: an alarm that ends, and an officer is served in two seconds",
)
@story
async def test_somebody_tries_badges_all_night() -> None:
    async with World.open() as world:
        await docked(world, 1)
        for number in range(300):
            world.tap(f"04ffff{number:08x}")
            await world.passes(0.7)
        assert "reader-attacked:A" in world.alerts()
        lines = world.facts(f.BadgeRefused)
        assert len(lines) < 300
        tapped = world.loop.time()
        world.tap(OLENA.badge)
        await world.until(lambda: world.open_lock(1), 5)
        assert world.loop.time() - tapped <= 2
        await world.take(1)
        await world.until(lambda: "reader-attacked:A" not in world.alerts(), 600)
        assert sum(line.count for line in world.facts(f.BadgeRefused)) == 300  # nothing goes uncounted


# --- grants and restarts --------------------------------------------------------------------------------


@pytest.mark.clause(
    "459-III.9-two-steps", "the lock opens only once the grant to this badge is in the ledger"
)
@pytest.mark.fault(
    "B11",
    "the host dies between grant and unlock: the lock stays shut and the grant is void",
)
@story
async def test_the_host_dies_between_grant_and_unlock() -> None:
    async with World.open() as world:
        await docked(world, 1)
        world.station.book.subscribe(
            lambda line: world.halt() if isinstance(line.fact, f.CameraGranted) else None
        )
        world.tap(OLENA.badge)
        await world.passes(1)
        assert not world.open_lock(1)
        await world.crash()
        await world.boot()
        await world.until(lambda: world.facts(f.GrantVoided), 30)
        assert world.facts(f.GrantVoided)[0].reason == "restart"
        await world.until_slot(1, State.READY)
        assert not world.open_lock(1)
        assert not world.facts(f.CameraIssued)


@pytest.mark.fault(
    "B12", "the host dies while the lock is open: the contact says whether the camera is out or in"
)
@pytest.mark.parametrize("taken", [True, False])
@story
async def test_the_host_dies_while_the_lock_is_open(taken: bool) -> None:
    async with World.open() as world:
        await docked(world, 1)
        world.tap(OLENA.badge)
        await world.until(lambda: world.open_lock(1), 5)
        world.halt()
        if taken:
            assert world.pull(1)
        await world.crash()
        await world.passes(120)
        await world.boot()
        outcome = f.CameraIssued if taken else f.GrantVoided
        await world.until(lambda: world.facts(outcome), 30)
        assert len(world.facts(f.CameraIssued)) + len(world.facts(f.GrantVoided)) == 1
        assert not world.facts(f.SlotForcedOpen)
        if not taken:
            await world.until_slot(1, State.READY)


# --- the control socket's verbs --------------------------------------------------------------------------


def actor(world: World, verb: str, someone: Someone) -> Actor:
    lists = world.station.lists
    return authorise(lists.access, verb, someone.account, lists.judged_ns())


async def ask(world: World, verb: str, someone: Someone, params: object) -> object:
    return await HANDLERS[verb].run(Call(world.station, actor(world, verb, someone), params))


def newcomer(person: str = "new", badge: str = "04a1b2c3d4e520") -> OfficerParams:
    return OfficerParams(
        person=person, name="Нова Особа", kind="desfire-id", uid=badge, valid_until=at(12), appointment="18-к"
    )


@story
async def test_an_officer_entered_here_counts_until_the_next_roster() -> None:
    async with World.open() as world:
        await docked(world, 1)
        await ask(world, "officer add", DARIA, newcomer())
        world.tap("04a1b2c3d4e520")
        await world.take(1)
        await world.until(lambda: world.facts(f.CameraIssued))
        assert world.facts(f.CameraIssued)[0].officer == "new"
        await ask(world, "officer revoke", DARIA, RevokeParams(person="petro", reason="звільнено"))
        await docked(world, 2)
        world.tap(PETRO.badge)
        await refused(world, Refusal.REVOKED, "petro")
        world.publish(roster(AUTHORITY, 2))  # the authority's next word supersedes both
        await world.until(lambda: world.station.lists.roster_version == 2, 30)
        await world.passes(1)
        world.tap("04a1b2c3d4e520")
        await refused(world, Refusal.UNKNOWN_BADGE)
        world.tap(PETRO.badge)
        await world.take(2)


@pytest.mark.parametrize(
    ("params", "code"),
    [
        (newcomer(person="daria"), ErrorCode.NOT_ALLOWED),  # nobody gives rights to oneself
        (newcomer(badge=OLENA.badge), ErrorCode.NOT_ALLOWED),  # somebody's badge already
        (newcomer(person="iryna"), ErrorCode.NOT_ALLOWED),  # what she is comes with the signed roster
    ],
)
@story
async def test_entries_that_are_refused(params: OfficerParams, code: ErrorCode) -> None:
    async with World.open() as world:
        with pytest.raises(EdgeError) as caught:
            await ask(world, "officer add", DARIA, params)
        assert caught.value.code is code
        assert not world.facts(f.OfficerAdded)


@pytest.mark.parametrize("person", ["daria", "iryna", "taras"])
@story
async def test_who_is_more_than_an_officer_is_revoked_by_the_roster_only(person: str) -> None:
    async with World.open() as world:
        with pytest.raises(EdgeError) as caught:
            await ask(world, "officer revoke", DARIA, RevokeParams(person=person, reason="so"))
        assert caught.value.code is ErrorCode.NOT_ALLOWED
        assert not world.facts(f.OfficerRevoked)


@pytest.mark.parametrize("someone", [IRYNA, TARAS, OLENA])
@story
async def test_only_the_account_administrator_enters_officers(someone: Someone) -> None:
    async with World.open() as world:
        with pytest.raises(EdgeError) as caught:
            await ask(world, "officer add", someone, newcomer())
        assert caught.value.code is ErrorCode.NOT_ALLOWED
