"""An OpenAI-shaped provider on loopback that lives through a timeline: for the demo and for tests.

It stands beside the other adapters and knows none of them: what watches it reaches it by HTTP alone.
"""

from monitor.sandbox.faults import Fault, FaultKind, Target
from monitor.sandbox.provider import API_KEY
from monitor.sandbox.sandbox import Sandbox
from monitor.sandbox.timeline import Timeline, TimelineCache, TimelineModel, TimelinePrice, TimelineState, TimelineStep
from monitor.sandbox.webhook import WebhookMessage

__all__ = [
    "API_KEY",
    "Fault",
    "FaultKind",
    "Sandbox",
    "Target",
    "Timeline",
    "TimelineCache",
    "TimelineModel",
    "TimelinePrice",
    "TimelineState",
    "TimelineStep",
    "WebhookMessage",
]
