"""Sentences for the rules that the database names when somebody may not give a duty, make a code or enact a proposal."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from access.exceptions import NotAllowed, Refused, WrongState

Refusal = type[NotAllowed] | type[Refused] | type[WrongState]
Sentences = dict[str, tuple[Refusal, object]]

DUTY: Sentences = {
    "NOT_YOURS": (NotAllowed, _("You do not assign duties at this unit.")),
    "ONESELF": (NotAllowed, _("You cannot change your own duties.")),
    "DISABLED": (Refused, _("This person is disabled. Enable them before you give them a duty.")),
    "HELD": (Refused, _("This person holds this duty at this unit already.")),
    "NOT_HELD": (Refused, _("This person does not hold this duty at this unit.")),
    "DOES_NOT_FIT": (
        Refused,
        _(
            "This duty does not fit. Only people of public security organs enter (for their own unit), confirm, decide and keep the system, and a unit files requests for itself where some legal basis names its kind."
        ),
    ),
    "EXCLUSIVE": (
        Refused,
        _(
            "Whoever administers people, assigns duties or oversees holds no other duty (MLPS level 3: three people). Take the other duty away first."
        ),
    ),
    "ENROLLED_BY_ONE": (
        Refused,
        _(
            "One administrator alone knew the code with which this person chose their password. Ask who administers people for a new code by two; when the person has used it, propose the duty."
        ),
    ),
    "LAST": (
        Refused,
        _(
            "Nobody else holds this duty at the top, and it must not be left without anybody. Give it to somebody else first."
        ),
    ),
}
CODE: Sentences = {
    "NOT_YOURS": (NotAllowed, _("You do not administer the people of this unit.")),
    "ONESELF": (NotAllowed, _("You cannot make a code for yourself; ask somebody else who administers people.")),
    "DISABLED": (Refused, _("This person is disabled. Enable them before you make a code for them.")),
}
PROPOSAL: Sentences = {
    "DECIDED": (WrongState, _("This proposal was already decided.")),
    "SAME_PERSON": (NotAllowed, _("You proposed this; somebody else has to put it in force.")),
    "NOT_YOURS": (NotAllowed, _("You do not decide this proposal.")),
    "PROPOSER_LOST": (
        Refused,
        _(
            "Whoever proposed this no longer holds the duty to do so, so it can only be turned down. Propose it anew if it is right."
        ),
    ),
    "GROUND_CHANGED": (
        Refused,
        _(
            "Something about this person has changed since it was proposed, so it can only be turned down. Propose it anew if it is still right."
        ),
    ),
}


def check(refusal: str | None, *sentences: Sentences) -> None:
    """Raise the refusal that a rule's name stands for; the first set of sentences that knows it speaks."""
    if refusal is None:
        return
    for known in sentences:
        if refusal in known:
            kind, sentence = known[refusal]
            raise kind(str(sentence))
    raise WrongState(str(_("This is not possible any more. Read the page again.")))


def sentence(refusal: str | None, *sentences: Sentences) -> str:
    """Return the words of a refusal, or nothing when there is none."""
    try:
        check(refusal, *sentences)
    except (NotAllowed, Refused, WrongState) as error:
        return str(error)
    return ""
