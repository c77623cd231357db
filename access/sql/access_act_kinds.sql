-- The categories that are narrow enough to be "of the same kind" (同类): those that access/catalogue/categories.json calls
-- so, and a test compares the two. A section of Chapter 3 or a collection would answer what the text does not ask.
create function public.access_act_kinds() returns text[]
    language sql immutable set search_path = pg_catalog, pg_temp as $$
    select array[
        'ABANDONMENT', 'ABUSE', 'AFFRAY', 'BORDER_CROSSING', 'CULT', 'CYBER_NETWORK', 'DAMAGE', 'DEFAMATION',
        'DRUG_USE', 'EXAM', 'EXTORTION', 'GAMBLING_ACT', 'MINOR_HARM', 'PERSONAL_INFO', 'PRECURSOR', 'PROCURING',
        'PROSTITUTION_ACT', 'PYRAMID', 'RADIO', 'SEXUAL', 'SHELTER_DRUG_USE', 'SNATCH_LOOT', 'STOLEN_GOODS',
        'SWINDLE', 'THEFT', 'TIP_OFF', 'UAV', 'UNLICENSED', 'VIOLENCE', 'WEAPON']
$$;
