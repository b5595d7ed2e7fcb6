"""What the pages cost beside 500 entries and 50,000 events: the first page over a bare template of the same rows, and
the memory of a client that follows the log.

    python bench/pages.py [page|clients …] [--entries N] [--events N] [--clients N]

The bare template is a table of the same cells, rendered by Jinja2 from values in memory. The clients are connections of
server-sent events to the daemon's own server in a process of its own.
"""

from __future__ import annotations

import argparse
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from _common import ROOT, Row, chosen, interleaved, milliseconds, report
from jinja2 import Environment

sys.path.insert(0, str(ROOT / "tests" / "support"))

from pipeline_world import World
from served_desk import large_world, served_world

ROUNDS = 15
SETTLE = 3.0
"""Seconds in which a server has sent what a new client is sent first."""

LIMITS = {"page": 4.0, "clients": 0.25}
"""Times the bare template; MiB a client."""

BARE = """<!doctype html><title>Registry</title><table>
{% for row in rows %}<tr class="{{ row.kind }}">
<td><a href="/entries/{{ row.key|urlencode }}">{{ row.name or row.key }}</a>
<td>{{ row.production.allowed }}<td>{{ row.state }}<td>{{ row.since }}<td>{{ row.model_id }}<td>{{ row.surface }}
<td>{{ row.owners|join(", ") }}<td>{{ row.fallback }}<td>{{ row.price.input }} / {{ row.price.output }}
<td>{{ row.spark }}<td>{{ row.verified_at }}<td>{{ row.blanks }}</tr>
{% endfor %}</table>"""


def page(entries: int, events: int) -> Row:
    """Measure the first page, from the store to HTML, over the bare template."""
    with large_world(entries, events) as world:
        ours, rows = _first_page(world)
        template = Environment(autoescape=True).from_string(BARE)
        full, bare = interleaved(ours, lambda: template.render(rows=rows), ROUNDS)
    return Row(
        what=f"first page, {entries} entries and {events} events, over a bare template of its rows",
        ours=milliseconds(full),
        bare=milliseconds(bare),
        figure=full / bare,
        limit=LIMITS["page"],
    )


def _first_page(world: World) -> tuple[Callable[[], str], Any]:
    """Return what draws the first page, and the rows that it shows."""
    from desk_world import api_of

    from monitor.web.api.resources import Desk
    from monitor.web.pages.frame import drawn
    from monitor.web.pages.service import Pages
    from monitor.web.pages.views import Filters, registry

    Pages(api_of(world))  # makes the templates and their globals

    def values() -> dict[str, Any]:
        with world.store.read() as reader:
            desk = Desk(reader=reader, configuration=world.conf, now=world.now, zone=None)
            frame = {
                "title": "Registry",
                "current": "Registry",
                "of_now": False,
                "now": desk.now,
                "head": reader.head(),
            }
            return {**frame, **registry(desk, {}, Filters())}

    return lambda: drawn("registry.html", values()), values()["rows"]


def clients(count: int) -> Row:
    """Measure how much the server grows by each client that follows the log."""
    process = subprocess.Popen(
        [sys.executable, __file__, "--serve"], stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert process.stdout is not None
    try:
        port = int(process.stdout.readline())
        request = b"GET /v1/events HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n"
        with ExitStack() as stack:
            _follow(stack, port, request, 5)  # what is made once, at the first
            before = _resident(process.pid)
            _follow(stack, port, request, count)
            after = _resident(process.pid)
    finally:
        process.terminate()
        process.wait()
    return Row(
        what=f"memory of a client that follows the log, of {count}",
        ours=f"{after:.1f} MiB",
        bare=f"{before:.1f} MiB",
        figure=(after - before) / count,
        limit=LIMITS["clients"],
        unit="MiB",
    )


def _follow(stack: ExitStack, port: int, request: bytes, count: int) -> None:
    for _ in range(count):
        connection = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=60))
        connection.sendall(request)
        if not connection.recv(4096).startswith(b"HTTP/1.1 200"):
            raise SystemExit("the server follows the log for nobody")
    time.sleep(SETTLE)


def _resident(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"^VmRSS:\s+(\d+) kB", status, re.MULTILINE)
    assert found is not None, "this needs Linux"
    return int(found[1]) / 1024


def serve() -> None:
    """Serve a world until the process is ended."""
    with (
        tempfile.TemporaryDirectory() as folder,
        large_world(20, 1000) as world,
        served_world(world, Path(folder)) as url,
    ):
        print(url.rpartition(":")[2], flush=True)
        sys.stdin.read()


def main() -> int:
    if sys.argv[1:2] == ["--serve"]:
        serve()
        return 0
    parser = argparse.ArgumentParser(description="What the pages cost.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="page, clients; both unless given")
    parser.add_argument("--entries", type=int, default=500)
    parser.add_argument("--events", type=int, default=50_000)
    parser.add_argument("--clients", type=int, default=200)
    options = parser.parse_args()
    cases = {
        "page": lambda: page(options.entries, options.events),
        "clients": lambda: clients(options.clients),
    }
    return report([cases[name]() for name in chosen(LIMITS, options.names)])


if __name__ == "__main__":
    sys.exit(main())
