"""A provider, a folder and the installed program: what a story needs, and nothing of the package.

A story drives `access-monitor` as a user does and reads what a user reads: exit codes, `--json`, the messages that
arrived, files that other programs rely on. Nothing here imports the package, so that a story outlives every rebuilding
of it.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import takewhile
from pathlib import Path
from typing import Any

from preloaded import COMMAND, Child, Nursery
from waiting import until

PATIENCE = 120.0
"""Seconds until a wait gives up; a story that goes well never comes near it, on however slow a machine."""


@dataclass(frozen=True)
class Answer:
    """One HTTP answer of the provider; `body` is JSON unless it is text or bytes."""

    status: int = 200
    body: Any = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def bytes(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        return (self.body if isinstance(self.body, str) else json.dumps(self.body)).encode()


@dataclass(frozen=True)
class Request:
    """A request that the provider took."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Any
    query: str = ""


@dataclass(frozen=True)
class Message:
    """What arrived at an owner's destination."""

    title: str
    text: str
    destination: str

    @property
    def whole(self) -> str:
        return f"{self.title}\n{self.text}"

    @property
    def reason(self) -> str:
        """Why someone is told: the capitals that the title begins with."""
        words = self.title.split()
        return " ".join(takewhile(str.isupper, words))

    def offers(self, fallback: str) -> bool:
        """Return whether it says that this fallback may be used instead.

        What messages say in which words stands in golden files; this is the one place of the stories that reads a
        sentence.
        """
        allowed, denied = (
            f"its fallback {fallback} is {end}" in self.text for end in ("allowed", "not allowed either")
        )
        assert allowed is not denied, f"it says both or neither of {fallback}:\n{self.text}"
        return allowed


def no_such_model(model: str = "orion-2") -> Answer:
    """Return the refusal of a model that the project may not call, in OpenAI's words."""
    error = {
        "message": f"The model `{model}` does not exist or you do not have access to it.",
        "type": "invalid_request_error",
        "param": None,
        "code": "model_not_found",
    }
    return Answer(404, {"error": error})


def price_page(prices: Mapping[str, tuple[str, str]], before: str = "") -> str:
    """Return a pricing page in the official form: model → (input, output) in USD per 1M tokens; `before` stands above
    the table.
    """
    rows = "\n".join(f"| {model} | ${input} | ${output} |" for model, (input, output) in prices.items())
    return (
        f"# Pricing\n\n{before}\n\nPrices per 1M tokens.\n\n### Standard pricing data\n\n"
        f"| Model | Input | Output |\n| --- | --- | --- |\n{rows}\n"
    )


class Provider:
    """An OpenAI-shaped provider on loopback whose every answer a story may set, and the owners' webhook.

    `models` are the listed ones (ids or whole items), `prices` the page's rows. `answers` overrides: (method, path) →
    an answer, or a function of the request. Messages are taken at `/hook/NAME`.
    """

    def __init__(self) -> None:
        self.models: list[str | dict[str, Any]] = []
        self.prices: dict[str, tuple[str, str]] = {}
        self.page: str | None = None
        self.answers: dict[tuple[str, str], Answer | Callable[[Request], Answer]] = {}
        self.requests: list[Request] = []
        self.messages: list[Message] = []
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def hook(self, name: str = "platform") -> str:
        """Return a destination whose messages are kept."""
        return f"json://127.0.0.1:{self.port}/hook/{name}"

    def refuse(self, answer: Answer, *paths: str) -> None:
        """Answer every call route (or only these) with a refusal."""
        for path in paths or ("/v1/responses", "/v1/chat/completions", "/v1/embeddings"):
            self.answers["POST", path] = answer

    def count(self, path: str) -> int:
        """Return how often a path was asked."""
        return sum(request.path == path for request in list(self.requests))

    def answer(self, request: Request) -> Answer:
        self.requests.append(request)
        given = self.answers.get((request.method, request.path))
        if given is not None:
            return given(request) if callable(given) else given
        if request.path.startswith("/hook/"):
            name = request.path.removeprefix("/hook/")
            self.messages.append(Message(request.body.get("title", ""), request.body.get("message", ""), name))
            return Answer(200, "ok")
        items = [{"id": item} if isinstance(item, str) else item for item in self.models]
        items = [{"object": "model", "created": 1_770_000_000, "owned_by": "system", **item} for item in items]
        if request.path == "/v1/models":
            return Answer(200, {"object": "list", "data": items})
        if request.path.startswith("/v1/models/"):
            wanted = request.path.removeprefix("/v1/models/")
            return next((Answer(200, item) for item in items if item["id"] == wanted), no_such_model(wanted))
        if request.path == "/pricing.md":
            text = price_page(self.prices) if self.page is None else self.page
            return Answer(200, text, {"Content-Type": "text/markdown"})
        model = request.body.get("model", "") if isinstance(request.body, dict) else ""
        if request.path == "/v1/responses":
            return Answer(200, response(model))
        if request.path == "/v1/chat/completions":
            return Answer(200, _completion(model))
        return Answer(404, {"error": {"message": f"nothing is at {request.path}", "type": "invalid_request_error"}})


