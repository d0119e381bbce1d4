"""Saving predicted weights as safetensors: dense, whole or only some rows, for any tool that reads model weights."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path

import torch
from pyarrow import fs

from leadterm._version import __version__
from leadterm.errors import InputError, RunError
from leadterm.operators import Operator, resolve_dtype
from leadterm.operators.row_blocks import DENSE_LIMIT, WORKSPACE, require_size
from leadterm.run.safetensors_writer import tensor_file
from leadterm.storage import Location
from leadterm.theory import UNPROVED, PerWeight, PredictedWeights

NAMES = tuple(field.name for field in fields(PerWeight))
"""The weights that can be saved: output, value, query_key, position."""

Rows = slice | tuple[int, int]
"""Consecutive rows, the last one excluded: ``slice(0, 1000)`` or ``(0, 1000)``."""


def save_weights(
    weights: PredictedWeights,
    path: str | Path,
    names: Sequence[str] = NAMES,
    *,
    rows: Rows | None = None,
    dtype: str | torch.dtype = "float64",
    max_bytes: int = DENSE_LIMIT,
    memory_bytes: int = WORKSPACE,
) -> int:
    """Write predicted weights to a safetensors file, one tensor per weight, under its name.

    ``safetensors.torch.load_file(path)["output"]`` gives the tensor, and
    ``safe_open(path, "pt").get_slice("output")[:10]`` some rows of it without reading the rest. The weights of a layer
    are the same for every layer, so each is saved once; of the second order, whose value matrices differ between
    layers, these are ``value.1`` to ``value.L``.

    Parameters
    ----------
    weights : PredictedWeights
        From ``run.predicted_weights(...)``.
    path : str or pathlib.Path
        The file: a path, or a URL that pyarrow or fsspec opens. An existing file is replaced when the new one is
        complete; if anything goes wrong it stays unchanged.
    names : sequence of str
        Which weights, of output [CURRENT x NEXT], value [CONTEXT x CURRENT], query_key [CURRENT x CONTEXT] and
        position [distance, query minus key]. Default: all.
    rows : slice or (first, last), optional
        Which rows of the matrices: token ids from the first up to, but not including, the last. Default: all. The
        position bias, one number per distance, is always saved whole.
    dtype : {"float64", "float32"} or torch.dtype
        Number type; float32 has a relative error of 6e-8.
    max_bytes : int
        Larger files are refused before anything is computed.
    memory_bytes : int
        Memory for a block of rows. A matrix is never held as a whole.

    Returns
    -------
    int
        Bytes of the tensors.

    Raises
    ------
    InputError
        If a name, the rows, the number type or the path is not valid.
    RunError
        If the run lacks a weight.
    MachineError
        If the tensors take more than `max_bytes`, or the file cannot be written.

    Notes
    -----
    The header's metadata are all text: ``format`` is ``pt``; ``leadterm.axes.output`` and so on say what rows and
    columns are; ``leadterm.rows`` is ``first:last`` of the matrices; ``leadterm.steps``, ``.learning_rate``,
    ``.layers``, ``.context_length``, ``.initialisation``, ``.optimizer`` and ``.order`` describe the prediction;
    ``leadterm.coefficient.output`` is the composition's factor; ``leadterm.bound.output`` is the theorem's bound, or
    says that none is proved; ``leadterm.within_theorem`` is true or false, and ``leadterm.failing`` lists the
    conditions that fail; ``leadterm.made_from.bigram`` and so on are the content hashes of the run's products.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from safetensors.torch import load_file
    >>> from scipy import sparse
    >>> from leadterm.theory import Basis, predicted_weights
    >>> counts = sparse.csr_array(np.array([[0, 1], [1, 0]]))
    >>> basis = Basis.from_counts(counts, counts * 1.0, 2,
    ...     current_frequency=np.array([0.5, 0.5]), context_frequency=np.array([0.5, 0.5]))
    >>> weights = predicted_weights(basis, steps=4, learning_rate=0.5, layers=1, context_length=1)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_weights(weights, f"{folder}/weights.safetensors", ["output"], rows=(0, 1))
    ...     load_file(f"{folder}/weights.safetensors")
    16
    {'output': tensor([[-0.5000,  0.5000]], dtype=torch.float64)}
    """
    place, number = Location.of(path), resolve_dtype(dtype)
    if place.kind() == fs.FileType.Directory:
        raise InputError(f"{place} is a folder. Name a file, such as {place / 'weights.safetensors'}.")
    terms = _terms(weights, names)
    kept = _row_range(rows, weights.output.shape[0])
    shapes = {name: _shape(term, kept) for name, term in terms.items()}
    n_bytes = sum(map(math.prod, shapes.values())) * number.itemsize
    kind = str(number).removeprefix("torch.")
    what = f"{', '.join(terms)} ({len(kept):,} rows, {kind})"
    remedy = "Save some of the rows (rows), float32 numbers (dtype) or fewer weights, or raise the limit (max_bytes)."
    require_size(what, n_bytes, max_bytes, remedy)
    with tensor_file(place, shapes, kind, _metadata(weights, terms, kept, kind)) as file:
        for term in terms.values():
            for block in _blocks(term, kept, memory_bytes):
                file.append(block.to(number).cpu().numpy())
    return n_bytes


def _terms(weights: PredictedWeights, names: Sequence[str]) -> dict[str, Operator | torch.Tensor]:
    """Look up the requested weights."""
    chosen = dict.fromkeys([names] if isinstance(names, str) else names)
    unknown = [name for name in chosen if name not in NAMES]
    if unknown or not chosen:
        problem = f"there is no weight {unknown[0]!r}" if unknown else "no weight is named"
        raise InputError(f"{problem}; choose from {', '.join(NAMES)}.")
    terms = _by_layer({name: getattr(weights, name) for name in chosen})
    missing = [name for name, term in terms.items() if term is None]
    if missing:
        there = [name for name in NAMES if getattr(weights, name) is not None]
        raise RunError(
            f"the run has no {' and no '.join(missing)}. Run the jobs compose_weights and count_attention on it first, "
            f"or save what there is: {', '.join(there)}."
        )
    return {name: term for name, term in terms.items() if term is not None}


def _by_layer(
    terms: Mapping[str, Operator | torch.Tensor | tuple[Operator, ...] | None],
) -> dict[str, Operator | torch.Tensor | None]:
    """Give each weight that differs between layers a name of its own in each: ``value.1`` ...."""
    named: dict[str, Operator | torch.Tensor | None] = {}
    for name, term in terms.items():
        if isinstance(term, tuple):
            named.update((f"{name}.{layer}", one) for layer, one in enumerate(term, start=1))
        else:
            named[name] = term
    return named


def _row_range(rows: Rows | None, size: int) -> range:
    """Check rows against the size of the vocabulary."""
    asked = slice(None) if rows is None else rows if isinstance(rows, slice) else slice(*rows)
    first, last = 0 if asked.start is None else asked.start, size if asked.stop is None else asked.stop
    if asked.step not in (None, 1) or not 0 <= first < last <= size:
        raise InputError(
            f"rows are {rows!r}; expected one or more consecutive rows of {size:,}: (first, last), or slice(first, "
            f"last), with 0 <= first < last <= {size:,}."
        )
    return range(first, last)


def _shape(term: Operator | torch.Tensor, kept: range) -> tuple[int, ...]:
    return tuple(term.shape) if isinstance(term, torch.Tensor) else (len(kept), term.shape[1])


def _blocks(term: Operator | torch.Tensor, kept: range, memory_bytes: int) -> Iterator[torch.Tensor]:
    """Yield a weight's rows in order."""
    return iter([term]) if isinstance(term, torch.Tensor) else term.row_blocks(kept, memory_bytes)


