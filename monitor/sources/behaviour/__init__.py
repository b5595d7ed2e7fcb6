"""Probes: what one route really does with a small call to one model.

`calls` has what is sent, `reading` what the answers say, `batch` both for the one route that takes hours; `spending`
asks the budget; `source` does the sending. A plan never reads a clock or a socket, and a reading sees only what is kept
as evidence, so stored answers can be read anew.
"""

from monitor.sources.behaviour.source import BehaviourSource

__all__ = ["BehaviourSource"]
