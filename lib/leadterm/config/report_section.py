"""The section ``report``: the contents of the page that a run ends with."""

from typing import Literal

from pydantic import Field

from leadterm.config.section_base import Section


class ReportSection(Section):
    """The contents of the page about a run."""

    explorer_tokens: int = Field(
        default=5000,
        ge=0,
        description="number of most frequent tokens that can be looked up in the page, about 1 kB each; 0: none",
    )
    k: int = Field(default=10, ge=1, le=100, description="associations shown per token and basis function")
    figures: Literal["auto", "always", "never"] = Field(
        default="auto",
        description="whether figures are also written as SVG and PNG files; auto: if matplotlib is installed",
    )
