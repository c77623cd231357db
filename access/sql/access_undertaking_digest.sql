-- What an undertaking says, in both languages, as one digest: what its event keeps of the text that was signed.
create function public.access_undertaking_digest(p_text public.access_undertakingtext) returns text
    language sql stable set search_path = pg_catalog, pg_temp as $$
    select encode(sha256(convert_to(
               concat_ws(E'\n\n', p_text.promises_zh, p_text.quotations_zh, p_text.promises_en, p_text.summary_en),
               'UTF8')), 'hex')
$$;