def _metadata(
    weights: PredictedWeights, terms: Mapping[str, Operator | torch.Tensor], kept: range, dtype: str
) -> dict[str, str]:
    """Describe what is saved, as text for the header."""
    descent, start = weights.descent, weights.initialisation
    about = {
        "version": __version__,
        "dtype": dtype,
        "rows": f"{kept.start}:{kept.stop}",
        "vocabulary_size": weights.output.shape[0],
        "steps": descent.steps,
        "learning_rate": float(descent.learning_rate),
        "layers": descent.layers,
        "context_length": descent.context_length,
        "initialisation": "zero" if start is None else f"N(0, ({start.spread} / V^(1 + {start.exponent}))^2)",
        "optimizer": descent.optimizer,
        "order": descent.order,
        "within_theorem": str(weights.within_theorem).lower(),
        "failing": "; ".join(condition.statement for condition in weights.conditions if not condition.holds),
        "probability": weights.probability,
        **{f"made_from.{product}": content for product, content in weights.made_from.items()},
    }
    for name, term in terms.items():
        axes = "distance, query minus key" if isinstance(term, torch.Tensor) else f"{term.axes[0]} x {term.axes[1]}"
        about[f"axes.{name}"] = axes
        kind = name.partition(".")[0]
        about[f"coefficient.{name}"] = getattr(weights.coefficients, kind)
        about[f"bound.{name}"] = getattr(weights.bounds, kind) if weights.has_bounds else UNPROVED
    return {"format": "pt", **{f"leadterm.{key}": str(value) for key, value in about.items()}}
