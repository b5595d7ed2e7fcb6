"""Asks the gate over HTTP by an OFREP client."""

import os

from openfeature import api
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext

api.set_provider_and_wait(
    OFREPProvider(
        "http://127.0.0.1:8787",
        headers_factory=lambda: {"Authorization": f"Bearer {os.environ['GATE_TOKEN']}"},
    )
)
client = api.get_client()


def allowed(key: str, caller: str) -> bool:
    """Return whether the caller may use the entry now; no where nobody answers."""
    context = EvaluationContext(targeting_key=caller)
    return client.get_boolean_value(key, False, context)  # the default must be False
