"""The sandbox as one object: a provider on loopback that plays a timeline, and takes the messages that
follow from it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType

from monitor.sandbox.faults import Fault, Target
from monitor.sandbox.gpt_5_6 import STEPS
from monitor.sandbox.provider import PAGE_PATH, REGION_PATH, WEBHOOK_PATH, Provider
from monitor.sandbox.server import LOOPBACK, SandboxServer
from monitor.sandbox.timeline import Timeline, TimelineCache, TimelineState, TimelineStep
from monitor.sandbox.webhook import Inbox, WebhookMessage


class Sandbox:
    """Serves from `start` to `stop`, or inside a `with` block. Safe for threads.

    Without `steps` it plays GPT-5.6. `hold` makes steps wait for the acts they name.
    """

    def __init__(self, steps: Sequence[TimelineStep] = STEPS, *, hold: bool = False) -> None:
        changed = threading.Condition()
        self.timeline = Timeline(steps, hold=hold, changed=changed)
        self._inbox = Inbox(changed)
        self._provider = Provider(self.timeline, self._inbox)
        self._server: SandboxServer | None = None
        self._thread: threading.Thread | None = None

    def start(self, port: int = 0) -> Sandbox:
        """Listen on a loopback port, a free one unless given, and return.

        Raises:
            OSError: the port is taken.
            RuntimeError: it runs already.
        """
        if self._server is not None:
            raise RuntimeError("the sandbox runs already")
        self._server = SandboxServer(port, self._provider)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), name="sandbox", daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop listening and end every connection; does nothing when it is not running."""
        server, thread = self._server, self._thread
        self._server = self._thread = None
        if server is not None and thread is not None:
            server.stop()
            thread.join()

    def __enter__(self) -> Sandbox:
        return self if self._server is not None else self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def port(self) -> int:
        """The port it listens on.

        Raises:
            RuntimeError: it does not run.
        """
        if self._server is None:
            raise RuntimeError("the sandbox does not run")
        return self._server.server_port

    @property
    def url(self) -> str:
        """The root, above which the control API stands (`/sandbox/state`)."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def base_url(self) -> str:
        """What an SDK takes as its base URL."""
        return f"{self.url}/v1"

    @property
    def region_url(self) -> str:
        """The base URL of the regional host."""
        return self.url + REGION_PATH

    @property
    def pricing_url(self) -> str:
        """The pricing page."""
        return self.url + PAGE_PATH

    @property
    def webhook_url(self) -> str:
        """Where messages are taken."""
        return self.url + WEBHOOK_PATH

    @property
    def messages(self) -> tuple[WebhookMessage, ...]:
        """The messages that were answered `ok`, in order."""
        return self._inbox.messages

    @property
    def current(self) -> TimelineStep:
        """The running step."""
        return self.timeline.current

    @property
    def state(self) -> TimelineState:
        """What is listed and priced now."""
        return self.timeline.state

    @property
    def ended(self) -> bool:
        """Whether the story is over."""
        return self.timeline.ended

    @property
    def requests(self) -> Mapping[Target, int]:
        """How many requests each door has seen."""
        return self.timeline.requests

    def advance(self) -> TimelineStep:
        """End the running step and return the next."""
        return self.timeline.advance()

    def release(self, act: str) -> None:
        """Say that the act was done which the running step is held for.

        Raises:
            ValueError: the running step does not wait for it.
        """
        self.timeline.release(act)

    def cache(self, cache: TimelineCache) -> None:
        """Let the prompt cache behave so from now on."""
        self.timeline.put_cache(cache)

    def fault(self, fault: Fault) -> None:
        """Let a fault stand."""
        self.timeline.put_fault(fault)

    def clear(self, target: Target | None = None) -> None:
        """Take away the faults of a target, all of them without one."""
        self.timeline.clear_faults(target)

    def wait_for(self, predicate: Callable[[], bool], timeout: float) -> bool:
        """Wait until `predicate` holds, asked after each request, message and act, at most `timeout` seconds; say
        whether it does.
        """
        return self.timeline.wait_for(predicate, timeout)
