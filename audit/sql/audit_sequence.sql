-- Give committed events their place in the tree, in the order of their time; for seal_signer.
CREATE FUNCTION public.audit_sequence(most integer) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    state public.audit_log_state%ROWTYPE;
    leaf record;
    node bytea;
    carry bigint;
    height integer;
    first bigint;
BEGIN
    -- One sequencer at a time; the others wait here and find the queue emptied.
    SELECT * INTO STRICT state FROM public.audit_log_state FOR UPDATE;
    first := state.size;
    INSERT INTO public.audit_leaf (index, event_id, hash)
        SELECT first - 1 + row_number() OVER (ORDER BY next.at, next.event_id), next.event_id,
               sha256('\x00'::bytea || next.canonical)
        FROM (SELECT queue.at, queue.event_id, event.canonical
              FROM public.audit_queue AS queue JOIN public.audit_event AS event ON event.id = queue.event_id
              ORDER BY queue.at, queue.event_id LIMIT most) AS next;
    FOR leaf IN SELECT index, event_id, hash FROM public.audit_leaf WHERE index >= first ORDER BY index LOOP
        node := leaf.hash;
        carry := state.size;
        height := 0;
        WHILE carry % 2 = 1 LOOP
            node := sha256('\x01'::bytea || state.frontier[cardinality(state.frontier)] || node);
            state.frontier := trim_array(state.frontier, 1);
            carry := carry / 2;
            height := height + 1;
            IF height % 8 = 0 THEN
                INSERT INTO public.audit_tile (level, index, hash) VALUES (height / 8, state.size >> height, node);
            END IF;
        END LOOP;
        state.frontier := state.frontier || node;
        state.size := state.size + 1;
    END LOOP;
    IF state.size > first THEN
        DELETE FROM public.audit_queue AS queue USING public.audit_leaf AS done
            WHERE done.event_id = queue.event_id AND done.index >= first;
        UPDATE public.audit_log_state SET size = state.size, frontier = state.frontier;
    END IF;
    RETURN state.size - first;
END $$;
