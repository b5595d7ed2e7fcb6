"""The API held against its own description: whatever is asked by it is answered as it says, and nothing makes the
monitor fail.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from signed_world import SignedWorld, signed_world

from monitor.core.credentials import AccessScope
from monitor.web.api.description import description

schemathesis = pytest.importorskip(
    "schemathesis", reason="NO SCHEMATHESIS: the API is not held against its description here; `make test` installs it"
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SignedWorld]:
    with signed_world(tmp_path_factory.mktemp("described")) as made:
        yield made


@pytest.fixture(scope="module")
def token(desk: SignedWorld) -> str:
    return desk.token("whoever may everything", *AccessScope)


@pytest.fixture(scope="module")
def described(desk: SignedWorld) -> Any:
    return schemathesis.openapi.from_asgi("/openapi.json", desk.app, headers=HOST)


HOST = {"Host": "localhost"}
"""Without tokens of the configuration the server answers to no other name."""

TOO_STRICT = [pytest.importorskip("schemathesis.specs.openapi.checks").positive_data_acceptance]
"""That whatever has the form of a question is accepted: a text may be no time, and a reason may be refused."""

OPERATIONS = [(path, method) for path, operations in description()["paths"].items() for method in operations]


@pytest.mark.hypothesis
@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_every_answer_is_one_that_the_description_names(described: Any, token: str, path: str, method: str) -> None:
    @given(case=described[path][method].as_strategy())
    def answered(case: Any) -> None:
        case.call_and_validate(headers={**HOST, "Authorization": f"Bearer {token}"}, excluded_checks=TOO_STRICT)

    answered()
