"""The answers of one poll as one body of evidence, and what is read from them. No call is made here and no part is
known.

A poll of a part asks several questions, each perhaps over several pages. They are stored together as they were
received, so that the facts can be read from the evidence alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import NamedTuple

from monitor.core.facts import Body, Fact, FailureReason, Refusal, Subject, Value
from monitor.sources.json_text import NotJson, parse

OBJECT = "an object"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """One page of the answer to one question. `absent` says that the provider has no such thing (404 where that is an
    answer).
    """

    question: str
    content: bytes
    absent: bool = False


class AdminProblem(Exception):
    """Answers that may not be read, and why."""

    def __init__(self, reason: FailureReason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def body_of(answers: Iterable[Answered], url: str) -> Body:
    """Return the evidence: each answer as received, in the order of asking. Redacted before it comes here."""
    rows = [[response.question, response.absent, response.content.decode("utf-8", "replace")] for response in answers]
    content = json.dumps(rows, ensure_ascii=False, separators=(",", ":")).encode()
    return Body(
        content=content,
        sha256=sha256(content).hexdigest(),
        size=len(content),
        content_type="application/json",
        url=url,
    )


@dataclass(frozen=True, slots=True)
class Answers:
    """What was answered, by question."""

    pages: Mapping[str, tuple[Mapping[str, object], ...]]

    @classmethod
    def of(cls, content: bytes) -> Answers:
        """Read them back from the evidence.

        Raises:
            Problem: one of them is not a JSON object.
        """
        pages: dict[str, tuple[Mapping[str, object], ...]] = {}
        for question, absent, text in json.loads(content):
            mine = pages.setdefault(question, ())
            if not absent:
                pages[question] = (*mine, page(text.encode(), question))
        return cls(pages)

    def one(self, question: str) -> Mapping[str, object] | None:
        """Return the answer to a question that has one page; None where there is no such thing, or it was not asked."""
        pages = self.pages.get(question, ())
        return pages[0] if pages else None

    def items(self, question: str) -> Iterator[tuple[str, Mapping[str, object]]]:
        """Yield every item of every page, and where it stands.

        Raises:
            Problem: a page has no array `data`, or something in it is no object.
        """
        index = 0
        for document in self.pages.get(question, ()):
            for item in data_of(document, question):
                if not isinstance(item, dict):
                    raise AdminProblem(FailureReason.INVALID_SHAPE, f"{question}[{index}] is not {OBJECT}")
                yield f"{question}[{index}]", item
                index += 1


def page(content: bytes, question: str) -> Mapping[str, object]:
    """Return one page as JSON, fractions as decimals.

    Raises:
        Problem: it is no JSON object.
    """
    try:
        document = parse(content)
    except NotJson as error:
        raise AdminProblem(FailureReason.NOT_JSON, f"{question}: {error.reason}") from error
    if not isinstance(document, dict):
        raise AdminProblem(FailureReason.INVALID_SHAPE, f"{question}: the answer is not {OBJECT}")
    return document


def data_of(page: Mapping[str, object], question: str) -> list[object]:
    """Return the items of a page.

    Raises:
        Problem: `data` is missing, null or no array; that is never an empty list.
    """
    data = page.get("data")
    if not isinstance(data, list):
        kind = "null" if data is None else "no array"
        raise AdminProblem(FailureReason.INVALID_SHAPE, f"{question}: `data` is {kind}, where an array was due")
    return data


class Place(NamedTuple):
    """Whose account it is: the keys of the surface and the provider, and the id of the project, which may be empty."""

    surface: str
    provider: str
    project: str


@dataclass(slots=True)
class AdminReading:
    """Facts while they are read. What is stated in two ways, or not as what it should be, is unclear."""

    facts: dict[Subject, dict[str, Value]] = field(default_factory=dict)
    unclear: set[Fact] = field(default_factory=set)
    refused: list[Refusal] = field(default_factory=list)

    def state(self, subject: Subject, name: str, value: Value) -> None:
        """State a fact; a second, other value makes it unclear."""
        before = self.facts.setdefault(subject, {}).setdefault(name, value)
        if type(before) is not type(value) or before != value:
            self.refuse(subject, name, f"stated as {before} and as {value}")

    def doubt(self, subject: Subject, name: str) -> None:
        """Note a fact that the answer leaves open."""
        self.unclear.add(Fact(subject, name))

    def refuse(self, subject: Subject, name: str, reason: str) -> None:
        """Note a fact that was not understood."""
        self.doubt(subject, name)
        self.refused.append(Refusal(f"{subject.name} {name}", reason, (subject.name,)))

    def close(self) -> None:
        """Leave out what is unclear."""
        for subject, name in self.unclear:
            self.facts.get(subject, {}).pop(name, None)
        self.facts = {subject: fields for subject, fields in self.facts.items() if fields}
