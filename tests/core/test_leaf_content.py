"""The bytes of leaves: canonical JSON, whichever writer wrote it."""

from __future__ import annotations

import pytest
import rfc8785
from hypothesis import example, given
from hypothesis import strategies as st

from monitor.core.leaves import canonical

NUMBERS = st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(), VALUES, max_size=4))
@example({"\U0001f600": 1, "\ufb33": 2})  # sorted by code points the first would be the last
@example({"a": 1.0, "b": [1e21, -0.0], 'c":1.5': '":1.5'})
@example({"at": "2026-07-30T17:34:21.5+00:00", "text": '\x7f\u2028"\\\n\x01'})
def test_canonical_json_is_that_of_rfc_8785(value: dict[str, object]) -> None:
    assert canonical(value) == rfc8785.dumps(value)  # type: ignore[arg-type]


@pytest.mark.parametrize("number", [2**53, -(2**53), 10**16, 10**400])
@pytest.mark.parametrize("shape", [lambda n: {"n": n}, lambda n: {"n": [0, n]}, lambda n: {"n": [n]}])
def test_a_number_that_a_double_cannot_hold_is_the_text_of_its_digits(number: int, shape: object) -> None:
    assert callable(shape)
    assert canonical(shape(number)) == canonical(shape(str(number)))


def test_a_character_that_utf_8_has_not_is_refused() -> None:
    with pytest.raises(ValueError, match=r"surrogate|UTF-8|utf-8"):
        canonical({"text": "\ud800"})
