"""The demo's population register: everybody of the city is in it, and most of them have no record."""

from __future__ import annotations

import pytest

from access.actions.requests import Person
from access.models.requests import PopulationAnswer
from config import sample_city, sample_population


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.DATA_DIR = tmp_path


def test_it_says_of_each_person_whether_name_and_number_belong_together():
    known, unknown, foreign = sample_city.KNOWN, sample_city.UNKNOWN, sample_city.FOREIGN
    sample_population.register([known, unknown])
    asked = [
        known,
        Person("宋知圆", known.document_type, known.number),
        Person(" 江 予白", unknown.document_type, unknown.number.lower()),
        Person(known.name, unknown.document_type, unknown.number),
        foreign,
        Person(known.name, foreign.document_type, known.number),
    ]
    assert sample_population.ask(asked) == [
        PopulationAnswer.MATCHES,
        PopulationAnswer.DIFFERS,
        PopulationAnswer.MATCHES,
        PopulationAnswer.DIFFERS,
        PopulationAnswer.UNKNOWN,
        PopulationAnswer.UNKNOWN,
    ]


@pytest.mark.django_db
def test_everybody_of_the_city_lives_there_and_most_have_no_record():
    city = sample_city._City("unused")
    sample_population.register(city.residents)

    people = [*city.persons, *city.strangers]
    assert set(sample_population.ask(people)) == {PopulationAnswer.MATCHES}
    assert len(city.residents) > 4 * len(city.persons)
    assert sample_population.ask([sample_city.FOREIGN]) == [PopulationAnswer.UNKNOWN]
    # The same city has the same residents.
    assert sample_city._City("unused").residents == city.residents
