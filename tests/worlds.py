"""Populated databases that several tests share: how a block of tests works inside one, and who and what is in it."""

from __future__ import annotations

import logging
import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache

import psycopg
from django.conf import settings
from django.db import connections
from django.test import Client, override_settings
from django.test.client import ClientHandler
from psycopg.conninfo import make_conninfo

from access.actions import decisions
from access.models.people import OrganisationKind
from access.models.requests import Status as RequestStatus
from audit.models import Event
from config import database
from records import keyservice
from records.models import Status
from tests import databases, factories

ANONYMOUS = "anonymous"
NOBODY = "nobody"
MISSING = "missing"


@contextmanager
def inside(values: dict[str, str]) -> Iterator[None]:
    """Let Django's connection be the application role in the database of these values, and the key service's its own."""
    connection = connections["default"]
    before = dict(connection.settings_dict)
    connection.close()
    connection.settings_dict.update(NAME=values["dbname"], USER=database.APP, HOST=values["host"], PORT=values["port"])
    keyservice.close()
    sealed = make_conninfo(**{**values, "user": database.KEYS})
    # Thousands of refusals are asked for; keeping a log line of each would take longer than asking.
    logging.disable(logging.CRITICAL)
    try:
        with override_settings(SEALED_DATABASE_URL=sealed):
            yield
    finally:
        logging.disable(logging.NOTSET)
        connections.close_all()
        factories.part_from_owners()
        keyservice.close()
        connection.settings_dict.update(before)


def connect(role: str) -> psycopg.Connection:
    """Return a connection of this role, beside Django's, to the database that Django stands in."""
    values = connections["default"].settings_dict
    address = {"host": values["HOST"], "port": values["PORT"], "dbname": values["NAME"], "user": role}
    return psycopg.connect(**address, autocommit=True)


@contextmanager
def new_database(source: str, name: str) -> Iterator[dict[str, str]]:
    """Clone a database for a block and work inside it."""
    with databases.clone(source, f"{name}_{os.getpid()}") as values, inside(values):
        yield values


def sign_in(user) -> str:
    """Return the session key of somebody who has just signed in."""
    client = Client()
    client.force_login(user)
    return client.cookies[settings.SESSION_COOKIE_NAME].value


@cache
def _handler(enforce_csrf_checks: bool) -> ClientHandler:
    """Load the middleware once: thousands of browsers would each look for the static files."""
    return ClientHandler(enforce_csrf_checks)


def client_of(session_key: str | None, *, enforce_csrf_checks: bool = False) -> Client:
    """Return a browser that holds nothing but this session."""
    client = Client(raise_request_exception=False)
    client.handler = _handler(enforce_csrf_checks)
    if session_key:
        client.cookies[settings.SESSION_COOKIE_NAME] = session_key
    return client


@dataclass
class World:
    """A city with one object in each state; `fresh` makes another one, for what a test uses up."""

    city: factories.City = field(default_factory=factories.City)
    objects: dict[str, dict[str, dict[str, object]]] = field(default_factory=dict)
    sessions: dict[str, str | None] = field(default_factory=dict)

    def fill(self) -> World:
        """Make one object in each state of each kind, and sign everybody in."""
        city = self.city
        nobody = factories.UserFactory(organisation=city.station, username=NOBODY)
        self.inside_unit = factories.organisation(OrganisationKind.SCHOOL, parent=city.bureau)
        for kind, states in MAKERS.items():
            self.objects[kind] = {state: make(self) for state, make in states.items()}
        people = {**city.people(), nobody.username: nobody}
        self.sessions = {name: sign_in(user) for name, user in people.items()} | {ANONYMOUS: None}
        return self

    def fresh(self, kind: str, state: str) -> dict[str, object]:
        return MAKERS[kind][state](self)

    @property
    def roles(self) -> list[str]:
        return list(self.sessions)


