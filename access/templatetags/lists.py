"""The one list of every page: a table that becomes cards on a phone, its pages, and what stands there without rows.

{% list row in rows label=_("My requests") page=page query="tab=open" %}
  {% caption _("First what is due first.") %}
  {% column _("Number") %}<a href="...">{{ row.number }}</a>{% endcolumn %}
  {% column _("Time left") sort="ascending" %}{% due row.due %}{% endcolumn %}
  {% nothing "inbox" _("The queue is empty") _("Nothing waits for your decision.") %}
{% endlist %}
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django import template
from django.template.base import FilterExpression, Node, NodeList, Parser, TextNode, Token, token_kwargs
from django.template.context import Context
from django.template.loader import render_to_string
from django.utils.html import format_html, format_html_join

register = template.Library()

# Under this name a list gathers what is said within it; no template can write it.
GATHERED = "gathered by the list"
ARROWS = {"ascending": "↑", "descending": "↓"}


@dataclass(frozen=True)
class Column:
    """One column: its name, said above the table and beside each value on a phone, and what its cells are made of."""

    label: str
    cell: NodeList
    # A class of the style sheet for each cell.
    look: str = ""
    # In which order the rows stand, if it is by this column.
    sort: str = ""
    # Columns of buttons: their name is said to those only who cannot see what is in them.
    is_silent: bool = False

    def heading(self) -> str:
        if self.is_silent:
            return format_html('<th scope="col"><span class="vh">{}</span></th>', self.label)
        if self.sort:
            arrow = format_html(' <span aria-hidden="true">{}</span>', ARROWS[self.sort])
            return format_html('<th scope="col" aria-sort="{}">{}{}</th>', self.sort, self.label, arrow)
        return format_html('<th scope="col">{}</th>', self.label)

    def opening(self, *, is_first: bool) -> str:
        """Return the tag that its cells begin with; the first column names the rows, and needs no name beside it."""
        given = {"class": self.look, "data-label": "" if is_first or self.is_silent else self.label}
        attributes = format_html_join("", ' {}="{}"', ((name, value) for name, value in given.items() if value))
        return format_html('<th scope="row"{}>' if is_first else "<td{}>", attributes)


@dataclass
class Gathered:
    """What is said within a list."""

    columns: list[Column] = field(default_factory=list)
    caption: dict[str, Any] = field(default_factory=dict)
    nothing: dict[str, Any] = field(default_factory=dict)


class List(Node):
    """Shows rows, or says that there are none.

    What stands within it is rendered once to learn the columns, so that a column may stand behind a condition; only the
    cells are rendered row by row.
    """

    def __init__(
        self, names: list[str], rows: FilterExpression, given: dict[str, FilterExpression], nodelist: NodeList
    ) -> None:
        self.names, self.rows, self.given, self.nodelist = names, rows, given, nodelist

    def render(self, context: Context) -> str:
        rows = self.rows.resolve(context)
        given = {name: value.resolve(context) for name, value in self.given.items()}
        # A page of rows has its further pages with it.
        given["page"] = given.get("page") or (rows if hasattr(rows, "paginator") else None)
        gathered = Gathered()
        with context.push(**{GATHERED: gathered}):
            self.nodelist.render(context)
            if not rows and gathered.nothing:
                return render_to_string("components/empty.html", gathered.nothing)
            headings = [column.heading() for column in gathered.columns]
            drawn = {
                "caption": gathered.caption,
                "headings": headings,
                "rows": self._rows(context, rows, gathered.columns),
            }
            return render_to_string("components/list.html", given | drawn)

    def _rows(self, context: Context, rows: Any, columns: list[Column]) -> Iterator[str]:
        """Draw row after row; the names of a row are known in its cells only."""
        cells = [
            (column.opening(is_first=not place), column.cell, "</td>" if place else "</th>")
            for place, column in enumerate(columns)
        ]
        with context.push():
            for row in rows:
                values = (row,) if len(self.names) == 1 else row
                for name, value in zip(self.names, values, strict=True):
                    context[name] = value
                yield "".join([f"{opening}{cell.render(context)}{closing}" for opening, cell, closing in cells])


class Rows(Node):
    """The rows within `components/list.html`: their cells come from templates, which have escaped them."""

    def render(self, context: Context) -> str:
        return "".join(f"<tr>{row}</tr>\n" for row in context["rows"])


class ColumnOf(Node):
    """Tells the list around it of a column."""

    def __init__(self, label: FilterExpression, given: dict[str, FilterExpression], nodelist: NodeList) -> None:
        self.label, self.given, self.nodelist = label, given, nodelist

    def render(self, context: Context) -> str:
        given = {name: value.resolve(context) for name, value in self.given.items()}
        column = Column(str(self.label.resolve(context)), self.nodelist, **given)
        context[GATHERED].columns.append(column)
        return ""


@register.tag("list")
def list_of(parser: Parser, token: Token) -> List:
    _tag, *bits = token.split_contents()
    if "in" not in bits:
        raise template.TemplateSyntaxError("A list says its rows: {% list row in rows label=... %}.")
    place = bits.index("in")
    given = token_kwargs(bits[place + 2 :], parser)
    if not {"label"} <= given.keys() <= {"label", "page", "query"}:
        raise template.TemplateSyntaxError("A list takes label=, and where it needs them page= and query=.")
    nodelist = parser.parse(("endlist",))
    parser.delete_first_token()
    names = [name.strip(",") for name in bits[:place]]
    return List(names, parser.compile_filter(bits[place + 1]), given, nodelist)


@register.tag("rows")
def rows_of(parser: Parser, token: Token) -> Rows:
    return Rows()


@register.tag("column")
def column_of(parser: Parser, token: Token) -> ColumnOf:
    _tag, label, *bits = token.split_contents()
    given = token_kwargs(bits, parser)
    if bits or not given.keys() <= {"look", "sort", "is_silent"}:
        raise template.TemplateSyntaxError("A column takes look=, sort= and is_silent=.")
    nodelist = parser.parse(("endcolumn",))
    parser.delete_first_token()
    # Without the line breaks of its template an empty cell is empty, and the style sheet leaves it out of a card.
    if nodelist and isinstance(nodelist[0], TextNode):
        nodelist[0].s = nodelist[0].s.lstrip()
    if nodelist and isinstance(nodelist[-1], TextNode):
        nodelist[-1].s = nodelist[-1].s.rstrip()
    return ColumnOf(parser.compile_filter(label), given, nodelist)


@register.simple_tag(takes_context=True)
def caption(context: Context, text: str, look: str = "") -> str:
    """Say above the rows what they are and in which order."""
    context[GATHERED].caption = {"text": text, "look": look}
    return ""


@register.simple_tag(takes_context=True)
def nothing(context: Context, icon: str, title: str, text: str = "", link: str = "", link_label: str = "") -> str:
    """Say what stands there instead of the list when it has no rows."""
    context[GATHERED].nothing = {"icon": icon, "title": title, "text": text, "link": link, "link_label": link_label}
    return ""
