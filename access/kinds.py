"""The kinds of events about requests, decisions, grants, people and duties, and how what they say reads."""

from __future__ import annotations

from collections.abc import Collection

from django.utils.translation import gettext_lazy as _

from audit.kinds import Detail, Group, Kind, Vocabulary


def _asked_where_all_was_given(detail: Detail) -> Collection[str]:
    """What was asked is worth a place where less was given."""
    return () if detail.get("narrowed") else {name for name in detail if name.startswith("asked_")}


def _quiet_in_a_vote(detail: Detail) -> Collection[str]:
    """Only an approval has a scope."""
    scope = () if detail.get("outcome") == "APPROVE" else ("hours", "openings")
    return {*scope, *_asked_where_all_was_given(detail)}


REQUEST_DRAFTED = Kind(
    "REQUEST_DRAFTED",
    _("Request drafted"),
    _("%(who)s began %(target)s."),
    Group.BUSINESS,
)
REQUEST_EDITED = Kind(
    "REQUEST_EDITED",
    _("Request edited"),
    _("%(who)s changed %(target)s."),
    Group.BUSINESS,
)
POPULATION_ASKED = Kind(
    "POPULATION_ASKED",
    _("Population register asked"),
    _("%(who)s asked the population register whether the names and numbers in %(target)s belong together."),
    Group.BUSINESS,
)
REQUEST_SUBMITTED = Kind(
    "REQUEST_SUBMITTED",
    _("Request submitted"),
    _("%(who)s submitted %(target)s."),
    Group.BUSINESS,
)
REQUEST_WITHDRAWN = Kind(
    "REQUEST_WITHDRAWN",
    _("Request withdrawn"),
    _("%(who)s withdrew %(target)s."),
    Group.BUSINESS,
)
REQUEST_RETURNED = Kind(
    "REQUEST_RETURNED",
    _("Request returned"),
    _("With the vote of %(who)s, %(target)s went back for correction."),
    Group.BUSINESS,
)
REQUEST_VOTED = Kind(
    "REQUEST_VOTED",
    _("Vote on a request"),
    _("%(who)s voted on %(target)s."),
    Group.BUSINESS,
    ends=(
        "outcome",
        {
            "APPROVE": _("%(who)s voted to approve %(target)s."),
            "REFUSE": _("%(who)s voted to refuse %(target)s."),
            "RETURN": _("%(who)s voted to return %(target)s for correction."),
        },
    ),
    in_part=_("%(who)s voted to approve %(target)s in part."),
    quiet=_quiet_in_a_vote,
)
REQUEST_APPROVED = Kind(
    "REQUEST_APPROVED",
    _("Request approved"),
    _("With the vote of %(who)s, %(target)s was approved: no vote is missing."),
    Group.BUSINESS,
    in_part=_("%(who)s approved %(target)s in part."),
    quiet=_asked_where_all_was_given,
)
REQUEST_REFUSED = Kind(
    "REQUEST_REFUSED",
    _("Request refused"),
    _("With the vote of %(who)s, %(target)s was refused: no vote is missing."),
    Group.BUSINESS,
)
REQUEST_LAPSED = Kind(
    "REQUEST_LAPSED",
    _("Request lapsed"),
    _("%(who)s let %(target)s lapse, because nobody corrected it in time."),
    Group.BUSINESS,
)
UNDERTAKING_SIGNED = Kind(
    "UNDERTAKING_SIGNED",
    _("Undertaking signed"),
    _("%(who)s signed the confidentiality undertaking for %(target)s."),
    Group.BUSINESS,
)
IDENTITY_CONFIRMED = Kind(
    "IDENTITY_CONFIRMED",
    _("Identity confirmed"),
    _("%(who)s confirmed their identity again, for one act."),
    Group.PROCESS,
)
IDENTITY_NOT_CONFIRMED = Kind(
    "IDENTITY_NOT_CONFIRMED",
    _("Identity not confirmed"),
    _("%(who)s could not confirm their identity for an act."),
    Group.PROCESS,
)
GRANT_MADE = Kind(
    "GRANT_MADE",
    _("Grant made"),
    _("The approval became %(target)s, with the vote of %(who)s: this is what may be opened."),
    Group.BUSINESS,
    in_part=_("The vote of %(who)s made %(target)s, which gives less than was asked."),
    quiet=_asked_where_all_was_given,
)
OPENING = Kind(
    "OPENING",
    _("Answer may be shown"),
    _("%(who)s opened the answer under %(target)s: it was counted and may be shown."),
    Group.BUSINESS,
)
ANSWER_SHOWN = Kind(
    "ANSWER_SHOWN",
    _("Answer shown"),
    _("What was opened under %(target)s stood on the screen of %(who)s."),
    Group.BUSINESS,
)
ANSWER_EXTENDED = Kind(
    "ANSWER_EXTENDED",
    _("Five minutes more for an answer"),
    _("%(who)s took five minutes more to read the answer under %(target)s."),
    Group.BUSINESS,
)
ANSWER_REFUSED = Kind(
    "ANSWER_REFUSED",
    _("Answer not shown"),
    _("What was opened under %(target)s was not shown to %(who)s."),
    Group.BUSINESS,
)
GRANT_REVOKED = Kind(
    "GRANT_REVOKED",
    _("Grant revoked"),
    _("%(who)s revoked %(target)s."),
    Group.BUSINESS,
)
GRANT_EXPIRED = Kind(
    "GRANT_EXPIRED",
    _("Grant expired"),
    _("Time has ended %(target)s."),
    Group.BUSINESS,
    labels={"openings": _("Openings made")},
)
SIGNED_IN = Kind(
    "SIGNED_IN",
    _("Signed in"),
    _("%(who)s signed in."),
    Group.PROCESS,
)
SIGN_IN_FAILED = Kind(
    "SIGN_IN_FAILED",
    _("Sign-in failed"),
    _("%(who)s tried to sign in and failed."),
    Group.PROCESS,
    is_of_anybody=True,
)
SIGNED_OUT = Kind(
    "SIGNED_OUT",
    _("Signed out"),
    _("%(who)s signed out."),
    Group.PROCESS,
)
SESSION_ENDED = Kind(
    "SESSION_ENDED",
    _("Sessions ended"),
    _("%(who)s ended their own sessions elsewhere."),
    Group.PROCESS,
)
ORGANISATION_CREATED = Kind(
    "ORGANISATION_CREATED",
    _("Organisation created"),
    _("%(who)s created %(target)s."),
    Group.SYSTEM,
)
AGREEMENT_CHANGED = Kind(
    "AGREEMENT_CHANGED",
    _("Agreement changed"),
    _("%(who)s changed the agreement of %(target)s."),
    Group.SYSTEM,
)
USER_CREATED = Kind(
    "USER_CREATED",
    _("User created"),
    _("%(who)s created the account of %(target)s."),
    Group.SYSTEM,
)
USER_CHANGED = Kind(
    "USER_CHANGED",
    _("User changed"),
    _("%(who)s changed the entry of %(target)s."),
    Group.SYSTEM,
)
PASSWORD_CHANGED = Kind(
    "PASSWORD_CHANGED",
    _("Password changed"),
    _("%(who)s changed the password of %(target)s."),
    Group.SYSTEM,
)
PASSWORD_REHASHED = Kind(
    "PASSWORD_REHASHED",
    _("Password stored anew"),
    _("The password of %(target)s was stored anew at a sign-in; it is the same."),
    Group.PROCESS,
)
FACTOR_ADDED = Kind(
    "FACTOR_ADDED",
    _("Second factor added"),
    _("A second factor was added for %(target)s."),
    Group.SYSTEM,
)
FACTOR_CHANGED = Kind(
    "FACTOR_CHANGED",
    _("Second factor changed"),
    _("A second factor of %(target)s was changed."),
    Group.SYSTEM,
)
FACTOR_REMOVED = Kind(
    "FACTOR_REMOVED",
    _("Second factor removed"),
    _("A second factor of %(target)s was removed."),
    Group.SYSTEM,
)
RECOVERY_CODE_USED = Kind(
    "RECOVERY_CODE_USED",
    _("Recovery code used"),
    _("A recovery code of %(target)s was used up."),
    Group.SYSTEM,
)
USER_DISABLED = Kind(
    "USER_DISABLED",
    _("User disabled"),
    _("%(who)s disabled the account of %(target)s."),
    Group.SYSTEM,
)
USER_ENABLED = Kind(
    "USER_ENABLED",
    _("User enabled"),
    _("%(who)s enabled the account of %(target)s."),
    Group.SYSTEM,
)
DUTY_GIVEN = Kind(
    "DUTY_GIVEN",
    _("Duty given"),
    _("%(who)s gave a duty to %(target)s."),
    Group.SYSTEM,
)
DUTY_WITHDRAWN = Kind(
    "DUTY_WITHDRAWN",
    _("Duty withdrawn"),
    _("%(who)s withdrew a duty from %(target)s."),
    Group.SYSTEM,
)
CHANGE_PROPOSED = Kind(
    "CHANGE_PROPOSED",
    _("Change proposed"),
    _("%(who)s proposed %(target)s."),
    Group.SYSTEM,
)
CHANGE_ENACTED = Kind(
    "CHANGE_ENACTED",
    _("Change put in force"),
    _("%(who)s put %(target)s in force."),
    Group.SYSTEM,
)
CHANGE_TURNED_DOWN = Kind(
    "CHANGE_TURNED_DOWN",
    _("Change turned down"),
    _("%(who)s turned %(target)s down."),
    Group.SYSTEM,
)
CHANGE_WITHDRAWN = Kind(
    "CHANGE_WITHDRAWN",
    _("Proposal withdrawn"),
    _("%(who)s withdrew %(target)s."),
    Group.SYSTEM,
)
ENROLMENT_CODE_MADE = Kind(
    "ENROLMENT_CODE_MADE",
    _("One-time code made"),
    _("%(who)s made a one-time code for %(target)s."),
    Group.SYSTEM,
)
ENROLLED = Kind(
    "ENROLLED",
    _("Password chosen with a code"),
    _("%(who)s chose a password with a one-time code."),
    Group.SYSTEM,
)
ENROLMENT_FAILED = Kind(
    "ENROLMENT_FAILED",
    _("One-time code not right"),
    _("Somebody entered a one-time code that is not right for %(target)s."),
    Group.SYSTEM,
)
CATALOGUE_LOADED = Kind(
    "CATALOGUE_LOADED",
    _("Catalogue loaded"),
    _("%(who)s loaded the catalogue of law."),
    Group.SYSTEM,
)

