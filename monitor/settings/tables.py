"""What every table of the file is, and the table that the rest of the file does not speak of: the names in a request log.

Apart from `schema`, which would not fit on a page otherwise.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from monitor.domain.requests import Fields
from monitor.settings.fields import Key, Share, Text

REQUEST = Fields()


class Table(BaseModel):
    """A TOML table; a key that it does not have is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class KeyedTable(Table):
    """One of a list of tables, known by its key."""

    key: Key = Field(examples=["name"])


class LoggingTable(Table):
    """What the fields of the team's own request log are called; dots lead into nested objects."""

    at: Text = Field(
        default=REQUEST.at, description="The time: RFC 3339 with a zone, or seconds or milliseconds since 1970."
    )
    model: Text = Field(default=REQUEST.model, description="The exact model id.")
    latency: Text = Field(default=REQUEST.latency, description="How long it took, in any unit.")
    input: Text = Field(default=REQUEST.input, description="Input tokens.")
    cached: Text = Field(default=REQUEST.cached, description="Input tokens read from the cache.")
    cache_write: str = Field(
        default=REQUEST.cache_write, description="Input tokens written to the cache; empty for none."
    )
    output: Text = Field(default=REQUEST.output, description="Output tokens.")
    cost: Text = Field(default=REQUEST.cost, description="What it cost, in USD.")
    error: Text = Field(default=REQUEST.error, description="What went wrong; null, false or empty where nothing did.")
    retries: Text = Field(default=REQUEST.retries, description="How often it was tried again.")
    tier: str = Field(default=REQUEST.tier, description="The processing mode; empty where the log has none.")
    cached_in_input: bool = Field(
        default=REQUEST.cached_in_input, description="Whether input counts cached and written tokens as well."
    )
    tolerance: Share = Field(
        default=REQUEST.tolerance, description="The share by which a logged cost may differ from price times tokens."
    )
