"""The norm between the residual stream and the unembedding: what it does, told from its behaviour."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True, eq=False)
class LastNorm:
    """A norm: ``module(x)`` is ``normalised(x) * gain`` and a bias.

    Attributes
    ----------
    gain
        (d_model,); ones where there is none.
    subtracts_mean
        Whether it is a LayerNorm, which subtracts the mean over d_model.
    normalises
        Whether it divides by the root mean square; not where a model has no such norm.
    epsilon
        Added to the mean square.
    """

    gain: Tensor
    subtracts_mean: bool
    normalises: bool
    epsilon: float

    @classmethod
    def of(cls, module: nn.Module, gain_offset: float, like: Tensor, width: int) -> LastNorm:
        """Find out what a module does.

        Parameters
        ----------
        module
            The norm, or an identity.
        gain_offset
            What it adds to its weight.
        like
            Of the number type and device of the stream.
        width
            d_model.
        """
        weight = getattr(module, "weight", None)
        gain = like.new_ones(width) if weight is None else weight + gain_offset
        if isinstance(module, nn.Identity):
            return cls(gain, subtracts_mean=False, normalises=False, epsilon=0.0)
        probe = torch.linspace(-1, 1, width, dtype=like.dtype, device=like.device)[None] ** 3
        with torch.no_grad():
            moved = module(probe + 1) - module(probe)
            constant = bool(moved.abs().max() <= _SAME * module(probe).abs().max())
        found = getattr(module, "variance_epsilon", getattr(module, "eps", 0.0))
        return cls(gain, subtracts_mean=constant, normalises=True, epsilon=float(found or 0.0))

    def normalised(self, stream: Tensor) -> Tensor:
        """Normalise a stream (tokens, d_model), without gain and bias."""
        if not self.normalises:
            return stream
        centred = stream - stream.mean(-1, keepdim=True) if self.subtracts_mean else stream
        return centred * torch.rsqrt(centred.square().mean(-1, keepdim=True) + self.epsilon)


_SAME = 1e-3
"""A LayerNorm changes by its rounding, some 1e-6 in float32, where a constant is added; an RMSNorm by about 1."""
