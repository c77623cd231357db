"""A question that is put into SQL once answers everybody what Django would answer them, and nothing of anybody else."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator

import pytest
from django import forms
from django.db import connections
from django.db.models.functions import Now
from django.forms.renderers import DjangoTemplates
from django.urls import get_resolver
from django.utils import timezone, translation
from pytest_django.asserts import assertHTMLEqual

from access.models import AccessRequest, User
from access.questions import Question
from access.templatetags.html import icon, piece, tag
from config.forms import Renderer
from tests import worlds
from tests.worlds import World


@pytest.fixture(scope="module")
def world(template_database: str, worker_id: str, django_db_blocker) -> Iterator[World]:
    with django_db_blocker.unblock(), worlds.new_database(template_database, f"questions_{worker_id}"):
        yield World().fill()


@pytest.fixture(autouse=True)
def _on_this_thread(django_db_blocker) -> Iterator[None]:
    with django_db_blocker.unblock():
        yield


def questions() -> list[Question]:
    """Return every question of the pages."""
    _ = get_resolver().url_patterns  # imports all views
    return [one for one in gc.get_objects() if type(one) is Question]


def shown(rows) -> list[object]:
    """Return rows with what was read of them and of what they point to, without the database's clock."""
    return [
        row
        if isinstance(row, dict)
        else (
            {name: value for name, value in vars(row).items() if name not in {"_state", "database_now"}},
            {name: getattr(other, "pk", None) for name, other in row._state.fields_cache.items()},
        )
        for row in rows
    ]


def test_everybody_gets_the_rows_that_django_would_read_for_them(world: World) -> None:
    asked = questions()
    assert len(asked) >= 20
    found = 0
    for user in User.objects.all():
        for question in asked:
            rows, expected = question.of(user), list(question.build(user))
            key = {"pk", "id"} & set(vars(expected[0])) if expected and not isinstance(expected[0], dict) else set()
            order = (lambda one: str(one[0]["id"])) if key else str
            assert sorted(shown(rows), key=order) == sorted(shown(expected), key=order)
            found += len(expected)
            if key:
                assert rows.count() == len(expected)
    assert found > 50


def test_a_part_of_the_rows_is_read_in_their_order(world: World) -> None:
    question = Question(lambda user: AccessRequest.objects.filed_by(user).select_related("basis").order_by("number"))
    user = world.city.requester
    whole = [row.number for row in question.build(user)]
    assert len(whole) > 4
    assert [row.number for row in question.of(user)[:3]] == whole[:3]
    assert [row.number for row in question.of(user)[1:4]] == whole[1:4]
    page = question.of(user).page("2", 2)
    assert ([row.number for row in page], page.paginator.count) == (whole[2:4], len(whole))


def test_another_thread_asks_on_its_own_connection(world: World) -> None:
    question = Question(lambda user: AccessRequest.objects.filed_by(user))
    here = len(list(question.of(world.city.requester)))
    there: list[int] = []

    def ask() -> None:
        try:
            there.append(len(list(question.of(world.city.requester))))
        finally:
            connections.close_all()

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    assert there == [here] != [0]


def test_a_question_holds_no_moment_of_the_first_time() -> None:
    frozen = Question(lambda user: AccessRequest.objects.filed_by(user).filter(due_at__lt=timezone.now()))
    with pytest.raises(TypeError, match="no moment and no day"):
        frozen.of(User()).count()
    with pytest.raises(TypeError, match="no moment and no day"):
        list(frozen.of(User()))
    current = Question(lambda user: AccessRequest.objects.filed_by(user).filter(due_at__lt=Now()))
    assert current.counted.values


def test_a_piece_is_said_in_the_language_of_each_reader() -> None:
    with translation.override("en"):
        assert "Sign in again in a new tab" in piece("session_text")
    with translation.override("zh-hans"):
        assert "Sign in again in a new tab" not in piece("session_text")


def test_a_piece_is_drawn_anew_for_other_arguments() -> None:
    with translation.override("en"):
        assert "use-keys" in piece("shortcuts", keys=True)
        assert "use-keys" not in piece("shortcuts", keys=False)


def test_icons_are_silent_and_labels_are_text() -> None:
    assert 'aria-hidden="true"' in icon("lock")
    assert icon("lock", 14) != icon("lock")
    assert "&lt;b&gt;" in tag("grey", "lock", "<b>")


def test_a_select_says_what_django_would_say() -> None:
    class Coloured(forms.Select):
        def create_option(self, name, value, *args, **kwargs):
            option = super().create_option(name, value, *args, **kwargs)
            option["attrs"] |= {"data-of": f"<{value}>", "hidden": value == "b", "disabled": False}
            return option

    choices = [("a", "A & B"), ("Group", [("b", "B"), (3, "three")])]
    ours, theirs = (
        Coloured(attrs={"class": "wide"}, choices=choices).render("one", "b", renderer=renderer())
        for renderer in (Renderer, DjangoTemplates)
    )
    assert "selected" in ours
    assertHTMLEqual(ours, theirs)
