"""What the security administrator's desk says about the database under the system."""

from __future__ import annotations

import psycopg
from django.test import Client
from django.urls import reverse
from django.utils import translation
from psycopg.conninfo import make_conninfo


def desk(user) -> str:
    client = Client(headers={"accept-language": "en"})
    client.force_login(user)
    with translation.override("en"):
        return client.get(reverse("desk")).content.decode()


def maintained(owner, hours: int) -> None:
    owner.execute(
        "insert into records_upkeep (is_only, at) values (true, clock_timestamp() - make_interval(hours => %s))"
        " on conflict (is_only) do update set at = excluded.at",
        [hours],
    )


def test_upkeep_that_never_ran_or_is_late_is_told_to_whoever_keeps_the_system(owner, city):
    assert "never maintained" in desk(city.security_admin)
    maintained(owner, 40)
    assert "last maintained 40 hours ago" in desk(city.security_admin)
    maintained(owner, 1)
    assert "maintained" not in desk(city.security_admin)
    for somebody_else in (city.auditor, city.officer, city.requester):
        owner.execute("delete from records_upkeep")
        assert "maintained" not in desk(somebody_else)


def test_counters_that_are_open_are_told(owner, city, cloned):
    maintained(owner, 1)
    assert "counters are open" not in desk(city.security_admin)
    with psycopg.connect(make_conninfo(**cloned), autocommit=True) as superuser:
        superuser.execute("grant execute on function pg_stat_get_tuples_returned(oid) to public")
    assert "counters are open" in desk(city.security_admin)
