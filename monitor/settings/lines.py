"""Say in which line of a TOML file a key stands; the parser of the standard library keeps no lines."""

from __future__ import annotations

import re

_HEADER = re.compile(r"\s*(\[\[?)\s*([A-Za-z0-9_.\"' -]+?)\s*\]\]?\s*(?:#.*)?")
_KEY = re.compile(r"\s*([A-Za-z0-9_-]+|\"[^\"]*\"|'[^']*')\s*[.=]")


def line_of(text: str, location: tuple[str | int, ...]) -> int | None:
    """Return the line, from 1 on, of the key at a location, or else of the table that it belongs in; None where neither
    stands in the file under a header of its own.
    """
    if not location:
        return None
    table, index = str(location[0]), location[1] if len(location) > 1 and isinstance(location[1], int) else None
    rest = location[2:] if index is not None else location[1:]
    key, current, count, line_of_table = str(rest[0]) if rest else "", "", -1, None
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.fullmatch(line):
            current = header[2].strip("\"' ")
            if current == table:
                count += 1
                if index is None or count == index:
                    line_of_table = number
            elif current == f"{table}.{key}" and (index is None or count == index):
                return number
            continue
        inside = current == table and (index is None or count == index)
        if (inside or (not current and index is None)) and (match := _KEY.match(line)):
            name = match[1].strip("\"'")
            if inside and key and name == key:
                return number
            if not current and name == table:
                return number
    return line_of_table
