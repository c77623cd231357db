"""The harness of hostile values finds what a page offers and sends what no page asks for."""

from __future__ import annotations

from tests.fuzz.__main__ import _mutations, encoded, multipart
from tests.fuzz.pages import Page
from tests.fuzz.values import FILES, VALUES

HTML = """
<a href="/one/">x</a><a href="?page=2">y</a>
<form method="post" action="/send/" enctype="multipart/form-data">
  <input type="hidden" name="csrfmiddlewaretoken" value="t"><input name="reason"><input type="radio" name="way" value="a">
  <input type="radio" name="way" value="b" checked><textarea name="facts">
  </textarea><select name="kind"><option value="">-</option><option value="k">K</option></select><input type="file" name="letter">
</form>
<form><input name="q" value="7"></form>
"""


def test_links_and_forms_are_found_with_what_a_person_would_fill_in():
    page = Page("/here/", HTML)
    assert page.links == {"/one/", "?page=2"}
    post, get = page.forms
    assert (post.method, post.action, post.is_multipart, post.files) == ("POST", "/send/", True, {"letter"})
    assert (get.method, get.action) == ("GET", "/here/")
    assert post.filled()["way"] == b"b" and post.filled()["kind"] == b"k" and post.filled()["facts"]
    assert get.filled() == {"q": b"7"}


def test_every_field_gets_every_value_and_every_file():
    post, _get = Page("/here/", HTML).forms
    sent = list(_mutations(post))
    for name in ("reason", "way", "facts", "kind"):
        assert [value for field, value, _fields, _file in sent if field == name] == [*VALUES, b"(twice)", b"(missing)"]
    assert sum(file is not None for *_rest, file in sent) == len(FILES)
    assert not [field for field, *_rest in sent if field == "csrfmiddlewaretoken"]


def test_bytes_that_are_no_text_are_sent_as_they_are():
    body, kind = encoded([("a", b"\xff\x00")])
    assert (body, kind) == (b"a=%FF%00", "application/x-www-form-urlencoded")
    body, kind = multipart([("a", b"\xff")], ("letter", b"\xff.pdf", b"%PDF-"))
    assert b"\r\n\r\n\xff\r\n" in body and b'filename="\xff.pdf"' in body and "boundary=" in kind
