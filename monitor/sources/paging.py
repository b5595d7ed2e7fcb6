"""Whether a list says that it goes on, in any of the ways that servers say it, and where the next page is.

A list that goes on and cannot be followed is not the whole list, and says nothing of what it lacks. So a doubt is one
that it goes on: a list that was taken for the whole one makes models vanish, one that was not makes a failed poll.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qsl, urljoin, urlsplit

from monitor.sources.json_text import KeyTwice

PAGES = 100
"""How many pages of one list are read."""

DEPTH = 4
"""How deep the words around a list are looked through."""

_MORE = frozenset(
    [
        "hasmore",
        "hasnext",
        "hasnextpage",
        "hasmorepages",
        "hasmoreitems",
        "hasmoreresults",
        "hasmoredata",
        "more",
        "moreavailable",
        "moreresults",
        "truncated",
        "istruncated",
        "incomplete",
        "incompleteresults",
        "partial",
        "ispartial",
    ]
)
"""Keys that say yes or no to more; all keys here are spelled in lower case and without punctuation."""

_END = frozenset(
    [
        "last",
        "islast",
        "islastpage",
        "lastpage",
        "complete",
        "iscomplete",
        "done",
        "isdone",
        "finished",
        "end",
        "endoflist",
        "eof",
    ]
)
"""Keys whose `false` says that there is more."""

_NEXT = frozenset(
    [
        "next",
        "nextpage",
        "nextpagetoken",
        "nexttoken",
        "nexturl",
        "nexturi",
        "nextlink",
        "nexthref",
        "nextcursor",
        "nextid",
        "nextoffset",
        "nextmarker",
        "nextkey",
        "nextpageurl",
        "nextpagelink",
        "nextpagecursor",
        "nextpageid",
        "nextrecordsurl",
        "continue",
        "continuation",
        "continuationtoken",
        "continuetoken",
        "resumptiontoken",
        "resumetoken",
        "odatanextlink",
        "scrollid",
    ]
)
"""Keys whose value is the way to the next page, where there is one."""

_CURSOR = frozenset(["cursor", "after", "endcursor", "aftercursor", "aftertoken", "cursorafter", "pagetoken", "marker"])
"""Keys whose value is the way to the next page unless something else says that there is none."""

_TOTAL = frozenset(
    [
        "total",
        "totalcount",
        "totalitems",
        "totalresults",
        "totalelements",
        "totalsize",
        "totalrecords",
        "totalhits",
        "totalmodels",
        "totalentries",
        "totalnumber",
        "totalrows",
        "count",
        "itemcount",
        "itemscount",
        "modelcount",
        "numfound",
        "numresults",
        "resultcount",
        "recordstotal",
        "recordsfiltered",
        "fulltotal",
        "odatacount",
    ]
)
"""Keys that count all items there are."""

_PAGES = frozenset(
    ["totalpages", "pagecount", "pagescount", "pages", "numpages", "numberofpages", "lastpage", "maxpage"]
)
_PAGE = frozenset(["page", "currentpage", "pagenumber", "pageno", "pageindex", "number"])

_OFFSET = frozenset(["offset", "start", "skip", "startindex"])
"""Keys of how many items stand before those of the page; in a query they ask for the items after so many."""

_AROUND = frozenset(
    [
        "meta",
        "metadata",
        "pagination",
        "paging",
        "paginator",
        "page",
        "pages",
        "pageinfo",
        "pageinformation",
        "pagemetadata",
        "links",
        "link",
        "cursors",
        "cursor",
        "resultinfo",
        "resultset",
        "responsemetadata",
        "list",
        "info",
        "listinfo",
        "listmetadata",
        "response",
        "result",
        "results",
        "header",
        "headers",
        "hits",
        "odata",
    ]
)
"""Keys of objects in which a count is one of the list's items; elsewhere it may count anything."""

_FAULT = re.compile(
    r"\w*?(?:errors?|failures?|warnings?|degraded|failed\w*|unavailable\w*|unreachable\w*|timedout\w*)", re.ASCII
)
"""Keys that name what went wrong: `errors`, `provider_errors`, `failedProviders`."""

_STATUS = frozenset(["status", "state", "outcome"])
_BAD = frozenset(
    [
        *("error", "errors", "failed", "failure", "fail", "partial", "partialsuccess", "partialfailure", "degraded"),
        *("incomplete", "timeout", "unavailable", "warning", "aborted", "cancelled"),
    ]
)
"""Values of a status that speak of less than a whole answer."""

_CODE = frozenset(["errcode", "errorcode", "retcode", "returncode"])
"""Keys of a code that is 0 where nothing went wrong."""

_LINK = re.compile(r"[a-z]+://|/|\?", re.IGNORECASE)

_LONGEST = 2048
"""Characters of a token that is sent back."""

_EMPTY = frozenset({"", "null", "none", "nil", "false", "0", "end", "undefined"})


@dataclass(frozen=True, slots=True, kw_only=True)
class More:
    """A list says that it goes on: `why` quotes the words, `query` leads to the next page of the same address, empty
    where nothing known does.
    """

    why: str
    query: Mapping[str, str]


