"""The installed command, without the second that every start of it spends on imports.

Run as a program it imports the whole package once, and forks a child for each order that comes through a socket:
folder, environment and arguments as JSON, with the three streams as descriptors. The child runs the entry point of the
installed distribution and ends as an interpreter ends, without the tidying of its memory. Nothing here knows what the
package holds, so that stories outlive every rebuilding of it. What an interpreter reads of its environment while it
starts (`PYTHON…`, the locale, preloaded libraries) no child can take over, but for more places of packages: such a
command is really started.
`ACCESS_MONITOR_TESTS=installed` starts every one, as `make proof` does.
"""

from __future__ import annotations

import array
import atexit
import functools
import gc
import importlib
import importlib.metadata
import json
import os
import pkgutil
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import IO, Any, NoReturn

DISTRIBUTION = "access-monitor"
PACKAGE = "monitor"
COMMAND = Path(sys.executable).with_name(DISTRIBUTION)
STARTING = ("PYTHON", "LC_", "LANG", "LD_")
"""How variables begin that count while an interpreter starts."""

PLACES = "PYTHONPATH"
"""Where packages are; a child takes over those that it adds in front."""

_PAUSE = threading.Event()
"""Never set: `wait` on it is a pause."""


class Child:
    """A command that a nursery started; the part of `subprocess.Popen` that tests use."""

    def __init__(self, nursery: Nursery, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._nursery = nursery

    def poll(self) -> int | None:
        if self.returncode is None:
            self.returncode = self._nursery.ask({"poll": self.pid})["code"]
        return self.returncode

    def wait(self, timeout: float = 120.0) -> int:
        """Wait for the end.

        Raises:
            subprocess.TimeoutExpired: It goes on for longer than `timeout` seconds.
        """
        end = time.monotonic() + timeout
        self._sleep(timeout)
        while (code := self.poll()) is None:
            if time.monotonic() > end:
                raise subprocess.TimeoutExpired(str(self.pid), timeout)
            _PAUSE.wait(0.004)
        return code

    def _sleep(self, timeout: float) -> None:
        """Sleep until it ends, where the system can tell: asking every few milliseconds costs as much as a command."""
        if self.returncode is None:
            with suppress(OSError, AttributeError), os.fdopen(os.pidfd_open(self.pid), "rb") as process:
                ending = select.poll()
                ending.register(process, select.POLLIN)
                ending.poll(timeout * 1000)

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class Nursery:
    """The program of this file, as a parent of commands that start at once. Safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._socket, theirs = socket.socketpair()
        with theirs:
            self._program = subprocess.Popen(
                [sys.executable, str(Path(__file__)), str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,  # whatever it is here, to a child it is no terminal
                start_new_session=True,  # Ctrl-C at the tests' terminal is not meant for it
                preexec_fn=_hearing,
            )
        self._environ = dict(os.environ)

    def takes(self, environ: Mapping[str, str]) -> bool:
        """Return whether a child can have this environment. To an interpreter an empty variable is none."""
        return (
            os.environ.get("ACCESS_MONITOR_TESTS") != "installed"
            and environ.get(PLACES, "").endswith(self._environ.get(PLACES, ""))
            and all(
                environ.get(name, "") == self._environ.get(name, "")
                for name in {*environ, *self._environ} - {PLACES}
                if name.startswith(STARTING)
            )
        )

    def start(
        self, arguments: Sequence[str], *, cwd: Path, env: Mapping[str, str], stdin: IO[Any], out: IO[Any], err: IO[Any]
    ) -> Child:
        """Start the command with these arguments. The streams may be closed afterwards."""
        order = {"arguments": list(arguments), "cwd": str(cwd), "environ": dict(env)}
        return Child(self, self.ask(order, [stdin.fileno(), out.fileno(), err.fileno()])["pid"])

    def run(
        self, arguments: Sequence[str], *, cwd: Path, env: Mapping[str, str], input: str = "", timeout: float = 120.0
    ) -> subprocess.CompletedProcess[str]:
        """Run the command to its end.

        Args:
            input: What it reads.
            timeout: Seconds until it is killed.
        Raises:
            subprocess.TimeoutExpired: It did not end by itself.
        """
        if not self.takes(env):
            return subprocess.run(
                [str(COMMAND), *arguments],
                cwd=cwd,
                env=env,
                input=input,
                timeout=timeout,
                capture_output=True,
                text=True,
                check=False,
            )
        with TemporaryFile("w+") as given, TemporaryFile("w+") as out, TemporaryFile("w+") as err:
            given.write(input)
            given.seek(0)
            child = self.start(arguments, cwd=cwd, env=env, stdin=given, out=out, err=err)
            try:
                code = child.wait(timeout)
            finally:
                child.kill()
            for stream in (out, err):
                stream.seek(0)
            return subprocess.CompletedProcess(child.pid, code, out.read(), err.read())

    def ask(self, order: dict[str, Any], descriptors: Sequence[int] = ()) -> dict[str, Any]:
        with self._lock:
            _send(self._socket, order, descriptors)
            answer, _ = _receive(self._socket)
        assert answer is not None, "the parent of the commands died"
        return answer

    def close(self) -> None:
        self._socket.close()
        self._program.wait(60)


def _hearing() -> None:
    """Let Ctrl-C be heard, also where the tests run behind `nohup` or in the background, which ignore it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _send(connection: socket.socket, value: dict[str, Any], descriptors: Sequence[int] = ()) -> None:
    content = json.dumps(value).encode()
    ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))] if descriptors else []
    connection.sendmsg([len(content).to_bytes(4, "big")], ancillary)
    connection.sendall(content)


