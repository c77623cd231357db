-- What the key service's MAC is over: every index column, and digests of the rest. records/keyservice/sealing.py makes the
-- same bytes; a record whose two versions differ is not sealed. The ciphertext's nonce makes it impossible to guess.
create function sealed.content(r sealed.record) returns bytea
    language sql stable set search_path = pg_catalog, pg_temp as $$
    select sha256(convert_to(concat_ws('|',
        r.id, r.organ_id, r.entered_by_id, r.reviewed_by_id, r.offence_id,
        to_char(r.acted_on, 'YYYY-MM-DD'), to_char(r.decided_on, 'YYYY-MM-DD'), to_char(r.served_on, 'YYYY-MM-DD'),
        r.warning::text, r.fine_yuan, r.detention_days, r.licence_revoked::text, r.exit_order::text, r.deportation::text,
        r.age_band, encode(r.subject_key, 'hex'), encode(r.identity_key, 'hex'), encode(sha256(r.particulars), 'hex'),
        to_char(r.created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'),
        to_char(r.submitted_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'),
        r.version, r.sealing_rule_id, encode(r.rest_digest, 'hex')), 'UTF8'))
$$;
