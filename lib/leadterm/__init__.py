"""leadterm: which associations in a transformer's weights come from the statistics of its corpus.

``open_run`` is the way in for readers of a finished run; the jobs that make one stand in :mod:`leadterm.spark`.
"""

from typing import TYPE_CHECKING, Any

from leadterm._version import __version__
from leadterm.errors import LeadtermError

if TYPE_CHECKING:
    from leadterm.run import Run, open_run

__all__ = ["LeadtermError", "Run", "__version__", "open_run"]


def __getattr__(name: str) -> Any:
    """Load the reader of runs, and torch with it, only when it is used: executors do not need it."""
    if name in ("Run", "open_run"):
        from leadterm import run  # noqa: PLC0415  # brings PyTorch

        return getattr(run, name)
    raise AttributeError(f"module 'leadterm' has no attribute {name!r}")
