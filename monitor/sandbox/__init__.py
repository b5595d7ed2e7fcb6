"""An OpenAI-shaped provider on loopback that lives through a timeline: for the demo and for tests.

It stands beside the other adapters and knows none of them: what watches it reaches it by HTTP alone.
"""

from monitor.sandbox.faults import Fault, Kind, Target
from monitor.sandbox.provider import API_KEY
from monitor.sandbox.sandbox import Sandbox
from monitor.sandbox.timeline import Model, Price, State, Step, Timeline
from monitor.sandbox.webhook import Message

__all__ = [
    "API_KEY",
    "Fault",
    "Kind",
    "Message",
    "Model",
    "Price",
    "Sandbox",
    "State",
    "Step",
    "Target",
    "Timeline",
]
