"""The one list: each heading is written once, a column may depend on a condition, and what a row holds is escaped."""

from __future__ import annotations

import re

import pytest
from django.core.paginator import Paginator
from django.template import Context, Template, TemplateSyntaxError

TEMPLATE = """
{% list one, state in rows label="Requests" page=page query=query %}
  {% caption "First what is due first." %}
  {% column "Number" look="number" %}
    <a href="#">{{ one }}</a>
  {% endcolumn %}
  {% column "State" sort="descending" %}{% tag "blue" "clock" state %}{% endcolumn %}
  {% if shows_change %}
    {% column "Change" is_silent=True %}
      {% if one == "first" %}<button>Go</button>{% endif %}
    {% endcolumn %}
  {% endif %}
  {% nothing "inbox" "The queue is empty" "Nothing waits." link="/elsewhere/" link_label="Look elsewhere" %}
{% endlist %}
"""
ROWS = [("first", "Open"), ("<second>", "Open")]


def shown(rows=ROWS, template=TEMPLATE, **context):
    page = re.sub(r">\s+<", "><", Template(template).render(Context({"rows": rows, **context})))
    return page.strip()


def test_a_heading_stands_above_its_column_and_beside_each_value():
    page = shown()
    assert '<th scope="col">Number</th>' in page
    assert '<th scope="col" aria-sort="descending">State <span aria-hidden="true">↓</span></th>' in page
    assert page.count('<td data-label="State"><span class="tag tag-blue">') == len(ROWS)
    # The first column names its row.
    assert '<tr><th scope="row" class="number"><a href="#">first</a></th>' in page
    assert 'role="region" aria-label="Requests"' in page
    assert "<caption>First what is due first.</caption>" in page


def test_what_a_row_holds_is_escaped():
    page = shown()
    assert '<a href="#">&lt;second&gt;</a>' in page
    assert "<second>" not in page


def test_names_of_columns_are_escaped():
    template = "{% list row in rows label=name %}{% column name look=name %}{{ row }}{% endcolumn %}{% endlist %}"
    page = shown([1], template, name='"><b>')
    assert "<b>" not in page
    assert page.count("&quot;&gt;&lt;b&gt;") == 3


def test_a_column_behind_a_condition_is_there_or_not_in_heading_and_cells():
    assert "Change" not in shown()
    page = shown(shows_change=True)
    assert '<th scope="col"><span class="vh">Change</span></th>' in page
    # An empty cell is really empty, which hides it in a card; a column of buttons has no name beside it.
    assert "<td><button>Go</button></td>" in page
    assert "<td></td>" in page


def test_without_rows_it_says_what_stands_there_instead():
    page = shown([])
    assert "<table" not in page
    assert "<h2>The queue is empty</h2>" in page
    assert '<a href="/elsewhere/">Look elsewhere</a>' in page


def test_a_page_of_rows_leads_to_the_others_and_keeps_what_was_asked():
    page = Paginator([(str(number), "Open") for number in range(30)], 10).page(2)
    there = shown(page, query="tab=open")
    assert 'href="?tab=open&amp;page=1"' in there
    assert 'href="?tab=open&amp;page=3"' in there
    assert 'class="pagination"' not in shown()
    # Rows that were made of a page name the page.
    assert 'href="?page=3"' in shown(list(page), page=page)


def test_names_of_a_row_are_not_known_after_its_list():
    assert shown(template=TEMPLATE + "{{ one }}").endswith("</div>")


@pytest.mark.parametrize(
    "template",
    [
        "{% list rows %}{% endlist %}",
        "{% list row in rows %}{% endlist %}",
        '{% list row in rows label="a" colour="red" %}{% endlist %}',
        '{% list row in rows label="a" %}{% column "b" colour="red" %}{% endcolumn %}{% endlist %}',
    ],
)
def test_a_list_that_says_too_little_or_too_much_is_refused(template):
    with pytest.raises(TemplateSyntaxError):
        Template(template)
