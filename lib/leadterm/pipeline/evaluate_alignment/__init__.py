"""Compares checkpoints with a run: prepares it once, scores revisions in parallel, saves each at once."""

from typing import TYPE_CHECKING

from leadterm.lazy_names import lazy_names

if TYPE_CHECKING:
    from leadterm.pipeline.evaluate_alignment.job import evaluate_alignment, score_revisions
    from leadterm.pipeline.evaluate_alignment.requested_revisions import (
        check_vocabularies,
        named_revisions,
        wanted_revisions,
    )

__all__ = ["check_vocabularies", "evaluate_alignment", "named_revisions", "score_revisions", "wanted_revisions"]

__getattr__ = lazy_names(
    __name__,
    {
        "job": "evaluate_alignment score_revisions",
        "requested_revisions": "check_vocabularies named_revisions wanted_revisions",
    },
)
