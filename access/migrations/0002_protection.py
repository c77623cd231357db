"""No write without history or event, nothing deleted, what is frozen stays frozen - and what must not be invented is
written by functions that recompute it."""

from django.db import migrations

from audit.sql import append_only, bounded_times, demands_event, grant, grant_columns, install, kinds

WITH_HISTORY = {
    "access_accessrequest": "access_historicalaccessrequest",
    "access_organisation": "access_historicalorganisation",
    "access_user": "access_historicaluser",
}
# Rows that are written once, by functions, by whoever loads the law, or with the history and event of a change.
BY_FUNCTION = (
    "access_decision",
    "access_grant",
    "access_grantuserobjectpermission",
    "access_grantexpiry",
    "access_identityconfirmation",
    "access_confirmationuse",
    "access_opening",
    "access_openingextension",
    "access_populationquestion",
    "access_revocation",
    "access_undertaking",
)
# Written by functions too, but not once for all: a code is used, a proposal decided, a duty withdrawn.
CHANGED_BY_FUNCTION = ("access_enrolment", "access_proposal", "access_organisationuserobjectpermission")
LAW = ("access_legalbasis", "access_casepurpose", "access_undertakingtext", "access_workingday")
HISTORIES = tuple(WITH_HISTORY.values())

HISTORY = """
alter table public.{history} add column history_xid xid8 not null default pg_current_xact_id();
create constraint trigger {table}_needs_history after insert or update on public.{table}
    deferrable initially deferred for each row execute function public.access_require_history('{history}');
alter table public.{table} enable always trigger {table}_needs_history;
create constraint trigger {history}_needs_change after insert on public.{history}
    deferrable initially deferred for each row execute function public.access_require_change('{table}');
alter table public.{history} enable always trigger {history}_needs_change;
create trigger {history}_is_now before insert on public.{history}
    for each row execute function public.access_date_version();
alter table public.{history} enable always trigger {history}_is_now;
"""

FUNCTIONS = (
    "access_proposalkind",
    "access_require_history",
    "access_require_change",
    "access_date_version",
    "access_today",
    "access_read_committed",
    "access_is_police",
    "access_rung_height",
    "access_holds",
    "access_agreement_holds",
    "access_law_applies",
    "access_earliest",
    "access_narrower",
    "access_widest_window",
    "access_narrowed",
    "access_act_kinds",
    "access_asks_enough",
    "access_guard_request",
    "access_guard_subject",
    "access_guard_letter",
    "access_request_digest",
    "access_points",
    "access_is_established",
    "access_keep_version",
    "access_keep_request",
    "access_may_decide",
    "access_ask_population",
    "access_grant_from_votes",
    "access_confirm",
    "access_confirmation",
    "access_use_confirmation",
    "access_vote",
    "access_withdraw",
    "access_is_live",
    "access_is_recipient",
    "access_revoke",
    "access_audience",
    "access_undertaking_digest",
    "access_sign",
    "access_open",
    "access_viewable_until",
    "access_standing",
    "access_extend",
    "access_note_expiry",
    "access_is_owner",
    "access_unit_code",
    "access_is_dangerous",
    "access_is_oversight",
    "access_oversees",
    "access_watches",
    "access_oversight_lock",
    "access_last_held",
    "access_needs_two",
    "access_enrolled_by_two",
    "access_duty_fits",
    "access_duty_refusal",
    "access_withdrawal_refusal",
    "access_put_duty",
    "access_give_duty",
    "access_withdraw_duty",
    "access_code_refusal",
    "access_make_code",
    "access_code",
    "access_keep_user",
    "access_enrol",
    "access_ground",
    "access_duty_change_ground",
    "access_duty_change_refusal",
    "access_duty_change_enact",
    "access_enrolment_change_ground",
    "access_enrolment_change_refusal",
    "access_enrolment_change_enact",
    "access_may_propose",
    "access_proposal_detail",
    "access_propose",
    "access_proposal_refusal",
    "access_enact",
    "access_turn_down",
    "access_keep_overseers",
    "access_demand_user_event",
    "access_demand_duty_event",
    "access_factor_event",
    "access_keep_session",
    "access_forget_sessions",
    "access_after_restore",
)
CALLED = (
    "access_vote(uuid, integer, uuid, bytea, uuid, text, text, date, integer, integer, jsonb, bytea, bytea, bytea)",
    "access_withdraw(uuid, integer, uuid)",
    "access_revoke(uuid, uuid, bytea, bytea, bytea)",
    "access_sign(uuid, uuid, text, uuid)",
    "access_undertaking_digest(access_undertakingtext)",
    "access_confirm(uuid, bytea, text, uuid, text, text, boolean)",
    "access_confirmation(uuid, bytea, text, uuid, text)",
    "access_use_confirmation(uuid, bytea, text, uuid, text)",
    "access_open(uuid, uuid[], uuid, bytea, uuid)",
    "access_standing(uuid, uuid)",
    "access_extend(uuid, uuid)",
    "access_note_expiry(integer)",
    "access_asks_enough(access_accessrequest)",
    "access_law_applies(uuid, uuid, uuid)",
    "access_request_digest(uuid, integer)",
    "access_ask_population(uuid, integer, uuid, integer)",
    "access_is_established(uuid)",
    "access_duty_refusal(uuid, text, uuid, uuid)",
    "access_withdrawal_refusal(uuid, text, uuid, uuid)",
    "access_give_duty(uuid, text, uuid, uuid)",
    "access_withdraw_duty(uuid, text, uuid, uuid)",
    "access_last_held(uuid)",
    "access_code_refusal(uuid, uuid)",
    "access_needs_two(uuid)",
    "access_code(uuid, uuid, bytea, bytea)",
    "access_enrol(uuid, bytea, bytea, text)",
    "access_propose(text, text, uuid, uuid, jsonb, uuid, text, bytea, bytea)",
    "access_proposal_refusal(uuid, uuid)",
    "access_enact(uuid, uuid, bytea, jsonb)",
    "access_turn_down(uuid, uuid, text, bytea, bytea)",
    "access_forget_sessions(integer, integer)",
)

