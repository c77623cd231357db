"""Encrypted content carries its version: what was written once can be read for ever."""

from __future__ import annotations

import json
from dataclasses import fields

import pytest

from access.exceptions import Unavailable
from records import entry
from records.entry import Particulars

# As written by each version, byte for byte. Never change one: sealed records look like this.
SAMPLES = {
    1: (
        '{"v": 1, "name": "张三丰", "document_type": "resident_id", "number": "310101199001010009", "address": "测试路1号",'
        ' "facts": "经查明的违法事实。", "evidence": "陈述。", "case_number": "A3101010000002026010001",'
        ' "decision_number": "测公（治）行罚决字〔2026〕00001号", "penalty_reason": "", "remark": ""}'
    ).encode(),
}


def test_every_version_ever_written_has_a_sample_and_a_reader():
    assert SAMPLES.keys() == entry.READERS.keys() == set(range(1, entry.CONTENT_VERSION + 1))


@pytest.mark.parametrize("version", SAMPLES)
def test_a_sample_of_each_version_is_read(version):
    read = Particulars.from_bytes(SAMPLES[version])
    assert (read.name, read.number, read.address) == ("张三丰", "310101199001010009", "测试路1号")
    assert read.facts and read.evidence and read.case_number and read.decision_number


@pytest.mark.parametrize("version", SAMPLES)
def test_the_key_service_finds_the_person_in_each_version(version):
    assert {"name", "document_type", "number"} <= json.loads(SAMPLES[version]).keys()


def test_what_is_written_now_is_the_newest_sample():
    """A field added or renamed without a new version fails here."""
    newest = SAMPLES[entry.CONTENT_VERSION]
    assert Particulars.from_bytes(newest).to_bytes() == newest
    assert json.loads(newest).keys() - {"v"} == {field.name for field in fields(Particulars)}


@pytest.mark.parametrize("content", [b'{"v": 99}', b"{}", b'{"name": "old"}'])
def test_an_unknown_version_is_unavailable_and_not_a_crash(content):
    with pytest.raises(Unavailable):
        Particulars.from_bytes(content)


@pytest.mark.parametrize("version", SAMPLES)
def test_what_a_later_program_added_keeps_nothing_from_being_read(version):
    more = json.dumps({**json.loads(SAMPLES[version]), "added_later": ["x"]}).encode()
    assert Particulars.from_bytes(more) == Particulars.from_bytes(SAMPLES[version])
