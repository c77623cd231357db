"""People, votes, grants and openings against the trail, both ways: what verification asks of this app.

The functions of the database write rows and events together, each recomputed. Whoever owns the tables can write either
alone; here it is found, and the row or the event is named. Each statement yields (code, event, row) and reads one
snapshot; comparisons are of texts, so that nothing that stands in an event stops them.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.db import models
from django.utils.translation import gettext_lazy as _

from audit import registers
from audit.registers import Fault


class Wrong(models.TextChoices):
    """What can be wrong between people, requests and the trail."""

    VOTE_WITHOUT_EVENT = "VOTE_WITHOUT_EVENT", _("This vote has no event, or its event says something else.")
    VOTE_WITHOUT_ROW = "VOTE_WITHOUT_ROW", _("The vote that this event tells of is gone, or it is told of twice.")
    VOTE_ABOUT_ELSE = (
        "VOTE_ABOUT_ELSE",
        _("The people, the reason or the letters are not those that this vote was about."),
    )
    POPULATION_UNPROVED = (
        "POPULATION_UNPROVED",
        _("The questions to the population register about this request are not those that the trail tells of."),
    )
    GRANT_WITHOUT_EVENT = "GRANT_WITHOUT_EVENT", _("This grant has no event, or its event says something else.")
    GRANT_WITHOUT_ROW = "GRANT_WITHOUT_ROW", _("The grant that this event tells of is gone, or it is told of twice.")
    GRANT_NOT_FROM_VOTES = "GRANT_NOT_FROM_VOTES", _("This grant is not what the votes on its request give.")
    REVOCATION_UNPROVED = (
        "REVOCATION_UNPROVED",
        _("The revocations of this grant are not those that the trail tells of."),
    )
    UNDERTAKING_UNPROVED = (
        "UNDERTAKING_UNPROVED",
        _("The undertakings signed for this grant are not those that the trail tells of."),
    )
    CONFIRMATION_UNPROVED = (
        "CONFIRMATION_UNPROVED",
        _("The confirmations of identity are not those that the trail tells of."),
    )
    OPENING_WITHOUT_EVENT = "OPENING_WITHOUT_EVENT", _("This opening was counted without an event.")
    OPENING_WITHOUT_ROW = "OPENING_WITHOUT_ROW", _("The opening that this event tells of was never counted as it says.")
    EXTENSION_UNPROVED = (
        "EXTENSION_UNPROVED",
        _("The time that was added to this opening is not what the trail tells of, or more than its grant lets."),
    )
    OPENING_OUTSIDE_GRANT = "OPENING_OUTSIDE_GRANT", _("This opening is not covered by its grant.")
    DUTY_UNPROVED = "DUTY_UNPROVED", _("The duties of this person are not those that the trail tells of.")
    PERSON_UNPROVED = "PERSON_UNPROVED", _("Whether this account is enabled is not what the trail tells of.")


def _told(kind: str, statement: str) -> str:
    """Return a statement about the events of a kind, `told`: their columns, and their details as `d`."""
    return f"""
with told as (
    select e.id, e.at, e.actor, e.unit, e.target_id, public.audit_json(e.canonical) -> 'detail' as d
      from public.audit_event e where e.kind = '{kind}'
)
{statement}"""  # noqa: S608 - fixed words


VOTES = _told(
    "REQUEST_VOTED",
    """
, numbered as (select *, count(*) over (partition by d ->> 'decision') as times from told)
select case when v.id is null or times > 1 then 'VOTE_WITHOUT_ROW' else 'VOTE_WITHOUT_EVENT' end,
       e.id, 'access.decision:' || v.id
  from public.access_decision v
  join public.access_legalbasis b on b.id = v.basis_id
  full join numbered e on e.d ->> 'decision' = v.id::text
 where v.id is null or e.id is null or times > 1
    or (e.actor, e.target_id, e.d ->> 'outcome', e.d ->> 'round', e.d ->> 'rung', e.d ->> 'hours', e.d ->> 'openings',
        e.d ->> 'window_from', e.d ->> 'digest', e.d ->> 'basis', e.d ->> 'basis_version', e.d -> 'narrowed',
        e.d ->> 'established')
       is distinct from
       (v.decider_id::text, v.access_request_id::text, v.outcome::text, v.round::text, v.rung::text,
        coalesce(v.hours, 0)::text, coalesce(v.openings, 0)::text, to_char(v.window_from, 'YYYY-MM-DD'),
        encode(v.digest, 'hex'), b.code::text, b.version::text, to_jsonb(v.narrowed),
        (select count(*)::text from jsonb_each(v.checklist) as answers (key, value)
          where starts_with(key, 'PERSON_') and value = 'true'::jsonb))
    or abs(extract(epoch from e.at - v.decided_at)) > 60
    -- Nobody votes without proving, for this one vote, who they are.
    or not exists (select from public.access_identityconfirmation c
                     join public.access_confirmationuse u on u.confirmation_id = c.id
                    where c.id::text = e.d ->> 'confirmation' and c.kind = 'VOTE' and c.user_id = v.decider_id
                      and c.target_id = v.access_request_id
                      and starts_with(c.which, concat_ws(':', e.d ->> 'version', e.d ->> 'outcome')))
