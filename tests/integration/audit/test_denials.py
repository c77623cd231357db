"""A refusal leaves one committed event although the view raised; without a trail the answer is 503."""

import json
import sys
import uuid

import pytest
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import path

from access import kinds as access_kinds
from audit import kinds as audit_kinds
from audit import trail
from audit.exceptions import TrailUnavailable
from audit.models import Event
from config import urls
from tests import factories

pytestmark = pytest.mark.django_db


@transaction.atomic
def denied(request, pk=None):
    trail.write(access_kinds.ANSWER_REFUSED, by=request.user, on=None)
    raise PermissionDenied


def forbidden(request):
    return HttpResponse("no", status=403)


def without_trail(request):
    raise TrailUnavailable("The event cannot be written.")


urlpatterns = [
    path("testing/denied/<uuid:pk>/", denied, name="denied"),
    path("testing/denied/", denied, name="denied_here"),
    path("testing/forbidden/", forbidden, name="forbidden"),
    path("testing/open/", login_not_required(forbidden), name="open"),
    path("testing/without/", without_trail, name="without"),
    *urls.urlpatterns,
]


@pytest.fixture
def user():
    return factories.UserFactory()


@pytest.fixture
def client(user, settings):
    settings.ROOT_URLCONF = sys.modules[__name__]
    client = Client()
    client.force_login(user)
    return client


def denials():
    return list(Event.objects.filter(kind=audit_kinds.DENIED))


def test_a_refusal_inside_a_transaction_is_recorded_after_the_rollback(client, user):
    pk = uuid.uuid4()
    assert client.post(f"/testing/denied/{pk}/").status_code == 403
    (event,) = denials()
    assert (event.actor, event.unit) == (str(user.pk), user.unit_code)
    assert (event.target_type, event.target_id) == ("url", str(pk))
    assert json.loads(bytes(event.canonical))["detail"] == {"view": "denied", "method": "POST"}
    assert not Event.objects.filter(kind=access_kinds.ANSWER_REFUSED).exists()


def test_a_refusal_without_an_object_is_recorded(client):
    assert client.get("/testing/denied/").status_code == 403
    (event,) = denials()
    assert event.target_id is None


def test_an_answer_of_403_is_recorded_too(client):
    assert client.get("/testing/forbidden/").content == b"no"
    assert len(denials()) == 1


def test_a_refusal_of_somebody_not_signed_in_is_not_recorded(client):
    client.logout()
    assert client.get("/testing/open/").status_code == 403
    assert denials() == []


def test_a_refusal_that_cannot_be_recorded_answers_503(client, owner):
    owner.execute("REVOKE EXECUTE ON FUNCTION audit_write FROM seal_app")
    response = client.get("/testing/forbidden/")
    assert response.status_code == 503
    assert response["Retry-After"] and response.content != b"no"


def test_a_view_without_a_trail_answers_503_and_keeps_what_was_typed(client):
    response = client.post("/testing/without/", {"reason": "typed at length", "password": "not kept"})
    assert response.status_code == 503
    assert "no-store" in response["Cache-Control"]
    assert b"cannot be written" not in response.content
    assert b"typed at length" in response.content and b"not kept" not in response.content