def more(
    answer: object, items: Sequence[object], *, headers: Mapping[str, str], url: str, counted: int, known: str = ""
) -> More | None:
    """Return what a page says of a page after it; None where it is the last one.

    `items` are those of the page, `counted` those of this page and all before it, `url` is where the page came from,
    and `known` the name of the list in `answer`.
    """
    around = _Around(counted)
    if isinstance(answer, Mapping):
        around.read({key: value for key, value in answer.items() if key != known}, 0, within=True)
    around.read_headers(headers)
    if around.why is None:
        return None
    return More(why=around.why, query=_followed(answer, items, around, url, counted))


class _Around:
    """What stands around a list, while it is read.

    Attributes:
        links: Addresses of a next page, the surest first.
        tokens: Parameters of a query that ask for the next page, with their values.
        page: The parameter and number of this page; None where it has none.
        offset: The parameter that asks for the items after so many; empty where there is none.
    """

    def __init__(self, counted: int) -> None:
        self._counted = counted
        self._signs: list[str] = []
        self._maybe: list[str] = []
        self._ended = False
        self.links: list[str] = []
        self.tokens: list[tuple[str, str]] = []
        self.page: tuple[str, int] | None = None
        self.offset = ""

    @property
    def why(self) -> str | None:
        """The first sign that the list goes on; None where there is none."""
        signs = self._signs or ([] if self._ended else self._maybe)
        return signs[0] if signs else None

    def read(self, answer: Mapping[str, object], depth: int, *, within: bool) -> None:
        """Read the keys of an object; `within` is one whose counts are those of the list."""
        pages, page = None, None
        for name, value in answer.items():
            key = _plain(name)
            self._sign(name, key, value)
            number = _number(value)
            if within and key in _TOTAL and number is not None and number > self._counted:
                self._signs.append(f"`{name}` is {number}, and it lists {self._counted}")
            pages = number if key in _PAGES else pages
            if key in _PAGE and number is not None:
                page, self.page = number, (_asks_for_page(name, key), number)
            if within and key in _OFFSET and number is not None:
                self.offset = name
            self._inner(key, value, depth)
        if within and pages is not None and pages > max(page or 1, 1):
            # Counted from 0, the last of three pages is page 2.
            last = self._ended and page is not None and page + 1 == pages
            self._signs += [] if last else [f"it is page {page or 1} of {pages}"]

    def _sign(self, name: str, key: str, value: object) -> None:
        yes = _yes(value)
        if key in _MORE and (yes or isinstance(value, KeyTwice)):
            self._signs.append(f"`{name}` is {'stated twice' if isinstance(value, KeyTwice) else 'true'}")
        elif (key in _MORE and yes is False) or (key in _END and yes):
            self._ended = True
        elif key in _END and yes is False:
            self._signs.append(f"`{name}` is false")
        elif key in _NEXT and (way := _way(value)):
            self._signs.append(f"`{name}` leads to a further page")
            self._lead(name, key, way, value)
        elif key in _CURSOR and not isinstance(value, Mapping) and (way := _way(value)):
            self._maybe.append(f"`{name}` leads to a further page")
            self._lead(name, key, way, value)

    def _lead(self, name: str, key: str, way: str, value: object) -> None:
        """Keep a way to the next page: an address, or a value that is sent back."""
        if isinstance(value, Mapping):  # `"next": {"cursor": "…"}`
            name = next(str(inner) for inner in value if _way(value[inner]))
            key, value = _plain(name), way
        if _LINK.match(way):
            self.links.append(way)
        elif not isinstance(value, bool | KeyTwice) and (parameter := _asks_for(name, key, way)):
            self.tokens.append((parameter, way))

    def _inner(self, key: str, value: object, depth: int) -> None:
        if depth >= DEPTH:
            return
        if isinstance(value, Mapping):
            self.read(value, depth + 1, within=key in _AROUND)
        elif isinstance(value, list) and key in ("links", "link"):  # `[{"rel": "next", "href": "…"}]`
            for link in value:
                if isinstance(link, Mapping) and str(link.get("rel", "")).lower() == "next":
                    self.read({"next": link.get("href") or link.get("url") or True}, depth + 1, within=False)

    def read_headers(self, headers: Mapping[str, str]) -> None:
        """Read the headers of the answer, spelled in lower case."""
        for target, parameters in re.findall(r"<([^>]*)>((?:\s*;\s*[^,;]+)*)", headers.get("link", "")):
            relations = re.search(r"\brel\s*=\s*\"?([^\";]+)", parameters, re.IGNORECASE)
            if relations and "next" in relations[1].lower().split():
                self._signs.append("its Link header names a next page")
                self.links.append(target)
        if page := _way(headers.get("x-next-page")):
            self._signs.append("its header X-Next-Page names a further page")
            self._lead("page", "page", page, page)
        if _yes(headers.get("x-has-more")):
            self._signs.append("its header X-Has-More is true")
        for name in ("x-total-count", "x-total"):
            total = _number(headers.get(name))
            if total is not None and total > self._counted:
                self._signs.append(f"its header {name} is {total}, and it lists {self._counted}")