""",
)
# As `access_request_digest`, but of the round that was voted on: what was written then is in the history, whose versions
# of that number all say one and the same, and letters have their times.
DIGESTS = _told(
    "REQUEST_VOTED",
    """
select 'VOTE_ABOUT_ELSE', e.id, 'access.decision:' || v.id
  from public.access_decision v
  join told e on e.d ->> 'decision' = v.id::text
  left join lateral (
      select distinct h.particulars, concat_ws('|', h.basis_id, coalesce(h.case_purpose_id::text, ''), h.asked_rung,
             coalesce(to_char(h.asked_from, 'YYYY-MM-DD'), ''), coalesce(to_char(h.act_on, 'YYYY-MM-DD'), ''),
             h.act_kind, coalesce(to_char(h.decision_on, 'YYYY-MM-DD'), '')) as asked
        from public.access_historicalaccessrequest h
       where h.id = v.access_request_id and h.version::text = e.d ->> 'version') h on true
 where v.digest is distinct from sha256(
        sha256(h.particulars)
        || sha256(convert_to(h.asked, 'UTF8'))
        || coalesce((select string_agg(
               uuid_send(s.id) || s.subject_key || s.identity_key || sha256(s.particulars)
               || case when s.is_minor then '\\x01'::bytea else '\\x00'::bytea end
               || sha256(convert_to(s.population, 'UTF8')), ''::bytea order by s.position)
               from public.access_requestsubject s
              where s.access_request_id = v.access_request_id and s.round = v.round), ''::bytea)
        || '\\xff'::bytea
        || coalesce((select string_agg(uuid_send(l.id) || sha256(l.name) || sha256(l.content), ''::bytea order by l.id)
               from public.access_letter l
              where l.access_request_id = v.access_request_id and l.uploaded_at <= v.decided_at
                and (l.removed_at is null or l.removed_at > v.decided_at)), ''::bytea))
""",
)
# What a register said of somebody stands only where it was asked about so many people of that request.
POPULATION = _told(
    "POPULATION_ASKED",
    """
, said as (
    select target_id as request, actor as person, d ->> 'version' as version, d ->> 'people' as people,
           count(*) as times, min(id::text)::uuid as one
      from told group by 1, 2, 3, 4
), kept as (
    select q.access_request_id::text as request, q.asked_by_id::text as person, q.version::text, q.people::text,
           count(*) as times
      from public.access_populationquestion q group by 1, 2, 3, 4
)
select 'POPULATION_UNPROVED', said.one, 'access.accessrequest:' || coalesce(kept.request, said.request)
  from said full join kept using (request, person, version, people) where said.times is distinct from kept.times
union all
select distinct 'POPULATION_UNPROVED', null::uuid, 'access.accessrequest:' || s.access_request_id
  from public.access_requestsubject s
 where s.population <> '' and not exists (
       select from public.access_populationquestion q
        where q.access_request_id = s.access_request_id and s.position <= q.people)
""",
)
GRANTS = _told(
    "GRANT_MADE",
    """
, numbered as (select *, count(*) over (partition by target_id) as times from told)
select case when g.id is null or times > 1 then 'GRANT_WITHOUT_ROW' else 'GRANT_WITHOUT_EVENT' end,
       e.id, 'access.grant:' || g.id
  from public.access_grant g
  join public.access_legalbasis b on b.id = g.basis_id
  join public.access_accessrequest r on r.id = g.access_request_id
  left join public.access_casepurpose p on p.id = g.case_purpose_id
  full join numbered e on e.target_id = g.id::text
 where g.id is null or e.id is null or times > 1
    or (e.d ->> 'basis', e.d ->> 'basis_version', e.d -> 'categories', e.d ->> 'hours', e.d ->> 'number',
        e.d ->> 'openings', e.d ->> 'purpose', e.d ->> 'round', e.d ->> 'rung', e.d ->> 'window_from',
        e.d ->> 'window_until', e.d ->> 'decision_on', e.d ->> 'adult_acts_only', e.d -> 'narrowed')
       is distinct from
       (b.code::text, b.version::text, to_jsonb(g.categories),
        trunc(extract(epoch from g.ends_at - g.starts_at) / 3600)::text, r.number::text, g.openings::text,
        coalesce(p.code::text, ''), g.round::text, g.rung::text, to_char(g.window_from, 'YYYY-MM-DD'),
        to_char(g.window_until, 'YYYY-MM-DD'), to_char(g.decision_on, 'YYYY-MM-DD'), g.adult_acts_only::text,
        to_jsonb(g.narrowed))
