"""The provider of the benches: pages and models lists from memory, over keep-alive, faster than anybody can ask.

Without validators, so that every answer is a whole body that has to be hashed. `/page/N`, `/html/N` and
`/list/N/models` are the same at every poll and differ by N, `/many/N/models` has N models; `/moving/…` differ at every
poll. Prints its port and serves until it is ended.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Iterator

PAGE = 15_000
LARGE = 340_000
"""Bytes, about."""

HEADER = (
    "Model | Short context input | Short context cached input | Short context output | Long context input | Long "
    "context output"
)
SECTIONS = ("Standard", "Batch", "Flex", "Priority")


PROSE = "What a model costs is said above, and how its tokens are counted is said on the page of the model.\n\n"


def rows(count: int, shift: int = 0) -> Iterator[tuple[str, ...]]:
    """Prices of `count` models; `shift` moves each third price by that many thousandths."""
    for number in range(count):
        cents = 1000 + 10 * number + (shift if number % 3 == 0 else 0)
        input, output = cents / 1000, cents / 250
        amounts = (input, input / 10, output, input * 2, output * 1.5)
        yield f"model-{number}", *(f"${amount:.5f}" for amount in amounts)


def page(*, count: int = 14, shift: int = 0, mark: str = "") -> bytes:
    """Return a pricing page in Markdown: four tables of `count` models, and prose."""
    lines = ["# Pricing", "", "Flagship models", "", "Prices per 1M tokens.", ""]
    for section in SECTIONS:
        lines += [
            section,
            "",
            f"### {section} pricing data",
            "",
            f"| {HEADER} |",
            "|" + " --- |" * (HEADER.count("|") + 1),
        ]
        lines += [f"| {' | '.join(row)} |" for row in rows(count, shift)]
        lines.append("")
    text = "\n".join(lines)
    return f"{text}\n{PROSE * ((PAGE - len(text)) // len(PROSE))}\nPage {mark}\n".encode()


def html(*, mark: str = "") -> bytes:
    """Return a pricing page in HTML: one table, some prose, and the state of its scripts, which makes up most of a real
    page.
    """
    cells = "".join("<tr>" + "".join(map('<td class="cell px-4">{}</td>'.format, row)) + "</tr>" for row in rows(40))
    head = "".join(f'<th scope="col">{title}</th>' for title in HEADER.split(" | "))
    table = f"<h3>Standard</h3><table><thead><tr>{head}</tr></thead><tbody>{cells}</tbody></table>"
    prose = '<div class="prose mt-4"><p>What <a href="/docs/models">a model</a> costs is said <em>above</em>.</p></div>'
    text = f"<h1>Pricing</h1><h2>Flagship models</h2><p>Prices per 1M tokens.</p>{table}{prose * 300}"
    state = "self.__next_f.push([1,'chunk of state']);"
    script = f"<script>{state * ((LARGE - len(text)) // len(state))}</script>"
    start = "<!DOCTYPE html><html><head><title>Pricing</title></head><body>"
    return f"{start}{text}{script}<footer>Page {mark}</footer></body></html>".encode()


def models(*, count: int = 178, shift: int = 0, mark: str = "") -> bytes:
    """Return a models list; with a `shift` every third model's context window moves. The time of the
    answer is no fact.
    """
    data = [
        {
            "id": f"model-{number}",
            "object": "model",
            "created": 1_700_000_000 + number,
            "owned_by": "system",
            **({"context_window": 100_000 + (shift if number % 3 == 0 else 0)} if shift else {}),
        }
        for number in range(count)
    ]
    return json.dumps({"object": "list", "request": mark, "data": data}).encode()


class Provider:
    """What is answered to a path. Bodies are made once and told apart by a piece of their own."""

    def __init__(self) -> None:
        self._still = {
            "page": (*page(mark="{}").split(b"{}"), b"text/markdown"),
            "html": (*html(mark="{}").split(b"{}"), b"text/html; charset=utf-8"),
            "list": (*models(mark="{mark}").split(b"{mark}"), b"application/json"),
        }
        self._polls = {"page": itertools.count(1), "list": itertools.count(1)}

    def answer(self, path: str) -> list[bytes]:
        _, kind, *rest = path.split("/")
        if kind == "moving":
            return self._moving(rest[0])
        if kind == "many":
            return _whole(models(count=int(rest[0])), b"application/json")
        before, after, content_type = self._still[kind]
        number = rest[0].encode()
        return [_head(len(before) + len(number) + len(after), content_type), before, number, after]

    def _moving(self, kind: str) -> list[bytes]:
        # What moves stands for three polls, so that it is confirmed and the baseline moves; the bytes differ at each of
        # them.
        poll = next(self._polls[kind])
        shift = poll // 3 % 200 + 1
        if kind == "page":
            return _whole(page(shift=shift, mark=str(poll)), b"text/markdown")
        return _whole(models(count=80, shift=shift, mark=str(poll)), b"application/json")


def _whole(body: bytes, content_type: bytes) -> list[bytes]:
    return [_head(len(body), content_type), body]


def _head(length: int, content_type: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n" % (content_type, length)


class Connection(asyncio.Protocol):
    """One connection, request after request; nothing but GET without a body is ever asked."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        *requests, self._received = (self._received + data).split(b"\r\n\r\n")
        for request in requests:
            self._transport.writelines(self._provider.answer(request.split(b" ", 2)[1].decode()))


async def serve() -> None:
    provider = Provider()
    server = await asyncio.get_running_loop().create_server(lambda: Connection(provider), "127.0.0.1", 0, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve())
