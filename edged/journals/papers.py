"""The papers that the order asks of persons: who writes which to whom, by when, and a draft of it. Pure.

Rule 1: the station drafts and reminds; the paper is its author's, and counts when its number and date are entered.
Rule 2: the station's own message to the server replaces none of them.
Rule 3: what only a person knows is a line to fill in, never a guess.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from edged.duty import Margins, morning_of_ns, notice_due_ns, ns, report_due_ns
from edged.formats.schedule import Schedule, Shift
from edged.journals.forms import kyiv

HOURS_24_NS = 24 * 3_600_000_000_000


class Party(StrEnum):
    """Who writes and who is written to (terms: requirements)."""

    OFFICER = "officer"
    RESPONSIBLE = "responsible"
    TECHNICIAN = "technician"
    EXPORTER = "exporter"  # who has made a copy for a third party
    SECURITY_ADMIN = "security_admin"
    SUPERIOR = "superior"
    DEPARTMENT_HEAD = "department_head"
    POST_HEAD = "post_head"
    DEPUTY_HEAD = "deputy_head"
    BODY_HEAD = "body_head"  # of the customs body
    UNIT_HEADS = "unit_heads"  # of the units where the users work


PARTIES_UK: Mapping[Party, str] = MappingProxyType(
    {
        Party.OFFICER: "уповноважена особа",
        Party.RESPONSIBLE: "відповідальна особа",
        Party.TECHNICIAN: "технічний адміністратор",
        Party.EXPORTER: "особа, яка виготовила копію",
        Party.SECURITY_ADMIN: "адміністратор безпеки",
        Party.SUPERIOR: "безпосередній керівник",
        Party.DEPARTMENT_HEAD: "керівник відділу митного оформлення",
        Party.POST_HEAD: "керівник митного поста",
        Party.DEPUTY_HEAD: "заступник керівника митного органу",
        Party.BODY_HEAD: "керівник митного органу",
        Party.UNIT_HEADS: "керівники структурних підрозділів митних органів та Держмитслужби, у яких працюють "
        "уповноважені користувачі",
    }
)


class Due(StrEnum):
    """The last moment at which the order is still kept."""

    AT_ONCE = "at-once"
    OWN_SHIFT = "end-of-own-shift"
    WORKING_DAY = "working-day"  # at once; for what happens on a day off by the next working day
    AFTER_24H = "after-24h"  # of works: begins when 24 hours are over


class Paper(StrEnum):
    """Which paper. Values stand in the ledger: never rename one."""

    NOTICE = "written-notice"
    INFORM = "incident-information"
    REPORT = "report-memo"
    SECURITY = "security-information"
    WARNING = "warning"
    WORKS = "works-letter"
    OVERRUN = "overrun-letter"
    COPY = "copy-information"


@dataclass(frozen=True, slots=True)
class Kind:
    clause: str
    author: Party
    addressees: tuple[Party, ...]
    due: Due
    title_uk: str
    body_uk: (
        str  # {what}, {when}, {equipment}: what the station knows; lines of underscores: what a person does
    )


LINE = "_" * 40
PAPERS: Mapping[Paper, Kind] = MappingProxyType(
    {
        Paper.NOTICE: Kind(
            "459-III.12-notice",
            Party.OFFICER,
            (Party.RESPONSIBLE, Party.SUPERIOR, Party.POST_HEAD),
            Due.OWN_SHIFT,
            "Письмове повідомлення про інцидент",
            f"Повідомляю про інцидент: {{what}}.\nДата та час: {{when}}.\nОбладнання: {{equipment}}.\n"
            f"Причини та умови: {LINE}",
        ),
        Paper.INFORM: Kind(
            "459-II.1-inform",
            Party.RESPONSIBLE,
            (Party.DEPARTMENT_HEAD, Party.POST_HEAD),
            Due.AT_ONCE,
            "Інформація про інцидент",
            f"Інформую про інцидент: {{what}}.\nДата та час: {{when}}.\nОбладнання: {{equipment}}.\n"
            f"Вжиті заходи: {LINE}",
        ),
        Paper.REPORT: Kind(
            "459-III.12-report",
            Party.POST_HEAD,
            (Party.DEPUTY_HEAD,),
            Due.WORKING_DAY,
            "Доповідна записка",
            f"Доповідаю про інцидент: {{what}}.\nДата та час: {{when}}.\nОбладнання: {{equipment}}.\n"
            f"Пропозиції щодо заходів врегулювання: {LINE}",
        ),
        Paper.SECURITY: Kind(
            "459-II.5-inform",
            Party.SECURITY_ADMIN,
            (Party.SUPERIOR,),
            Due.AT_ONCE,
            "Інформація про інцидент",
            f"Інформую про інцидент: {{what}}.\nДата та час: {{when}}.\nОбладнання: {{equipment}}.\n"
            f"Оцінка: {LINE}",
        ),
        Paper.WARNING: Kind(
            "459-II.3-warn",
            Party.TECHNICIAN,
            (Party.DEPUTY_HEAD,),
            Due.AT_ONCE,
            "Інформація про можливий технічний інцидент",
            f"Інформую про можливий технічний інцидент, який може вплинути на безперервність роботи: {{what}}.\n"
            f"Виявлено: {{when}}.\nОбладнання: {{equipment}}.\nЗаплановані заходи: {LINE}",
        ),
        Paper.WORKS: Kind(
            "459-III.14-notice",
            Party.TECHNICIAN,
            (Party.POST_HEAD,),
            Due.WORKING_DAY,
            "Лист про проведення регламентних робіт",
            f"Інформую про необхідність проведення регламентних робіт: {{what}}.\nОбладнання: {{equipment}}.\n"
            f"Дата та час виконання робіт: {{when}}.\nТривалість: {LINE}",
        ),
        Paper.OVERRUN: Kind(
            "459-III.15-24h",
            Party.DEPUTY_HEAD,
            (Party.BODY_HEAD, Party.UNIT_HEADS),
            Due.AFTER_24H,
            "Лист про перевищення часу проведення регламентних робіт",
            f"Повідомляю, що час проведення регламентних робіт перевищив 24 години: {{what}}.\nПочаток: {{when}}.\n"
            f"Обладнання: {{equipment}}.\nПричини та обставини: {LINE}\nНеобхідний час для відновлення роботи: {LINE}",
        ),
        Paper.COPY: Kind(  # that the security administrator is told is ours; the order leaves export to the laws
            "459-V.5-third-parties",
            Party.EXPORTER,
            (Party.SECURITY_ADMIN,),
            Due.AT_ONCE,
            "Інформація про копію відеозапису для третьої особи",
            f"Інформую про виготовлення копії: {{what}}.\nДата та час: {{when}}.\nОбладнання: {{equipment}}.\n"
            f"Кому та коли передано: {LINE}",
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Occasion:
    """What a paper is about, in the words of the journals."""

    what: str
    when: str  # by a clock in Kyiv
    equipment: str  # with inventory numbers


def draft(paper: Paper, occasion: Occasion) -> str:
    """Return the text to be signed by its author: addressees, title, body, a line for the author."""
    kind = PAPERS[paper]
    to = "\n".join(f"Кому: {PARTIES_UK[party]}" for party in kind.addressees)
    fields = {"what": occasion.what, "when": occasion.when, "equipment": occasion.equipment}
    body = kind.body_uk.format_map(fields)
    return f"{to}\n\n{kind.title_uk}\n\n{body}\n\n{PARTIES_UK[kind.author]}: {LINE}\n"


def due_ns(paper: Paper, at_ns: int, schedule: Schedule | None, shift: Shift | None) -> int:
    """Return by when a paper about what happened at ``at_ns`` (or about works begun then) has to be given.

    Args:
        shift: the author's own; None: not known, and then the notice is due at once.
    """
    match PAPERS[paper].due:
        case Due.AT_ONCE:
            return at_ns
        case Due.OWN_SHIFT:
            return notice_due_ns(shift) if shift is not None else at_ns
        case Due.WORKING_DAY:
            return report_due_ns(schedule, at_ns)
        case Due.AFTER_24H:
            return at_ns + HOURS_24_NS


def late_ns(at_ns: int, due: int, margins: Margins) -> int:
    """Return when a paper is late: at its deadline; what is due at once, after the margin that a person has for it."""
    return due if due > at_ns else at_ns + ns(margins.at_once)


def remind_ns(paper: Paper, at_ns: int, due: int, margins: Margins) -> int:
    """Return when a paper that nobody has entered is reminded of: before its deadline, never before its cause."""
    at_once = at_ns + ns(margins.at_once)
    match PAPERS[paper].due:
        case Due.OWN_SHIFT if due > at_ns:
            return max(at_ns, due - ns(margins.remind))
        case Due.WORKING_DAY:
            return min(due, max(at_once, morning_of_ns(due)))
        case Due.AFTER_24H:
            return due  # the works themselves are reminded of before it
        case _:
            return at_once


def reminder(paper: Paper, due: int) -> str:
    """Return the sentence of the alert that stands until number and date of the paper are entered."""
    kind = PAPERS[paper]
    to = ", ".join(PARTIES_UK[party] for party in kind.addressees)
    return f"{kind.title_uk} ({PARTIES_UK[kind.author]} → {to}) до {kyiv(due)}"
