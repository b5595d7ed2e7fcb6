"""Reads unrendered components (MDX, and the `astro-island` props of the same component in HTML).

`TextTokenPricingTables` has no header text: its arrays are the component's own tuple, four cells before cache writes
were priced and five since, mixed in one array. Arrays of any other length, and components of any other name, are
refused. Only literals are read; an expression is a flaw, and so is a property that may set a condition on all rows
(`region`, `unit`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from monitor.sources.pricing_page.blocks import Component, PageTable, TableRow
from monitor.sources.pricing_page.inline import plain

TEXT_TOKENS = "TextTokenPricingTables"
TITLED = "DocTable"
"""A component whose columns have titles, so that it is a table like any other."""

_COLUMN = re.compile(r"""\s*\{\s*title:\s*"([^"\\]*)"\s*(?:,\s*width:\s*"[^"\\]*"\s*)?,?\s*\}\s*(?:,|(?=\]))""")
_COLUMNS = re.compile(rf"\{{\s*\[(?:{_COLUMN.pattern})+\s*\]\s*\}}")
_FRAGMENT = re.compile(r"""<>((?:\{"\$"\}|[^<>{}"])*)</>""")
_PRICING = re.compile(r"\w*Pricing\w*Tables?")
_PROPERTY = re.compile(r"[\s/]*(?:([A-Za-z_][\w:.-]*)(?:\s*=\s*(?=[\"'{]))?|(?=\{))")
_LITERAL = re.compile(r"""(?:\{\s*)?(?:"([^"]*)"|'([^']*)')(?:\s*\})?""")
_CONDITION = re.compile(
    r"context|band|region|unit|currency|column|header|multiplier|discount|scale|surcharge|uplift|period", re.IGNORECASE
)
_TELLING_NOTHING = re.compile(
    r"rows|tier|(?:client|server|set):?\w*|id|key|ref|slot|class(?:Name)?|style|\w*(?:notes?|tooltips?)"
    r"|(?:latest)?SectionLabel|hide\w*|show\w*|with\w*|aria-\w+|data-\w+",
    re.IGNORECASE,
)
"""Properties that say nothing of the rows beside them, whatever their value; any other may set a condition."""
_NOTHING = frozenset({"", "{null}", "{undefined}", "{false}", '""', "''"})
_TOKEN = re.compile(
    r"""\s*(?:([\[\],}])|"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|([0-9]+(?:\.[0-9]+)?)|(null|undefined)\b)"""
)
_PROSE = re.compile(r"""'([^'\n{}]{60,})'|"([^"\n{}]{60,})"|`([^`\n{}]{60,})`""")
_LONGEST_TAG = 100_000


def is_pricing(name: str) -> bool:
    """Return whether a component of this name holds prices."""
    return _PRICING.fullmatch(name) is not None


def tag_end(text: str, start: int) -> int:
    """Return the index after the tag that begins at `start`, whose attributes may hold quotes, braces and templates; -1
    if it never ends.
    """
    depth, quote, i = 0, "", start + 1
    stop = min(len(text), start + _LONGEST_TAG)
    while i < stop:
        c = text[i]
        if quote:
            if c == "\\" and depth:
                i += 1
            elif c == quote:
                quote = ""
        elif c in "\"'`" and (c != "'" or depth or text[i - 1] == "="):
            quote = c
        elif c == "{":
            depth += 1
        elif c == "}":
            depth -= 1
        elif c == ">" and depth <= 0 and text[i - 1] != "=":
            return i + 1
        i += 1
    return -1


def prose(tag: str) -> list[str]:
    """Return the sentences that a tag carries in its attributes (footnotes, tips)."""
    return [plain(next(filter(None, match.groups()))) for match in _PROSE.finditer(tag)]


def component(name: str, tag: str, line: int) -> Component:
    """Return the component that a JSX tag writes."""
    if name != TEXT_TOKENS:
        return Component(
            name=name, tier="", rows=(), line=line, flaw=f"the component {name} has no header that is recognised"
        )
    flaw, tier, rows = "", "", tuple[TableRow, ...]()
    try:
        properties = _properties(tag, len(name) + 1)
        tier = _tier(properties)
        if "rows" not in properties:
            flaw = f"the component {name} has no rows"
    except ValueError as error:
        properties, flaw = {}, f"the properties of {name} are not as recognised: {error}"
    if not flaw:
        try:
            rows = tuple(_arrays(tag, properties["rows"][1] + 1, line))
        except ValueError as error:
            flaw = f"the rows of {name} are not literal arrays: {error}"
    return Component(name=name, tier=tier, rows=rows, line=line, flaw=flaw)


def titled(tag: str, line: int) -> PageTable:
    """Return the table that a JSX tag writes with titles of columns and rows of cells, literals all of them."""
    text = _FRAGMENT.sub(lambda match: json.dumps(match[1].replace('{"$"}', "$"), ensure_ascii=False), tag)
    try:
        properties = _properties(text, len(TITLED) + 1, own=frozenset({"columns", "rows"}))
        if set(properties) != {"columns", "rows"}:
            raise ValueError("they are not `columns` and `rows`")
        columns = properties["columns"][0]
        if _COLUMNS.fullmatch(columns) is None:
            raise ValueError("its columns are not titles alone")
        rows = tuple(_arrays(text, properties["rows"][1] + 1, line))
    except ValueError as error:
        return PageTable(
            header=(), rows=(), line=line, flaw=f"the properties of {TITLED} are not as recognised: {error}"
        )
    return PageTable(header=(tuple(plain(title) for title in _COLUMN.findall(columns)),), rows=rows, line=line)


def _properties(tag: str, at: int, *, own: frozenset[str] = frozenset()) -> dict[str, tuple[str, int]]:
    """Return the properties of a tag as they are written, each with where its value begins. Those of a component's
    `own` set no condition.

    Raises:
        ValueError: one is given twice, comes from elsewhere (`{...props}`), or may set a condition on every price.
    """
    properties: dict[str, tuple[str, int]] = {}
    while at < len(tag) and tag[at:].strip("/> \n\t"):
        match = _PROPERTY.match(tag, at)
        if match is None or match.end() == at:
            raise ValueError(f"{tag[at : at + 20].strip()!r} is none")
        name, start = match[1], match.end()
        if name is None:
            raise ValueError("some are not written on the page")
        at = _value_end(tag, start) if "=" in match[0] else start
        value = tag[start:at]
        if name in properties:
            raise ValueError(f"{name!r} is given twice")
        empty = "=" in match[0] and re.sub(r"\s", "", value) in _NOTHING  # one without a value is true
        if name not in own and sets_condition(name) and not empty:
            raise ValueError(f"{name!r} may set a condition")
        properties[name] = value, start
    return properties


def sets_condition(name: str) -> bool:
    """Return whether a property of this name may set a condition on every row."""
    return _CONDITION.search(name) is not None or _TELLING_NOTHING.fullmatch(name) is None


def _value_end(tag: str, start: int) -> int:
    """Return the index after the value that begins at `start`, a quoted text or an expression in braces; the tag's end
    where it never ends.
    """
    if tag[start] in "\"'":
        end = tag.find(tag[start], start + 1)
        return len(tag) if end < 0 else end + 1
    depth, quote, i = 0, "", start
    while i < len(tag):
        c = tag[i]
        if quote:
            i += c == "\\"
            quote = "" if c == quote else quote
        elif c in "\"'`":
            quote = c
        elif c in "{}":
            depth += 1 if c == "{" else -1
            if not depth:
                return i + 1
        i += 1
    return len(tag)


def _tier(found: dict[str, tuple[str, int]]) -> str:
    """Return the tier that the properties state, empty where they state none.

    Raises:
        ValueError: it is an expression: which tier the rows are of stands elsewhere.
    """
    value, _ = found.get("tier", ("", 0))
    literal = _LITERAL.fullmatch(value)
    if literal is None and value:
        raise ValueError(f"the tier {value} is not a literal")
    return (literal[1] or literal[2] or "") if literal else ""


def island(props: str, options: str, line: int) -> Component | None:
    """Return the component that an `astro-island` hydrates; None when it holds no prices of text tokens."""
    try:
        if json.loads(options).get("name") != TEXT_TOKENS:
            return None
        values = {
            key: _decoded(value)
            for key, value in json.loads(props, parse_float=str, parse_int=str, object_pairs_hook=_unique).items()
        }
        if any(sets_condition(key) and value not in (None, "", False) for key, value in values.items()):
            raise ValueError("a property may set a condition")
        arrays = tuple(TableRow(cells=tuple(_island_cell(cell) for cell in row), line=line) for row in values["rows"])
        tier = values.get("tier") or ""
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return Component(name=TEXT_TOKENS, tier="", rows=(), line=line, flaw="the island's props are not as recognised")
    return Component(name=TEXT_TOKENS, tier=tier if isinstance(tier, str) else "?", rows=arrays, line=line)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the object of pairs.

    Raises:
        ValueError: a key stands in it twice.
    """
    if len(fields := dict(pairs)) < len(pairs):
        raise ValueError("a key stands twice in one object")
    return fields


def _decoded(value: Any) -> Any:
    """Astro writes every prop as `[kind, value]`: kind 0 is a value, kind 1 an array of such pairs."""
    kind, inner = value
    if kind == "1":
        return [_decoded(item) for item in inner]
    return inner if kind == "0" else None


def _island_cell(value: object) -> str:
    """Numbers were parsed as their own digits, so amounts keep them; a string that is not a number is text."""
    if value is None:
        return "-"
    if not isinstance(value, str):
        raise TypeError("a cell is neither text nor a number")
    return f"${value}" if re.fullmatch(r"[0-9]+(?:\.[0-9]+)?", value) else plain(value)


def _arrays(tag: str, start: int, line: int) -> Iterator[TableRow]:
    """Yield the rows of `[[…], […]]`, with the cells as a rendered table would show them."""
    depth, cells, closed = 0, list[str](), False
    begun, expects_comma, i = start, False, start
    while True:
        match = _TOKEN.match(tag, i)
        if match is None:
            raise ValueError(f"{tag[i : i + 20].strip()!r} is not a literal")
        i = match.end()
        mark, double, single, number, _ = match.groups()
        if closed:
            if mark != "}":
                raise ValueError("text after the array")
            return
        _check_comma(mark, expects_comma)
        if mark == ",":
            expects_comma = False
            continue
        if mark == "]":
            depth -= 1
            if depth == 1:
                yield TableRow(cells=tuple(cells), line=line + tag.count("\n", 0, begun))
            closed = depth == 0
            expects_comma = True
            continue
        if mark == "[":
            depth += 1
            if depth > 2:
                raise ValueError("an array within a row")
            cells, begun = [], match.start(1)
            continue
        if mark == "}" or depth != 2:
            raise ValueError("a value outside of a row")
        cells.append(_cell_of(double, single, number))
        expects_comma = True


def _check_comma(mark: str | None, expected: bool) -> None:
    """Refuse a comma where none is expected, and what begins without one where it is; an array may end either way.

    Raises:
        ValueError: it is so.
    """
    if mark == "," and not expected:
        raise ValueError("a comma without a value before it")
    if mark not in (",", "]") and expected:
        raise ValueError("two values without a comma")


def _cell_of(double: str | None, single: str | None, number: str | None) -> str:
    """Return a value of an array as a rendered table would show it: a text in either quotes, a number as an amount,
    `null` as a dash.
    """
    text = double if double is not None else single
    if text is not None:
        return plain(text)
    return "-" if number is None else f"${Decimal(number)}"
