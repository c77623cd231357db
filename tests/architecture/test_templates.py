"""Templates can be read and compared: no endless lines, and one component for every list."""

from __future__ import annotations

import re

from tests.architecture.test_layers import ROOT

LONGEST = 160
TEMPLATES = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in ROOT.glob("templates/**/*.html")
}


def test_no_line_of_a_template_is_too_long():
    too_long = [
        f"{name}:{number} has {len(line)}"
        for name, text in TEMPLATES.items()
        for number, line in enumerate(text.splitlines(), 1)
        if len(line) > LONGEST
    ]
    assert len(TEMPLATES) > 100
    assert too_long == []


def test_every_table_and_its_pages_are_drawn_by_the_one_list():
    # allauth's element is for its own pages, which have no table of ours.
    assert [name for name, text in TEMPLATES.items() if "<table" in text] == [
        name
        for name in TEMPLATES
        if name in {"templates/components/list.html", "templates/allauth/elements/table.html"}
    ]
    assert [name for name, text in TEMPLATES.items() if "components/empty.html" in text and "{% list " in text] == []
    # The trail turns its pages by addresses, not by numbers.
    turned = {name for name, text in TEMPLATES.items() if "components/pagination.html" in text}
    assert turned == {"templates/components/list.html", "templates/audit/events.html"}


def test_no_cell_writes_its_heading_again():
    assert [name for name, text in TEMPLATES.items() if re.search(r"data-label|<th\b", text)] == []
