"""The strongest associations of the most frequent tokens, for the page to look up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, get_args

import numpy as np
import torch
from numpy.typing import NDArray

from leadterm.corpus.token_names import readable
from leadterm.operators import Operator
from leadterm.report.script_bundle import packed
from leadterm.run.open_run import Run
from leadterm.run.summary import shortened
from leadterm.telemetry.progress import progress
from leadterm.theory import Basis, Centring

WORKSPACE = 256 * 2**20
"""Bytes that dense rows may take at once, and what is made of them; the operators themselves come on top."""
ARRAYS = 4
"""Dense arrays of a block's size that are alive together: a product's two, the entries and what the choice copies."""

Strongest = tuple[NDArray[np.int64], NDArray[np.float64]]
"""Token ids and scores, both (rows, k)."""

VIEWS: dict[str, tuple[Callable[[Basis], Operator], str]] = {
    "bigram": (lambda basis: basis.bigram, "what comes right after it"),
    "bigram.T": (lambda basis: basis.bigram.T, "what comes right before it"),
    "context.T": (lambda basis: basis.context.T, "what follows it anywhere later in the window"),
    "context": (lambda basis: basis.context, "what precedes it anywhere in the window"),
    "interchange": (lambda basis: basis.interchange, "what can take its place"),
    "value": (lambda basis: basis.value, "current tokens whose next tokens follow it later"),
}
"""Basis function or its transpose, of which the token asked for is a row, and what its strongest columns do."""


def explorer(run: Run, n_tokens: int, k: int) -> dict[str, Any]:
    """Gather what the page answers from.

    Parameters
    ----------
    run
        With its counts.
    n_tokens
        How many tokens, the most frequent first; of equally frequent ones those with lower ids.
    k
        Associations of each.

    Returns
    -------
    dict
        ``tokens``: raw and readable strings of all tokens that occur in it, those asked for first; ``asked``: how many
        these are; ``views``: for each basis function by both centrings, ``ids`` (asked, k) into ``tokens`` and
        ``scores`` (asked, k), float32; entries that are not positive have score 0.
    """
    counts: NDArray[np.int64] = run.vocabulary["count"].to_numpy()
    asked = np.lexsort((np.arange(len(counts)), -counts))[:n_tokens]
    asked = asked[counts[asked] > 0]
    found: dict[tuple[str, str], Strongest] = {}
    with progress("find associations", len(VIEWS) * len(get_args(Centring)), "tables") as report:
        for centring in get_args(Centring):
            for key, part in _views(run, centring, asked, k):
                found[key] = part
                report(len(found))
    mentioned = [ids[scores > 0] for ids, scores in found.values()]
    others = np.setdiff1d(np.concatenate([asked[:0], *mentioned]), asked)
    order = np.concatenate([asked, others])
    place = np.zeros(len(counts), dtype=np.uint16 if len(order) <= 2**16 else np.uint32)
    place[order] = np.arange(len(order))
    names = [shortened(name) for name in run.vocabulary["token"].to_pylist()]
    shown = readable(names)
    return {
        "k": k,
        "asked": len(asked),
        "vocabulary": len(counts),
        "raw": [names[i] for i in order],
        "shown": [None if shown[i] == names[i] else shown[i] for i in order],
        "counts": counts[asked].tolist(),
        "views": [
            {
                "centring": centring,
                "name": name,
                "meaning": VIEWS[name][1],
                "ids": packed(place[np.where(scores > 0, ids, asked[:1])]),
                "scores": packed(scores.astype(np.float32)),
            }
            for (centring, name), (ids, scores) in found.items()
        ],
    }


def _views(
    run: Run, centring: Centring, asked: NDArray[np.int64], k: int
) -> Iterator[tuple[tuple[str, str], Strongest]]:
    """Yield ids and scores (asked, k) of each view; that a token can stand in its own place says nothing: left out."""
    basis = run.basis(centring=centring)
    for name, (operator_of, _) in VIEWS.items():
        operator = operator_of(basis)
        width = min(k, operator.shape[1])
        yield (centring, name), strongest_rows(operator, asked, width, without_self=name == "interchange")


def strongest_rows(
    operator: Operator, rows: NDArray[np.int64], k: int, *, without_self: bool = False, memory_bytes: int = WORKSPACE
) -> Strongest:
    """Return the k largest entries of many rows, a block of rows at a time.

    Parameters
    ----------
    operator
        (m, n), for example ``basis.context``.
    rows
        int64 (r,), row numbers.
    k
        At most n.
    without_self
        Leave the entry in the column of the row's own number out.
    memory_bytes
        What dense rows may take; one row is always held.

    Returns
    -------
    ids, scores
        int64 and float64 (r, k), strongest first, among equal scores the lower number. What is not positive
        has score 0.
    """
    height = max(1, memory_bytes // (ARRAYS * operator.dtype.itemsize * max(operator.shape)))
    ids, scores = np.zeros((len(rows), k), dtype=np.int64), np.zeros((len(rows), k))
    for start in range(0, len(rows), height):
        block = rows[start : start + height]
        entries = operator.rows(block.tolist())
        if without_self:
            entries[torch.arange(len(block)), torch.as_tensor(block)] = -torch.inf
        chosen, values = _largest(entries, k)
        ids[start : start + height], scores[start : start + height] = chosen.numpy(), values.clamp(min=0).numpy()
    return ids, scores


def _largest(entries: torch.Tensor, k: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return columns and values (rows, k) of the largest entries; ties go by column, as ``topk`` does not promise."""
    values, chosen = torch.topk(entries, min(k + 1, entries.shape[1]))
    if values.shape[1] > k:  # Rows where the last that is in equals the first that is out are sorted as a whole.
        tied = torch.nonzero((values[:, k] == values[:, k - 1]) & (values[:, k] > 0))[:, 0]
        for row in tied.tolist():
            values[row], chosen[row] = (
                part[: k + 1] for part in torch.sort(entries[row], descending=True, stable=True)
            )
    values, chosen = values[:, :k], chosen[:, :k]
    by_column = torch.argsort(chosen, dim=1)
    by_value = torch.argsort(values.gather(1, by_column), dim=1, descending=True, stable=True)
    order = by_column.gather(1, by_value)
    return chosen.gather(1, order), values.gather(1, order)