REQUEST_MOVES = (
    "REQUEST_DRAFTED",
    "REQUEST_EDITED",
    "REQUEST_SUBMITTED",
    "REQUEST_WITHDRAWN",
    "REQUEST_RETURNED",
    "REQUEST_APPROVED",
    "REQUEST_REFUSED",
    "REQUEST_LAPSED",
)
# Whatever the application, or a function with its argument, writes a day or a moment into.
BOUNDED = (
    *WITH_HISTORY,
    *HISTORIES,
    *("access_session", "access_sessionend", "access_letter", "access_decision", "access_grant", "mfa_authenticator"),
)


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0001_initial"),
        ("audit", "0001_initial"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("mfa", "0003_authenticator_type_uniq"),
    ]

    operations = [
        *install("access", *FUNCTIONS),
        *[migrations.RunSQL(HISTORY.format(table=table, history=kept)) for table, kept in WITH_HISTORY.items()],
        *bounded_times(*BOUNDED),
        *append_only(*HISTORIES, *BY_FUNCTION, *LAW, "access_requestsubject"),
        demands_event("access_organisation", "insert", "ORGANISATION_CREATED"),
        demands_event("access_organisation", "update", "AGREEMENT_CHANGED"),
        demands_event("access_accessrequest", "insert", "REQUEST_DRAFTED"),
        demands_event("access_accessrequest", "update", *REQUEST_MOVES),
        demands_event("access_requestsubject", "insert", "REQUEST_SUBMITTED", column="access_request_id"),
        demands_event("access_letter", "insert", "REQUEST_EDITED", column="access_request_id"),
        demands_event("access_letter", "update", "REQUEST_EDITED", column="access_request_id"),
        kinds(
            *("REQUEST_DRAFTED", "REQUEST_EDITED", "REQUEST_SUBMITTED", "REQUEST_WITHDRAWN", "REQUEST_LAPSED"),
            *("SIGNED_IN", "SIGN_IN_FAILED", "SIGNED_OUT", "SESSION_ENDED"),
            *("ORGANISATION_CREATED", "AGREEMENT_CHANGED"),
            *("USER_CREATED", "USER_CHANGED", "USER_DISABLED", "USER_ENABLED"),
            *("PASSWORD_CHANGED", "PASSWORD_REHASHED"),
            *("CATALOGUE_LOADED", "ANSWER_REFUSED"),
            by_function=(
                *("REQUEST_VOTED", "REQUEST_RETURNED", "REQUEST_APPROVED", "REQUEST_REFUSED", "GRANT_MADE"),
                *("GRANT_REVOKED", "GRANT_EXPIRED", "UNDERTAKING_SIGNED", "POPULATION_ASKED"),
                *("IDENTITY_CONFIRMED", "IDENTITY_NOT_CONFIRMED", "OPENING", "ANSWER_SHOWN", "ANSWER_EXTENDED"),
                *("DUTY_GIVEN", "DUTY_WITHDRAWN"),
                *("CHANGE_PROPOSED", "CHANGE_ENACTED", "CHANGE_TURNED_DOWN", "CHANGE_WITHDRAWN"),
                *("ENROLMENT_CODE_MADE", "ENROLLED", "ENROLMENT_FAILED"),
                *("FACTOR_ADDED", "FACTOR_CHANGED", "FACTOR_REMOVED", "RECOVERY_CODE_USED"),
            ),
        ),
        kinds("TRAIL_VERIFIED", "TRAIL_ALARM", "SCHEMA_ACCEPTED", "TRAIL_EXPORTED", guard="access_oversees"),
        kinds("ALARM_SENT", "ALARM_CLOSED", guard="access_watches"),
        grant(
            f"select on {', '.join((*WITH_HISTORY, *HISTORIES, *BY_FUNCTION, *LAW))} to seal_app",
            f"select on access_requestsubject, access_letter, {', '.join(CHANGED_BY_FUNCTION)} to seal_app",
            "select on access_grantgroupobjectpermission, access_organisationgroupobjectpermission to seal_app",
            f"insert on {', '.join(WITH_HISTORY)} to seal_app",
            "update (agreement_ends_on) on access_organisation to seal_app",
            "insert on access_requestsubject, access_letter to seal_app",
            "update (removed_at) on access_letter to seal_app",
            "select, insert, update, delete on access_attempt to seal_app",
            "select, insert, update (user_id, data, last_seen_at, address, browser) on access_session to seal_app",
            "select, insert on access_sessionend to seal_app",
            f"execute on function {', '.join(CALLED)} to seal_app",
            "execute on function access_read_committed(), access_today() to seal_mover",
        ),
        # Django saves rows whole; triggers say what may change. A version says by itself in which
        # transaction it was written, and which place it has.
        *[grant_columns("update", table, "seal_app", but=("id",)) for table in ("access_user", "access_accessrequest")],
        *[grant_columns("insert", history, "seal_app", but=("history_id", "history_xid")) for history in HISTORIES],
    ]
