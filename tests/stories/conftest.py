"""A story for each test: its own provider, its own folder."""

from __future__ import annotations

from story_fixtures import provider, story

__all__ = ["provider", "story"]
