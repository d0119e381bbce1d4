"""The rows of a predictor as its covariance takes them: at unit norm, less their own means."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch

from leadterm.operators import Operator

COLUMNS = 768
"""Columns that an operator is applied to at once: what it holds in between is n times as many, some times over."""


class CentredRows:
    """The matrix C of n rows, C_i = P_i / |P_i| less its mean; applied, never stored.

    A row of P that is zero stays zero. The covariance of the rows is K = C C' / (m - 1); here and in all that follows
    the divisor is left out, because it cancels in every cosine.

    Parameters
    ----------
    operator : Operator, shape (n, m)
        P; its rows stand for the tokens.
    norms : torch.Tensor, shape (n,), float64
        Of the rows of P: ``operator.row_norms(...)``.
    """

    def __init__(self, operator: Operator, norms: torch.Tensor) -> None:
        self.operator = operator
        self.shape = operator.shape
        self.norms = norms
        self._scale = torch.where(norms > 0, 1 / norms, 0.0)
        sums = operator._matmat(torch.ones(self.shape[1], 1, dtype=operator.dtype, device=operator.device))
        self._means = self._scale * sums[:, 0].to(torch.float64) / self.shape[1]
        self._number_scale = self._scale.to(operator.dtype)[:, None]
        self._number_means = self._means.to(operator.dtype)

    def squares(self) -> torch.Tensor:
        """Return |C_i|^2: (n,) float64, which is 1 - m mean^2 since the row without its mean taken off has norm 1."""
        return torch.where(self._scale > 0, 1 - self.shape[1] * self._means**2, 0.0).clamp(min=0)

    def apply(self, dense: torch.Tensor) -> torch.Tensor:
        """Return C x: (n, k) in the operator's dtype, for x (m, k)."""
        return self._blocked(dense, self.shape[0], self._apply)

    def apply_transposed(self, dense: torch.Tensor) -> torch.Tensor:
        """Return C' x: (m, k) in the operator's dtype, for x (n, k)."""
        return self._blocked(dense, self.shape[1], self._apply_transposed)

    def row_blocks(self, memory_bytes: int) -> Iterator[torch.Tensor]:
        """Yield all rows in order, dense (k, m), in blocks whose product with C' fits the memory too."""
        row_bytes = self.operator._row_bytes() + 3 * sum(self.shape) * self.operator.dtype.itemsize
        numbers = torch.arange(self.shape[0], device=self.operator.device)
        for some in torch.split(numbers, max(1, memory_bytes // row_bytes)):
            yield self.operator._rows(some) * self._number_scale[some] - self._number_means[some, None]

    def _apply(self, dense: torch.Tensor) -> torch.Tensor:
        product = self.operator._matmat(dense).mul_(self._number_scale)
        return product.sub_(torch.outer(self._number_means, dense.sum(0)))

    def _apply_transposed(self, dense: torch.Tensor) -> torch.Tensor:
        return self.operator.T._matmat(dense * self._number_scale).sub_(self._number_means @ dense)

    def _blocked(
        self, dense: torch.Tensor, height: int, product: Callable[[torch.Tensor], torch.Tensor]
    ) -> torch.Tensor:
        """Apply a product to some columns at a time."""
        if dense.shape[1] <= COLUMNS:
            return product(dense)
        result = dense.new_empty((height, dense.shape[1]))
        for part in (slice(start, start + COLUMNS) for start in range(0, dense.shape[1], COLUMNS)):
            result[:, part] = product(dense[:, part])
        return result
