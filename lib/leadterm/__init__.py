"""leadterm: which associations in a transformer's weights come from the statistics of its corpus.

``open_run`` is the way in for readers of a finished run, and ``save_weights`` writes the weights that it predicts; the
jobs that make a run stand in :mod:`leadterm.spark`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from leadterm._version import __version__
from leadterm.errors import LeadtermError

if TYPE_CHECKING:
    from leadterm.run.export_weights import save_weights
    from leadterm.run.open_run import Run, open_run

__all__ = ["LeadtermError", "Run", "__version__", "open_run", "save_weights"]

_LATER = {
    "Run": "leadterm.run.open_run",
    "open_run": "leadterm.run.open_run",
    "save_weights": "leadterm.run.export_weights",
}


def __getattr__(name: str) -> Any:
    """Load what readers use, and torch with it, only when it is used: executors do not need it."""
    if name in _LATER:
        return getattr(import_module(_LATER[name]), name)
    raise AttributeError(f"module 'leadterm' has no attribute {name!r}")
