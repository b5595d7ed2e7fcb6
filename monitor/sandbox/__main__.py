"""`python -m monitor.sandbox`: the sandbox as a process of its own, until it is interrupted or terminated."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Sequence

from monitor.sandbox.provider import API_KEY
from monitor.sandbox.sandbox import Sandbox


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM. The first line on stdout is the root URL."""
    parser = argparse.ArgumentParser(
        prog="python -m monitor.sandbox", description="An OpenAI-shaped provider on loopback."
    )
    parser.add_argument("--port", type=int, default=0, help="the port to listen on; a free one unless given")
    parser.add_argument("--hold", action="store_true", help="let steps wait for POST /sandbox/release")
    options = parser.parse_args(arguments)
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    sandbox = Sandbox(hold=options.hold)
    try:
        sandbox.start(options.port)
    except (OSError, OverflowError) as error:
        print(
            f"The sandbox cannot listen on port {options.port} ({error}); choose another with --port.", file=sys.stderr
        )
        return 1
    with sandbox:
        print(sandbox.url)
        print(
            f"API {sandbox.base_url} (key {API_KEY}), prices {sandbox.pricing_url}, webhook {sandbox.webhook_url}",
            flush=True,
        )
        stopping.wait()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
