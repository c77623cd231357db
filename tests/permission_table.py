"""Who gets what status where: one row for every address, object state and method; everything else is refused.

`page | object | states | methods | who: status | everybody else`. An empty page or object repeats the one above; `*`
stands for the states that no other row of the page and method names. Who is not signed in is sent to the login (GET) or
gets the page that carries what was typed (POST) unless a row says otherwise. A method without a row answers 405.
Tests have no worker, so nothing is ready in them (readyz). POSTs are sent empty: what they do when they are right is tested where it is done.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache

from django.urls import URLPattern, URLResolver, get_resolver

from tests.worlds import ANONYMOUS, MAKERS

TABLE = """
desk                     | - | - | GET | | 200
components               | - | - | GET | | 200
set_language             | - | - | all | anonymous 302 | 302
healthz                  | - | - | GET HEAD | anonymous 200 | 200
readyz                   | - | - | GET HEAD | anonymous 503 | 503

access:requests          | - | - | GET | | 200
access:request_new       | - | - | GET POST | kindergarten 200, court 200, employer 200 | 403
access:request_begin     | basis | applies | GET | kindergarten 200, court 200, employer 200 | 403
                         | | applies | POST | kindergarten 302, court 200, employer 200 | 403
                         | | unknown | GET POST | kindergarten 404, court 404, employer 404 | 403
access:request           | request | draft | GET | kindergarten 200 | 404
                         | | missing | GET | | 404
                         | | * | GET | kindergarten 200, supervisor 200, supervisor2 200 | 404
access:request_edit      | | draft | GET | kindergarten 200 | 404
                         | | returned | GET | kindergarten 200, supervisor 403, supervisor2 403 | 404
                         | | missing | GET | | 404
                         | | * | GET | kindergarten 302, supervisor 403, supervisor2 403 | 404
                         | | draft | POST | kindergarten 200 | 404
                         | | returned | POST | kindergarten 200, supervisor 403, supervisor2 403 | 404
                         | | missing | POST | | 404
                         | | * | POST | kindergarten 200, supervisor 403, supervisor2 403 | 404
access:request_letter    | | draft | GET | kindergarten 200 | 404
                         | | missing | GET | | 404
                         | | * | GET | kindergarten 200, supervisor 200, supervisor2 200 | 404
access:request_check     | | draft | GET | kindergarten 200 | 404
                         | | returned | GET | kindergarten 200, supervisor 403, supervisor2 403 | 404
                         | | missing | GET | | 404
                         | | * | GET | kindergarten 302, supervisor 403, supervisor2 403 | 404
access:request_submit    | | draft | POST | kindergarten 200 | 404
                         | | returned | POST | kindergarten 200, supervisor 403, supervisor2 403 | 404
                         | | missing | POST | | 404
                         | | * | POST | kindergarten 302, supervisor 403, supervisor2 403 | 404
access:receipt           | | draft missing | GET | | 404
                         | | * | GET | kindergarten 200 | 404
access:request_withdraw  | | draft | POST | kindergarten 302 | 404
                         | | missing | POST | | 404
                         | | * | POST | kindergarten 302, supervisor 403, supervisor2 403 | 404
access:queue             | - | - | GET | supervisor 200, supervisor2 200 | 403
access:review            | request | draft missing | GET | | 404
                         | | * | GET | kindergarten 200, supervisor 200, supervisor2 200 | 404
access:decide            | | draft missing | POST | | 404
                         | | submitted | POST | kindergarten 403, supervisor 200, supervisor2 200 | 404
                         | | * | POST | kindergarten 403, supervisor 403, supervisor2 200 | 404
access:grant_revoke      | grant | live ended | POST | kindergarten 403, supervisor 200, supervisor2 200 | 404
                         | | missing | POST | | 404
access:identity          | grant | live ended | GET POST | kindergarten 200 | 404
                         | | missing | GET POST | | 404
access:identity_change   | change | known | GET POST | | 200
                         | | unknown | GET POST | | 404
