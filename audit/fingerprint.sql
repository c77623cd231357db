-- What the database is built of, one row an object; `fingerprint.py` makes one digest of it. Names stand for objects (their
-- numbers differ from database to database), and lists of privileges are sorted, because GRANT and REVOKE reorder them.
-- Not a function: its owner could replace it.
-- Functions of ours, word for word.
select 'function', p.oid::pg_catalog.regprocedure::text, pg_catalog.pg_get_userbyid(p.proowner),
            (select pg_catalog.string_agg(a::text, ' ' order by a::text collate "C") from pg_catalog.unnest(p.proacl) as a),
            case when p.prokind in ('f', 'p') then pg_catalog.pg_get_functiondef(p.oid) else p.prosrc end
       from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
union all
-- What was taken from everybody of PostgreSQL's own functions and views: its counters.
select 'closed', p.oid::pg_catalog.regprocedure::text, '', (select pg_catalog.string_agg(a::text, ' ' order by a::text collate "C") from pg_catalog.unnest(p.proacl) as a), ''
       from pg_catalog.pg_proc p where p.pronamespace = 'pg_catalog'::pg_catalog.regnamespace
        and p.proacl is not null
union all
select 'closed', c.oid::pg_catalog.regclass::text, '', (select pg_catalog.string_agg(a::text, ' ' order by a::text collate "C") from pg_catalog.unnest(c.relacl) as a), ''
       from pg_catalog.pg_class c where c.relnamespace = 'pg_catalog'::pg_catalog.regnamespace
        and c.relkind = 'v'
union all
select 'relation', c.oid::pg_catalog.regclass::text, pg_catalog.pg_get_userbyid(c.relowner),
             (select pg_catalog.string_agg(a::text, ' ' order by a::text collate "C") from pg_catalog.unnest(c.relacl) as a),
             pg_catalog.concat_ws(' ', c.relkind, c.relpersistence, c.relrowsecurity, c.relforcerowsecurity,
                 case when c.relkind in ('v', 'm') then pg_catalog.pg_get_viewdef(c.oid) end,
                 (select pg_catalog.string_agg(i.inhparent::pg_catalog.regclass::text, ' ' order by i.inhseqno)
                    from pg_catalog.pg_inherits i where i.inhrelid = c.oid))
        from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
       where n.nspname !~ '^pg_' and n.nspname <> 'information_schema' and c.relkind in ('r', 'v', 'm', 'p', 'S', 'f')
union all
select 'column', c.oid::pg_catalog.regclass::text || '.' || a.attname, '', (select pg_catalog.string_agg(a::text, ' ' order by a::text collate "C") from pg_catalog.unnest(a.attacl) as a),
             pg_catalog.concat_ws(' ', pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attgenerated,
                 a.attidentity, pg_catalog.pg_get_expr(d.adbin, d.adrelid))
        from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
        join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        left join pg_catalog.pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
       where n.nspname !~ '^pg_' and n.nspname <> 'information_schema' and c.relkind in ('r', 'v', 'm', 'p', 'f')
union all
select 'constraint', x.conrelid::pg_catalog.regclass::text || '.' || x.conname, '', '',
            pg_catalog.concat_ws(' ', pg_catalog.pg_get_constraintdef(x.oid), x.convalidated)
       from pg_catalog.pg_constraint x join pg_catalog.pg_namespace n on n.oid = x.connamespace where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
union all
select 'index', i.indexrelid::pg_catalog.regclass::text, '', '',
            pg_catalog.concat_ws(' ', pg_catalog.pg_get_indexdef(i.indexrelid), i.indisvalid)
       from pg_catalog.pg_index i join pg_catalog.pg_class c on c.oid = i.indexrelid
       join pg_catalog.pg_namespace n on n.oid = c.relnamespace where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
union all
-- Those behind foreign keys too: whether they fire is what counts.
select 'trigger', t.tgrelid::pg_catalog.regclass::text,
            case when t.tgisinternal then t.tgfoid::pg_catalog.regproc::text else t.tgname end, t.tgenabled::text,
            case when t.tgisinternal then '' else pg_catalog.pg_get_triggerdef(t.oid) end
       from pg_catalog.pg_trigger t join pg_catalog.pg_class c on c.oid = t.tgrelid
       join pg_catalog.pg_namespace n on n.oid = c.relnamespace where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
