"""Every knob: read from a TOML file and the environment, checked whole, handed on as frozen values.

`load` is the one way in. Nothing outside `cli`, `daemon`, `web` and `bootstrap` may import this package: adapters
receive values. No secret is read with the file; `resolve` reads one when it is first used.
"""

from monitor.settings.errors import InvalidConfiguration
from monitor.settings.loading import load, restore
from monitor.settings.places import anchored
from monitor.settings.secrets import is_reference, resolve
from monitor.settings.show import ShownSetting, schema, show
from monitor.settings.values import Audit, Github, Heartbeat, Measurements, Network, Nodes, Notify, Run, Settings, Web

__all__ = [
    "Audit",
    "Github",
    "Heartbeat",
    "InvalidConfiguration",
    "Measurements",
    "Network",
    "Nodes",
    "Notify",
    "Run",
    "Settings",
    "ShownSetting",
    "Web",
    "anchored",
    "is_reference",
    "load",
    "resolve",
    "restore",
    "schema",
    "show",
]