access:security          | - | - | GET | | 200
access:password          | - | - | GET POST | | 302
access:app_add           | - | - | GET POST | | 302
access:app_remove        | - | - | GET POST | | 302
access:codes             | - | - | GET POST | | 302
access:key_add           | - | - | GET POST | | 302
access:key_remove        | key | missing | GET POST | | 302
access:preferences       | - | - | POST | | 302
access:sessions_end      | - | - | POST | | 302
access:session_end       | session | missing | POST | | 404
access:session           | - | - | GET POST | anonymous 200 | 200

access:people            | - | - | GET | people-admin 200, people-admin2 200 | 404
access:person_new        | - | - | GET POST | people-admin 200, people-admin2 200 | 404
access:person_code       | person | inside | GET POST | people-admin 200, people-admin2 200 | 404
                         | | * | GET POST | | 404
access:person_disable    | | inside | POST | people-admin 302, people-admin2 302 | 404
                         | | * | POST | | 404
access:person_enable     | | inside | POST | people-admin 302, people-admin2 302 | 404
                         | | * | POST | | 404
access:units             | - | - | GET | people-admin 200, people-admin2 200 | 404
access:unit_agreement    | unit | inside | GET POST | people-admin 200, people-admin2 200 | 404
                         | | * | GET POST | | 404
access:duties            | - | - | GET | security-admin 200, security-admin2 200 | 404
access:person_duties     | person | inside | GET | security-admin 200, security-admin2 200 | 404
                         | | * | GET | | 404
access:duty_give         | | inside | POST | security-admin 200, security-admin2 200 | 404
                         | | * | POST | | 404
access:duty_withdraw     | | * | POST | | 404
access:proposals         | - | - | GET | people-admin 200, people-admin2 200, security-admin 200, security-admin2 200 | 404
access:proposal          | proposal | duty | GET | security-admin 200, security-admin2 200 | 404
                         | | code | GET | people-admin 200, people-admin2 200 | 404
                         | | missing | GET | | 404
access:proposal_enact    | | duty | POST | security-admin 403, security-admin2 200 | 404
                         | | code | POST | people-admin 403, people-admin2 200 | 404
                         | | missing | POST | | 404
access:proposal_turn_down | | duty | POST | security-admin 302, security-admin2 200 | 404
                         | | code | POST | people-admin 302, people-admin2 200 | 404
                         | | missing | POST | | 404
access:enrol             | - | - | GET POST | anonymous 200 | 200

records:violations       | - | - | GET | officer 200, officer2 200 | 403
records:new              | - | - | GET POST | officer 200, officer2 200 | 403
records:violation        | violation | draft returned | GET | officer 200 | 404
                         | | submitted confirmed | GET | officer 200, reviewer 200 | 404
                         | | sealed | GET | officer 200, officer2 200 | 404
                         | | missing | GET | | 404
records:edit             | | draft returned | GET POST | officer 200 | 404
                         | | submitted confirmed | GET POST | officer 302, reviewer 403 | 404
                         | | sealed missing | GET POST | | 404
records:check            | | draft returned | GET | officer 200 | 404
                         | | submitted confirmed | GET | officer 302, reviewer 403 | 404
                         | | sealed missing | GET | | 404
records:submit           | | draft returned | POST | officer 302 | 404
                         | | submitted confirmed | POST | officer 302, reviewer 403 | 404
                         | | sealed missing | POST | | 404
records:discard          | | draft returned | POST | officer 302 | 404
                         | | submitted confirmed | POST | officer 302, reviewer 403 | 404
                         | | sealed missing | POST | | 404
records:service          | | draft returned | GET POST | officer 302 | 404
                         | | submitted | GET POST | officer 302, reviewer 302 | 404
                         | | confirmed | GET POST | officer 200, reviewer 200 | 404
                         | | sealed missing | GET POST | | 404
records:review_queue     | - | - | GET | reviewer 200 | 403
records:review           | violation | draft returned | GET | officer 403 | 404
                         | | submitted confirmed | GET | officer 403, reviewer 200 | 404
                         | | sealed missing | GET | | 404
records:confirm          | | draft returned | POST | officer 403 | 404
                         | | submitted confirmed | POST | officer 403, reviewer 302 | 404
                         | | sealed missing | POST | | 404