""",
)
GRANTS_FROM_VOTES = """
select 'GRANT_NOT_FROM_VOTES', null::uuid, 'access.grant:' || g.id
  from public.access_grant g
  join public.access_accessrequest r on r.id = g.access_request_id
  join public.access_legalbasis b on b.id = r.basis_id
  left join public.access_casepurpose p on p.id = r.case_purpose_id
  join public.access_organisation o on o.id = r.organisation_id
  cross join lateral (select case when p.id is null or '*' = any (p.categories) then b.categories::text[]
                                  when '*' = any (b.categories) then p.categories::text[]
                                  else array(select unnest(b.categories::text[]) intersect select unnest(p.categories::text[])
                                              order by 1) end as covered) c
  cross join lateral (
      select count(*) as votes, count(distinct d.decider_id) as people, count(distinct d.decider_organisation_id) as units,
             bool_and(d.outcome = 'APPROVE' and d.decider_id <> r.requester_id and d.basis_id = g.basis_id) as agree,
             min(d.hours) as hours, min(d.openings) as openings, max(d.window_from) as window_from,
             min(array_position(array['PRESENCE', 'ABSTRACT', 'FULL'], d.rung::text)) as height, max(d.decided_at) as at
        from public.access_decision d where d.access_request_id = r.id and d.round = g.round) v
 where r.status <> 'APPROVED' or r.round <> g.round or v.agree is not true or v.people <> v.votes
    or v.votes < greatest(r.approvals_needed, b.approvals, case when exists (
           select from public.access_requestsubject s
            where s.access_request_id = r.id and s.round = g.round and s.is_minor) then 2 else 1 end)
    or (b.two_units or r.approvals_needed > 1) and v.units <> v.votes
    or (g.basis_id, g.case_purpose_id, g.openings, g.window_from, g.rung::text, g.starts_at, g.ends_at,
        g.record_filter::text, g.filter_count, g.window_until, g.decision_on, g.adult_acts_only, g.categories::text[],
        g.narrowed::text[])
       is distinct from
       (r.basis_id, r.case_purpose_id, v.openings, v.window_from, (array['PRESENCE', 'ABSTRACT', 'FULL'])[least(
            v.height, array_position(array['PRESENCE', 'ABSTRACT', 'FULL'], p.highest_rung::text))],
        v.at, v.at + make_interval(hours => v.hours), b.record_filter::text, greatest(b.filter_count, p.minimum_count),
        case when p.counts_from_act then r.act_on end, r.decision_on, o.kind = 'SUPERVISION_ORGAN',
        case when p.same_kind is not true then c.covered
             when '*' = any (c.covered) then array_remove(array[r.act_kind::text], '')
             else array(select unnest(c.covered) intersect select unnest(array_remove(array[r.act_kind::text], ''))) end,
        array(select side from unnest(array['LEVEL', 'PERIOD', 'OPENINGS', 'HOURS']) as side
               where exists (select from public.access_decision d
                              where d.access_request_id = r.id and d.round = g.round and side = any (d.narrowed::text[]))))
    or exists (select from public.access_requestsubject s
                where s.access_request_id = r.id and s.round = g.round and not public.access_is_established(s.id))
    or array(select u.user_id from public.access_grantuserobjectpermission u
               join public.auth_permission a on a.id = u.permission_id and a.codename = 'open_grant'
              where u.content_object_id = g.id) <> array[r.requester_id]
"""


# Grants for which somebody has more revocations than events, or fewer.
REVOCATIONS = """
with told as (
    select e.target_id as grant_id, coalesce(e.actor, '') as person, count(*) as times, min(e.id::text)::uuid as one
      from public.audit_event e where e.kind = 'GRANT_REVOKED' group by 1, 2
), kept as (
    select grant_id::text, coalesce(by_id::text, '') as person, count(*) as times from public.access_revocation group by 1, 2
)
select 'REVOCATION_UNPROVED', told.one, 'access.grant:' || coalesce(kept.grant_id, told.grant_id)
  from told full join kept using (grant_id, person) where told.times is distinct from kept.times