def _violation(status: Status) -> Callable[[World], dict[str, object]]:
    return lambda world: {"pk": factories.violation_at(status, world.city).pk}


def _request(status: RequestStatus) -> Callable[[World], dict[str, object]]:
    return lambda world: {"pk": factories.request_at(status, world.city).pk}


def _revoked(world: World):
    grant = factories.approved(world.city)
    return decisions.revoke(grant, by=world.city.supervisor, reason="不再需要。")


def _opening(grant) -> dict[str, object]:
    return {"pk": grant.pk, "subject_id": factories.subject_of(grant).pk}


def _viewing(world: World) -> dict[str, object]:
    """Return an answer that is open on somebody's screen."""
    return {"opening_id": factories.counted(factories.ready(factories.approved(world.city))).opening}


def _viewing_of_revoked(world: World) -> dict[str, object]:
    grant = factories.ready(factories.approved(world.city))
    found = {"opening_id": factories.counted(grant).opening}
    decisions.revoke(grant, by=world.city.supervisor, reason="不再需要。")
    return found


def _missing(*names: str) -> Callable[[World], dict[str, object]]:
    return lambda world: {name: uuid.uuid4() for name in names}


# What an address may name, in every state that makes a difference.
MAKERS: dict[str, dict[str, Callable[[World], dict[str, object]]]] = {
    "violation": {
        "draft": _violation(Status.DRAFT),
        "submitted": _violation(Status.SUBMITTED),
        "returned": _violation(Status.RETURNED),
        "confirmed": _violation(Status.CONFIRMED),
        "sealed": _violation(Status.SEALED),
        MISSING: _missing("pk"),
    },
    "request": {
        "draft": _request(RequestStatus.DRAFT),
        "submitted": _request(RequestStatus.SUBMITTED),
        "returned": _request(RequestStatus.RETURNED),
        "approved": _request(RequestStatus.APPROVED),
        "ended": lambda world: {"pk": _revoked(world).access_request_id},
        MISSING: _missing("pk"),
    },
    "grant": {
        "live": lambda world: {"pk": factories.ready(factories.approved(world.city)).pk},
        "ended": lambda world: {"pk": _revoked(world).pk},
        MISSING: _missing("pk"),
    },
    "opening": {
        "live": lambda world: _opening(factories.ready(factories.approved(world.city))),
        "ended": lambda world: _opening(_revoked(world)),
        "foreign": lambda world: {
            **_opening(factories.ready(factories.approved(world.city))),
            "subject_id": factories.subject_of(factories.approved(world.city)).pk,
        },
        MISSING: _missing("pk", "subject_id"),
    },
    "viewing": {"live": _viewing, "ended": _viewing_of_revoked, MISSING: _missing("opening_id")},
    "basis": {
        "applies": lambda world: {"code": "PRESCHOOL-44"},
        "unknown": lambda world: {"code": "NO-SUCH-BASIS"},
    },
    "person": {
        "inside": lambda world: {"pk": factories.UserFactory(organisation=world.city.station).pk},
        "outside": lambda world: {"pk": world.city.judge.pk},
        MISSING: _missing("pk"),
    },
    "proposal": {
        "duty": lambda world: {"pk": factories.proposed_duty(world.city).pk},
        "code": lambda world: {"pk": factories.proposed_code(world.city).pk},
        MISSING: _missing("pk"),
    },
    "unit": {
        "inside": lambda world: {"pk": world.inside_unit.pk},
        "outside": lambda world: {"pk": world.city.court.pk},
        MISSING: _missing("pk"),
    },
    "event": {
        "any": lambda world: {"event_id": Event.objects.order_by("at").first().pk},
        MISSING: _missing("event_id"),
    },
    "key": {MISSING: lambda world: {"pk": 1}},
    "session": {MISSING: _missing("pk")},
    "change": {
        "known": lambda world: {"change": "password"},
        "unknown": lambda world: {"change": "everything"},
    },
    "": {"": lambda world: {}},
}