VOCABULARY = Vocabulary(
    targets={
        "access.accessrequest": _("request %(id)s"),
        "access.grant": _("grant %(id)s"),
        "access.organisation": _("organisation %(id)s"),
        "access.user": _("user %(id)s"),
        "access.proposal": _("proposal %(id)s"),
    },
    # Organisations, and refused pages of a request, are named like this app names them.
    named={"access.organisation": "%(name)s", "url": _("the page of request %(name)s")},
    # People know requests by their number, so an event that names it is read with it.
    numbered={
        "access.accessrequest": _("request %(number)s"),
        "access.grant": _("the grant of request %(number)s"),
    },
    details={
        "rung": _("Level of detail"),
        "basis": _("Legal basis"),
        "purpose": _("Purpose"),
        "categories": _("Categories"),
        "hours": _("Hours"),
        "openings": _("Openings of each person"),
        "people": _("Persons asked about"),
        "established": _("Name and number found to belong together"),
        "differing": _("Another name in the population register"),
        "receiving": _("Deciding organ"),
        "outcome": _("Outcome"),
        "narrowed": _("Less than asked in"),
        "asked_from": _("Asked for since"),
        "asked_hours": _("Hours asked for"),
        "asked_openings": _("Openings asked for"),
        "asked_rung": _("Level of detail asked for"),
        "duty": _("Duty"),
        "at": _("At the unit"),
        "unit": _("Unit"),
        "unit_kind": _("Kind of unit"),
        "code": _("Code"),
        "ends_on": _("Ends on"),
        "person": _("Person"),
        "proposed_by": _("Proposed by"),
        "factors": _("Second factors removed"),
        "type": _("Kind"),
        "act": _("For"),
        "change": _("Change"),
        "proof": _("Proved by"),
        "unavailable": _("Because something was unavailable"),
        "window_from": _("Only since"),
        "window_until": _("Only until"),
        "decision_on": _("Decision of"),
        "adult_acts_only": _("Acts as an adult only"),
        "sessions": _("Sessions"),
    },
    sorts={
        "at": "unit",
        "receiving": "unit",
        # A confirmation of identity is about a person, and names what it was for.
        "grant": "access.grant",
        "request": "access.accessrequest",
    },
    values={
        "PRESENCE": _("presence only"),
        "ABSTRACT": _("abstract"),
        "FULL": _("full particulars"),
        "APPROVE": _("approve"),
        "REFUSE": _("refuse"),
        "RETURN": _("return for correction"),
        "LEVEL": _("level of detail"),
        "PERIOD": _("period"),
        "OPENINGS": _("openings for each person"),
        "HOURS": _("hours"),
        "GRANT": _("openings of one grant"),
        "VOTE": _("one vote"),
        "PROPOSAL": _("putting one proposal in force"),
        "CHANGE": _("one change of a factor"),
        "webauthn": _("security key"),
        "totp": _("authenticator app"),
        "recovery_codes": _("recovery code"),
        "password": _("password"),
    },
    people=frozenset({"person", "proposed_by"}),
    quiet=frozenset(
        {
            "basis_version",
            "confirmation",
            "digest",
            "text",
            "decision",
            "enrolment",
            "factor",
            "grant",
            "letter",
            "opening",
            "payload",
            "proposal",
            "request",
            "round",
            "subject",
            "text_version",
            "version",
            "vote",
        }
    ),
)
