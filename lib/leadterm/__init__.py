"""leadterm: which associations in a transformer's weights come from the statistics of its corpus.

``open_run`` opens a finished run for reading, and ``save_weights`` writes the weights that it predicts; the jobs that
make a run are in :mod:`leadterm.pipeline`.
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
    """Import the readers' names on first use, because executors do not need them."""
    if name == "save_weights":
        require_packages("leadterm.save_weights", "torch")
    return _load(name)
