"""Static files are kept for good under names that change with them, and compressed; pages are neither."""

from __future__ import annotations

import gzip
import os
import re
import subprocess
import sys

import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from tests import factories
from tests.clients import signed_in
from tests.databases import ROOT

SHOW = "from django.conf import settings as s; print(s.STORAGES['staticfiles']['BACKEND'], s.WHITENOISE_USE_FINDERS)"


@pytest.fixture
def collected(settings, tmp_path):
    """Static files as demo and production have them."""
    settings.STATIC_ROOT = tmp_path / "static"
    settings.WHITENOISE_USE_FINDERS = False
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
    }
    call_command("collectstatic", interactive=False, verbosity=0)


@pytest.mark.django_db
def test_static_files_have_their_digest_in_their_name_and_are_kept_for_good(collected):
    client = signed_in(factories.City().officer)
    page = client.get("/").content.decode()
    files = set(re.findall(r'"(/static/[^"]+)"', page))
    assert len(files) == 4
    for name in files:
        assert re.search(r"\.[0-9a-f]{12}\.\w+$", name), name
        response = client.get(name, headers={"accept-encoding": "gzip"})
        assert response["Cache-Control"] == "max-age=315360000, public, immutable"
        assert response["Content-Encoding"] == "gzip" and response["Vary"] == "Accept-Encoding"
        body = b"".join(response.streaming_content)
        plain = b"".join(client.get(name).streaming_content)
        assert gzip.decompress(body) == plain and len(body) < len(plain)


@pytest.mark.django_db
def test_no_page_is_compressed_or_kept(collected):
    city = factories.City()
    grant = factories.approved(city)
    client = signed_in(city.requester)
    factories.ready(grant, client.cookies["sessionid"].value)
    url = reverse("records:open", args=[grant.pk, factories.subject_of(grant).pk])
    headers = {"accept-encoding": "gzip, br, zstd"}
    pages = [
        Client().get(reverse("account_login"), headers=headers),
        client.get(reverse("desk"), headers=headers),
        client.get(url, headers=headers),
        client.post(url, {"token": factories.token()}, headers=headers),
        client.get("/nothing/", headers=headers),
    ]
    assert [page.status_code for page in pages] == [200, 200, 200, 200, 404]
    for page in pages:
        assert "Content-Encoding" not in page.headers
        assert page["Cache-Control"] == "no-store, private"
    assert not [name for name in settings.MIDDLEWARE if "gzip" in name.lower()]


@pytest.mark.parametrize("mode", ["demo", "development", "test"])
def test_demo_serves_what_was_collected_and_development_what_is_written(mode):
    environment = {**os.environ, "MODE": mode, "DJANGO_SETTINGS_MODULE": "config.settings"}
    said = subprocess.run(
        [sys.executable, "-c", SHOW], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert said.stdout.split() == (
        ["whitenoise.storage.CompressedManifestStaticFilesStorage", "False"]
        if mode == "demo"
        else ["django.contrib.staticfiles.storage.StaticFilesStorage", "True"]
    )
