"""Incidents, parts of the complex, works and papers as a report names them, in each of its languages. Pure.

What a person typed stays as it was typed.
"""

from collections.abc import Callable

from edged.reports.alert_words import sentence_of
from edged.reports.moments import NONE
from edged.reports.source import Source
from edged.reports.texts import Lang, of, say
from edged.shift.dues import Owed, person_of, sentence
from edged.shift.forecasts import named_alert
from edged.shift.inventory import Inventory
from edged.shift.records import Incident, Repair


def in_each(said: Callable[[Lang], str]) -> dict[str, str]:
    """Return a text by language, as `edged.reports.data` holds it."""
    return {str(lang): said(lang) for lang in Lang}


def incident_text(incident: Incident, source: Source, lang: Lang) -> str:
    """Return an incident in one sentence: its kind, what was said of it, with whom it happened."""
    name = source.names.get(person_of(incident, source.station.issues), "")
    parts = (of("incident", incident.kind, lang), incident.description, name)
    return ". ".join(sentence(part.rstrip(". ")) for part in parts if part)


def equipment_text(incident: Incident, inventory: Inventory, lang: Lang) -> str:
    """Return which part of the complex it is about, as far as anybody said."""
    number = incident.item or inventory.number_of(incident.camera)
    if number:
        return item_text(number, inventory, lang)
    return say("item-serial", lang, serial=incident.camera) if incident.camera else NONE


def item_text(number: str, inventory: Inventory, lang: Lang) -> str:
    """Return a part of the complex with its inventory number."""
    item = inventory.find(number)
    numbered = say("item-number", lang, number=number)
    return f"{of('item', item.sort, lang)} {numbered}" if item is not None else numbered


def repair_text(repair: Repair, inventory: Inventory, lang: Lang) -> str:
    return f"{item_text(repair.item, inventory, lang)}: {repair.description}"


def owed_text(owed: Owed, source: Source, lang: Lang) -> str:
    """Return what a paper that is owed is about."""
    shift = source.station.shift
    if (incident := shift.incidents.get(owed.about)) is not None:
        return incident_text(incident, source, lang)
    if (works := shift.works.get(owed.about)) is not None:
        return of("entry", works.entry, lang)
    if (copy := shift.exports.get(owed.about)) is not None:
        return say(
            "copy-text",
            lang,
            recording=copy.recording,
            number=copy.request.number,
            date=copy.request.date,
            law=copy.law,
            receiver=copy.receiver,
        )
    return sentence_of(named_alert(owed.about), lang)
