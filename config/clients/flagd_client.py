"""Asks the gate by a flagd client over lease files."""

import os

from openfeature import api
from openfeature.contrib.provider.flagd import FlagdProvider
from openfeature.contrib.provider.flagd.config import ResolverType
from openfeature.evaluation_context import EvaluationContext

api.set_provider_and_wait(
    FlagdProvider(
        resolver_type=ResolverType.FILE,
        offline_flag_source_path=os.path.join(os.environ["ACCESS_MONITOR_LEASE"], "production.json"),
    )
)
client = api.get_client()


def model_for(key: str, caller: str) -> str | None:
    """Return the entry to use: this one, its fallback, or None where neither is allowed."""
    context = EvaluationContext(targeting_key=caller)
    answer = client.get_boolean_details(key, False, context)  # the default must be False
    if answer.value:
        return key
    fallback = str(answer.flag_metadata.get("fallback") or "")
    return fallback if fallback and client.get_boolean_value(fallback, False, context) else None