def _asks_for(name: str, key: str, way: str) -> str:
    """Return the parameter by which servers take the value of a key; empty where that is not known.

    It is the key without its `next` (`nextPageToken` is sent as `pageToken`). A wrong one costs nothing: whoever
    ignores it shows the same page again, which ends the list as one that cannot be followed.
    """
    if key == "next":
        return "page" if way.isdecimal() else ""
    if key == "nexttoken":
        return name
    if key == "endcursor":
        return "after"
    rest = re.sub(r"^next[_-]?", "", name, flags=re.IGNORECASE)
    return rest[:1].lower() + rest[1:]


def _asks_for_page(name: str, key: str) -> str:
    return "page" if key in ("number", "currentpage") else name


def _followed(answer: object, items: Sequence[object], around: _Around, url: str, counted: int) -> dict[str, str]:
    """Return the query of the next page: of a link to another page of the same address, else by a token, by the last
    id of this page, by its number or by how many items came before.
    """
    here = urlsplit(url)
    for link in around.links:
        there = urlsplit(urljoin(url, link))
        query = dict(parse_qsl(there.query))
        if query and _LINK.match(link) and _place(there) == _place(here):
            return query
    if around.links:  # another address; its list may be another one
        return {}
    for parameter, token in around.tokens:
        if len(token) <= _LONGEST and token.isprintable():
            return {parameter: token}
    if last := _last(answer, items):
        return last
    if around.page is not None:
        parameter, number = around.page
        return {parameter: str(number + 1)}
    return {around.offset: str(counted)} if around.offset else {}


def _last(answer: object, items: Sequence[object]) -> dict[str, str]:
    """Return how to ask for what follows the last id of a page that says that it has more."""
    if not isinstance(answer, Mapping) or not any(_yes(answer.get(key)) for key in ("has_more", "hasMore")):
        return {}
    last = answer.get("last_id") or next(
        (item["id"] for item in reversed(items) if isinstance(item, Mapping) and isinstance(item.get("id"), str)), ""
    )
    anthropic = any(isinstance(item, Mapping) and item.get("type") == "model" for item in items)
    return {"after_id" if anthropic else "after": last} if isinstance(last, str) and last else {}


def _place(url: SplitResult) -> tuple[str, str, str]:
    return url.scheme, url.netloc, url.path.rstrip("/")


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _yes(value: object) -> bool | None:
    """Return whether a value says yes or no; None where it says neither."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int) and value in (0, 1):
        return bool(value)
    spoken = value.strip().lower() if isinstance(value, str) else ""
    return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}.get(spoken)


def _way(value: object) -> str:
    """Return a way to another page as text; empty where the value is none."""
    if isinstance(value, Mapping):  # `{"href": "…"}`, `{"cursor": "…"}`
        return next((way for inner in value.values() if (way := _way(inner))), "")
    if isinstance(value, bool):
        return "yes" if value else ""
    if isinstance(value, KeyTwice):
        return "stated twice"
    spoken = str(value).strip() if isinstance(value, str | int) else ""
    return "" if spoken.lower() in _EMPTY else spoken


def _number(value: object) -> int | None:
    """Return a whole number, also as text or as `{"value": 57}`, the largest of those stated under one key; None where
    the value is none.
    """
    if isinstance(value, KeyTwice):
        return max((number for each in value.values if (number := _number(each)) is not None), default=None)
    if isinstance(value, Mapping):
        value = value.get("value")
    if isinstance(value, str) and value.strip().isdecimal() and len(value) < 12:
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def fault(answer: object) -> str:
    """Return what an answer says went wrong beside the items that it has; empty where nothing did."""
    return next(_faults(answer, 0), "") if isinstance(answer, Mapping) else ""


def _faults(answer: Mapping[str, object], depth: int) -> Iterator[str]:
    for name, value in answer.items():
        key = _plain(name)
        if (key in _STATUS and _bad(value)) or (key == "code" and _refuses(value)) or (key in _CODE and _number(value)):
            yield f"`{name}` is {value}"
        elif key not in _CODE and _FAULT.fullmatch(key) and value and not _empty(value):
            reason = _message(value)
            yield f"`{name}` stands beside the models" + (f": {reason}" if reason else "")
        elif key in ("success", "ok") and _yes(value) is False:
            yield f"`{name}` is false"
        elif isinstance(value, Mapping) and key in _AROUND and depth < DEPTH:
            yield from _faults(value, depth + 1)


def _bad(status: object) -> bool:
    if isinstance(status, str) and not status.isdecimal():
        return _plain(status) in _BAD
    return status is False or _refuses(status)


def _refuses(code: object) -> bool:
    """Return whether a code is that of an error of HTTP."""
    number = _number(code)
    return number is not None and 400 <= number <= 599


def _empty(value: object) -> bool:
    return isinstance(value, str | int) and str(value).strip().lower() in _EMPTY


def _message(value: object) -> str:
    if isinstance(value, list) and value:
        value = value[0]
    if isinstance(value, Mapping):
        value = next((value[key] for key in ("message", "detail", "error", "reason") if value.get(key)), "")
    return " ".join(value.split())[:200] if isinstance(value, str) else ""