union all
select 'event trigger', e.evtname, e.evtevent, e.evtenabled::text, e.evtfoid::pg_catalog.regprocedure::text
       from pg_catalog.pg_event_trigger e
union all
select 'policy', p.polrelid::pg_catalog.regclass::text || '.' || p.polname, p.polcmd::text,
            pg_catalog.pg_get_expr(p.polqual, p.polrelid), pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid)
       from pg_catalog.pg_policy p
union all
select 'rule', r.ev_class::pg_catalog.regclass::text, r.rulename, r.ev_enabled::text,
            pg_catalog.pg_get_ruledef(r.oid)
       from pg_catalog.pg_rewrite r join pg_catalog.pg_class c on c.oid = r.ev_class
       join pg_catalog.pg_namespace n on n.oid = c.relnamespace where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
union all
select 'schema', n.nspname, pg_catalog.pg_get_userbyid(n.nspowner), (select pg_catalog.string_agg(a::text, ' ' order by a::text collate "C") from pg_catalog.unnest(n.nspacl) as a), ''
       from pg_catalog.pg_namespace n where n.nspname !~ '^pg_' and n.nspname <> 'information_schema' or n.nspname = 'pg_catalog'
union all
select 'database', '', pg_catalog.pg_get_userbyid(d.datdba), (select pg_catalog.string_agg(a::text, ' ' order by a::text collate "C") from pg_catalog.unnest(d.datacl) as a), ''
       from pg_catalog.pg_database d where d.datname = pg_catalog.current_database()
union all
select 'default privilege', pg_catalog.pg_get_userbyid(d.defaclrole), d.defaclobjtype::text,
            (select pg_catalog.string_agg(a::text, ' ' order by a::text collate "C") from pg_catalog.unnest(d.defaclacl) as a), coalesce(d.defaclnamespace::pg_catalog.regnamespace::text, '')
       from pg_catalog.pg_default_acl d
union all
select 'role', r.rolname, '', '', pg_catalog.concat_ws(' ', r.rolsuper, r.rolinherit, r.rolcreaterole,
            r.rolcreatedb, r.rolcanlogin, r.rolreplication, r.rolbypassrls)
       from pg_catalog.pg_roles r where r.rolname ~ '^seal_' or r.rolsuper or r.rolbypassrls or r.rolcreaterole or r.rolreplication or exists (
            select from pg_catalog.pg_auth_members m join pg_catalog.pg_roles s on s.oid = m.roleid and s.rolname ~ '^seal_'
             where m.member = r.oid)
union all
-- Superusers and their own memberships are listed above; who grants what differs from server to server.
select 'member', pg_catalog.pg_get_userbyid(m.member), pg_catalog.pg_get_userbyid(m.roleid), m.admin_option::text,
             coalesce(pg_catalog.to_jsonb(m) ->> 'inherit_option', '')
             || coalesce(pg_catalog.to_jsonb(m) ->> 'set_option', '')
        from pg_catalog.pg_auth_members m
       where pg_catalog.pg_get_userbyid(m.member) ~ '^seal_' or pg_catalog.pg_get_userbyid(m.roleid) ~ '^seal_'
union all
select 'role setting', coalesce(pg_catalog.pg_get_userbyid(nullif(s.setrole, 0)), ''),
             case when s.setdatabase = 0 then 'everywhere' else 'here' end, setting, ''
        from pg_catalog.pg_db_role_setting s, pg_catalog.unnest(s.setconfig) as setting
       where s.setdatabase in (0, (select oid from pg_catalog.pg_database
                                    where datname = pg_catalog.current_database()))
union all
-- Whatever else somebody put in: languages, casts, operators, extensions. Numbers from 16384 on are not PostgreSQL's.
select 'language', l.lanname, l.lanpltrusted::text, '', '' from pg_catalog.pg_language l where l.oid >= 16384
       union all
       select 'cast', c.castsource::pg_catalog.regtype::text, c.casttarget::pg_catalog.regtype::text,
              c.castfunc::pg_catalog.regprocedure::text, c.castcontext::text
         from pg_catalog.pg_cast c where c.oid >= 16384
       union all
       select 'operator', o.oid::pg_catalog.regoperator::text, o.oprcode::pg_catalog.regprocedure::text, '', ''
         from pg_catalog.pg_operator o where o.oid >= 16384
       union all
       select 'extension', e.extname, e.extversion, '', '' from pg_catalog.pg_extension e
