"""What the database does by itself, a file for each function; migrations of every app name the files they install."""

from pathlib import Path

from django.db.migrations import RunSQL

APPS = Path(__file__).resolve().parent.parent.parent


def install(app: str, *names: str) -> list[RunSQL]:
    """Return one operation for each file `<app>/sql/<name>.sql`, in this order."""
    return [RunSQL([(APPS / app / "sql" / f"{name}.sql").read_text()], RunSQL.noop) for name in names]


class MayBeWritten(RunSQL):
    """Lets these kinds of events be written; `audit/checks.py` reads which."""

    kinds: tuple[str, ...] = ()


def kinds(*ordinary: str, by_function: tuple[str, ...] = (), guard: str | None = None) -> MayBeWritten:
    """Return the operation that lets an app's kinds of events be written: by `audit_write`, or by its functions only.

    `guard` names a function that says whether an actor may have them written in their name.
    """
    guarded = f"'{guard}'" if guard else "null"
    rows = [f"('{kind}', {kind in by_function}, {guarded})" for kind in (*ordinary, *by_function)]
    statement = f"insert into public.audit_kind (kind, by_function, guard) values {', '.join(rows)}"  # noqa: S608
    operation = MayBeWritten(statement, RunSQL.noop)
    operation.kinds = (*ordinary, *by_function)
    return operation


# Rule 8, and the trail itself: rows of these tables are written once. A trigger that no role can switch off for its
# session; nobody but `seal_mover` takes rows out, and only from where sealing moves them.
_APPEND_ONLY = """
create trigger {table}_append_only before update or delete on public.{table}
    for each row execute function public.audit_append_only({movable});
create trigger {table}_not_truncated before truncate on public.{table}
    for each statement execute function public.audit_append_only();
alter table public.{table} enable always trigger {table}_append_only;
alter table public.{table} enable always trigger {table}_not_truncated;
"""


def append_only(*tables: str, movable: bool = False) -> list[RunSQL]:
    """Return operations that keep every row of these tables as it was written; `movable` ones sealing takes along."""
    words = "'movable'" if movable else ""
    return [RunSQL(_APPEND_ONLY.format(table=table, movable=words), RunSQL.noop) for table in tables]


_DEMANDS_EVENT = """
create constraint trigger {table}_{when}_needs_event after {when} on public.{table}
    deferrable initially deferred for each row {condition} execute function public.audit_demand_event({arguments});
alter table public.{table} enable always trigger {table}_{when}_needs_event;
"""


def demands_event(table: str, when: str, *kinds: str, column: str = "id", condition: str = "") -> RunSQL:
    """Return the operation that refuses to commit such a write without one of these events about `column`."""
    arguments = ", ".join(f"'{word}'" for word in (column, *kinds))
    words = f"when ({condition})" if condition else ""
    return RunSQL(_DEMANDS_EVENT.format(table=table, when=when, condition=words, arguments=arguments), RunSQL.noop)


_EACH_COLUMN = """
do $$ begin
    execute (
        select format('grant {privilege} (%s) on public.{table} to {role}', string_agg(quote_ident(attname), ', ' order by attnum))
          from pg_attribute
         where attrelid = 'public.{table}'::regclass and attnum > 0 and not attisdropped and attname <> all (array[{but}]));
end $$
"""


def grant_columns(privilege: str, table: str, role: str, *, but: tuple[str, ...]) -> RunSQL:
    """Return the operation that grants this on every column but these: on a whole table it would let the role lock it."""
    names = ", ".join(f"'{name}'" for name in but)
    return RunSQL(_EACH_COLUMN.format(privilege=privilege, table=table, role=role, but=names), RunSQL.noop)


# PostgreSQL knows years before Christ, beyond 9999 and without end; one such row would stop every page that reads it.
_BOUNDED = """
do $$ declare what record; begin
    for what in
        select c.relname, a.attname,
               case a.atttypid when 'date'::regtype then quote_ident(a.attname)
                    else format('(%I at time zone ''UTC'')', a.attname) end as moment,
               case a.atttypid when 'date'::regtype then 'date' else 'timestamp' end as type
          from pg_attribute a join pg_class c on c.oid = a.attrelid
         where a.attrelid = 'public.{table}'::regclass and a.attnum > 0 and not a.attisdropped
           and a.atttypid in ('date'::regtype, 'timestamptz'::regtype)
    loop
        execute format(
            'alter table public.%I add constraint %I check (%s between %s ''1900-01-01'' and %s ''2200-01-01'')',
            what.relname, what.relname || '_' || what.attname || '_within_bounds', what.moment, what.type, what.type);
    end loop;
end $$
"""


def bounded_times(*tables: str) -> list[RunSQL]:
    """Return operations that keep every day and moment of these tables between 1900 and 2200; access/fields.py says it."""
    return [RunSQL(_BOUNDED.format(table=table), RunSQL.noop) for table in tables]


def grant(*sentences: str) -> RunSQL:
    """Return the operation that grants; `tests/privileges.py` lists the same, role by role."""
    return RunSQL("; ".join(f"grant {sentence}" for sentence in sentences), RunSQL.noop)
