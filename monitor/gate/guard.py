"""The guard under the name that it had in 0.2: it works for one version, and says where the guard is now."""

import warnings

from monitor.gate.client.guard import Guard, ModelDenied, guard

__all__ = ["Guard", "ModelDenied", "guard"]

warnings.warn(
    "monitor.gate.guard is now monitor.gate.client.guard; the old name goes with the next version",
    DeprecationWarning,
    stacklevel=2,
)
