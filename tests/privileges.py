"""What each role of the product may do, object by object; `test_privileges.py` compares the database with this list.

A new table, column, function or sequence that somebody may use fails the build until its line stands here: nothing is
granted by default. What is not named is not allowed; the owner, who owns everything, is not on the list.
"""

SELECT, INSERT, UPDATE, DELETE, USAGE, EXECUTE = "SELECT", "INSERT", "UPDATE", "DELETE", "USAGE", "EXECUTE"


def _each(names: str, *privileges: str) -> dict[str, set[str]]:
    return {name: set(privileges) for name in names.split()}


# Schemas ------------------------------------------------------------------------------------------------------------
SCHEMAS = {
    "seal_app": _each("public", USAGE),
    "seal_signer": _each("public", USAGE),
    "seal_keys": _each("sealed", USAGE),
    "seal_mover": _each("public sealed", USAGE),
}

# Tables -------------------------------------------------------------------------------------------------------------
TRAIL = (
    "audit_event audit_nonce audit_queue audit_log_state audit_leaf audit_tile audit_checkpoint audit_kind audit_limit"
    " audit_finding"
)
WRITTEN_BY_FUNCTIONS = (
    "access_decision access_grant access_grantuserobjectpermission access_grantexpiry access_identityconfirmation"
    " access_confirmationuse access_opening access_openingextension access_populationquestion access_revocation access_undertaking records_stub"
    " access_enrolment access_proposal access_organisationuserobjectpermission"
)
LAW = (
    "access_legalbasis access_casepurpose access_undertakingtext access_workingday records_offence records_sealingrule"
)
HISTORIES = (
    "access_historicalaccessrequest access_historicalorganisation access_historicaluser records_historicalviolation"
)
UNUSED_GROUPS = (
    "access_grantgroupobjectpermission access_organisationgroupobjectpermission records_violationgroupobjectpermission"
)
OF_DJANGO = "auth_group auth_group_permissions auth_permission django_content_type django_migrations"
JOBS = "procrastinate_jobs procrastinate_events procrastinate_periodic_defers procrastinate_workers"
# Sealing takes rows out of these.
MOVED = "records_violation records_historicalviolation records_recordkey records_violationuserobjectpermission"

TABLES = {
    "seal_app": {
        **_each(TRAIL, SELECT),
        **_each("audit_finding", SELECT, INSERT),
        **_each(WRITTEN_BY_FUNCTIONS, SELECT),
        **_each(LAW, SELECT),
        **_each(UNUSED_GROUPS, SELECT),
        **_each(OF_DJANGO, SELECT),
        **_each("records_upkeep", SELECT),
        **_each(HISTORIES, SELECT),
        **_each("access_accessrequest access_user records_violation", SELECT, INSERT),
        **_each("access_organisation", SELECT, INSERT),
        **_each("access_requestsubject access_letter", SELECT, INSERT),
        **_each("records_recordkey records_violationuserobjectpermission", SELECT, INSERT),
        **_each("access_attempt mfa_authenticator", SELECT, INSERT, UPDATE, DELETE),
        **_each("access_session access_sessionend", SELECT, INSERT),
        **_each(JOBS, SELECT, INSERT, UPDATE, DELETE),
    },
    "seal_signer": _each(TRAIL, SELECT),
    "seal_keys": {},
    "seal_mover": {
        **_each(MOVED, SELECT, DELETE),
        **_each("records_sealingrule audit_event", SELECT),
        **_each("records_stub sealed.record_key", INSERT),
        **_each("sealed.record sealed.history sealed.handler", SELECT, INSERT),
    },
}

