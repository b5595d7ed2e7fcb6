"""The adapters that look: one module per kind of source. They receive values, never settings."""
