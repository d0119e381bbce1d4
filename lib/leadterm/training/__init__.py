"""A small transformer trained as the theory assumes, and how its weights compare with the predicted ones.

``verify`` trains and compares, ``ablate`` removes the leading terms again; the rest are their parts. Nothing here knows
the theory's formulas: gradients come from automatic differentiation.
"""

from leadterm.training.ablate import Ablation, ablate
from leadterm.training.agreement import Agreement, Prediction, agreements
from leadterm.training.batches import Batch, PackedWindows
from leadterm.training.figures import write_figure
from leadterm.training.loss import mean_loss
from leadterm.training.model import Transformer
from leadterm.training.tables import markdown_table, read_markdown_table, write_table
from leadterm.training.trainer import Progress, Trainer
from leadterm.training.verify import Row, Verification, initialisation_of, verify

__all__ = [
    "Ablation",
    "Agreement",
    "Batch",
    "PackedWindows",
    "Prediction",
    "Progress",
    "Row",
    "Trainer",
    "Transformer",
    "Verification",
    "ablate",
    "agreements",
    "initialisation_of",
    "markdown_table",
    "mean_loss",
    "read_markdown_table",
    "verify",
    "write_figure",
    "write_table",
]
