"""The privileges of every role equal a list, and nothing is granted by default."""

from __future__ import annotations

from collections import defaultdict

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from config import database
from tests import privileges

ROLES = (database.APP, database.SIGNER, database.KEYS, database.MOVER)
OURS = "('public', 'sealed')"


@pytest.fixture
def catalogue(cloned: dict[str, str]):
    with psycopg.connect(make_conninfo(**cloned), autocommit=True) as connection:
        yield connection


def granted(catalogue: psycopg.Connection, kinds: str) -> dict[str, dict[str, set[str]]]:
    rows = catalogue.execute(
        f"""
        select coalesce(r.rolname, 'PUBLIC'), case n.nspname when 'public' then '' else n.nspname || '.' end || c.relname,
               p.privilege_type
          from pg_class c join pg_namespace n on n.oid = c.relnamespace
          cross join aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) as p
          left join pg_roles r on r.oid = p.grantee
         where n.nspname in {OURS} and c.relkind in ({kinds}) and p.grantee <> c.relowner
        """
    ).fetchall()
    found: dict[str, dict[str, set[str]]] = {role: {} for role in ROLES}
    for role, name, privilege in rows:
        found.setdefault(role, {}).setdefault(name, set()).add(privilege)
    return found


def test_every_role_has_on_each_table_what_the_list_says(catalogue):
    assert granted(catalogue, "'r', 'v', 'm', 'p', 'f'") == privileges.TABLES


def test_every_role_has_on_each_sequence_what_the_list_says(catalogue):
    assert granted(catalogue, "'S'") == privileges.SEQUENCES


def test_every_role_has_on_each_column_what_the_list_says(catalogue):
    rows = catalogue.execute(
        f"""
        select coalesce(r.rolname, 'PUBLIC'), c.relname, a.attname, p.privilege_type
          from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
          cross join aclexplode(a.attacl) as p left join pg_roles r on r.oid = p.grantee
         where n.nspname in {OURS}
        """
    ).fetchall()
    found: dict[tuple[str, str], dict[str, set[str]]] = defaultdict(dict)
    for role, table, column, privilege in rows:
        found[role, table].setdefault(column, set()).add(privilege)
    assert found == privileges.COLUMNS


def test_every_role_may_call_what_the_list_says(catalogue):
    rows = catalogue.execute(
        f"""
        select coalesce(r.rolname, 'PUBLIC'), case n.nspname when 'public' then '' else n.nspname || '.' end || f.proname
          from pg_proc f join pg_namespace n on n.oid = f.pronamespace
          cross join aclexplode(coalesce(f.proacl, acldefault('f', f.proowner))) as p
          left join pg_roles r on r.oid = p.grantee
         where n.nspname in {OURS} and p.grantee <> f.proowner
        """
    ).fetchall()
    found: dict[str, set[str]] = {role: set() for role in ROLES}
    for role, name in rows:
        found.setdefault(role, set()).add(name)
    assert found == privileges.FUNCTIONS


def test_every_role_may_use_the_schemas_that_the_list_says(catalogue):
    rows = catalogue.execute(
        f"""
        select coalesce(r.rolname, 'PUBLIC'), n.nspname, p.privilege_type
          from pg_namespace n cross join aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) as p
          left join pg_roles r on r.oid = p.grantee where n.nspname in {OURS} and p.grantee <> n.nspowner
        """
    ).fetchall()
    found: dict[str, dict[str, set[str]]] = defaultdict(dict)
    for role, schema, privilege in rows:
        found[role].setdefault(schema, set()).add(privilege)
    assert found == privileges.SCHEMAS


def test_the_only_default_privilege_takes_execute_away(catalogue):
    rows = catalogue.execute("select defaclobjtype, defaclnamespace, defaclacl::text from pg_default_acl").fetchall()
    assert rows == [("f", 0, "{seal_owner=X/seal_owner}")]


def test_nobody_else_enters_the_database_or_makes_temporary_tables(catalogue):
    rows = catalogue.execute(
        """
        select coalesce(r.rolname, 'PUBLIC'), p.privilege_type from pg_database d
          cross join aclexplode(d.datacl) as p left join pg_roles r on r.oid = p.grantee
         where d.datname = current_database() and p.grantee <> d.datdba
        """
    ).fetchall()
    assert set(rows) == {(role, "CONNECT") for role in database.LOGINS}


def test_functions_with_the_rights_of_their_owner_qualify_every_name_and_look_in_pg_temp_last(catalogue):
    rows = catalogue.execute(
        f"""
        select case n.nspname when 'public' then '' else n.nspname || '.' end || f.proname, r.rolname, f.proconfig
          from pg_proc f join pg_namespace n on n.oid = f.pronamespace join pg_roles r on r.oid = f.proowner
         where n.nspname in {OURS} and f.prosecdef
        """
    ).fetchall()
    assert len(rows) > 25
    for name, owner, settings in rows:
        # How plans are kept changes no name.
        assert [one for one in settings if one != "plan_cache_mode=force_generic_plan"] == [
            "search_path=pg_catalog, pg_temp"
        ], name
        assert owner == (database.MOVER if name in privileges.OWNED_BY_MOVER else database.OWNER), name


