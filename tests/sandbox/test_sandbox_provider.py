"""The provider as the real SDK and a plain HTTP client meet it."""

from __future__ import annotations

import json
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx2
import openai
import pytest
from openai import OpenAI
from sandbox_clients import Clients

from monitor.sandbox import API_KEY, Sandbox, Target

LONG = "word " * 900


def test_the_sdk_lists_what_the_step_lists(clients: Clients) -> None:
    before = [model.id for model in clients.openai.models.list()]
    clients.go_to("2026-07-09")
    after = [model.id for model in clients.openai.models.list()]
    assert len(before) >= 12
    assert set(after) - set(before) == {"gpt-5.6-sol", "gpt-5.6-terra", "gpt-5.6-luna"}
    assert clients.list().json()["data"][-1].keys() == {"id", "object", "created", "owned_by", "shutdown_date"}


def test_a_model_is_retrievable_and_callable_only_once_it_is_listed(clients: Clients) -> None:
    clients.go_to("2026-06-26")
    for ask in (
        lambda: clients.openai.models.retrieve("gpt-5.6-luna"),
        lambda: clients.openai.responses.create(model="gpt-5.6-luna", input="ping"),
        lambda: clients.openai.chat.completions.create(
            model="gpt-5.6-luna", messages=[{"role": "user", "content": "ping"}]
        ),
    ):
        with pytest.raises(openai.NotFoundError) as refusal:
            ask()
        assert refusal.value.code == "model_not_found"
        assert refusal.value.body == {
            "message": "The model `gpt-5.6-luna` does not exist or you do not have access to it.",
            "type": "invalid_request_error",
            "param": None,
            "code": "model_not_found",
        }
    clients.go_to("2026-07-09")
    assert clients.openai.models.retrieve("gpt-5.6-luna").created == 1783555200
    assert clients.openai.responses.create(model="gpt-5.6-luna", input="ping").output_text == "pong"


def test_without_a_key_and_with_a_wrong_one_the_door_stays_shut_and_nothing_is_counted(clients: Clients) -> None:
    missing = clients.http.get(clients.sandbox.base_url + "/models")
    assert missing.status_code == 401
    assert missing.json() == {
        "error": {
            "message": "Missing bearer authentication in header",
            "type": "invalid_request_error",
            "param": None,
            "code": None,
        }
    }
    with pytest.raises(openai.AuthenticationError) as refusal:
        clients.openai.with_options(api_key="sk-other").models.list()
    assert refusal.value.code == "invalid_api_key"
    assert "sk-other" not in refusal.value.response.text
    assert clients.sandbox.requests[Target.LIST] == 0


def test_responses_state_usage_tier_and_the_headers_that_a_monitor_records(clients: Clients) -> None:
    raw = clients.openai.responses.with_raw_response.create(
        model="gpt-5.4-mini", input="ping", service_tier="priority", max_output_tokens=16, store=False
    )
    answer = raw.parse()
    assert answer.status == "completed"
    assert answer.service_tier == "priority"
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens
    assert raw.request_id is not None
    assert raw.request_id.startswith("req_")
    assert raw.headers["openai-processing-ms"].isdigit()
    assert raw.headers["x-ratelimit-remaining-requests"] == "4999"


