"""A small transformer trained as the theory assumes, and how its weights compare with the predicted ones.

``verify`` trains and compares, ``ablate`` removes the leading terms again; the rest are their parts. Nothing here knows
the theory's formulas: gradients come from automatic differentiation.
"""

from leadterm.theory_model.ablation import Ablation, ablate
from leadterm.theory_model.agreement_figure import write_figure
from leadterm.theory_model.batches import Batch, PackedWindows
from leadterm.theory_model.compare_weights import NEXT_ORDER, PAPER, Row, Verification, initialisation_of, verify
from leadterm.theory_model.descent_steps import optimizer_of
from leadterm.theory_model.loss import mean_loss
from leadterm.theory_model.markdown_tables import markdown_table, read_markdown_table, write_table
from leadterm.theory_model.trainer import Progress, Trainer
from leadterm.theory_model.transformer import Transformer
from leadterm.theory_model.weight_agreement import Agreement, Prediction, agreements

__all__ = [
    "NEXT_ORDER",
    "PAPER",
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
    "optimizer_of",
    "read_markdown_table",
    "verify",
    "write_figure",
    "write_table",
]