def response(model: str) -> dict[str, Any]:
    """Return an answer of the Responses API."""
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1_770_000_000,
        "status": "completed",
        "model": model,
        "output": [
            {
                "type": "message",
                "id": "msg_1",
                "role": "assistant",
                "status": "completed",
                "content": [{"type": "output_text", "text": "ok", "annotations": []}],
            }
        ],
        "service_tier": "default",
        "usage": {
            "input_tokens": 8,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": 1,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": 9,
        },
    }


def _completion(model: str) -> dict[str, Any]:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_770_000_000,
        "model": model,
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "ok"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 8, "completion_tokens": 1, "total_tokens": 9},
        "service_tier": "default",
    }


@contextmanager
def serving(provider: Provider) -> Iterator[Provider]:
    """Serve a provider on a free port of loopback."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            try:
                parsed = json.loads(body) if body else {}
            except ValueError:
                parsed = body
            path, _, query = self.path.partition("?")
            request = Request(self.command, path, dict(self.headers), parsed, query)
            answer = provider.answer(request)
            self.send_response(answer.status)
            headers = {"Content-Type": "application/json", **answer.headers, "Content-Length": str(len(answer.bytes))}
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.bytes)

        do_GET = do_POST = do_HEAD = do_DELETE = _any

        def log_message(self, format: str, *args: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

        def handle_error(self, request: Any, client_address: Any) -> None:
            pass  # a client that went away is no failure of the story

    server = Server(("127.0.0.1", 0), Handler)
    provider.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()


def heard() -> None:
    """Let a child hear Ctrl-C, also where the tests run behind `nohup` or in the background, which ignore it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@dataclass
class Result:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Daemon:
    """A running `access-monitor run`."""

    process: subprocess.Popen[bytes] | Child
    log: Path

    def said(self) -> str:
        return self.log.read_text(errors="replace")

    def lines(self, message: str = "") -> list[dict[str, Any]]:
        """Return its log's lines, or those with this message."""
        lines = [json.loads(line) for line in self.said().splitlines() if line.startswith("{") and line.endswith("}")]
        return [line for line in lines if not message or line["message"] == message]

    @property
    def url(self) -> str:
        """Where it answers over HTTP."""
        return str(self.lines("watching")[0]["http"])

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def ended(self) -> bool:
        return self.process.poll() is not None

    def stop(self) -> int:
        """End it as a service manager does, and return its exit code."""
        if not self.ended():
            self.signal(signal.SIGTERM)
            until(self.ended, f"the daemon ends:\n{self.said()[-2000:]}")
        return self.process.returncode


HEAD = """\
[database]
url = "sqlite:///{folder}/monitor.db"

[[surface]]
key = "openai"
base_url = "{url}/v1"
provider = "openai"
api_key = "env:PROVIDER_KEY"
{surface}
[[source]]
key = "openai-models"
kind = "models_list"
surface = "openai"
every = "1s"

[[source]]
key = "openai-pricing"
kind = "pricing_page"
url = "{url}/pricing.md"
provider = "openai"
every = "1s"
trust = "official"

[{confirmation}]
absence = {{{polls} = 2, span = "0s"}}
change = {{{polls} = 2, span = "0s"}}
gap = "0s"
recheck = "100ms"
hold = "1h"

[network]
allow = ["127.0.0.1"]

[web]
listen = "127.0.0.1:0"

[gate]
lease_dir = "{folder}/lease"

[[owner]]
key = "platform"
destinations = ["{hook}"]
"""

ENTRY = """
[[entry]]
key = "{key}"
name = "{name}"
surface = "openai"
model_id = "{model}"
owners = ["platform"]
{more}
"""


