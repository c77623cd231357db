"""Which events a search and its filters leave: one box takes a number, an id or a name, and finds all that is about it."""

import datetime
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext

from audit import kinds
from audit.kinds import Found, Group
from audit.models import Event

# Of what a search was about, in one event.
MOST_NAMED = 20
MINUTE = datetime.timedelta(minutes=1)


def groups(codes: set[str]) -> dict[str, str]:
    """Return these groups in words."""
    return {code: str(Group(code).label) for code in codes if code in Group.values}


def kinds_of(group: str) -> list[str]:
    """Return the codes of the kinds that their apps put into a group."""
    return sorted(str(kind) for kind in kinds.registered() if kind.group == group)


@dataclass(frozen=True)
class Narrowed:
    """The events that are left, newest first, and what the search was understood to be about."""

    events: QuerySet[Event]
    about: list[str]
    # By which ids and codes it was narrowed; the trail may hold these, and never what was typed.
    things: list[str]


def narrow(chosen: dict[str, Any]) -> Narrowed:
    """Keep what every filter that was chosen lets through; the search takes in everything that goes by its text."""
    events = Event.objects.select_related("leaf").order_by("-at", "-id")
    found: list[Found] = []
    others: list[Found] = []
    if chosen["q"]:
        found = kinds.find(chosen["q"])
        events = events.filter(_about(found) if found else Q(target_id__in=[chosen["q"], chosen["q"].lower()]))
    if chosen["actor"]:
        people = [one for one in kinds.find(chosen["actor"]) if one.actors]
        events = events.filter(actor__in=_all("actors", people))
        others += people
    if chosen["unit"]:
        units = [one for one in kinds.find(chosen["unit"]) if one.units]
        events = events.filter(unit__in=_all("units", units))
        others += units
    if chosen["kind"]:
        events = events.filter(kind=chosen["kind"])
    if chosen["group"]:
        events = events.filter(kind__in=kinds_of(chosen["group"]))
    if first := _moment(chosen["day_from"], chosen["time_from"] or datetime.time.min):
        events = events.filter(at__gte=first)
    if last := _end(chosen["day_to"], chosen["time_to"]):
        events = events.filter(at__lt=last)
    things = [thing for name in ("targets", "units", "events") for thing in _all(name, [*found, *others])]
    return Narrowed(events, list(dict.fromkeys(one.words for one in found)), [str(one) for one in things[:MOST_NAMED]])


def _about(found: Iterable[Found]) -> Q:
    """Return what is about any of these, by any of them, or in the name of any of these units."""
    about = Q(target_id__in=_all("targets", found))
    for column, name in (("actor", "actors"), ("unit", "units"), ("pk", "events")):
        if values := _all(name, found):
            about |= Q(**{f"{column}__in": values})
    return about


def _all(name: str, found: Iterable[Found]) -> list[Any]:
    return sorted({value for one in found for value in getattr(one, name)})


def _moment(day: datetime.date | None, time: datetime.time) -> datetime.datetime | None:
    return timezone.make_aware(datetime.datetime.combine(day, time)) if day else None


def _end(day: datetime.date | None, time: datetime.time | None) -> datetime.datetime | None:
    """Return the moment after the last minute that is meant; nothing lies after the last day there is."""
    if day is None or (day == datetime.date.max and time is None):
        return None
    if time is None:
        return _moment(day + datetime.timedelta(days=1), datetime.time.min)
    try:
        return timezone.make_aware(datetime.datetime.combine(day, time.replace(second=0, microsecond=0)) + MINUTE)
    except OverflowError:
        return None


def find(text: str) -> Iterator[Found]:
    """Find an event by its id, and with it everything about what it is about."""
    between = kinds.ids(text)
    if between is None:
        return
    people = get_user_model()._meta.label_lower
    for event in Event.objects.filter(pk__range=between)[: kinds.MOST_FOUND]:
        words = gettext("event %(id)s") % {"id": str(event.pk)[:8]}
        yield Found(words, targets=frozenset([str(event.pk)]), events=frozenset([event.pk]))
        if event.target_type != people and len(event.target_id or "") == 36:
            yield from kinds.find(str(event.target_id), but=find)  # or rows that name each other would never end
