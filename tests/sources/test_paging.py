"""Which lists say that they go on, and which say that they end."""

from __future__ import annotations

import json
from typing import Any

import pytest
from source_loopback import NOW, LoopbackServer, shared

from monitor.core.configuration import Surface
from monitor.core.facts import ANYTHING, ITEMS, Fact, FailureReason, Known, PollFailure, Snapshot, Subject, Unchanged
from monitor.sources import paging
from monitor.sources.http import HttpClient
from monitor.sources.models_list import VALUES, ListProblem, ModelsList, read

CASES = shared() / "cases"
needs_cases = pytest.mark.skipif(not CASES.is_dir(), reason=f"NO CASES: {CASES} is absent, set ACCESS_MONITOR_SHARED")

GOES_ON: dict[str, dict[str, Any]] = {
    "has_more": {"has_more": True},
    "hasMore": {"hasMore": True},
    "as text": {"has_more": "true"},
    "nested": {"pagination": {"page": 1, "has_more": True}},
    "deep": {"meta": {"page": {"hasNextPage": True, "endCursor": "x"}}},
    "truncated": {"is_truncated": True},
    "not the last": {"last": False},
    "not done": {"done": False},
    "page of pages": {"page": 1, "total_pages": 3},
    "last page": {"meta": {"current_page": 1, "last_page": 2}},
    "next": {"next": "https://x.example/v1/models?page=2"},
    "next object": {"next": {"href": "/v1/models?page=2"}},
    "next_page": {"next_page": 2},
    "next_page_token": {"next_page_token": "abc"},
    "nextPageToken": {"nextPageToken": "abc"},
    "next_url": {"next_url": "/v1/models?offset=20"},
    "next_cursor": {"response_metadata": {"next_cursor": "dXNlcjpX"}},
    "continue": {"metadata": {"continue": "token", "remainingItemCount": 3}},
    "links": {"links": {"next": "/v1/models?offset=20"}},
    "_links": {"_links": {"self": {"href": "/a"}, "next": {"href": "/b"}}},
    "links in a list": {"links": [{"rel": "self", "href": "/a"}, {"rel": "next", "href": "/b"}]},
    "odata": {"@odata.nextLink": "https://x.example/v1/models?$skip=20"},
    "nextLink": {"nextLink": "https://x.example/v1/models?$skip=20"},
    "paging.next": {"paging": {"next": "https://x.example/v1/models?after=b"}},
    "cursors": {"paging": {"cursors": {"before": "a", "after": "b"}}},
    "cursor": {"cursor": "abc"},
    "total": {"total": 57},
    "count": {"count": 57, "next": None},
    "as text total": {"total_count": "57"},
    "nested total": {"meta": {"pagination": {"total": 57}}},
    "total object": {"hits": {"total": {"value": 57}}},
}
ENDS: dict[str, dict[str, Any]] = {
    "nothing": {},
    "has_more": {"has_more": False, "first_id": "a", "last_id": "b"},
    "next": {"next": None, "previous": "https://x.example/v1/models?page=1", "count": 2},
    "empty token": {"nextPageToken": "", "totalSize": 2},
    "links": {"links": {"next": None, "self": "/v1/models", "last": "/v1/models?page=1"}, "total_count": 2},
    "no more after a cursor": {"paging": {"has_next": False, "cursors": {"after": "b"}}},
    "one page": {"page": 1, "total_pages": 1, "per_page": 20, "total": 2},
    "last": {"last": True, "number": 0, "size": 20},
    "the last, counted from 0": {"last": True, "number": 2, "totalPages": 3, "totalElements": 2},
    "a count of something else": {"usage": {"total": 57, "count": 99}},
    "no errors": {"error": None, "errors": []},
}


def listing(*ids: str, **around: Any) -> bytes:
    return json.dumps({"object": "list", "data": [{"id": id, "object": "model"} for id in ids], **around}).encode()


def reason(content: bytes) -> FailureReason | None:
    try:
        read(content, "s")
    except ListProblem as problem:
        return problem.reason
    return None


@pytest.mark.parametrize("how", GOES_ON)
def test_a_list_that_says_in_a_usual_way_that_it_goes_on_is_not_the_whole_list(how: str) -> None:
    assert reason(listing("a", "b", **GOES_ON[how])) is FailureReason.TRUNCATED


