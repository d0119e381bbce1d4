"""The section ``report``: what goes into the page that a run ends with."""

from typing import Literal

from pydantic import Field

from leadterm.config.section_base import Section


class ReportSection(Section):
    """What the page about a run holds."""

    explorer_tokens: int = Field(
        default=5000,
        ge=0,
        description="the N most frequent tokens can be looked up in the page; each takes about 1 kB; 0: none",
    )
    k: int = Field(default=10, ge=1, le=100, description="associations kept of each token and basis function")
    figures: Literal["auto", "always", "never"] = Field(
        default="auto",
        description="whether figures are drawn as SVG and PNG files too; auto: where matplotlib is installed",
    )
