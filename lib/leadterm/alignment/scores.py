"""Scores of a layer against predictors, each beside its permutation null."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch

from leadterm.alignment.covariances import Covariance, covariances
from leadterm.alignment.moments import METRICS, Metric, Moments, inner, null
from leadterm.alignment.predictor import Predictor
from leadterm.alignment.scored_layer import COMPONENTS, STREAMS, Component, ScoredLayer, require_layer
from leadterm.alignment.streams import Stream
from leadterm.errors import InputError

Pairs = Mapping[Component, Sequence[str]]
"""Which predictors, by name, each component is scored against."""

PAPER: Pairs = {"qk": ("query_key",), "pre": ("value",), "mid": ("value",), "post": ("value",)}
"""The paper's pairing: attention with Q, streams with V."""

READ: Pairs = {**PAPER, "read": ("value",)}
"""The same, and the stream as attention reads it: in streams as they are, a few huge tokens hide all others."""

TOP = 3
"""Tokens that are named where a covariance has most of its trace."""

BASIS = ("bigram", "bigram.T", "context", "context.T", "interchange")
"""The basis functions and their transposes; interchange is its own."""

EVERY: Pairs = {component: (*names, *BASIS) for component, names in READ.items()}
"""Those pairs, and each basis function and its transpose for every component."""


@dataclass(frozen=True)
class Score:
    """How far a component agrees with a predictor, and how far it would under the null.

    Attributes
    ----------
    layer : int
        As the checkpoint numbers it.
    head : int or None
        The query head of ``qk``; None for the mean over heads, and for streams.
    component : {"qk", "pre", "mid", "post", "read"}
        What was scored.
    predictor : str
        Against what.
    metric : {"raw", "centred"}
        Of the covariances as they are, as in the paper, or double-centred (linear CKA).
    score : float
        The Frobenius cosine; nan where the component does not vary over tokens.
    null_mean, null_sd : float
        Of the score over all permutations of the checkpoint's tokens, exact up to the norms; nan as above.
    z : float
        (score - null_mean) / null_sd; nan where no permutation changes the score.
    n_tokens : int
        How many tokens were compared.
    effective_rank : float
        Of the component's double-centred covariance C: (tr C)^2 / |C|^2, from 1, where all tokens lie along one
        direction, to the rank; nan where it does not vary.
    top_tokens : tuple of int
        The tokens, by their places among those compared, with the largest shares of tr C, largest first.
    """

    layer: int
    head: int | None
    component: Component
    predictor: str
    metric: Metric
    score: float
    null_mean: float
    null_sd: float
    z: float
    n_tokens: int
    effective_rank: float
    top_tokens: tuple[int, ...]


class Evaluator:
    """Scores the layers of a checkpoint, one after the other.

    Where a layer's input holds the numbers of the output scored before, its products are taken over; so tensors must
    not be written to once they were scored.

    Parameters
    ----------
    predictors : sequence of Predictor
        Prepared, of the same tokens, number type and device.
    pairs : mapping of component to names of predictors
        What is scored against what; ``PAPER`` by default, ``EVERY`` for all.

    Raises
    ------
    InputError
        If a pair names a predictor or a component that is not there, or predictors are of different tokens.
    """

    def __init__(self, predictors: Sequence[Predictor], pairs: Pairs = PAPER) -> None:
        self._predictors = {predictor.name: predictor for predictor in predictors}
        self._pairs = pairs
        self._last: Stream | None = None
        _require_pairs(self._predictors, pairs)
        first = predictors[0]
        self._n_tokens, self._dtype, self._device = first.moments.n_tokens, first.dtype, first.device

    def score(self, layer: ScoredLayer, *, heads: bool = True) -> list[Score]:
        """Score every component of a layer.

        Parameters
        ----------
        layer : ScoredLayer
            Over the predictors' tokens.
        heads : bool
            Whether heads are scored one by one, beside their mean.

        Raises
        ------
        InputError
            If a tensor has the wrong shape, or holds a number that is not finite.
        """
        require_layer(layer, self._n_tokens)
        found: list[Score] = []
        for name in STREAMS:
            components = [component for component in self._pairs if _stream_of(component) == name]
            if not components:
                continue
            stream = self._stream(getattr(layer, name)) if name == "pre" else self._fresh(getattr(layer, name))
            for component in components:
                for covariance in covariances(layer, component, stream, heads=heads):
                    found += self._scores(layer.number, covariance, stream)
            if name != "read":
                self._last = stream if name == "post" else None
        return found

    def _stream(self, tensor: torch.Tensor) -> Stream:
        """Give a stream, which is the last one if it holds the same numbers."""
        if self._last is not None and self._last.is_of(tensor):
            return self._last
        self._last = None
        return self._fresh(tensor)

    def _fresh(self, tensor: torch.Tensor) -> Stream:
        """Centre a stream."""
        return Stream(tensor, self._dtype, self._device)

    def _scores(self, layer: int, covariance: Covariance, stream: Stream) -> Iterator[Score]:
        """Score one covariance against its predictors."""
        moments = covariance.moments(stream)
        spread = _spread(moments)
        for name in self._pairs[covariance.component]:
            predictor = self._predictors[name]
            if name not in stream.weighted:
                stream.weighted[name] = predictor.weighted(stream.centred)
            centred = covariance.inner(stream.weighted[name])
            for metric in METRICS:
                numbers = _against_chance(moments, predictor.moments, centred, metric)
                yield Score(
                    layer, covariance.head, covariance.component, name, metric, *numbers, self._n_tokens, *spread
                )


def _spread(moments: Moments) -> tuple[float, tuple[int, ...]]:
    """Return the effective rank of a covariance, and the tokens with the largest shares of its trace."""
    if not moments.square > 0:
        return math.nan, ()
    top = torch.topk(moments.diagonal, min(TOP, moments.n_tokens)).indices
    return moments.trace**2 / moments.square, tuple(top.tolist())


def _against_chance(left: Moments, right: Moments, centred: float, metric: Metric) -> tuple[float, float, float, float]:
    """Return a score, its null's mean and standard deviation, and z."""
    norms = left.norm(metric) * right.norm(metric)
    if norms == 0:
        return math.nan, math.nan, math.nan, math.nan
    found, (mean, deviation) = inner(left, right, centred, metric), null(left, right, metric)
    z = (found - mean) / deviation if deviation > 0 else math.nan
    return found / norms, mean / norms, deviation / norms, z


def _stream_of(component: Component) -> str:
    """Name the stream that a component is computed from."""
    return "pre" if component == "qk" else component


def _require_pairs(predictors: Mapping[str, Predictor], pairs: Pairs) -> None:
    """Refuse pairs that cannot be scored."""
    names = {name for wanted in pairs.values() for name in wanted}
    if not predictors or not names:
        raise InputError(
            "there is nothing to score: give predictors, and name some of them for at least one component."
        )
    unknown = sorted(set(pairs) - set(COMPONENTS))
    if unknown:
        raise InputError(f"there is no component {', '.join(unknown)}; choose from {', '.join(COMPONENTS)}.")
    if missing := sorted(names - set(predictors)):
        raise InputError(
            f"no predictor {', '.join(missing)} was prepared; the prepared ones are {', '.join(predictors) or 'none'}. "
            "Prepare it, or leave it out of the pairs."
        )
    kinds = {(one.moments.n_tokens, one.dtype, one.device) for one in predictors.values()}
    if len(kinds) != 1:
        raise InputError(
            "the predictors differ in number of tokens, number type or device: "
            + ", ".join(repr(one.rows.operator) for one in predictors.values())
        )