@pytest.mark.parametrize("how", ENDS)
def test_a_list_that_says_that_it_ends_is_whole(how: str) -> None:
    assert reason(listing("a", "b", **ENDS[how])) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"error": {"message": "x failed"}},
        {"errors": [{"provider": "x"}]},
        {"error": "x"},
        {"success": False},
        {"status": "error"},
        {"status": "partial_success"},
        {"status": 502},
        {"status": False},
        {"code": 500, "message": "x"},
        {"errcode": 7},
        {"warnings": ["provider x timed out"]},
        {"warning": "x is left out"},
        {"provider_errors": {"x": "timeout"}},
        {"failed_providers": ["x"]},
        {"unavailableRegions": ["eu"]},
        {"meta": {"status": "degraded"}},
    ],
    ids=json.dumps,
)
def test_a_list_that_comes_with_an_error_is_none(wrong: dict[str, Any]) -> None:
    assert reason(listing("a", **wrong)) is FailureReason.INVALID_SHAPE


@pytest.mark.parametrize(
    "fine",
    [
        {"status": "success"},
        {"status": 200},
        {"status": True, "code": 20000},
        {"code": 0, "message": "ok"},
        {"errcode": 0},
        {"warnings": [], "failed": 0, "errors": {}},
        {"success": True, "error_count": 0},
    ],
    ids=json.dumps,
)
def test_a_list_that_says_that_all_is_well_is_whole(fine: dict[str, Any]) -> None:
    assert reason(listing("a", **fine)) is None


@needs_cases
@pytest.mark.parametrize("file", sorted(CASES.glob("03-page-one-of-a-list/*.json")), ids=lambda file: file.stem)
def test_no_first_page_of_the_field_is_a_whole_list(file: Any) -> None:
    assert reason(file.read_bytes()) is not None


TWICE: dict[str, tuple[bytes, FailureReason | None]] = {
    "data": (b'{"data":[{"id":"a"},{"id":"b"}],"data":[{"id":"a"}]}', FailureReason.INVALID_SHAPE),
    "has_more": (b'{"data":[{"id":"a"}],"has_more":true,"has_more":false}', FailureReason.TRUNCATED),
    "next": (b'{"data":[{"id":"a"}],"next":null,"next":"/b"}', FailureReason.TRUNCATED),
    "total": (b'{"data":[{"id":"a"}],"total":1,"total":9}', FailureReason.TRUNCATED),
    "error": (b'{"data":[{"id":"a"}],"error":null,"error":"x"}', FailureReason.INVALID_SHAPE),
    "equal": (b'{"data":[{"id":"a"}],"data":[{"id":"a"}],"has_more":false,"has_more":false}', None),
}


@pytest.mark.parametrize("what", TWICE)
def test_what_a_list_states_twice_and_not_alike_is_not_certain(what: str) -> None:
    content, expected = TWICE[what]
    assert reason(content) is expected


def test_an_item_that_states_its_id_twice_has_none() -> None:
    reading = read(b'{"data":[{"id":"a","id":"b"},{"id":"c"}]}', "s")
    assert {subject.name for subject in reading.facts} == {"c"}
    assert [refusal.about for refusal in reading.refused] == [(ANYTHING,)]


@pytest.mark.parametrize(
    ("item", "field"),
    [
        (b'"shutdown_date":"2026-12-01","shutdown_date":"2027-12-01"', "shutdown_date"),
        (b'"owned_by":"x","owned_by":"y"', "owned_by"),
        (b'"replacement":"x","replacement":"y"', "replacement"),
        (b'"caps":{"a":1,"a":2}', "caps"),
    ],
)
def test_a_field_that_is_stated_twice_is_unclear_and_no_fact(item: bytes, field: str) -> None:
    reading = read(b'{"data":[{"id":"a",' + item + b"}]}", "s")
    subject = Subject("s", "a")
    assert reading.facts == {subject: {"listed": True}}
    assert reading.unclear == {Fact(subject, field)}


@needs_cases
@pytest.mark.parametrize("file", sorted(CASES.glob("09-key-twice/list_*.json")), ids=lambda file: file.stem)
def test_of_the_lists_of_the_field_nothing_is_read_that_is_stated_twice(file: Any) -> None:
    try:
        reading = read(file.read_bytes(), "s")
    except ListProblem:
        return
    assert all(fields == {"listed": True} for fields in reading.facts.values())
    assert reading.unclear


