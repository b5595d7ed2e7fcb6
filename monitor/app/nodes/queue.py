"""Jobs by procrastinate, a queue in the same PostgreSQL. The only module that imports it.

It is asynchronous and gives up at the first error of its database, so it has a thread with a loop of its own, in which
it is begun again. A worker's heartbeat and every comparison of times is the server's: a node whose clock is wrong takes
over nothing early. Jobs are deleted when they end; what is worth keeping stands in `turns`.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Coroutine, Iterable, Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor
from concurrent.futures import TimeoutError as Late
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import psycopg
from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException
from procrastinate.jobs import Status
from procrastinate.schema import SchemaManager

from monitor.app.log_output import Troubles
from monitor.app.nodes.engine import DELIVERIES, Run
from monitor.core import logs
from monitor.core.nodes import SILENCE
from monitor.core.ports import Unavailable
from monitor.store import SqlStore
from monitor.store.patient import bounded

QUEUE = "access-monitor"
TASK = "turn"
HEARTBEAT = SILENCE.total_seconds() / 5
POLL = 1.0
"""Seconds after which a worker looks for jobs although nobody notified it, as after a failed one that waits again."""

ANSWER = 10.0
"""Seconds in which the engine's statements, each of one row, are answered."""

AGAIN = 1.0
"""Seconds after which a worker is begun again that had lost its database."""

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)

T = TypeVar("T")


class _Connection(psycopg.AsyncConnection[Any]):
    """A connection that is given up when it is not answered; but who listens for jobs waits for as long as none
    comes.
    """

    patience = ANSWER

    async def wait(self, gen: Any, *arguments: Any, **named: Any) -> Any:
        return await super().wait(bounded(gen, self.patience), *arguments, **named)

    async def notifies(self, **named: Any) -> AsyncIterator[psycopg.Notify]:  # type: ignore[override]
        self.patience = float("inf")
        try:
            async for notification in super().notifies(**named):
                yield notification
        finally:
            self.patience = ANSWER


class ProcrastinateEngine:
    """The port `DispatchEngine` on the database of a store."""

    def __init__(self, store: SqlStore) -> None:
        _, arguments = store.engine.dialect.create_connect_args(store.engine.url)
        self._store = store
        self._arguments = {"connect_timeout": round(ANSWER), **arguments}
        self._loop = asyncio.new_event_loop()
        self._app: App | None = None
        self._ending: asyncio.Event | None = None
        self._thread: threading.Thread | None = None
        self._troubles = Troubles()

    @contextmanager
    def working(self, run: Run, jobs: int) -> Iterator[None]:
        for name in ("procrastinate", "psycopg.pool"):  # what they say, with tracebacks, is said here in a sentence
            logging.getLogger(name).setLevel(logging.CRITICAL)
        self._make_schema()
        self._thread = threading.Thread(target=self._serve, args=[run, jobs], name="engine", daemon=True)
        self._thread.start()
        try:
            yield
        finally:
            self.rest(ANSWER)

    def rest(self, seconds: float) -> bool:
        thread, self._thread = self._thread, None
        if thread is None:
            return True
        with suppress(RuntimeError):  # the loop has ended by itself
            self._loop.call_soon_threadsafe(self._end)
        thread.join(seconds)
        return not thread.is_alive()

    def offer(self, names: Iterable[str]) -> None:
        self._do(self._offered(list(names)))

    def take_over(self) -> int:
        return self._do(self._taken_over())

    # -- in the loop's thread

    def _serve(self, run: Run, jobs: int) -> None:
        asyncio.set_event_loop(self._loop)
        # A worker that was given up leaves tasks that failed; why is said already.
        self._loop.set_exception_handler(lambda *_: None)
        with ThreadPoolExecutor(jobs + 2, thread_name_prefix="job") as threads:
            self._loop.set_default_executor(threads)
            self._loop.run_until_complete(self._work_on(run, jobs))
        self._loop.close()

    async def _work_on(self, run: Run, jobs: int) -> None:
        ending = self._ending = asyncio.Event()
        while not ending.is_set():
            try:
                await self._work(run, jobs, ending)
            except Exception as error:
                if self._troubles.begin("engine", f"engine: {type(error).__name__}"):
                    logs.line("the job queue is lost", level=logging.ERROR, reason=type(error).__name__)
            with suppress(TimeoutError):
                await asyncio.wait_for(ending.wait(), AGAIN)

    async def _work(self, run: Run, jobs: int, ending: asyncio.Event) -> None:
        connector = PsycopgConnector(
            kwargs=self._arguments, connection_class=_Connection, min_size=1, max_size=jobs + 4, timeout=ANSWER
        )
        app = App(connector=connector)
        app.task(name=TASK, queue=QUEUE)(run)
        async with app.open_async():
            self._app = app
            worker = asyncio.create_task(
                app.run_worker_async(
                    queues=[QUEUE],
                    concurrency=jobs,
                    install_signal_handlers=False,
                    delete_jobs="always",
                    fetch_job_polling_interval=POLL,
                    update_heartbeat_interval=HEARTBEAT,
                    stalled_worker_timeout=SILENCE.total_seconds(),
                )
            )
            stopped = asyncio.create_task(ending.wait())
            try:
                if self._troubles.end("engine"):
                    logs.line("the job queue works again")
                await asyncio.wait({worker, stopped}, return_when=asyncio.FIRST_COMPLETED)
                if not worker.done():
                    worker.cancel()
                with suppress(asyncio.CancelledError):
                    await worker
            finally:
                self._app = None
                stopped.cancel()
        if not ending.is_set():
            raise Unavailable("the worker ended")

    def _end(self) -> None:
        if self._ending is not None:
            self._ending.set()

    async def _offered(self, names: list[str]) -> None:
        app = self._opened()
        for name in names:
            job = app.configure_task(
                TASK,
                allow_unknown=False,
                queue=QUEUE,
                lock=name,
                queueing_lock=name,
                priority=int(name == DELIVERIES),
            )
            with suppress(AlreadyEnqueued):
                await job.defer_async(name=name)

    async def _taken_over(self) -> int:
        manager, count = self._opened().job_manager, 0
        for job in await manager.get_stalled_jobs(queue=QUEUE, seconds_since_heartbeat=SILENCE.total_seconds()):
            count += 1
            try:
                await manager.retry_job(job, retry_at=LONG_AGO)
            except ConnectorException:  # another one of this name waits, and does the same; or it has ended after all
                with suppress(ConnectorException):
                    await manager.finish_job(job, status=Status.FAILED, delete_job=True)
        return count

    # -- from other threads

    def _opened(self) -> App:
        if self._app is None:
            raise Unavailable(f"The job queue in the {self._store.name} is not connected: it is tried again.")
        return self._app

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        if self._thread is None or not self._loop.is_running():
            work.close()
            raise Unavailable(f"The job queue in the {self._store.name} has ended.")
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result(3 * ANSWER)
        except (ConnectorException, psycopg.Error, Late, CancelledError) as error:
            future.cancel()
            raise Unavailable(
                f"The job queue in the {self._store.name} could not be reached ({type(error).__name__}): see that the "
                "server runs."
            ) from None

    def _make_schema(self) -> None:
        """Make the queue's tables, or bring them up to date. Its releases keep what the one before them calls, so that
        nodes of both work side by side.
        """
        manager = SchemaManager
        changes = {path.name: path for path in Path(manager.get_migrations_path()).glob("*.sql")}
        self._store.make_tables(
            "procrastinate_jobs",
            manager.get_schema(),
            {name: path.read_text(encoding="utf-8") for name, path in changes.items()},
            self._store.turns.time(),
        )
