"""The four predicted weights, before anything is said of them."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from leadterm.operators import Operator
from leadterm.theory.recursion import Share
from leadterm.theory.steps import PerWeight


@dataclass(frozen=True, eq=False)
class Terms:
    """The weights of one prediction; see `leadterm.theory.PredictedWeights`, which has them under these names."""

    output: Operator
    value: Operator | tuple[Operator, ...]
    query_key: Operator | None
    position: torch.Tensor | None
    coefficients: PerWeight
    shares: tuple[Share, ...] = ()
