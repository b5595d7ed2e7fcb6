"""The templates of messages that owners have instead of the built-in ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from monitor.settings.errors import Finding
from monitor.settings.places import place
from monitor.settings.schema import Document, OwnerTable


def written_templates(row: OwnerTable) -> Mapping[str, str]:
    """Return the paths of an owner's templates as they are written, by form."""
    paths = {} if row.templates is None else row.templates.model_dump(exclude_none=True)
    return {form: str(path) for form, path in paths.items()}


def unusable_templates(document: Document, path: Path) -> Iterator[Finding]:
    """Yield each template that is missing or broken, and why; asked by `config check` alone, since a template that is
    missing later gives way to the built-in one.
    """
    from monitor.notify.rendering import template_problem

    folder = place(document.run.state_dir or "", path.parent)
    for index, row in enumerate(document.owner):
        for form, written in written_templates(row).items():
            if problem := template_problem(str(place(written, folder)), form):
                yield ("owner", index, "templates", form), f"cannot be used: {problem}; correct it, or leave it out"
