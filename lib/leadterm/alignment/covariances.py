"""A checkpoint's covariances over n tokens, each given by a tall matrix and a small one; no n x n array is formed.

With E = X + 1 mu' a residual stream and X its centred rows, every covariance scored has the form A = E L L' E':

- ``pre``, ``mid``, ``post``: rows of E less their own means, so L = I - 11'/d;
- ``qk`` of head h: the rows of E M E', M = W_Q W_K', less their means, are E M X', so L L' = M (X'X) M'. As the rank
  of M is that of the head, L = W_Q R with R R' = W_K' (X'X) W_K;
- ``qk`` of the layer: the same with the mean of M over heads, L = M R with R R' = X'X.

The divisors (columns - 1) are left out: they cancel in the cosine. Double-centred, A becomes X L L' X'. So with the
d x d matrix X' K X of a predictor, <C_A, K> = tr(L' (X' K X) L), for all heads of a layer from one product.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from leadterm.alignment.moments import Moments
from leadterm.alignment.scored_layer import Component, ScoredLayer
from leadterm.alignment.streams import CHUNK, NOTHING, Stream, without_row_means


@dataclass(frozen=True, eq=False)
class Covariance:
    """A covariance A = E L L' E' over tokens.

    Attributes
    ----------
    component : {"qk", "pre", "mid", "post"}
        What it is of.
    head : int or None
        The query head; None for a layer's mean, and for streams.
    left : torch.Tensor or None, shape (d, r), float64
        L; None stands for taking off each row's mean.
    """

    component: Component
    head: int | None
    left: torch.Tensor | None

    def inner(self, weighted: torch.Tensor) -> float:
        """Return tr(L' W L) for a symmetric W (d, d): <C_A, K> for W = X' K X."""
        if self.left is None:
            return float(weighted.trace() - weighted.sum() / len(weighted))
        return float(((weighted @ self.left) * self.left).sum())

    def moments(self, stream: Stream) -> Moments:
        """Return what norms and permutations see of it; n d r multiplications and additions, n d for a stream."""
        square = float(torch.linalg.vector_norm(self._conjugate(stream.gram))) ** 2
        middle = self._from_left(stream.mean)
        diagonal, margins = [], []
        for part in torch.split(stream.centred, CHUNK):
            factor = self._from_left(part).to(torch.float64)
            diagonal.append((factor**2).sum(1))
            margins.append(factor @ middle)
        found = Moments(torch.cat(diagonal), torch.cat(margins), float(middle @ middle), square)
        return found if self._is_something(found, stream) else _nothing(found)

    def _from_left(self, dense: torch.Tensor) -> torch.Tensor:
        """Return x L, for a vector or matrix."""
        return without_row_means(dense) if self.left is None else dense @ self.left.to(dense.dtype)

    def _conjugate(self, gram: torch.Tensor) -> torch.Tensor:
        """Return L' G L."""
        return self._from_left(self._from_left(gram).T)

    def _is_something(self, moments: Moments, stream: Stream) -> bool:
        """Say whether it is more than rounding: rows that are constant leave nothing when their means are taken off."""
        rounding = max(NOTHING, (16 * torch.finfo(stream.centred.dtype).eps) ** 2)
        return self.left is not None or moments.trace + moments.n_tokens * moments.mean > rounding * stream.size


def _nothing(moments: Moments) -> Moments:
    zero = torch.zeros_like(moments.diagonal)
    return Moments(zero, zero, 0.0, 0.0)


def covariances(
    layer: ScoredLayer, component: Component, stream: Stream, *, heads: bool = True
) -> Iterator[Covariance]:
    """Yield the covariances of a component: one of a stream; of ``qk`` the layer's mean, then every head.

    Parameters
    ----------
    layer : ScoredLayer
        For its query and key weights.
    component : {"qk", "pre", "mid", "post"}
        What to score.
    stream : Stream
        Of the component; the layer's input for ``qk``.
    heads : bool
        Whether heads are wanted one by one.
    """
    if component != "qk":
        yield Covariance(component, None, None)
        return
    query, key = (part.to(device=stream.gram.device, dtype=torch.float64) for part in (layer.query, layer.key))
    mean = torch.einsum("hdk,hek->de", query, key) / len(query)
    yield Covariance("qk", None, mean @ _root(stream.gram))
    for head in range(len(query) if heads else 0):
        yield Covariance("qk", head, query[head] @ _root(key[head].T @ stream.gram @ key[head]))


def _root(square: torch.Tensor) -> torch.Tensor:
    """Return R with R R' = S for a symmetric S without negative eigenvalues, which may be singular."""
    values, vectors = torch.linalg.eigh(square)
    root: torch.Tensor = vectors * values.clamp(min=0).sqrt()
    return root
