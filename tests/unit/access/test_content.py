"""What a request keeps as ciphertext carries its version: what was written once can be read for ever."""

from __future__ import annotations

import json
from dataclasses import fields

import pytest

from access import content
from access.actions import requests
from access.actions.requests import Particulars, Person
from access.exceptions import Unavailable
from tests import factories

# As written by each version, byte for byte. Never change one: what was typed into a request looks like this.
PARTICULARS = {
    1: (
        '{"v": 1, "reason": "拟聘用。", "scope_of_use": "仅供园长。", "case_number": "", "decision_number": "", "people":'
        ' [{"name": "张三丰", "document_type": "resident_id", "number": "310101199001010009"}]}'
    ).encode(),
}
PEOPLE = {
    1: '{"v": 1, "name": "张三丰", "document_type": "resident_id", "number": "310101199001010009"}'.encode(),
}
KINDS = [(Particulars, requests.READERS, PARTICULARS), (Person, requests.PERSON_READERS, PEOPLE)]


@pytest.mark.parametrize(("kind", "readers", "samples"), KINDS)
def test_every_version_ever_written_has_a_sample_and_a_reader(kind, readers, samples):
    assert samples.keys() == readers.keys() == set(range(1, max(readers) + 1))
    for sample in samples.values():
        read = content.read(sample, readers)
        assert isinstance(read, kind) and "张三丰" in repr(read)
    # A field added or renamed without a new version fails here.
    assert json.loads(samples[max(samples)]).keys() - {"v"} == {field.name for field in fields(kind)}


def test_what_is_written_now_is_the_newest_sample():
    assert Particulars.from_bytes(PARTICULARS[requests.CONTENT_VERSION]).to_bytes() == PARTICULARS[1]


@pytest.mark.parametrize(("kind", "readers", "samples"), KINDS)
@pytest.mark.parametrize("data", [b'{"v": 99}', b"{}", b'{"name": "old"}', b"[1]", b'{"v": "1"}'])
def test_an_unknown_version_is_unavailable_and_says_what_to_do(kind, readers, samples, data):
    with pytest.raises(Unavailable, match="newer version of the program; install that one"):
        content.read(data, readers)


@pytest.mark.parametrize(("kind", "readers", "samples"), KINDS)
def test_what_a_later_program_added_keeps_nothing_from_being_read(kind, readers, samples):
    for sample in samples.values():
        values = json.loads(sample)
        for person in values.get("people", []):
            person["added_later"] = True
        more = json.dumps({**values, "added_later": ["x"]}).encode()
        assert content.read(more, readers) == content.read(sample, readers)


@pytest.mark.django_db
def test_what_a_submitted_request_keeps_of_a_person_says_its_version():
    access_request = factories.submitted(factories.City())
    subject = access_request.subjects.get()
    kept = requests.key_of(access_request).decrypt(bytes(subject.particulars), field=f"subject:{subject.pk}")
    assert json.loads(kept)["v"] == requests.PERSON_VERSION
    assert requests.read_person(requests.key_of(access_request), subject).name == "张三丰"
