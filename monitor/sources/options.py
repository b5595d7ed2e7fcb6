"""The types of the keys of `[[source]]`: those that several kinds have, and how a value is refused.

A validator's message ends a sentence that began with the key path, and gives the mend.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


def text(value: str) -> str:
    """Return a text as it is.

    Raises:
        ValueError: it is empty.
    """
    if not value.strip():
        raise ValueError("is empty; fill it in or leave it out")
    return value


def _model_id(value: str) -> str:
    if value != value.strip() or not value.isprintable():
        raise ValueError(
            "has spaces around it or a control character in it; write the id exactly as the provider lists it"
        )
    return value


def _distinct(value: list[Any]) -> list[Any]:
    if len(set(value)) != len(value):
        raise ValueError("names something twice; leave one of them out")
    return value


Text = Annotated[str, AfterValidator(text)]
ModelId = Annotated[str, AfterValidator(_model_id)]
Distinct = AfterValidator(_distinct)
Trust = Literal["official", "third_party"]


class SourceOptions(BaseModel):
    """The keys of a kind. `surface`, `provider`, `url`, `format` and `trust` mean the same in every
    kind that has them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class OfSurface(SourceOptions):
    """A kind that needs a surface."""

    surface: str = Field(examples=["openai"])


class OfPage(SourceOptions):
    """A kind that reads the page of a provider."""

    url: str = Field(examples=["https://developers.openai.com/api/docs/pricing.md"])
    provider: str = Field(examples=["openai"])
    trust: Trust | None = None
