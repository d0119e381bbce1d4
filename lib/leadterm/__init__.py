"""leadterm: which associations in a transformer's weights come from the statistics of its corpus.

``open_run`` is the way in for readers of a finished run, and ``save_weights`` writes the weights that it predicts; the
jobs that make a run stand in :mod:`leadterm.pipeline`.
"""

from typing import TYPE_CHECKING, Any

from leadterm._version import __version__
from leadterm.errors import LeadtermError
from leadterm.lazy_names import lazy_names
from leadterm.packages import require_packages

if TYPE_CHECKING:
    from leadterm.run.export_weights import save_weights
    from leadterm.run.open_run import Run, open_run

__all__ = ["LeadtermError", "Run", "__version__", "open_run", "save_weights"]

_load = lazy_names(__name__, {"run.open_run": "Run open_run", "run.export_weights": "save_weights"})


def __getattr__(name: str) -> Any:
    """Load what readers use only when it is used: executors do not need it."""
    if name == "save_weights":
        require_packages("leadterm.save_weights", "torch")
    return _load(name)
