"""access-monitor: an event-sourced monitor of what a team assumes about the models it calls.

Read the package in the order the data flow: `domain` (pure decisions), `pipeline` (use cases over ports),
the adapters beside each other (`sources`, `store`, `notify`, `gate`), `bootstrap` (the one composition root),
and the doors (`cli`, `daemon`).
"""

__version__ = "0.3.0"