# Columns, where a table as a whole would be too much: (role, table) -> column -> privileges.
# What Django saves whole stands here column by column: on a table as a whole UPDATE would be a right to lock it.
REQUEST = (
    "number status organisation_id requester_id basis_id case_purpose_id receiving_organ_id asked_rung asked_from act_on"
    " act_kind decision_on approvals_needed particulars wrapped_key round version created_at submitted_at due_at returned_at"
    " decided_at"
)
UNIT = "name name_en kind code region_code path agreement_ends_on is_active parent_id"
PERSON = "username badge_number full_name is_active created_at language single_keys organisation_id"
VIOLATION = (
    "status organ_id entered_by_id reviewed_by_id offence_id acted_on decided_on served_on warning fine_yuan detention_days"
    " licence_revoked exit_order deportation age_band document_key name_key case_number_key decision_number_key particulars"
    " version created_at submitted_at"
)
# All of a version but its place and the transaction that wrote it.
HISTORY = " id history_date history_change_reason history_type history_user_id"
COLUMNS = {
    ("seal_app", "access_accessrequest"): _each(REQUEST, UPDATE),
    ("seal_app", "access_user"): _each(PERSON + " password", UPDATE),
    ("seal_app", "records_violation"): _each(VIOLATION, UPDATE),
    ("seal_app", "access_historicalaccessrequest"): _each(REQUEST + HISTORY, INSERT),
    ("seal_app", "access_historicalorganisation"): _each(UNIT + HISTORY, INSERT),
    ("seal_app", "access_historicaluser"): _each(PERSON + HISTORY, INSERT),
    ("seal_app", "records_historicalviolation"): _each(VIOLATION + HISTORY, INSERT),
    ("seal_app", "access_letter"): _each("removed_at", UPDATE),
    ("seal_app", "access_organisation"): _each("agreement_ends_on", UPDATE),
    # Never the digest, and never when it began.
    ("seal_app", "access_session"): _each("user_id data last_seen_at address browser", UPDATE),
    ("seal_mover", "records_violation"): _each("version", UPDATE),  # to hold the rows that it moves
    ("seal_signer", "audit_checkpoint"): _each("size root note frontier", INSERT),
    ("seal_signer", "audit_log_state"): _each("confirmed_at", UPDATE),
}

# Sequences; identity columns need none --------------------------------------------------------------------------------
SEQUENCES = {
    "seal_app": _each(
        "procrastinate_jobs_id_seq procrastinate_events_id_seq procrastinate_periodic_defers_id_seq", USAGE
    ),
    "seal_signer": {},
    "seal_keys": {},
    "seal_mover": {},
}

# Functions, by name: none of ours has a second signature ----------------------------------------------------------------
FUNCTIONS = {
    "seal_app": set(
        [
            "access_ask_population",
            "access_asks_enough",
            "access_code",
            "access_code_refusal",
            "access_confirm",
            "access_confirmation",
            "access_duty_refusal",
            "access_enact",
            "access_enrol",
            "access_extend",
            "access_forget_sessions",
            "access_give_duty",
            "access_is_established",
            "access_last_held",
            "access_law_applies",
            "access_needs_two",
            "access_note_expiry",
            "access_open",
            "access_proposal_refusal",
            "access_propose",
            "access_request_digest",
            "access_revoke",
            "access_sign",
            "access_standing",
            "access_turn_down",
            "access_undertaking_digest",
            "access_use_confirmation",
            "access_vote",
            "access_withdraw",
            "access_withdraw_duty",
            "access_withdrawal_refusal",
            "audit_json",
            "audit_staleness",
            "audit_write",
            "procrastinate_cancel_job_v1",
            "procrastinate_defer_jobs_v1",
            "procrastinate_defer_periodic_job_v2",
            "procrastinate_fetch_job_v2",
            "procrastinate_finish_job_v1",
            "procrastinate_prune_stalled_workers_v1",
            "procrastinate_register_worker_v1",
            "procrastinate_retry_job_v1",
            "procrastinate_retry_job_v2",
            "procrastinate_unregister_worker_v1",
            "procrastinate_update_heartbeat_v1",
        ]
    ),
    "seal_signer": set(["audit_json", "audit_sequence", "audit_staleness", "audit_write"]),
    "seal_keys": {
        f"sealed.{name}" for name in ["audited", "count_asked", "disclosed", "mark", "seal", "strays", "working"]
    },
    "seal_mover": set(["access_read_committed", "access_today", "audit_append", "sealed.content", "sealed.rest"]),
}

# Whose functions run with more than their caller's rights, and as whom, beside the owner's.
OWNED_BY_MOVER = {"sealed.seal"}
