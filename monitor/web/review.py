"""The daemon's side of what the server was asked: deployments that wait for their answer, and counts that go into the
log.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime

from monitor.core import logs
from monitor.core.configuration import Deployment
from monitor.core.ports import ConfigurationError, NotSent, Sent
from monitor.gate.decision import Answer
from monitor.gate.github import CALLER, Reviews, post
from monitor.gate.uses import record
from monitor.web.answers import GateRequest, decided
from monitor.web.app import Endpoints
from monitor.web.memory import read_view
from monitor.web.ports import Host


def record_uses(endpoints: Endpoints, monitor: Host, *, ending: bool = False) -> None:
    """Write denials and first uses that are due.

    Raises:
        MonitorError: the store cannot be written; they wait.
    """
    written = record(monitor.store, endpoints.uses, monitor.clock(), ending=ending)
    if written:
        logs.line("uses recorded", events=written)


def answer_deployments(endpoints: Endpoints, monitor: Host, node: str, ended: Sequence[str] = ()) -> None:
    """Tell GitHub what the gate says of each deployment that is due, and keep what waits, under the name of this node.
    What waited here before a restart, or at nodes that have `ended`, is taken over first.

    Raises:
        MonitorError: the registry cannot be read; they wait.
    """
    reviews, now = endpoints.reviews, monitor.clock()
    if reviews is None:
        return
    for name in ended if reviews.saved is not None else (node, *ended):
        _take_over(reviews, monitor, node, name)
    if reviews.due(now):
        _answer_due(reviews, endpoints, monitor, now)
    _keep(reviews, monitor, node)


def _take_over(reviews: Reviews, monitor: Host, node: str, name: str) -> None:
    with monitor.store.read() as reader:
        waiting = reader.working_state(_name(name))
    reviews.take_back(waiting)
    if waiting and name != node:
        _keep(reviews, monitor, node)
        with monitor.store.write() as tx:
            tx.put_working_state(_name(name), "")


def _keep(reviews: Reviews, monitor: Host, node: str) -> None:
    waiting = reviews.kept()
    if waiting != (reviews.saved or ""):
        with monitor.store.write() as tx:
            tx.put_working_state(_name(node), waiting, monitor.clock())
    reviews.saved = waiting


def _name(node: str) -> str:
    return f"deployments {node}"


def _answer_due(reviews: Reviews, endpoints: Endpoints, monitor: Host, now: datetime) -> None:

    def decide(deployment: Deployment) -> Sequence[Answer]:
        asking, recencies = GateRequest(environment=deployment.environment, caller=CALLER), {}
        if deployment.max_age is not None:
            recencies = {key: monitor.poll_first(key, deployment.max_age) for key in deployment.entries}
        at = monitor.clock()
        view = read_view(monitor.store, monitor.configuration, at)
        answers = []
        for key in deployment.entries:
            result = decided(view, key, asking, at)
            answer = recencies[key].applied(result.answer, at) if key in recencies else result.answer
            endpoints.uses.note(answer, result.row, asking.environment, asking.caller, at)
            answers.append(answer)
        return answers

    def send(url: str, document: object) -> Sent | NotSent:
        try:
            return post(url, document, monitor.secret(monitor.settings.github.token))
        except ConfigurationError as error:
            return NotSent(reason=str(error))  # the token is written by another program, perhaps a moment later

    for review, outcome in reviews.answer_due(decide, send, now):
        _say(review.deployment, outcome)


def _say(deployment: Deployment, outcome: Sent | NotSent) -> None:
    repository, environment = deployment.repository, deployment.github_environment
    if isinstance(outcome, Sent):
        logs.line("deployment answered", repository=repository, environment=environment)
        return
    logs.line(
        "deployment not answered",
        level=logging.WARNING,
        repository=repository,
        environment=environment,
        reason=outcome.reason,
    )
