"""The Frobenius norm of a predictor's double-centred covariance H K H, n x n, which is never formed.

**Exactly**, by blocks of rows: a dense block of C's rows, times C'. That is one multiplication and addition for each
entry of C's sparse part and each token: for 31 million entries and V = 49,152, 3.0 TFlop. The time grows as n times
the entries.

**Estimated** (Hutch++ of Meyer and others, 2021, on the square of R = H K H): with Q an orthonormal basis of R Omega
for a random n x k Omega, and g random signs,

    |R|^2 = 2 |R Q|^2 - |Q' R Q|^2 + E |(I - QQ') R (I - QQ') g|^2.

The first two terms are exact; only what the k strongest directions leave over is sampled, until the standard error of
the norm, from the spread of the samples, is below a tolerance. Each of the 2 k + samples columns costs two products
with C: for the matrix above and 512 columns 63 GFlop.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import torch

from leadterm.alignment.centred_rows import CentredRows

NormMethod = Literal["auto", "exact", "estimated"]

EXACT_TOKENS = 4096
"""Up to this many tokens ``auto`` is exact: a matter of seconds."""

DIRECTIONS = 128
"""k: see the head of this file. Measured for V = 49,152: with 96 and 64 samples the standard error of the bigram's norm
is 8e-5, that of the query-key matrix's 3e-8."""

PROBES = 64
"""Samples drawn at once; the standard error needs some."""

ROUNDING = 8192
"""In units of eps: how far the norm is off by rounding at most. Measured in float32 for V = 49,152: 5.7e-4 for the
interchange map, whose covariance is a small rest of large numbers; value 3e-5, context 2e-5, the others below 3e-6."""

MOST_PROBES = 4096
"""Where sampling ends, whatever the standard error then is; it is reported."""


@dataclass(frozen=True)
class Norm:
    """A Frobenius norm, and what is known of its error.

    Attributes
    ----------
    square : float
        |R|^2.
    relative_error : float
        Standard error of |R| over |R|, of samples and rounding; 0 where it was computed exactly.
    """

    square: float
    relative_error: float = 0.0


def centred_norm(rows: CentredRows, method: NormMethod, *, tolerance: float, memory_bytes: int, seed: int) -> Norm:
    """Return the norm of H C C' H, H = I - 11'/n.

    Parameters
    ----------
    rows : CentredRows
        C.
    method : {"auto", "exact", "estimated"}
        ``auto`` is exact up to 4,096 tokens.
    tolerance : float
        For an estimate: the relative standard error at which it stops sampling.
    memory_bytes : int
        For the blocks of the exact way; an estimate holds some n x 128 arrays.
    seed : int
        Of an estimate's random numbers.
    """
    if method == "exact" or (method == "auto" and rows.shape[0] <= EXACT_TOKENS):
        return Norm(_exact_square(rows, memory_bytes))
    return _estimate(rows, tolerance, seed)


def _exact_square(rows: CentredRows, memory_bytes: int) -> float:
    """Sum the squares of H C C' H by blocks of rows."""
    size = rows.shape[0]
    ones = torch.ones(size, 1, dtype=rows.operator.dtype, device=rows.operator.device)
    mean = rows.apply_transposed(ones)[:, 0] / size
    total = torch.zeros((), dtype=torch.float64, device=mean.device)
    for block in rows.row_blocks(memory_bytes):
        total += torch.linalg.vector_norm(_centred(rows.apply((block - mean).T)), dtype=torch.float64) ** 2
    return float(total)


def _covariance(rows: CentredRows, dense: torch.Tensor) -> torch.Tensor:
    """Return H C C' H x: (n, k), for x (n, k)."""
    return _centred(rows.apply(rows.apply_transposed(_centred(dense))))


def _centred(dense: torch.Tensor) -> torch.Tensor:
    return dense - dense.mean(0)


def _estimate(rows: CentredRows, tolerance: float, seed: int) -> Norm:
    """Return the estimate; see the head of this file."""
    size, number, device = rows.shape[0], rows.operator.dtype, rows.operator.device
    random = torch.Generator().manual_seed(seed)

    def signs(columns: int) -> torch.Tensor:
        drawn = torch.randint(0, 2, (size, columns), generator=random)
        return (2 * drawn - 1).to(device=device, dtype=number)

    basis = torch.linalg.qr(_covariance(rows, signs(min(DIRECTIONS, size)))).Q
    image = _covariance(rows, basis)
    known = 2 * _square(image) - _square(basis.T @ image)
    samples = torch.zeros(0, dtype=torch.float64, device=device)
    while True:
        probe = _covariance(rows, _without(signs(PROBES), basis))
        drawn = torch.linalg.vector_norm(_without(probe, basis), dim=0, dtype=torch.float64) ** 2
        samples = torch.cat([samples, drawn])
        found = _summary(known, samples)
        if found.relative_error <= tolerance or len(samples) >= MOST_PROBES:
            rounding = ROUNDING * torch.finfo(number).eps
            return replace(found, relative_error=math.hypot(found.relative_error, rounding))


def _summary(known: float, samples: torch.Tensor) -> Norm:
    """Return the norm with the standard error of the root, over the root."""
    square = known + float(samples.mean())
    error = float(samples.std()) / math.sqrt(len(samples))
    return Norm(square, error / (2 * square) if square > 0 else 0.0)


def _without(dense: torch.Tensor, basis: torch.Tensor) -> torch.Tensor:
    """Return (I - QQ') x."""
    return dense - basis @ (basis.T @ dense)


def _square(dense: torch.Tensor) -> float:
    return float(torch.linalg.vector_norm(dense, dtype=torch.float64)) ** 2
