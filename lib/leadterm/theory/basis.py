"""The basis functions of a corpus and their compositions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy import sparse

from leadterm.errors import InputError
from leadterm.operators import Operator, resolve_device, resolve_dtype
from leadterm.theory import centring as centrings
from leadterm.theory.centring import Centring
from leadterm.theory.next_order_basis import NextOrder, NextOrderCounts
from leadterm.theory.restriction import Statistics


@dataclass(frozen=True, eq=False)
class Basis:
    """The basis functions of a corpus over V tokens, as lazy operators.

    In the paper's symbols: bigram B [9], context Phi [11], interchange Sigma_B [10], value V, composed G.

    Attributes
    ----------
    bigram : Operator, shape (V, V), [CURRENT x NEXT]
        How much more often the pair occurs, per position, than if the next token were uniform. Rows sum to 0.
    context : Operator, shape (V, V), [NEXT x CONTEXT]
        How much more weight the context token has before the next token, per position, than if the next token were
        uniform. Columns sum to 0.
    vocabulary_size : int
        Size of the whole vocabulary; larger than V if only some tokens are kept.
    centring : {"uniform", "frequency"}
        What was subtracted: the paper's baseline, or leadterm's variant for reading associations.
    next_order : NextOrder or None
        What the next order in eta of the predicted weights needs; None if it was not counted.

    Examples
    --------
    One window, tokens 0 1 0, so the positions are (0 -> 1, context 0) and (1 -> 0, context 0 1):

    >>> bigram = sparse.csr_array(np.array([[0, 1], [1, 0]]))
    >>> context = sparse.csr_array(np.array([[0.5, 0.5], [1.0, 0.0]]))
    >>> basis = Basis.from_counts(bigram, context, 2,
    ...     current_frequency=np.array([0.5, 0.5]), context_frequency=np.array([0.75, 0.25]))
    >>> basis.bigram
    bigram [CURRENT x NEXT], 2 x 2, float64 on cpu
    >>> basis.bigram.to_dense()
    tensor([[-0.2500,  0.2500],
            [ 0.2500, -0.2500]], dtype=torch.float64)
    >>> basis.value
    value [CONTEXT x CURRENT], 2 x 2, float64 on cpu
    """

    bigram: Operator
    context: Operator
    vocabulary_size: int
    centring: Centring
    next_order: NextOrder | None = None

    @classmethod
    def from_counts(
        cls,
        bigram_counts: sparse.csr_array,
        context_weights: sparse.csr_array,
        n_positions: int,
        *,
        current_frequency: np.ndarray,
        context_frequency: np.ndarray,
        device: str | torch.device = "cpu",
        dtype: str | torch.dtype | None = None,
        centring: Centring = "uniform",
        vocabulary_size: int | None = None,
        weight_error: float = 0.0,
        next_order: NextOrderCounts | None = None,
    ) -> Basis:
        """Build the basis from the counts of a corpus.

        Parameters
        ----------
        bigram_counts : scipy.sparse.csr_array, shape (V, V), int64, [CURRENT, NEXT]
            Number of positions at which the pair occurs.
        context_weights : scipy.sparse.csr_array, shape (V, V), float64, [NEXT, CONTEXT]
            Sum of 1/t over all occurrences of the context token at positions t with that next token.
        n_positions : int
            M, the number of positions.
        current_frequency, context_frequency : numpy.ndarray, shape (V,), float64
            alpha and rho, per position.
        device : str or torch.device
            Device of the operators, ``"cpu"`` or ``"cuda"``.
        dtype : str or torch.dtype, optional
            float64 (default) or float32.
        centring : {"uniform", "frequency"}
            ``uniform`` is the paper's: minus alpha 1'/V and 1 rho'/V. ``frequency`` is **leadterm's, not the
            paper's**: standardised residuals from independence, which rank associations without favouring frequent
            tokens.
        vocabulary_size : int, optional
            Size of the whole vocabulary, if the counts are restricted to some tokens; default V.
        weight_error : float
            The largest relative error of a stored weight 1/t, if it exceeds 1e-5: the sums may deviate by as much.
        next_order : NextOrderCounts, optional
            The counts for the next order in eta.

        Raises
        ------
        InputError
            If shapes differ, a number is negative or not finite, or the matrices' sums do not equal the frequencies.
        MachineError
            If the device does not exist.
        """
        if centring not in ("uniform", "frequency"):
            raise InputError(f"centring is 'uniform' (the paper's) or 'frequency', not {centring!r}.")
        size = len(current_frequency) if vocabulary_size is None else vocabulary_size
        statistics = Statistics(
            bigram_counts, context_weights, n_positions, current_frequency, context_frequency, size, weight_error
        )
        build = centrings.uniform if centring == "uniform" else centrings.frequency
        number, place = resolve_dtype(dtype), resolve_device(device)
        bigram, context = build(statistics, dtype=number, device=place)
        more = None if next_order is None else NextOrder.from_counts(next_order, statistics, dtype=number, device=place)
        return cls(bigram.named("bigram"), context.named("context"), size, centring, more)

    @property
    def interchange(self) -> Operator:
        """How far two next tokens follow the same current tokens: B'B, [NEXT x NEXT] [10]."""
        return (self.bigram.T @ self.bigram).named("interchange")

    @property
    def value(self) -> Operator:
        """From a context token to the current tokens whose next tokens follow it later: Phi'B', [CONTEXT x CURRENT]."""
        return (self.context.T @ self.bigram.T).named("value")

    @property
    def composed(self) -> Operator:
        """The context map seen through interchangeable next tokens: B'B Phi, [NEXT x CONTEXT]."""
        return (self.interchange @ self.context).named("composed")
