"""The templates of messages: the built-in ones of each form, and those that an owner has instead.

A template gets text that is escaped for its form already, so that none can forget to escape. It runs in a sandbox, in
bounded time. One that fails gives way to the built-in one, since a fault of form may not silence a pause.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from html import escape
from pathlib import Path
from typing import Any, TypeAlias

from jinja2 import (
    BaseLoader,
    ChoiceLoader,
    FileSystemLoader,
    PackageLoader,
    PrefixLoader,
    StrictUndefined,
    TemplateNotFound,
    TemplateSyntaxError,
)
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from monitor.core.deadline import Overdue, bounded
from monitor.notify.phrases import plain
from monitor.notify.wording import Line, Message, MessageSection

TEXT, SLACK, MAIL = FORMS = ("text", "slack", "mail")
"""The forms that have a template."""

BUILT_IN = "builtin"
"""Below this name an owner's template can extend or include the built-in ones: `builtin/text.j2`."""

SECONDS = 2.0
"""How long an owner's template may run."""

LARGEST = 200_000
"""Characters of what an owner's template makes."""

_REASON_LENGTH = 200

Escaped: TypeAlias = Callable[[str], str]


class TemplateFailure(Exception):
    """An owner's template cannot be used; the message says where and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A message in a form, its last line, and why the owner's template was not used; empty where it was, or where there
    is none.
    """

    text: str
    footer: str
    failure: str = ""


def draw(message: Message, form: str, path: str = "") -> Drawn:
    """Draw a message by the template at `path`, else by the built-in one of the form."""
    if path:
        try:
            return Drawn(text=draw_by(path, message, form), footer=message.footer)
        except TemplateFailure as failure:
            # The last line of a message is the one that a reader of a broken form looks for.
            footer = f"{message.footer} (your template failed, so this is the built-in form: {failure})"
            text = _built_in(replace(message, footer=footer), form)
            return Drawn(text=text, footer=footer, failure=str(failure))
    return Drawn(text=_built_in(message, form), footer=message.footer)


def draw_by(path: str, message: Message, form: str) -> str:
    """Draw a message by an owner's template; the notice's id is added where the template leaves it out.

    Raises:
        TemplateFailure: it is not there, broken, takes too long, or makes too much or nothing.
    """
    name = Path(path).name
    try:
        # In a thread of its own: a loop in a loop is nothing that a sandbox ends.
        text = bounded(lambda: _rendered(_own(str(Path(path).parent), form), name, message, form), SECONDS)
    except TemplateNotFound as error:
        raise TemplateFailure(f"{error.name} is not there") from error
    except TemplateSyntaxError as error:
        raise TemplateFailure(f"{error.name or name}, line {error.lineno}: {_brief(error)}") from error
    except Overdue as error:
        raise TemplateFailure(f"{name} took longer than {SECONDS:g} seconds") from error
    except Exception as error:
        line = next((at.lineno for at in reversed(traceback.extract_tb(error.__traceback__)) if _in(at, path)), 0)
        raise TemplateFailure(f"{name}{f', line {line}' if line else ''}: {_brief(error)}") from error
    if not text.strip():
        raise TemplateFailure(f"{name} makes nothing of this message")
    if len(text) > LARGEST:
        raise TemplateFailure(f"{name} makes more than {LARGEST} characters")
    return text if form == SLACK or message.footer in text else f"{text.rstrip()}\n\n{_ESCAPES[form](message.footer)}\n"


def template_problem(path: str, form: str) -> str:
    """Return why a template cannot be used, in a phrase; empty where it draws every kind of message."""
    for message in _SAMPLES:
        try:
            draw_by(path, message, form)
        except TemplateFailure as failure:
            return str(failure)
    return ""


_SAMPLES = (
    Message(
        title="PAUSED Luna (openai/gpt-5.6-luna): input +50 %; production denied, no fallback",
        serious=True,
        updates=("Since then (02:40): Luna: paused: input +50 %",),
        sections=(
            MessageSection(
                heading="PAUSED Luna (luna)",
                lines=(
                    Line(label="What changed", texts=("input +50 %", "output +50 %")),
                    Line(label="Run next", texts=("access-monitor why luna",), code=True),
                ),
            ),
        ),
        more="and 2 more, see `access-monitor events --after 17`",
        ack_url="https://monitor.example.com/ack/17.platform/token",
        earlier="Incident luna-17, first told 2026-07-30 17:34 UTC: “PAUSED Luna”",
        footer="Notice 17.platform",
    ),
    Message(
        title="TEST platform",
        serious=False,
        updates=(),
        sections=(),
        more="",
        ack_url="",
        earlier="",
        footer="Notice 1",
    ),
)
"""Messages that have everything, and nothing, that a template may speak of."""


def _in(at: traceback.FrameSummary, path: str) -> bool:
    return Path(at.filename) == Path(path)


def _brief(error: Exception) -> str:
    return plain(str(error) or type(error).__name__, _REASON_LENGTH)


def slack_escape(text: str) -> str:
    """Escape what Slack reads as markup: the three characters that begin links, mentions and entities."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


_ESCAPES: Mapping[str, Escaped] = {TEXT: str, SLACK: slack_escape, MAIL: escape}


@lru_cache(maxsize=64)
def _built_in(message: Message, form: str) -> str:
    return _rendered(_environment(form, None), f"{BUILT_IN}/{form}.j2", message, form)


def _rendered(environment: ImmutableSandboxedEnvironment, name: str, message: Message, form: str) -> str:
    return environment.get_template(name).render(_context(message, form))


def _context(message: Message, form: str) -> dict[str, Any]:
    """Return what a template may speak of: a message's texts, each escaped for the form."""

    def safe(text: str) -> str:
        return text if form == TEXT else Markup(_ESCAPES[form](text))

    return {
        "title": safe(message.title),
        "serious": message.serious,
        "updates": [safe(text) for text in message.updates],
        "sections": [_section(section, safe) for section in message.sections],
        "more": safe(message.more),
        "ack_url": safe(message.ack_url),
        "earlier": safe(message.earlier),
        "footer": safe(message.footer),
    }


def _section(section: MessageSection, safe: Escaped) -> dict[str, Any]:
    return {"heading": safe(section.heading), "lines": [_line(line, safe) for line in section.lines]}


def _line(line: Line, safe: Escaped) -> dict[str, Any]:
    return {"label": safe(line.label), "texts": [safe(text) for text in line.texts], "code": line.code}


@cache
def _own(folder: str, form: str) -> ImmutableSandboxedEnvironment:
    """Return what an owner's templates in a folder are read by; a file that was changed is read anew."""
    return _environment(form, FileSystemLoader(folder))


@cache
def _environment(form: str, own: BaseLoader | None) -> ImmutableSandboxedEnvironment:
    built_in = PrefixLoader({BUILT_IN: PackageLoader("monitor.notify")})
    environment = ImmutableSandboxedEnvironment(
        loader=built_in if own is None else ChoiceLoader([built_in, own]),
        autoescape=form != TEXT,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=own is not None,
    )
    # Slack has no escape for the signs that end a bold or a code span.
    environment.filters["literal"] = lambda text: text.replace("*", "∗").replace("`", "'")
    environment.filters["code"] = lambda text: text.replace("`", "'")
    return environment