def _receive(connection: socket.socket) -> tuple[dict[str, Any] | None, list[int]]:
    """Receive one value and the descriptors that came with it; None at the end."""
    head, descriptors, _, _ = socket.recv_fds(connection, 4, 3)
    if not head:
        return None, []
    size, content = int.from_bytes(head, "big"), b""
    while len(content) < size:
        content += connection.recv(size - len(content))
    return json.loads(content), descriptors


# -- the program -----------------------------------------------------------


def load() -> Callable[[], Any]:
    """Import all that a command imports on its way, sooner or later, and return the command."""
    (entry,) = (one for one in importlib.metadata.distribution(DISTRIBUTION).entry_points if one.name == DISTRIBUTION)
    package = importlib.import_module(entry.module.partition(".")[0])
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        with suppress(ImportError):  # what needs a package that is not installed here
            importlib.import_module(module.name)
    for name in ("alembic.command", "apprise", "openai", "psycopg", "sqlalchemy.dialects.postgresql.psycopg"):
        with suppress(ImportError):
            importlib.import_module(name)
    program: Callable[[], Any] = entry.load()
    warm(program)
    return program


CONFIGURATION = """
[database]
url = "sqlite:///{folder}/monitor.db"

[[surface]]
key = "away"
base_url = "http://127.0.0.1:9/v1"

[[source]]
key = "models"
kind = "models_list"
surface = "away"

[[owner]]
key = "nobody"
destinations = ["json://127.0.0.1:9/"]

[network]
allow = ["127.0.0.1"]
"""
"""A provider on a loopback port on which nobody listens."""

WARMING = (("poll",), ("status",), ("events",))


def warm(program: Callable[[], Any]) -> None:
    """Run some commands here, so that no child has to compile once more what they compile when it is first used:
    patterns, statements, the shapes of rows. It halves what a command takes.
    """
    before = sys.argv, sys.stdout, sys.stderr, sys.unraisablehook, signal.getsignal(signal.SIGINT)
    with TemporaryDirectory() as folder, open(os.devnull, "w") as nothing:
        configuration = Path(folder) / "monitor.toml"
        configuration.write_text(CONFIGURATION.format(folder=folder))
        for words in WARMING:
            sys.argv = [DISTRIBUTION, "--config", str(configuration), *words]
            sys.stdout = sys.stderr = nothing
            with suppress(SystemExit):
                program()
    sys.argv, sys.stdout, sys.stderr, sys.unraisablehook, interrupted = before
    signal.signal(signal.SIGINT, interrupted)


def become(order: dict[str, Any], descriptors: Sequence[int]) -> None:
    """Take over streams, folder, environment and arguments."""
    for number, descriptor in enumerate(descriptors):
        os.dup2(descriptor, number)
        if descriptor > 2:
            os.close(descriptor)
    os.chdir(order["cwd"])
    add(order["environ"].get(PLACES, "").removesuffix(os.environ.get(PLACES, "")).split(os.pathsep))
    os.environ.clear()
    os.environ.update(order["environ"])
    time.tzset()
    sys.argv = [DISTRIBUTION, *order["arguments"]]


def add(places: Sequence[str]) -> None:
    """Add places of packages, and forget what was looked up without them."""
    if not any(places):
        return
    sys.path[1:1] = filter(None, places)
    for name, module in list(sys.modules.items()):
        for value in list(vars(module).values()) if name.startswith(f"{PACKAGE}.") else ():
            if isinstance(value, functools._lru_cache_wrapper):
                value.cache_clear()


def child(connection: socket.socket) -> bool:
    """Take orders until the end, which is False; True in each child."""
    codes: dict[int, int | None] = {}
    while True:
        order, descriptors = _receive(connection)
        if order is None:
            for pid in (pid for pid, code in codes.items() if code is None):
                os.kill(pid, signal.SIGKILL)
            return False
        if "poll" in order:
            pid = order["poll"]
            if codes[pid] is None:
                ended, status = os.waitpid(pid, os.WNOHANG)
                codes[pid] = os.waitstatus_to_exitcode(status) if ended else None
            _send(connection, {"code": codes[pid]})
            continue
        pid = os.fork()
        if pid == 0:
            connection.close()
            become(order, descriptors)
            return True
        codes[pid] = None
        for descriptor in descriptors:
            os.close(descriptor)
        _send(connection, {"pid": pid})


def settle() -> None:
    """Get ready to fork, once everything is imported."""
    assert threading.active_count() == 1, "a fork would lose threads"
    gc.collect()
    gc.freeze()  # or the first collection in each child would copy all the memory that it shares


def end(program: Callable[[], Any]) -> NoReturn:
    """Run a program and end as an interpreter does, but for its last step: to take every module apart costs half a
    second here.
    """
    try:
        code = program()
    except SystemExit as ending:
        code = ending.code
    except BaseException:
        sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]
        code = 1
    if code is not None and not isinstance(code, int):
        print(code, file=sys.stderr)
        code = 1
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            code = 120
    os._exit((code or 0) & 0xFF)


def main() -> None:
    sys.path[0] = str(COMMAND.parent)  # where the installed command stands, and nothing of the tests
    program = load()
    settle()
    if child(socket.socket(fileno=int(sys.argv[1]))):
        end(program)


if __name__ == "__main__":
    main()