@pytest.mark.parametrize("count", [ITEMS, ITEMS + 1])
def test_a_list_has_so_many_items_and_not_one_more(count: int) -> None:
    content = b'{"data":[' + b",".join(b'{"id":"m%d"}' % number for number in range(count)) + b"]}"
    if count <= ITEMS:
        assert len(read(content, "s").facts) == count
        return
    with pytest.raises(ListProblem) as problem:
        read(content, "s")
    assert problem.value.swollen


@pytest.mark.parametrize("value", [b"{}", b"[]", b"1"])
def test_what_would_fill_the_memory_once_parsed_is_not_parsed(value: bytes) -> None:
    with pytest.raises(ListProblem) as problem:
        read(b'{"data":[' + b",".join([value] * (VALUES + 1)) + b"]}", "s")
    assert problem.value.swollen


# -- following ---------------------------------------------------------------


def observe(server: LoopbackServer, http: HttpClient, known: Known | None = None) -> Any:
    from test_models_list import SPEC

    surface = Surface(key="openai", base_url=server.url + "/v1", provider="openai")
    return ModelsList(SPEC, surface, http, lambda _: "").observe(NOW, known)


def serve(server: LoopbackServer, pages: dict[str, bytes], **headers: dict[str, str]) -> None:
    """Answer by the query of each request."""

    def script(handler: Any) -> None:
        query = handler.path.partition("?")[2]
        handler.reply(pages.get(query, b"{}"), 200 if query in pages else 404, **headers.get(query or "first", {}))

    server.script = script


@pytest.mark.parametrize(
    ("first", "query"),
    [
        (listing("a", "b", has_more=True, last_id="b"), "after=b"),
        (listing("a", "b", has_more=True), "after=b"),
        (json.dumps({"data": [{"id": "a", "type": "model"}], "has_more": True, "last_id": "a"}).encode(), "after_id=a"),
        (listing("a", "b", links={"next": "/v1/models?offset=2"}, total=3), "offset=2"),
        (listing("a", "b", next="?page=2"), "page=2"),
        (listing("a", "b", next=2), "page=2"),
        (listing("a", "b", next_page=2), "page=2"),
        (listing("a", "b", nextPageToken="t/1="), "pageToken=t%2F1%3D"),
        (listing("a", "b", next_page_token="t"), "page_token=t"),
        (listing("a", "b", NextToken="t"), "NextToken=t"),
        (listing("a", "b", response_metadata={"next_cursor": "t"}), "cursor=t"),
        (listing("a", "b", paging={"cursors": {"before": "a", "after": "b"}}), "after=b"),
        (listing("a", "b", pageInfo={"hasNextPage": True, "endCursor": "t"}), "after=t"),
        (listing("a", "b", page={"next": {"cursor": "t"}}), "cursor=t"),
        (listing("a", "b", metadata={"continue": "t"}), "continue=t"),
        (listing("a", "b", continuationToken="t"), "continuationToken=t"),
        (listing("a", "b", total=3, page=1, per=2), "page=2"),
        (listing("a", "b", pagination={"current_page": 1, "total_pages": 2}), "page=2"),
        (listing("a", "b", last=False, number=0, totalPages=2), "page=1"),
        (listing("a", "b", total=3, offset=0, limit=2), "offset=2"),
        (listing("a", "b", has_more=True, last_id="b", page=1), "after=b"),
    ],
)
def test_a_list_is_followed_to_its_end(server: LoopbackServer, http: HttpClient, first: bytes, query: str) -> None:
    serve(server, {"": first, query: listing("c", has_more=False)})
    seen = observe(server, http)
    assert isinstance(seen, Snapshot)
    assert "c" in {subject.name for subject in seen.facts}
    assert [path.partition("?")[2] for path, _ in server.requests] == ["", query]
    assert first in seen.body.content, "each page is kept as it was received"
    assert (seen.body.etag, seen.body.last_modified) == ("", ""), "no server vouches for more than a page"
    again = observe(server, http, Known(sha256=seen.body.sha256))
    assert isinstance(again, Unchanged)


def test_pages_are_followed_until_as_many_items_came_as_the_list_counts(
    server: LoopbackServer, http: HttpClient
) -> None:
    around = {"total": 5, "limit": 2}
    serve(
        server,
        {
            "": listing("a", "b", offset=0, **around),
            "offset=2": listing("c", "d", offset=2, **around),
            "offset=4": listing("e", offset=4, **around),
        },
    )
    assert {subject.name for subject in observe(server, http).facts} == set("abcde")