def test_chat_answers_as_one_document_and_as_a_stream_with_usage(clients: Clients) -> None:
    whole = clients.openai.chat.completions.create(
        model="gpt-5.4-mini", messages=[{"role": "user", "content": "ping"}], max_completion_tokens=16
    )
    assert whole.choices[0].message.content == "pong"
    assert whole.service_tier == "default"
    chunks = list(
        clients.openai.chat.completions.create(
            model="gpt-5.4-mini",
            messages=[{"role": "user", "content": "ping"}],
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == "pong"
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"
    assert chunks[-1].usage == whole.usage


def test_a_stream_states_no_usage_unless_asked(clients: Clients) -> None:
    chunks = list(
        clients.openai.chat.completions.create(
            model="gpt-5.4-mini", messages=[{"role": "user", "content": "ping"}], stream=True
        )
    )
    assert len(chunks) == 4
    assert all(chunk.usage is None for chunk in chunks)


def test_a_long_prefix_is_written_to_the_cache_once_and_then_read(clients: Clients) -> None:
    clients.go_to("2026-07-09")

    def ask(model: str, last: str) -> tuple[int, int]:
        content = [
            {"type": "input_text", "text": LONG, "prompt_cache_breakpoint": {"mode": "explicit"}},
            {"type": "input_text", "text": last},
        ]
        usage = clients.openai.responses.create(
            model=model,
            input=[{"role": "user", "content": content}],  # type: ignore[list-item]
            extra_body={"prompt_cache_options": {"mode": "explicit"}},
        ).usage
        assert usage is not None
        details = usage.input_tokens_details.to_dict()
        return int(str(details["cache_write_tokens"])), int(str(details["cached_tokens"]))

    assert ask("gpt-5.6-luna", "ping 1") == (1125, 0)
    assert ask("gpt-5.6-luna", "ping 2") == (0, 1125)
    assert ask("gpt-5.4-mini", "ping 1") == (0, 0), "an earlier model has no price for writing"
    assert ask("gpt-5.4-mini", "ping 2") == (0, 1125)


def test_without_breakpoints_a_long_prompt_is_cached_in_whole_steps_and_a_short_one_never(clients: Clients) -> None:
    def cached(prompt: str) -> int:
        usage = clients.openai.chat.completions.create(
            model="gpt-5.4-mini", messages=[{"role": "user", "content": prompt}]
        ).usage
        assert usage is not None
        assert usage.prompt_tokens_details is not None
        return usage.prompt_tokens_details.cached_tokens or 0

    assert [cached(LONG), cached(LONG)] == [0, 1024]
    assert [cached("ping"), cached("ping")] == [0, 0]


@pytest.mark.parametrize(
    ("path", "body", "code", "param"),
    [
        ("responses", {"input": "ping", "max_output_tokens": 1}, "integer_below_min_value", "max_output_tokens"),
        ("responses", {"input": "ping", "temperature": 0.3}, "unsupported_value", "temperature"),
        ("responses", {"input": "ping", "service_tier": "warp"}, None, "service_tier"),
        ("responses", {"input": "ping", "stream": True}, "unsupported_value", "stream"),
        ("responses", {}, "missing_required_parameter", "input"),
        ("chat/completions", {}, "missing_required_parameter", "messages"),
        ("chat/completions", {"messages": [{}], "max_tokens": 5}, "unsupported_parameter", "max_tokens"),
    ],
)
def test_a_rejected_parameter_is_400_and_names_itself(
    clients: Clients, path: str, body: dict[str, object], code: str | None, param: str
) -> None:
    answer = clients.http.post(
        f"{clients.sandbox.base_url}/{path}",
        json={"model": "gpt-5.4-mini", **body},
        headers={"Authorization": f"Bearer {API_KEY}"},
    )
    assert answer.status_code == 400
    assert (answer.json()["error"]["code"], answer.json()["error"]["param"]) == (code, param)


def test_a_tier_is_refused_where_the_page_states_no_price_for_it(clients: Clients) -> None:
    with pytest.raises(openai.BadRequestError, match="service_tier"):
        clients.openai.responses.create(model="gpt-4.1", input="ping", service_tier="flex")
    answer = clients.openai.responses.create(model="gpt-5.4-mini", input="ping", service_tier="flex")
    assert answer.service_tier == "flex"


def test_an_embedding_model_is_listed_and_cannot_chat(clients: Clients) -> None:
    assert clients.openai.models.retrieve("text-embedding-3-small").object == "model"
    with pytest.raises(openai.NotFoundError, match="not a chat model"):
        clients.openai.chat.completions.create(
            model="text-embedding-3-small", messages=[{"role": "user", "content": "ping"}]
        )


@pytest.mark.parametrize("body", [b"", b"[1]", b'{"model": ', b"\xff"])
def test_a_body_that_is_no_json_object_is_400(clients: Clients, body: bytes) -> None:
    for path in ("responses", "chat/completions"):
        answer = clients.http.post(
            f"{clients.sandbox.base_url}/{path}", content=body, headers={"Authorization": f"Bearer {API_KEY}"}
        )
        assert answer.status_code == 400
        assert answer.json()["error"]["type"] == "invalid_request_error"


def test_an_unknown_path_and_a_wrong_method_answer_in_the_envelope(clients: Clients) -> None:
    headers = {"Authorization": f"Bearer {API_KEY}"}
    unknown = clients.http.get(clients.sandbox.base_url + "/nothing", headers=headers)
    wrong = clients.http.delete(clients.sandbox.base_url + "/models", headers=headers)
    assert (unknown.status_code, wrong.status_code) == (404, 405)
    assert unknown.json()["error"]["message"] == "Invalid URL (GET /v1/nothing)"
    assert wrong.json()["error"]["message"].startswith("Not allowed to DELETE on /v1/models.")


@pytest.mark.parametrize("door", ["list", "page"])
def test_list_and_page_answer_304_to_who_has_them_until_they_change(clients: Clients, door: str) -> None:
    ask = clients.list if door == "list" else clients.page
    first = ask()
    etag, modified = first.headers["etag"], first.headers["last-modified"]
    assert modified == "Thu, 25 Jun 2026 00:00:00 GMT"
    for headers in ({"If_None_Match": etag}, {"If_None_Match": f'"x", W/{etag}'}, {"If_Modified_Since": modified}):
        unchanged = ask(**headers)
        assert (unchanged.status_code, unchanged.content) == (304, b"")
        assert unchanged.headers["etag"] == etag
    assert ask(If_None_Match='"other"', If_Modified_Since=modified).status_code == 200, "the ETag decides alone"
    clients.go_to("2026-07-09")
    for headers in ({"If_None_Match": etag}, {"If_Modified_Since": modified}):
        assert ask(**headers).status_code == 200


def test_a_list_that_did_not_change_keeps_its_validators_over_a_step_that_moved_only_prices(clients: Clients) -> None:
    clients.go_to("2026-07-25")
    before = clients.list(), clients.page()
    clients.go_to("2026-07-30")
    after = clients.list(), clients.page()
    assert before[0].headers["last-modified"] == after[0].headers["last-modified"]
    assert before[0].headers["etag"] == after[0].headers["etag"]
    assert before[1].headers["etag"] != after[1].headers["etag"]
    assert before[1].headers["last-modified"] != after[1].headers["last-modified"]


def test_one_connection_carries_many_requests_also_refused_ones_with_a_body(clients: Clients) -> None:
    with socket.create_connection(("127.0.0.1", clients.sandbox.port), timeout=5) as line:
        stream = line.makefile("rb")
        for _ in range(3):
            line.sendall(
                b"POST /v1/responses HTTP/1.1\r\nHost: sandbox\r\nContent-Length: 14\r\n\r\n" + b'{"model": "x"}'
            )
            assert stream.readline() == b"HTTP/1.1 401 Unauthorized\r\n"
            length = 0
            while (header := stream.readline()) != b"\r\n":
                name, _, value = header.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
            assert json.loads(stream.read(length))["error"]["type"] == "invalid_request_error"
        stream.close()


def test_a_body_of_unknown_or_absurd_length_is_refused_unread(clients: Clients) -> None:
    for length, status in ((b"Transfer-Encoding: chunked", b"411"), (b"Content-Length: 99999999", b"413")):
        with socket.create_connection(("127.0.0.1", clients.sandbox.port), timeout=5) as line:
            line.sendall(b"POST /v1/responses HTTP/1.1\r\nHost: sandbox\r\n" + length + b"\r\n\r\n")
            assert line.makefile("rb").readline().split()[1] == status


def test_it_listens_on_loopback_alone_and_another_one_beside_it_is_another_world() -> None:
    with Sandbox() as one, Sandbox() as other:
        one.advance()
        assert one.url.startswith("http://127.0.0.1:")
        assert one.port != other.port
        assert (one.timeline.index, other.timeline.index) == (1, 0)


def test_stopping_waits_for_no_idle_connection_and_frees_the_port() -> None:
    sandbox = Sandbox().start()
    port = sandbox.port
    with httpx2.Client(trust_env=False) as client:
        client.get(sandbox.pricing_url)
        sandbox.stop()  # an idle connection is kept for as long as its client likes: waiting for it would never end
        with pytest.raises(httpx2.TransportError):
            client.get(f"http://127.0.0.1:{port}/")
    assert "sandbox" not in {thread.name for thread in threading.enumerate()}
    sandbox.stop()
    with pytest.raises(RuntimeError, match="does not run"):
        _ = sandbox.port
    again = Sandbox().start(port)
    assert again.port == port
    with pytest.raises(RuntimeError, match="runs already"):
        again.start()
    again.stop()


def test_many_askers_at_once_are_each_counted_once() -> None:
    steps = Sandbox().timeline.steps[:1]
    with Sandbox(steps) as sandbox, httpx2.Client(trust_env=False, timeout=5) as client:
        sdk = OpenAI(base_url=sandbox.base_url, api_key=API_KEY, max_retries=0, http_client=client)
        with ThreadPoolExecutor(8) as pool:
            sizes = set(pool.map(lambda _: len(sdk.models.list().data), range(64)))
        assert sandbox.requests[Target.LIST] == 64
        assert len(sizes) == 1
