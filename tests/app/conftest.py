"""The worlds in which these specifications begin."""

from world_fixtures import active, furnished, world

__all__ = ["active", "furnished", "world"]
