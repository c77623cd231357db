"""The register against the trail, both ways, and the key service's word on what is behind the seal."""

from __future__ import annotations

from collections.abc import Iterator

from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from access.exceptions import NotHere, Unavailable
from audit import registers
from audit.registers import Fault
from records import keyservice
from records.models import SealedRecord


class Wrong(models.TextChoices):
    """What can be wrong between the register and the trail."""

    SEALED_WITHOUT_STUB = "SEALED_WITHOUT_STUB", _("What stays visible of a record that this event sealed is gone.")
    STUB_WITHOUT_EVENT = "STUB_WITHOUT_EVENT", _("This record counts as sealed, but no event sealed it.")
    SEALED_OTHERWISE = "SEALED_OTHERWISE", _("What stays visible of the sealed records is not what this event sealed.")
    SEALED_TWICE = "SEALED_TWICE", _("This record is worked on although it was sealed.")
    SEALED_ALTERED = "SEALED_ALTERED", _("This sealed record is not what was sealed.")
    SEALED_MISSING = "SEALED_MISSING", _("This sealed record is gone.")
    SEALED_BY_HAND = "SEALED_BY_HAND", _("A record stands behind the seal that nobody sealed.")
    SHOWN_TWICE = "SHOWN_TWICE", _("One opening was shown more than once.")
    SHOWN_WITHOUT_OPENING = "SHOWN_WITHOUT_OPENING", _("An answer was shown without the opening that this event names.")
    REGISTER_UNREACHABLE = (
        "REGISTER_UNREACHABLE",
        _("The sealed records could not be checked, because the key service cannot be reached from here."),
    )


SEALED = """
with told as (
    select e.id, public.audit_json(e.canonical) -> 'detail' as d from public.audit_event e
     where e.kind = 'VIOLATION_SEALED'
), named as (
    select told.id, record from told, jsonb_array_elements_text(
        case jsonb_typeof(told.d -> 'records') when 'array' then told.d -> 'records' else '[]' end) as record
)
select 'SEALED_WITHOUT_STUB', n.id, 'records.violation:' || n.record
  from named n left join public.records_stub t on t.id::text = n.record and t.event_id = n.id where t.id is null
union all
select 'STUB_WITHOUT_EVENT', t.event_id, 'records.violation:' || t.id
  from public.records_stub t left join named n on n.record = t.id::text and n.id = t.event_id where n.id is null
union all
select 'SEALED_OTHERWISE', told.id, null
  from told left join lateral (
      select encode(sha256(string_agg(t.digest, ''::bytea order by t.id)), 'hex') as digest
        from public.records_stub t where t.event_id = told.id) s on true
 where s.digest is distinct from told.d ->> 'digest'
union all
select 'SEALED_TWICE', null::uuid, 'records.violation:' || v.id
  from public.records_violation v join public.records_stub t on t.id = v.id
"""
SHOWN = """
with shown as (
    select e.id, e.at, e.actor, e.target_id, public.audit_json(e.canonical) -> 'detail' as d
      from public.audit_event e where e.kind = 'ANSWER_SHOWN'
), numbered as (select *, row_number() over (partition by d ->> 'event' order by at, id) as place from shown)
select case when place > 1 then 'SHOWN_TWICE' else 'SHOWN_WITHOUT_OPENING' end, s.id, 'access.grant:' || s.target_id
  from numbered s
  left join public.audit_event o on o.id::text = s.d ->> 'event' and o.kind = 'OPENING'
 where s.place > 1
    or (o.actor = s.actor and o.target_id = s.target_id and s.at between o.at and o.at + interval '2 minutes'
        and (public.audit_json(o.canonical) -> 'detail' ->> 'opening') = s.d ->> 'opening'
        and (public.audit_json(o.canonical) -> 'detail' ->> 'subject') = s.d ->> 'subject'
        and (public.audit_json(o.canonical) -> 'detail' ->> 'rung') = s.d ->> 'rung') is not true
"""


def sealing() -> Iterator[Fault]:
    """Name records that are sealed without event, events without record, and records that are both sealed and not."""
    yield from registers.ask(SEALED)


def showing() -> Iterator[Fault]:
    """Name answers that were shown twice, or without an opening of this person, grant and rung."""
    yield from registers.ask(SHOWN)


def sealed() -> Iterator[Fault]:
    """Name sealed records that are not what was sealed, gone, or put there by hand, as the key service finds them."""
    last = None
    while True:
        stubs = SealedRecord.objects.order_by("pk")
        ids = list((stubs.filter(pk__gt=last) if last else stubs).values_list("pk", flat=True)[: keyservice.BATCH])
        try:
            # What stands there without a stub is looked for once, at the end: that reads everything.
            checked = keyservice.check(ids, strays=len(ids) < keyservice.BATCH)
        except NotHere:
            return
        except Unavailable:
            yield Fault(Wrong.REGISTER_UNREACHABLE)
            return
        for wrong, found in (
            (Wrong.SEALED_ALTERED, checked.altered),
            (Wrong.SEALED_MISSING, checked.missing),
            (Wrong.SEALED_BY_HAND, checked.strays),
        ):
            yield from (Fault(wrong, row=f"records.violation:{one}") for one in found)
        if len(ids) < keyservice.BATCH:
            return
        last = ids[-1]


def not_checked() -> str | None:
    """Say that this machine cannot look behind the seal, as the signing machine cannot."""
    try:
        keyservice.check([])
    except NotHere:
        return gettext("The sealed records are not checked on this machine, because it has no key service.")
    except Unavailable:
        pass  # verification names it
    return None


CHECKS = (sealing, showing, sealed)
