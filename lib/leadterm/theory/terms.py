"""The four predicted weights on their own, without bounds or conditions."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from leadterm.operators import Operator
from leadterm.theory.recursion import Share
from leadterm.theory.steps import PerWeight


@dataclass(frozen=True, eq=False)
class Terms:
    """The weights of one prediction, named as in `leadterm.theory.PredictedWeights`."""

    output: Operator
    value: Operator | tuple[Operator, ...]
    query_key: Operator | None
    position: torch.Tensor | None
    coefficients: PerWeight
    shares: tuple[Share, ...] = ()
