"""What a page offers: its links and its forms, with what a person would fill in."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

from tests import factories

# What a field wants when nobody is hostile, by its name; others get a word.
PLAUSIBLE = [
    (re.compile(r"password"), factories.PASSWORD),
    (re.compile(r"login|username"), "officer"),
    (re.compile(r"number"), factories.id_number()),
    (re.compile(r"_on$|_from$|^day|date|born"), "2026-03-01"),
    (re.compile(r"name"), "宋知远"),
    (re.compile(r"reason|remark|scope|facts|evidence"), "核实所需。"),
    (re.compile(r"hours|openings|days|yuan|rows|page"), "1"),
]


@dataclass
class Form:
    """One form as it stands on a page."""

    page: str
    action: str
    method: str
    is_multipart: bool
    fields: dict[str, list[str]] = field(default_factory=dict)
    files: set[str] = field(default_factory=set)

    def filled(self) -> dict[str, bytes]:
        return {name: values[0].encode() for name, values in self.fields.items() if values and name not in self.files}


class Page(HTMLParser):
    """Collects the links and the forms of one page."""

    def __init__(self, url: str, html: str) -> None:
        super().__init__()
        self.url = url
        self.links: set[str] = set()
        self.forms: list[Form] = []
        self._form: Form | None = None
        self._select: str | None = None
        self._area: str | None = None
        self.feed(html)

    def handle_starttag(self, tag: str, pairs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in pairs}
        name, value = attributes.get("name", ""), attributes.get("value", "")
        if tag == "a" and "href" in attributes:
            self.links.add(attributes["href"])
        if tag == "form":
            self._form = Form(
                self.url,
                attributes.get("action") or self.url,
                attributes.get("method", "get").upper(),
                attributes.get("enctype") == "multipart/form-data",
            )
            self.forms.append(self._form)
        if self._form is None or not name and tag != "option":
            return
        values = self._form.fields.setdefault(name, []) if name else []
        if tag == "input" and attributes.get("type") == "file":
            self._form.files.add(name)
        elif tag == "input" and attributes.get("type") in {"radio", "checkbox"}:
            values.insert(0 if "checked" in attributes else len(values), value or "on")
        elif tag == "input":
            values.append(value or plausible(name))
        elif tag == "button" and not values:
            values.append(value)
        elif tag == "textarea":
            self._area = name
            values.append("")
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and value:
            chosen = self._form.fields[self._select]
            chosen.insert(0 if "selected" in attributes else len(chosen), value)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        if tag == "select":
            self._select = None
        if tag == "textarea" and self._form and self._area:
            self._form.fields[self._area] = [self._form.fields[self._area][0].strip() or plausible(self._area)]
            self._area = None

    def handle_data(self, data: str) -> None:
        if self._area and self._form:
            self._form.fields[self._area][0] += data


def plausible(name: str) -> str:
    return next((value for pattern, value in PLAUSIBLE if pattern.search(name)), "x")
