"""Facts, entries and looks for the tests of the core that need no store."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from monitor.core.baselines import Baselines
from monitor.core.facts import Fact, Facts, Subject, Value
from monitor.sources.catalog import source_spec

START = datetime(2026, 7, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)

SPECS = {
    "list": source_spec(key="list", kind="models_list", every=timedelta(minutes=5), surface="openai"),
    "page": source_spec(key="page", kind="pricing_page", every=timedelta(minutes=30), provider="openai"),
}

subjects = st.builds(Subject, st.sampled_from(["openai", "other"]), st.sampled_from(["a", "b", "c", "d"]))
amounts = st.sampled_from(["0.1", "0.10000000000000001", "2", "30", "0"])
_values: Mapping[str, st.SearchStrategy[Value]] = {
    "listed": st.just(True),
    "created": st.integers(0, 3),
    "owned_by": st.sampled_from(["x", "y"]),
    "shutdown_date": st.sampled_from(["2026-12-01", "2027-01-01"]),
    "price.standard.short.input": amounts,
    "price.batch.long.output": amounts,
}
fields = st.sampled_from(sorted(_values))


def _some_fields(names: set[str]) -> st.SearchStrategy[dict[str, Value]]:
    return st.fixed_dictionaries({name: _values[name] for name in sorted(names)})


facts: st.SearchStrategy[Facts] = st.dictionaries(
    subjects, st.sets(fields, min_size=1).flatmap(_some_fields), max_size=6
)
"""Sets of facts as sources make them: a subject has at least one field, and a field always holds one type."""

addresses = st.builds(Fact, subjects, fields)


def believing(baselines: Mapping[str, Facts]) -> Baselines:
    return Baselines(SPECS, baselines.get)