def test_every_table_belongs_to_the_owner_and_no_foreign_key_leaves_the_sealed_schema(catalogue):
    owners = catalogue.execute(
        f"select distinct r.rolname from pg_class c join pg_namespace n on n.oid = c.relnamespace"
        f" join pg_roles r on r.oid = c.relowner where n.nspname in {OURS} and c.relkind in ('r', 'v', 'S')"
    ).fetchall()
    assert owners == [(database.OWNER,)]
    keys = catalogue.execute(
        "select conname from pg_constraint c join pg_class t on t.oid = c.conrelid or t.oid = c.confrelid"
        " join pg_namespace n on n.oid = t.relnamespace where c.contype = 'f' and n.nspname = 'sealed'"
    ).fetchall()
    assert keys == []


def test_the_roles_are_ordinary_and_only_the_owner_may_give_the_mover_its_function(catalogue):
    rows = catalogue.execute(
        "select rolname, rolcanlogin, rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication"
        " from pg_roles where rolname like 'seal\\_%' order by rolname"
    ).fetchall()
    assert rows == [(role, role != database.MOVER, False) for role in sorted([*database.LOGINS, database.MOVER])]
    members = catalogue.execute(
        "select m.rolname, g.rolname, a.inherit_option, a.set_option from pg_auth_members a"
        " join pg_roles m on m.oid = a.member join pg_roles g on g.oid = a.roleid where m.rolname like 'seal\\_%'"
    ).fetchall()
    assert members == [(database.OWNER, database.MOVER, False, True)]


COUNTERS = (
    "select idx_tup_read from pg_stat_user_indexes",
    "select seq_tup_read from pg_stat_user_tables",
    "select n_tup_ins from pg_stat_xact_user_tables",
    "select heap_blks_read from pg_statio_user_tables",
    "select hits from pg_stat_io",
    "select tup_returned from pg_stat_database",
    "select wal_bytes from pg_stat_wal",
    "select pg_stat_get_tuples_returned('records_violation'::regclass)",
    "select pg_stat_get_numscans('records_violation'::regclass)",
    "select pg_stat_get_backend_io(pg_backend_pid())",
    "select pg_relation_size('audit_event')",
    "select pg_total_relation_size('audit_event')",
    "select pg_database_size(current_database())",
    "select pg_current_wal_lsn()",
)


@pytest.mark.parametrize("statement", COUNTERS)
@pytest.mark.parametrize("role", [database.APP, database.SIGNER, database.KEYS])
def test_no_role_reads_what_postgresql_counts(cloned, role, statement):
    with psycopg.connect(make_conninfo(**{**cloned, "user": role}), autocommit=True) as connection:
        if "backend_io" in statement and connection.info.server_version < 180000:
            pytest.skip("this PostgreSQL does not count by backend")
        with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.UndefinedTable)):
            connection.execute(statement)
        if role == database.APP:
            assert database.counters_are_open(_as_django(connection)) is False


def test_no_function_that_counts_was_forgotten(cloned):
    """Whatever PostgreSQL counts by relation or backend is refused, those that newer versions add included."""
    with psycopg.connect(make_conninfo(**{**cloned, "user": database.APP}), autocommit=True) as connection:
        rows = connection.execute(
            "select proname from pg_proc where pronamespace = 'pg_catalog'::regnamespace"
            " and (proname ~ '^pg_stat_get_' or proname ~ '_size$') and has_function_privilege(oid, 'execute')"
            " and proname not in ('pg_column_size', 'txid_snapshot_size')"
        ).fetchall()
    assert rows == []


LARGE_OBJECTS = (
    "select lo_from_bytea(0, 'hidden')",
    "select lo_creat(-1)",
    "select lo_create(0)",
    "select lo_get(1)",
    "select lo_put(1, 0, 'x')",
    "select lo_open(1, 131072)",
    "select loread(0, 1)",
    "select lowrite(0, 'x')",
    "select lo_import('/etc/hostname')",
)


@pytest.mark.parametrize("statement", LARGE_OBJECTS)
@pytest.mark.parametrize("role", [database.APP, database.SIGNER, database.KEYS])
def test_no_role_keeps_large_objects(cloned, role, statement):
    with (
        psycopg.connect(make_conninfo(**{**cloned, "user": role})) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(statement)


def test_no_function_of_large_objects_was_forgotten(catalogue):
    rows = catalogue.execute(
        "select p.oid::regprocedure::text from pg_proc p where pronamespace = 'pg_catalog'::regnamespace"
        " and (proname ~ '^lo_' or prosrc ~ '^be_lo') and has_function_privilege(%s, p.oid, 'execute')",
        [database.APP],
    ).fetchall()
    assert rows == []


def _as_django(connection: psycopg.Connection):
    class Wrapped:
        @staticmethod
        def cursor():
            return connection.cursor()

    return Wrapped