records:return           | | draft returned | POST | officer 403 | 404
                         | | submitted confirmed | POST | officer 403, reviewer 200 | 404
                         | | sealed missing | POST | | 404
records:answers          | - | - | GET | | 200
records:grant            | grant | live ended | GET | kindergarten 200 | 404
                         | | missing | GET | | 404
records:undertaking      | | live ended | POST | kindergarten 200 | 404
                         | | missing | POST | | 404
records:standing         | viewing | live ended missing | GET | anonymous 200 | 200
records:extend           | viewing | live ended missing | POST | | 200
records:open             | opening | live | GET POST | kindergarten 200 | 404
                         | | ended | GET POST | kindergarten 302 | 404
                         | | foreign missing | GET POST | | 404

audit:events             | - | - | GET | auditor 200 | 404
audit:event              | event | any | GET | auditor 200 | 404
                         | | missing | GET | | 404
audit:alarms             | - | - | GET | auditor 200, security-admin 200, security-admin2 200 | 404
audit:alarm              | event | any missing | GET POST | auditor 302, security-admin 302, security-admin2 302 | 404
audit:export             | - | - | POST | auditor 200 | 404
audit:verification       | - | - | GET | auditor 200 | 404
                         | | - | POST | auditor 302 | 404
audit:accept             | - | - | POST | auditor 302 | 404

account_login            | - | - | GET HEAD POST PUT OPTIONS | anonymous 200 | 302
                         | | - | PATCH DELETE TRACE | anonymous 405 | 302
account_logout           | - | - | GET HEAD | anonymous 302 | 200
                         | | - | POST | anonymous 302 | 302
                         | | - | OPTIONS | anonymous 200 | 200
account_inactive         | - | - | GET HEAD OPTIONS | anonymous 200 | 200
account_signup           | - | - | all | anonymous 404 | 404
mfa_authenticate         | - | - | all | anonymous 302 | 302
"""

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
# An empty POST does the thing here, so whoever may do it gets an object of their own.
USED_UP = frozenset(
    {
        *("access:request_withdraw", "access:person_disable", "records:discard"),
        "access:proposal_turn_down",
    }
)
# Somebody not signed in is sent to the login; a form that they sent is carried over it.
STRANGERS = {"POST": 409}


@dataclass(frozen=True)
class Cell:
    """What one page answers to one method about objects in one state."""

    page: str
    kind: str
    state: str
    method: str
    statuses: dict[str, int] = field(hash=False)
    others: int

    def __str__(self) -> str:
        return " ".join(filter(None, [self.page, self.state, self.method]))

    def expected(self, role: str) -> int:
        if role == ANONYMOUS and role not in self.statuses:
            return STRANGERS.get(self.method, 302)
        return self.statuses.get(role, self.others)


@cache
def cells() -> list[Cell]:
    """Return the table, one entry for each page, state and method."""
    rows, page, kind = [], "", ""
    for line in filter(str.strip, TABLE.splitlines()):
        name, object_, states, methods, who, others = (part.strip() for part in line.split("|"))
        page, kind = name or page, object_ or (kind if not name or object_ == "" else "")
        kind = "" if kind == "-" else kind
        statuses = {role: int(status) for role, status in (pair.split() for pair in filter(None, who.split(",")))}
        rows += [
            (page, kind, states.split(), method, statuses, int(others))
            for method in METHODS
            if method in methods.split() or methods == "all"
        ]
    named = {(row[0], row[3]): set() for row in rows}
    for name, _kind, states, method, _statuses, _others in rows:
        named[name, method].update(states)
    found = []
    for name, kind, states, method, statuses, others in rows:
        if states == ["*"]:
            states = [state for state in MAKERS[kind] if state not in named[name, method]]
        found += [Cell(name, kind, state.strip("-"), method, statuses, others) for state in states]
    return found


def patterns(resolver: URLResolver | None = None, namespace: str = "") -> Iterator[tuple[str, URLPattern]]:
    """Yield every address of the product with its full name."""
    for pattern in (resolver or get_resolver()).url_patterns:
        if isinstance(pattern, URLResolver):
            yield from patterns(pattern, f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace)
        else:
            yield f"{namespace}{pattern.name}", pattern