"""
UNDERTAKINGS = _told(
    "UNDERTAKING_SIGNED",
    """
, said as (
    select target_id as grant_id, coalesce(actor, '') as person, d ->> 'digest' as digest, d ->> 'text' as text,
           d ->> 'text_version' as version, count(*) as times, min(id::text)::uuid as one
      from told group by 1, 2, 3, 4, 5
), kept as (
    select u.grant_id::text, u.user_id::text as person, public.access_undertaking_digest(t) as digest, t.code::text as text,
           t.version::text, count(*) as times
      from public.access_undertaking u join public.access_undertakingtext t on t.id = u.text_id group by 1, 2, 3, 4, 5
)
select 'UNDERTAKING_UNPROVED', said.one, 'access.grant:' || coalesce(kept.grant_id, said.grant_id)
  from said full join kept using (grant_id, person, digest, text, version)
 where said.times is distinct from kept.times
""",
)
CONFIRMATIONS = _told(
    "IDENTITY_CONFIRMED",
    """
, said as (
    select e.d ->> 'act' as kind, coalesce(e.d ->> 'grant', e.d ->> 'request', e.d ->> 'proposal', e.target_id) as target,
           coalesce(e.d ->> 'vote', e.d ->> 'change', '') as detail, e.d ->> 'proof' as factor, e.actor as person,
           count(*) as times, min(e.id::text)::uuid as one
      from told e group by 1, 2, 3, 4, 5
), kept as (
    select c.kind::text, c.target_id::text as target, c.which::text as detail, c.factor::text, c.user_id::text as person,
           count(*) as times
      from public.access_identityconfirmation c group by 1, 2, 3, 4, 5
)
select 'CONFIRMATION_UNPROVED', said.one,
       case kind when 'GRANT' then 'access.grant:' || target else 'access.user:' || person end
  from said full join kept using (kind, target, detail, factor, person)
 where said.times is distinct from kept.times
""",
)
# The same form sent again is the same opening with an event of its own.
OPENING_EVENTS = _told(
    "OPENING",
    """
select 'OPENING_WITHOUT_ROW', e.id, 'access.grant:' || e.target_id
  from told e
  left join public.access_opening o on o.id::text = e.d ->> 'opening'
  left join public.access_grant g on g.id = o.grant_id
  left join public.access_legalbasis b on b.id = g.basis_id
  left join public.access_accessrequest r on r.id = g.access_request_id
 where (e.target_id = o.grant_id::text and e.actor = o.user_id::text and e.d ->> 'subject' = o.subject_id::text
        and e.d ->> 'rung' = g.rung and e.d ->> 'basis' = b.code and e.d ->> 'basis_version' = b.version::text
        and e.d ->> 'number' = r.number
        and e.at between o.opened_at - interval '1 minute' and interval '1 minute' + greatest(
            o.viewable_until, (select max(x.until) from public.access_openingextension x where x.opening_id = o.id))
       ) is not true
""",
)
# A revocation takes no lock: an opening that began before it was committed is lawful, and lasts no minute.
OPENING_ROWS = _told(
    "OPENING",
    """
, places as (
    select o.*, row_number() over (partition by o.grant_id, o.subject_id order by o.opened_at, o.id) as place
      from public.access_opening o
)
select 'OPENING_WITHOUT_EVENT', null::uuid, 'access.opening:' || o.id from public.access_opening o
 where not exists (select from told e where e.d ->> 'opening' = o.id::text)
union all
select 'OPENING_OUTSIDE_GRANT', null::uuid, 'access.opening:' || o.id
  from places o
  join public.access_grant g on g.id = o.grant_id
  join public.access_accessrequest r on r.id = g.access_request_id
 where o.place > g.openings or o.opened_at < g.starts_at or o.opened_at >= g.ends_at or o.viewable_until > g.ends_at
    or o.user_id <> r.requester_id
    or not exists (select from public.access_requestsubject s
                    where s.id = o.subject_id and s.access_request_id = g.access_request_id and s.round = g.round)
    or not exists (select from public.access_undertaking u
                    where u.grant_id = g.id and u.user_id = o.user_id and u.signed_at <= o.opened_at)
    or not exists (select from public.access_identityconfirmation c
                    where c.id = o.confirmation_id and c.kind = 'GRANT' and c.target_id = g.id and c.user_id = o.user_id
                      and c.confirmed_at <= o.opened_at)
    or exists (select from public.access_revocation x
                where x.grant_id = g.id and x.at < o.opened_at - interval '1 minute')
