"""Whatever stands in a file or in the environment: a configuration, or a refusal in sentences; never
another exception.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as profile
from hypothesis import strategies as st

from monitor.settings import InvalidConfiguration, load, show
from monitor.settings.schema import Document

SECRET = "sk-proj-abcdefghijklmnopqrstuvwxyz0123456789"

scalars = st.one_of(
    st.booleans(),
    st.integers(min_value=-(2**63), max_value=2**63 - 1),
    st.floats(),
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8),
    st.sampled_from(
        [
            "openai",
            "platform",
            "models_list",
            "1h",
            "0s",
            "https://a.example",
            "http://[",
            "env:A",
            "a://b",
            "::1",
            SECRET,
        ]
    ),
)


def _names() -> list[str]:
    found = {"x", SECRET}
    waiting: list[object] = [Document]
    while waiting:
        kind = waiting.pop()
        waiting += getattr(kind, "__args__", ())
        for name, field in getattr(kind, "model_fields", {}).items():
            found.add(name)
            waiting.append(field.annotation)
    return sorted(found)


names = st.sampled_from(_names())
values = st.recursive(
    scalars, lambda below: st.lists(below, max_size=3) | st.dictionaries(names, below, max_size=5), max_leaves=12
)
documents = st.dictionaries(st.sampled_from([*Document.model_fields, "x"]), values, max_size=5)


def toml(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case dict():
            return "{" + ", ".join(f"{json.dumps(key)} = {toml(below)}" for key, below in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(toml, value)) + "]"
        case float():
            return repr(value)
        case _:
            return json.dumps(value, ensure_ascii=False)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("any") / "monitor.toml"


def outcome(path: Path, environ: dict[str, str]) -> str:
    try:
        return json.dumps(show(load(path, environ)))
    except InvalidConfiguration as error:
        return "\n".join((str(error), *error.problems))


@profile(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(document=documents)
def test_any_document_is_taken_or_refused_in_sentences(path, document):
    path.write_text("\n".join(f"{key} = {toml(value)}" for key, value in document.items()), encoding="utf-8")
    assert SECRET not in outcome(path, {})


@given(
    name=st.lists(names.map(str.upper), min_size=1, max_size=3).map("__".join),
    value=st.one_of(
        st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
        st.sampled_from(["1h", "[]", "[[]]", "{}", SECRET]),
    ),
    document=documents,
)
def test_any_environment_is_taken_or_refused_in_sentences(path, name, value, document):
    path.write_text("\n".join(f"{key} = {toml(value)}" for key, value in document.items()), encoding="utf-8")
    if SECRET.upper() not in name:
        assert SECRET not in outcome(path, {f"ACCESS_MONITOR__{name}": value})
