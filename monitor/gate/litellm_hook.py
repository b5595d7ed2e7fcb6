"""The hook for LiteLLM under the name that it had in 0.2: it works for one version, and says where the hook is now."""

import warnings

from monitor.gate.client.litellm_hook import litellm_hook

__all__ = ["litellm_hook"]

warnings.warn(
    "monitor.gate.litellm_hook is now monitor.gate.client.litellm_hook; the old name goes with the next version",
    DeprecationWarning,
    stacklevel=2,
)
