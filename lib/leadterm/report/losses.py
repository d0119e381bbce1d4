"""The loss of the language model that was trained on a run, over intervals of steps that a picture can show."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from leadterm.catalog.products import Product
from leadterm.language_model import LOSS_TABLE, PRETRAINED
from leadterm.run.open_run import Run
from leadterm.storage import Manifest, read_manifest
from leadterm.storage.formats.small_tables import read_table

PER_DOUBLING = 8
"""Intervals in which the number of steps doubles: some 110 for 100,000 steps."""


@dataclass(frozen=True, eq=False)
class Losses:
    """The loss over intervals, which grow with the steps, so that the first steps are told one by one.

    Attributes
    ----------
    first, last
        int64 (intervals,): the steps of each, from 1.
    mean, low, high
        float64 (intervals,): of the losses of these steps, each that of the step's windows under the weights before it;
        nats per position.
    rate
        float64 (intervals,): the learning rate of the last of these steps.
    unigram_entropy
        The loss of a model that knows how often each token is the next one, and nothing else; nats per position.
    """

    first: NDArray[np.int64]
    last: NDArray[np.int64]
    mean: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    rate: NDArray[np.float64]
    unigram_entropy: float

    def to_json(self) -> dict[str, Any]:
        """Give all as JSON values."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in values.items()}


def pretrained_manifest(run: Run) -> Manifest | None:
    """Read the manifest of the model that was trained on the run's windows as they are now; None if there is none."""
    found = read_manifest(run.location, PRETRAINED)
    is_of_run = found is not None and found.made_from.get(Product.WINDOWS) == run.manifest(Product.WINDOWS).content_hash
    return found if is_of_run else None


def losses_of(run: Run) -> Losses | None:
    """Read the losses that `leadterm pretrain` kept; None if no model was trained on the run.

    Raises
    ------
    RunError
        If their file is missing or damaged.
    """
    manifest = pretrained_manifest(run)
    if manifest is None:
        return None
    return by_interval(
        read_table(run.location, manifest, LOSS_TABLE, ("step", "learning_rate", "loss")),
        float(manifest.counts["unigram_entropy"]),
    )


def by_interval(table: pa.Table, unigram_entropy: float) -> Losses:
    """Take the losses of steps together.

    Examples
    --------
    >>> losses = [9.0, 8.0, *[7.0] * 16, 3.0, 5.0]
    >>> table = pa.table({"step": list(range(1, 21)), "learning_rate": [0.1] * 20, "loss": losses})
    >>> found = by_interval(table, unigram_entropy=6.5)
    >>> found.last.tolist()
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 16, 17, 19, 20]
    >>> found.mean[-2:].tolist(), found.low[-2:].tolist(), found.high[-2:].tolist()
    ([5.0, 5.0], [3.0, 5.0], [7.0, 5.0])
    """
    losses = table["loss"].to_numpy()
    n_steps = len(losses)
    ends = np.floor(np.exp2(np.arange(n_steps.bit_length() * PER_DOUBLING) / PER_DOUBLING)).astype(np.int64)
    last = np.unique([*ends[ends < n_steps], n_steps])
    first = np.array([1, *last[:-1] + 1])
    starts = first - 1
    return Losses(
        first=first,
        last=last,
        mean=np.add.reduceat(losses, starts) / (last - starts),
        low=np.minimum.reduceat(losses, starts),
        high=np.maximum.reduceat(losses, starts),
        rate=table["learning_rate"].to_numpy()[last - 1],
        unigram_entropy=unigram_entropy,
    )