@dataclass
class Story:
    """A folder with a configuration, a provider, and the program between them."""

    folder: Path
    provider: Provider
    nursery: Nursery
    environ: dict[str, str] = field(default_factory=dict)
    daemons: list[Daemon] = field(default_factory=list)

    @property
    def config(self) -> Path:
        return self.folder / "monitor.toml"

    def configure(self, *parts: str, surface: str = "", **replaced: str) -> None:
        """Write the configuration: the head, with texts replaced, and the tables given."""
        head = HEAD.format(
            folder=self.folder,
            url=self.provider.url,
            hook=self.provider.hook(),
            surface=surface,
            confirmation="confirmation",
            polls="polls",
        )
        for old, new in replaced.items():
            assert old in head, old
            head = head.replace(old, new)
        self.config.write_text(head + "".join(parts))

    def entry(self, key: str = "orion", model: str = "orion-2", *, name: str = "Orion", more: str = "") -> str:
        """Return an entry's table."""
        return ENTRY.format(key=key, model=model, name=name, more=more)

    def run(self, *arguments: str, config: bool = True, **options: Any) -> Result:
        """Run the installed command to its end.

        Args:
            config: Whether it is told of the configuration.
            options: `cwd`, `env`, `input` (text) and `timeout` (seconds).
        """
        chosen = ["--config", str(self.config)] if config else []
        options = {"cwd": self.folder, "env": self._environ(), "timeout": PATIENCE, **options}
        ended = self.nursery.run([*chosen, *arguments], **options)
        assert "Traceback" not in ended.stderr, ended.stderr
        return Result(ended.returncode, ended.stdout, ended.stderr)

    def shell(self, line: str) -> Result:
        """Run a line of a shell, in which `access-monitor` is the installed command under this configuration."""
        environ = {**self._environ(), "ACCESS_MONITOR_CONFIG": str(self.config)}
        environ["PATH"] = f"{COMMAND.parent}{os.pathsep}{environ.get('PATH', os.defpath)}"
        done = subprocess.run(
            ["sh", "-c", line],
            cwd=self.folder,
            env=environ,
            timeout=PATIENCE,
            capture_output=True,
            text=True,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return Result(done.returncode, done.stdout, done.stderr)

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[bytes]:
        """Start the installed command and leave it running. `options` are those of `subprocess.Popen`."""
        command = [str(COMMAND), "--config", str(self.config), *arguments]
        return subprocess.Popen(command, cwd=self.folder, env=self._environ(), preexec_fn=heard, **options)

    def must(self, *arguments: str, **options: Any) -> Result:
        """Run a command that has to succeed."""
        done = self.run(*arguments, **options)
        assert done.code == 0, f"{' '.join(arguments)}: {done.code}\n{done.out}\n{done.err}"
        return done

    def json(self, *arguments: str) -> Any:
        """Return what a command prints as JSON, whatever it ends with."""
        return self.run("--json", *arguments).json

    def poll(self, times: int = 1, *sources: str) -> Result:
        """Poll, some times in a row."""
        done = Result(0, "", "")
        for _ in range(times):
            done = self.run("poll", *sources)
        return done

    def status(self, key: str = "orion") -> dict[str, Any]:
        """Return the row of an entry in `status --json`."""
        rows: list[dict[str, Any]] = self.json("status")
        return next(row for row in rows if row["key"] == key)

    def events(self, *arguments: str) -> list[dict[str, Any]]:
        """Return what `events --format jsonl` prints."""
        printed = self.must("events", "--limit", "100000", "--format", "jsonl", *arguments).out
        return [json.loads(line) for line in printed.splitlines()]

    def gate(self, key: str = "orion", *arguments: str) -> int:
        """Return the gate's exit code: 0 allowed, 1 denied, 75 not known."""
        return self.run("gate", key, *arguments).code

    def activate(self, key: str = "orion", *arguments: str) -> Result:
        return self.must("activate", key, "--by", "Ada L.", "--reason", "a story", *arguments)

    def messages(self, title: str = "") -> list[Message]:
        """Return what owners were told so far, or those messages whose title begins so."""
        return [message for message in list(self.provider.messages) if message.title.startswith(title)]

    def deliver(self) -> None:
        """Let a daemon send what is waiting, and end it. What it polls meanwhile is recorded as well."""
        with self.daemon():
            until(lambda: not self.json("outbox"), "everything is delivered")

    @contextmanager
    def daemon(self, *arguments: str, wrapper: Sequence[str] = (), **environ: str) -> Iterator[Daemon]:
        """Provide the daemon, watching; stopped at the end. `wrapper` stands before the command, such as `faketime`."""
        log = self.folder / f"daemon-{len(self.daemons) + 1}.log"
        environment = {**self._environ(), **environ}
        process: subprocess.Popen[bytes] | Child
        with log.open("wb") as out, open(os.devnull) as nothing:
            if self.nursery.takes(environment) and not wrapper:
                words = ["--config", str(self.config), "run", *arguments]
                process = self.nursery.start(words, cwd=self.folder, env=environment, stdin=nothing, out=out, err=out)
            else:
                process = subprocess.Popen(
                    [*wrapper, str(COMMAND), "--config", str(self.config), "run", *arguments],
                    cwd=self.folder,
                    env=environment,
                    stdin=nothing,
                    stdout=out,
                    stderr=subprocess.STDOUT,
                )
        daemon = Daemon(process, log)
        self.daemons.append(daemon)
        try:
            until(lambda: daemon.lines("watching") or daemon.ended(), f"the daemon watches:\n{daemon.said()[-2000:]}")
            assert not daemon.ended(), daemon.said()
            yield daemon
        finally:
            daemon.stop()

    def _environ(self) -> dict[str, str]:
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith(("ACCESS_MONITOR", "OPENAI_"))
        }
        return {**inherited, "PROVIDER_KEY": "sk-story-0123456789abcdef", **self.environ}


BEHAVIOUR = """
[[source]]
key = "openai-behaviour"
kind = "behaviour"
surface = "openai"
routes = [{routes}]
every = "1s"
"""


def behaviour(*routes: str) -> str:
    """Return a behaviour source that asks these routes of each entry's model."""
    return BEHAVIOUR.format(routes=", ".join(json.dumps(route) for route in routes))
