"""The base model of all sections of a configuration."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Text = Annotated[str, Field(min_length=1)]


class Section(BaseModel):
    """What all sections share: no unknown keys, no silent conversions, no change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


def list_to_tuple(value: object) -> object:
    """Convert a YAML list to a tuple; anything else is left to the type check."""
    return tuple(value) if isinstance(value, list) else value