@pytest.mark.parametrize("around", [{"nextPageToken": "t"}, {"total": 9, "page": 1}, {"total": 9, "offset": 0}])
def test_a_server_that_ignores_how_it_is_asked_for_more_gave_no_whole_list(
    around: dict[str, Any], server: LoopbackServer, http: HttpClient
) -> None:
    server.script = lambda handler: handler.reply(listing("a", "b", **around))
    assert observe(server, http).reason is FailureReason.TRUNCATED
    assert len(server.requests) == 2


def test_a_page_number_in_a_header_is_followed(server: LoopbackServer, http: HttpClient) -> None:
    serve(server, {"": listing("a"), "page=2": listing("b")}, first={"X-Next-Page": "2"})
    assert len(observe(server, http).facts) == 2


GOOGLE = [
    {"models": [{"name": "models/gemini-a", "version": "001"}], "nextPageToken": "t"},
    {"publisherModels": [{"name": "publishers/google/models/gemini-a"}], "nextPageToken": "t"},
]


@pytest.mark.parametrize("first", GOOGLE)
def test_a_list_of_google_names_its_models_and_is_followed(
    first: dict[str, Any], server: LoopbackServer, http: HttpClient
) -> None:
    (name,) = first.keys() - {"nextPageToken"}
    last = {name: [{"name": first[name][0]["name"] + "-2"}]}
    serve(server, {"": json.dumps(first).encode(), "pageToken=t": json.dumps(last).encode()})
    names = {subject.name for subject in observe(server, http).facts}
    assert names == {first[name][0]["name"], last[name][0]["name"]}


@pytest.mark.parametrize(
    "items", [[{"name": "llama3:8b"}], [{"name": "models/a"}, {"name": "b"}], [{"name": "models/a"}, {"id": "b"}], [{}]]
)
def test_other_names_are_no_ids(items: list[dict[str, str]]) -> None:
    assert reason(json.dumps({"models": items}).encode()) is FailureReason.INVALID_SHAPE


def test_a_next_page_that_only_a_header_names_is_followed(server: LoopbackServer, http: HttpClient) -> None:
    pages = {"": listing("a"), "page=2": listing("b")}
    serve(server, pages, first={"Link": '</v1/models?page=9>; rel="last", </v1/models?page=2>; rel="next"'})
    assert len(observe(server, http).facts) == 2


@pytest.mark.parametrize("link", ["https://elsewhere.example/v1/models?page=2", "/v1/other?page=2", "p2"])
def test_a_link_to_another_place_is_not_followed(server: LoopbackServer, http: HttpClient, link: str) -> None:
    serve(server, {"": listing("a", next=link)})
    seen = observe(server, http)
    assert isinstance(seen, PollFailure)
    assert seen.reason is FailureReason.TRUNCATED
    assert seen.body is not None
    assert len(server.requests) == 1


def test_pages_that_repeat_themselves_end(server: LoopbackServer, http: HttpClient) -> None:
    server.script = lambda handler: handler.reply(listing("a", "b", has_more=True))
    assert observe(server, http).reason is FailureReason.TRUNCATED
    assert len(server.requests) == 2


def test_pages_without_end_end(server: LoopbackServer, http: HttpClient) -> None:
    server.script = lambda handler: handler.reply(listing(f"m{len(server.requests)}", has_more=True))
    assert observe(server, http).reason is FailureReason.TRUNCATED
    assert len(server.requests) == paging.PAGES


def test_pages_are_too_large_together(server: LoopbackServer, http: HttpClient) -> None:
    server.script = lambda handler: handler.reply(
        listing(f"m{len(server.requests)}", has_more=True, padding="x" * 400_000)
    )
    assert observe(server, http).reason is FailureReason.TOO_LARGE
    assert len(server.requests) == 3


def test_a_page_that_fails_fails_the_poll(server: LoopbackServer, http: HttpClient) -> None:
    serve(server, {"": listing("a", has_more=True)})
    assert observe(server, http).reason is FailureReason.NOT_FOUND


def test_items_are_counted_while_they_arrive(server: LoopbackServer, http: HttpClient) -> None:
    body = b'{"data":[' + b",".join([b'{"id":""}'] * (ITEMS + 1))
    server.script = lambda handler: handler.reply(body)
    seen = observe(server, http)
    assert isinstance(seen, PollFailure)
    assert (seen.swollen, seen.body) == (True, None)
