"""What is too large is refused before it is read; a file is kept only where one is wanted, and of who is signed in."""

from __future__ import annotations

import re

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from access import typed
from access.uploads import MeasuringUploadHandler
from tests import factories
from tests.clients import signed_in
from tests.permission_table import patterns

pytestmark = pytest.mark.django_db

MB = 1024 * 1024
TYPED = "这句话打了很久，不能丢。"


class Unread:
    """A body of which nobody may read a byte."""

    def read(self, *args):
        raise AssertionError("the body was read")

    readline = read


def announced(client: Client, url: str, megabytes: int):
    """Say in the header that so much comes, and send nothing."""
    return client.generic(
        "POST",
        url,
        CONTENT_TYPE="multipart/form-data; boundary=x",
        CONTENT_LENGTH=str(megabytes * MB),
        **{"wsgi.input": Unread()},
    )


@pytest.fixture
def kept(monkeypatch) -> list[int]:
    """How much of each file is in memory."""
    sizes: list[int] = []
    complete = MeasuringUploadHandler.file_complete

    def measured(self, file_size):
        sizes.append(self.buffer.getbuffer().nbytes)
        return complete(self, file_size)

    monkeypatch.setattr(MeasuringUploadHandler, "file_complete", measured)
    return sizes


def test_a_file_may_be_sent_where_a_request_is_written_and_nowhere_else():
    marked = {name for name, pattern in patterns() if getattr(pattern.callback, "takes_a_file", False)}
    assert marked == {"access:request_begin", "access:request_edit"}


@pytest.mark.parametrize("name", ["account_login", "desk", "set_language", "access:request_new"])
@pytest.mark.parametrize("is_signed_in", [True, False])
def test_three_megabytes_for_a_page_without_files_are_refused_unread(name, is_signed_in):
    client = signed_in(factories.City().requester) if is_signed_in else Client(headers={"accept-language": "en"})
    response = announced(client, reverse(name), 3)
    assert response.status_code == 413
    page = response.content.decode()
    assert "Go back: what you typed is still there." in page and '<html lang="en">' in page
    assert "no-store" in response["Cache-Control"]


def test_more_than_twice_a_letter_is_refused_unread_where_a_letter_is_wanted():
    client = signed_in(factories.City().requester)
    assert announced(client, reverse("access:request_begin", args=["PRESCHOOL-44"]), 43).status_code == 413


def test_an_address_that_does_not_exist_takes_nothing():
    assert announced(Client(), "/nothing/here/", 3).status_code == 413


def test_a_letter_is_kept_and_one_that_is_too_large_is_measured_only(kept):
    client = signed_in(factories.City().requester)
    url = reverse("access:request_begin", args=["PRESCHOOL-44"])
    for megabytes in (1, 30):
        letter = SimpleUploadedFile("letter.pdf", b"%PDF-" + b"0" * (megabytes * MB - 5))
        response = client.post(url, {"rows": "1", "reason": TYPED, "action": "save", "letter": letter})
    assert kept[0] == MB and kept[1] < 20 * MB + 64 * 1024
    assert "may have 20 MB" in response.content.decode()


def test_of_a_strangers_file_nothing_is_kept_and_of_their_form_everything(kept):
    letter = SimpleUploadedFile("letter.pdf", b"%PDF-" + b"0" * (3 * MB))
    url = reverse("access:request_begin", args=["PRESCHOOL-44"])
    who = factories.City().requester
    response = Client().post(url, {"reason": TYPED, "letter": letter, "typed_by": typed.writer(who)})
    assert response.status_code == 409
    sealed = re.search(r'name="kept" value="([^"]+)"', response.content.decode())[1]
    assert typed.unseal(sealed, who)["reason"] == TYPED
    assert kept == [0]


@pytest.mark.parametrize("is_signed_in", [True, False])
def test_a_second_file_is_one_too_many(is_signed_in):
    client = signed_in(factories.City().requester) if is_signed_in else Client(headers={"accept-language": "en"})
    letters = [SimpleUploadedFile(f"{number}.pdf", b"%PDF-") for number in range(2)]
    response = client.post(reverse("access:request_begin", args=["PRESCHOOL-44"]), {"letter": letters})
    assert response.status_code == 400
    assert "no page of this system asks for" in response.content.decode()


def test_a_length_that_is_none_is_not_believed():
    for length in ("x", "-1", "9" * 400, "²"):
        response = Client().generic("POST", reverse("account_login"), CONTENT_LENGTH=length)
        assert response.status_code in {200, 413}, length


def test_the_limits_hang_together():
    assert settings.DATA_UPLOAD_MAX_NUMBER_FILES == 1
    assert settings.DATA_UPLOAD_MAX_MEMORY_SIZE < settings.LETTER_MAX_BYTES


# Signing out


def test_signing_out_lets_the_browser_forget():
    client = signed_in(factories.City().officer)
    response = client.post(reverse("account_logout"))
    assert response.status_code == 302
    assert response["Clear-Site-Data"] == '"cache", "storage"'
    assert client.get(reverse("desk")).status_code == 302


def test_asking_to_sign_out_clears_nothing():
    client = signed_in(factories.City().officer)
    assert "Clear-Site-Data" not in client.get(reverse("account_logout")).headers
    assert "Clear-Site-Data" not in client.get(reverse("desk")).headers


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded; charset=utf-7", "multipart/form-data"])
def test_what_cannot_be_read_is_said_with_its_token_demanded(kind):
    """Django's own page for it reads the body once more, for the token, and fails."""
    client = Client(enforce_csrf_checks=True, headers={"accept-language": "en"})
    client.get(reverse("account_login"))
    response = client.post(reverse("account_login"), b"a=b", content_type=kind)
    assert response.status_code == 400
    assert "The request could not be read" in response.content.decode()
