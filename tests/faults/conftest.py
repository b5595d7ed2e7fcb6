"""What breaks around the monitor: a story for each test, with a provider and a folder of its own."""

from __future__ import annotations

from story_fixtures import provider, story

__all__ = ["provider", "story"]