""",
)
# Each is five minutes at most, within the grant, and told of once.
EXTENSIONS = _told(
    "ANSWER_EXTENDED",
    """
, kept as (
    select x.opening_id::text as opening, o.grant_id::text as granted, o.user_id::text as reader,
           to_char(x.until at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as until,
           x.until <= g.ends_at and x.until - coalesce(
               lag(x.until) over (partition by x.opening_id order by x.until), o.viewable_until) <= interval '5 minutes'
           as is_lawful
      from public.access_openingextension x
      left join public.access_opening o on o.id = x.opening_id
      left join public.access_grant g on g.id = o.grant_id
), said as (
    select d ->> 'opening' as opening, target_id as granted, actor as reader, d ->> 'until' as until, id from told
)
select 'EXTENSION_UNPROVED', said.id, 'access.opening:' || coalesce(kept.opening, said.opening)
  from kept full join said using (opening, granted, reader, until)
 where kept.is_lawful is not true or said.id is null
""",
)
# A duty is there exactly when the last that the trail says of it is that it was given, by whom it says.
DUTIES = """
with told as (
    select distinct on (person, duty, unit) person, duty, unit, kind, id,
           coalesce(proposer, actor) as given_by, case when proposer is not null then actor end as consented_by
      from (select e.target_id as person, e.kind, e.at, e.id, e.actor,
                   public.audit_json(e.canonical) -> 'detail' ->> 'proposed_by' as proposer,
                   public.audit_json(e.canonical) -> 'detail' ->> 'duty' as duty,
                   public.audit_json(e.canonical) -> 'detail' ->> 'at' as unit
              from public.audit_event e where e.kind in ('DUTY_GIVEN', 'DUTY_WITHDRAWN')) as all_told
     order by person, duty, unit, at desc, id desc
), held as (
    select h.user_id::text as person, a.codename::text as duty, o.code::text as unit,
           h.given_by_id::text as given_by, h.consented_by_id::text as consented_by
      from public.access_organisationuserobjectpermission h
      join public.auth_permission a on a.id = h.permission_id
      join public.access_organisation o on o.id = h.content_object_id
)
select 'DUTY_UNPROVED', told.id, 'access.user:' || coalesce(held.person, told.person)
  from told full join held using (person, duty, unit)
 where (told.kind = 'DUTY_GIVEN') is distinct from (held.person is not null)
   and not (told.kind = 'DUTY_WITHDRAWN' and held.person is null)
    or (told.given_by, told.consented_by) is distinct from (held.given_by, held.consented_by) and held.person is not null
"""
PEOPLE = """
with told as (
    select distinct on (e.target_id) e.target_id, e.kind, e.id from public.audit_event e
     where e.kind in ('USER_CREATED', 'USER_DISABLED', 'USER_ENABLED') order by e.target_id, e.at desc, e.id desc
)
select 'PERSON_UNPROVED', told.id, 'access.user:' || coalesce(u.id::text, told.target_id)
  from public.access_user u full join told on told.target_id = u.id::text
 where u.id is null or told.id is null or u.is_active <> (told.kind <> 'USER_DISABLED')
"""


def votes() -> Iterator[Fault]:
    """Name votes and events that do not agree, votes about something else than what stands there now, and what a
    population register is said to have answered although the trail tells of no question."""
    yield from registers.ask(VOTES)
    yield from registers.ask(DIGESTS)
    yield from registers.ask(POPULATION)


def grants() -> Iterator[Fault]:
    """Name grants without their event, or other than their votes give, and what was revoked, signed, confirmed unseen."""
    for statement in (GRANTS, GRANTS_FROM_VOTES, REVOCATIONS, UNDERTAKINGS, CONFIRMATIONS):
        yield from registers.ask(statement)


def openings() -> Iterator[Fault]:
    """Name openings without event, without row, or outside their grant."""
    yield from registers.ask(OPENING_EVENTS)
    yield from registers.ask(OPENING_ROWS)
    yield from registers.ask(EXTENSIONS)


def people() -> Iterator[Fault]:
    """Name people whose duties or accounts are not what the trail tells of."""
    yield from registers.ask(DUTIES)
    yield from registers.ask(PEOPLE)


CHECKS = (votes, grants, openings, people)
