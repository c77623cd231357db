"""What this app tells the pages of the trail: how its codes read, what its requests, people and units go by, and which
opening an event is about."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from django.db import connection, models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from access import catalogue, kinds
from access.models import (
    AccessRequest,
    CasePurpose,
    Decision,
    Grant,
    LegalBasis,
    Letter,
    Opening,
    Organisation,
    Proposal,
    RequestSubject,
    User,
)
from access.models.duty import Duty
from access.models.people import OrganisationKind
from access.models.proposals import ProposalKind
from access.models.requests import ActKind
from audit.kinds import MOST_FOUND, Found, Said, Text, ids, titles

# The pages by their titles: a refusal names the page that was refused.
PAGES: dict[str, Text] = {
    "access:requests": _("My requests"),
    "access:request_new": _("New request: the legal basis"),
    "access:request_begin": _("New request"),
    "access:request": _("Request"),
    "access:request_edit": _("Correct a request"),
    "access:request_letter": _("Letter of a request"),
    "access:request_check": _("Check and submit"),
    "access:request_submit": _("Submit a request"),
    "access:receipt": _("Receipt"),
    "access:request_withdraw": _("Withdraw a request"),
    "access:queue": _("Approval queue"),
    "access:review": _("Review of a request"),
    "access:decide": _("Decide a request"),
    "access:grant_revoke": _("Revoke a grant"),
    "access:identity": _("Confirm that it is you"),
    "access:identity_change": _("Confirm that it is you"),
    "access:security": _("My security"),
    "access:password": _("Change the password"),
    "access:app_add": _("Add an authenticator app"),
    "access:app_remove": _("Remove an authenticator app"),
    "access:codes": _("Recovery codes"),
    "access:key_add": _("Add a security key"),
    "access:key_remove": _("Remove a security key"),
    "access:preferences": _("Language and keys"),
    "access:sessions_end": _("End all other sessions"),
    "access:session_end": _("End a session"),
    "access:session": _("How long the session lasts"),
    "access:people": _("People"),
    "access:person_new": _("Add an account"),
    "access:person_code": _("New code for a person"),
    "access:person_disable": _("Disable an account"),
    "access:person_enable": _("Enable an account"),
    "access:units": _("Units and agreements"),
    "access:unit_agreement": _("Agreement with a unit"),
    "access:duties": _("Duties"),
    "access:person_duties": _("Duties of a person"),
    "access:duty_give": _("Give a duty"),
    "access:duty_withdraw": _("Withdraw a duty"),
    "access:proposals": _("Proposals"),
    "access:proposal": _("Proposal"),
    "access:proposal_enact": _("Put a proposal in force"),
    "access:proposal_turn_down": _("Turn a proposal down"),
    "access:enrol": _("Choose a password with a code"),
    "account_login": _("Sign in"),
    "account_logout": _("Sign out"),
    "account_inactive": _("Account disabled"),
    "account_signup": _("Sign up"),
    "mfa_authenticate": _("Second factor"),
}
CHANGES: dict[str, Text] = {
    **dict(ProposalKind.choices),
    "password": _("the password"),
    "app-add": _("adding an authenticator app"),
    "app-remove": _("removing the authenticator app"),
    "codes": _("new recovery codes"),
    "key-add": _("adding a security key"),
    "key-remove": _("removing a security key"),
}
OF_A_KEY = re.compile(r"-\d+$")


# Words ----------------------------------------------------------------------------------------------------------------
def _of(choices: Mapping[str, Any]) -> Any:
    """Return the words of codes that stand in the code."""
    return lambda codes: {code: str(choices[code]) for code in codes if code in choices}


def _units(codes: set[str]) -> dict[str, str]:
    return {
        unit.code: str(unit) for unit in Organisation.objects.filter(code__in=codes).only("code", "name", "name_en")
    }


def _newest(model: type[LegalBasis] | type[CasePurpose]) -> Any:
    """Return the words of rows of the law: the title of the newest version."""

    def titles(codes: set[str]) -> dict[str, str]:
        rows = model._default_manager.filter(code__in=codes).order_by("version")
        return {row.code: row.title for row in rows.only("code", "title_zh", "title_en")}

    return titles


def _by_id(model: type[models.Model], named: str) -> Any:
    def numbers(found: set[str]) -> dict[str, str]:
        rows = model._default_manager.filter(pk__in=[one for one in found if _is_whole(one)])
        return {str(pk): number for pk, number in rows.values_list("pk", named)}

    return numbers


def _of_pages(found: set[str]) -> dict[str, str]:
    """Return which request a refused page was about."""
    return _by_id(AccessRequest, "number")(found) | _by_id(Grant, "access_request__number")(found)


def _organisations(found: set[str]) -> dict[str, str]:
    rows = Organisation.objects.filter(pk__in=[one for one in found if _is_whole(one)])
    return {str(row.pk): str(row) for row in rows.only("name", "name_en")}


def _changes(codes: set[str]) -> dict[str, str]:
    named = {code: CHANGES.get(code) or CHANGES.get(OF_A_KEY.sub("", code)) for code in codes}
    return {code: str(words) for code, words in named.items() if words}


def _categories(codes: set[str]) -> dict[str, str]:
    return {code: catalogue.category_title(code) for code in codes if code in catalogue.categories()}


def _is_whole(text: str) -> bool:
    return len(text) == 36 and ids(text) is not None


WORDS = {
    "view": titles(PAGES),
    "duty": _of(dict(Duty.choices)),
    "unit_kind": _of(dict(OrganisationKind.choices)),
    "act": _of(dict(ActKind.choices)),
    "unit": _units,
    "basis": _newest(LegalBasis),
    "purpose": _newest(CasePurpose),
    "categories": _categories,
    "change": _changes,
    "access.accessrequest": _by_id(AccessRequest, "number"),
    "access.grant": _by_id(Grant, "access_request__number"),
    "access.organisation": _organisations,
    "url": _of_pages,
}


# Nobody confirms anything for a request before it is written; the index on kind and moment finds what came after.
_CONFIRMATIONS = """
select e.id
  from public.audit_event e, public.access_accessrequest r,
       lateral (select public.audit_json(e.canonical) -> 'detail' as detail) said
 where r.id = %s and e.kind in ('IDENTITY_CONFIRMED', 'IDENTITY_NOT_CONFIRMED') and e.at >= r.created_at
   and (said.detail ->> 'request' = %s::text or said.detail ->> 'grant' = %s::text)
 order by e.at desc limit %s"""


# What things go by ----------------------------------------------------------------------------------------------------
def find(text: str) -> Iterator[Found]:
    """Find requests by their number or anything that is part of them, people and units by name, number or id."""
    between = ids(text)
    requests = models.Q(number__iexact=text.replace(" ", ""))
    people = models.Q(username__iexact=text) | models.Q(full_name__iexact=text) | models.Q(badge_number__iexact=text)
    units = models.Q(code__iexact=text)
    if len(text) > 1:
        units |= models.Q(name__icontains=text) | models.Q(name_en__icontains=text)
    if between:
        requests |= models.Q(pk__range=between) | models.Q(pk__in=_requests_of(between))
        people |= models.Q(pk__range=between)
        units |= models.Q(pk__range=between)
        for proposal in Proposal.objects.filter(pk__range=between).only("pk"):
            yield Found(
                gettext("proposal %(id)s") % {"id": str(proposal.pk)[:8]}, targets=frozenset([str(proposal.pk)])
            )
    for pk, number, grant in AccessRequest.objects.filter(requests).values_list("pk", "number", "grant__pk")[
        :MOST_FOUND
    ]:
        about = frozenset(str(one) for one in (pk, grant) if one)
        words = gettext("request %(number)s") % {"number": number}
        yield Found(words, targets=about, events=_confirmations(pk, grant))
    for user in User.objects.filter(people).only("full_name", "badge_number", "username")[:MOST_FOUND]:
        who = {"name": user.full_name, "badge": user.badge_number or user.username}
        yield Found(
            gettext("%(name)s (%(badge)s)") % who, targets=frozenset([str(user.pk)]), actors=frozenset([str(user.pk)])
        )
    for unit in Organisation.objects.filter(units).only("name", "name_en", "code")[:MOST_FOUND]:
        yield Found(str(unit), targets=frozenset([str(unit.pk)]), units=frozenset([unit.code]))


def _confirmations(request: uuid.UUID, grant: uuid.UUID | None) -> frozenset[uuid.UUID]:
    """Return the events of who proved, or failed to prove, who they are for an act on this request: they are about a person."""
    with connection.cursor() as cursor:
        cursor.execute(_CONFIRMATIONS, [request, request, grant, MOST_FOUND])
        return frozenset(found for (found,) in cursor.fetchall())


def _requests_of(between: tuple[uuid.UUID, uuid.UUID]) -> set[uuid.UUID]:
    """Return the requests whose grant, opening, vote, letter or person asked about has such an id."""
    parts: list[tuple[type[models.Model], str]] = [
        (Grant, "access_request"),
        (Opening, "grant__access_request"),
        (RequestSubject, "access_request"),
        (Decision, "access_request"),
        (Letter, "access_request"),
    ]
    return {
        request
        for model, way in parts
        for request in model._default_manager.filter(pk__range=between).values_list(way, flat=True)[:MOST_FOUND]
    }


# Openings -------------------------------------------------------------------------------------------------------------
# Which of a person's openings each is, and whether its event is the first: sending the same form again is no new one.
_OPENINGS = """
with asked as (
    select * from unnest(%s::uuid[], %s::uuid[], %s::uuid[]) as t (said_by, opened_by, opening)
), shown as (
    select asked.said_by, asked.opened_by, o.id, o.grant_id, o.opened_at, g.openings, s.position,
           (select count(*) from public.access_opening e
             where e.grant_id = o.grant_id and e.subject_id = o.subject_id
               and (e.opened_at, e.id) <= (o.opened_at, o.id)) as place
      from asked join public.access_opening o on o.id = asked.opening
      join public.access_grant g on g.id = o.grant_id
      join public.access_requestsubject s on s.id = o.subject_id
), told as (
    select e.id, e.at, public.audit_json(e.canonical) -> 'detail' ->> 'opening' as opening
      from public.audit_event e
     where e.kind = 'OPENING' and e.target_id in (select grant_id::text from shown)
       and e.at between (select min(opened_at) from shown)
                    and (select max(v.at) from public.audit_event v join shown on v.id = shown.opened_by)
), firsts as (
    select distinct on (opening) opening, id from told order by opening, at, id
)
select shown.said_by, shown.place, shown.openings, shown.position, coalesce(firsts.id <> shown.opened_by, false)
  from shown left join firsts on firsts.opening = shown.id::text"""
OPENED = {kinds.OPENING, kinds.ANSWER_SHOWN}


def remarks(said: list[Said]) -> dict[uuid.UUID, str]:
    """Say of each opening the how manieth it is for which person, so that openings can be counted."""
    asked = []
    for one in said:
        opening, opened_by = one.code("opening"), one.code("event") if one.kind == kinds.ANSWER_SHOWN else str(one.id)
        if one.kind in OPENED and _is_whole(opening or "") and _is_whole(opened_by or ""):
            asked.append((one.id, opened_by, opening))
    if not asked:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_OPENINGS, [list(part) for part in zip(*asked, strict=True)])
        rows = cursor.fetchall()
    found = {}
    for said_by, place, granted, person, is_again in rows:
        words = gettext("Opening %(place)s of %(granted)s, person %(person)s") % {
            "place": place,
            "granted": granted,
            "person": person,
        }
        found[said_by] = gettext("%(opening)s – shown again") % {"opening": words} if is_again else words
    return found
