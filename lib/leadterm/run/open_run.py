"""A finished run, opened: the public contract that notebooks and other programs rely on.

The contents of a run are read with NumPy, SciPy and pyarrow alone. PyTorch is loaded when operators are requested.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from math import nan
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.sparse import csr_array

from leadterm.axes import Axis
from leadterm.catalog.jobs import Job
from leadterm.catalog.products import Product
from leadterm.errors import AxisError, InputError
from leadterm.packages import require_packages
from leadterm.run.model_questions import ModelQuestions
from leadterm.storage import Location

if TYPE_CHECKING:
    from leadterm.theory import (
        Attention,
        Basis,
        Centring,
        Descent,
        Gaussian,
        NextOrderCounts,
        Optimizer,
        PredictedWeights,
    )

BASIS_NAMES = ("bigram", "context", "interchange", "value", "composed")


def open_run(path: str | Path) -> Run:
    """Open a run directory.

    Parameters
    ----------
    path
        A local path, or a URL that pyarrow's filesystems open.

    Raises
    ------
    RunError
        If there is no run; a missing product raises it when it is first requested.
    """
    return Run(Location.of(path))


class Run(ModelQuestions):
    """The products of a run, and the operators that are composed from them on request.

    Parameters
    ----------
    location
        The run directory.
    """

    def basis(
        self,
        device: str = "cpu",
        *,
        dtype: str | None = None,
        centring: Centring = "uniform",
        tokens: NDArray[np.int64] | None = None,
        order: int = 1,
    ) -> Basis:
        """Compose the basis functions as lazy operators.

        Parameters
        ----------
        device
            ``cpu`` or ``cuda``.
        dtype
            ``float64`` (default) or ``float32``.
        centring
            ``uniform``: the theory's, which subtracts 1/V of the margins from B and Phi. ``frequency``: what the
            tokens' frequencies do not explain; leadterm's, for reading associations.
        tokens
            Ascending ids (k,): only their rows and columns, with 1/V still of the whole vocabulary. All by default.
        order
            2: include what the next order of the predicted weights needs (``.next_order``).

        Returns
        -------
        Basis
            ``.bigram .context .interchange .value .composed``.

        Raises
        ------
        InputError
            If the second order is requested and its counts are missing.
        MachineError
            If PyTorch is not installed, or the device does not exist.
        """
        require_packages("run.basis()", "torch")
        from leadterm.theory import Basis, restricted_matrix  # noqa: PLC0415  # brings PyTorch

        return Basis.from_counts(
            restricted_matrix(self.bigram_counts(), tokens),
            restricted_matrix(self.context_weights(), tokens),
            self.n_positions,
            current_frequency=self.current_frequency if tokens is None else self.current_frequency[tokens],
            context_frequency=self.context_frequency if tokens is None else self.context_frequency[tokens],
            device=device,
            dtype=dtype,
            centring=centring,
            vocabulary_size=self.vocabulary_size,
            weight_error=self.context_length / 2 ** (int(self.manifest(Product.CONTEXT).settings["scale_bits"]) + 1),
            next_order=self._next_order(tokens) if order > 1 else None,
        )

    def _next_order(self, tokens: NDArray[np.int64] | None) -> NextOrderCounts:
        """Read the counts that the next order of the predicted weights needs."""
        from leadterm.theory import NextOrderCounts, restricted_matrix  # noqa: PLC0415  # brings PyTorch

        missing = [name for name in Job.COUNT_TWO_HOPS.makes if name not in self.products]
        if missing:
            raise InputError(
                f"order=2 needs the products {' and '.join(missing)}, which {self.location} does not have: set "
                f"theory.order to 2 in the config and run the job {Job.COUNT_TWO_HOPS}."
            )
        two_hop = self.two_hop_weights()
        frequency = np.asarray(two_hop.sum(axis=0), dtype=np.float64) / self.n_positions
        return NextOrderCounts(
            restricted_matrix(two_hop, tokens),
            frequency if tokens is None else frequency[tokens],
            restricted_matrix(self.current_context_weights(), tokens),
        )

    def predicted_weights(
        self,
        steps: int,
        learning_rate: float,
        layers: int,
        device: str = "cpu",
        initialisation: Gaussian | None = None,
        *,
        optimizer: Optimizer | None = None,
        order: int = 1,
    ) -> PredictedWeights:
        """Predict the weights after some steps of gradient descent (Theorem 4.1) or of another optimizer.

        Parameters
        ----------
        steps
            s, over all windows at once.
        learning_rate
            eta.
        layers
            L.
        device
            Where the operators live.
        initialisation
            The initial weights: ``leadterm.theory.Gaussian(spread, exponent)``, or None for zero. They change the
            conditions and the probability with which the bounds are proved (Theorem D.13), not the prediction.
        optimizer
            ``GradientDescent()`` (default), ``Adam(betas, eps)``, ``AdamW(betas, eps, weight_decay)`` or
            ``SignDescent()``, from `leadterm.theory`. Bounds are proved only for the first.
        order
            1 (default): the leading terms. 2: also the terms of the next order; under gradient descent ``.value`` is
            then a tuple with one operator per layer.

        Returns
        -------
        PredictedWeights
            ``.output`` (W_O), ``.value``, ``.query_key`` and ``.position`` (the same for each layer), ``.bounds``,
            ``.conditions`` and ``.probability``. If the run has no attention terms, ``.query_key`` and
            ``.position`` are None; for an optimizer other than gradient descent these must be the terms that
            ``theory.optimizer`` requests, with its ``theory.eps``.

        Raises
        ------
        InputError
            If a number is out of range, or the second order is requested and its counts are missing.
        MachineError
            If PyTorch is not installed, or the device does not exist.
        """
        return self.predictor(learning_rate, layers, device, initialisation, optimizer=optimizer, order=order)(steps)

    def predictor(
        self,
        learning_rate: float,
        layers: int,
        device: str = "cpu",
        initialisation: Gaussian | None = None,
        *,
        optimizer: Optimizer | None = None,
        order: int = 1,
    ) -> Callable[[int], PredictedWeights]:
        """Return a function from s to the predicted weights that reads the run once; see :meth:`predicted_weights`."""
        require_packages("run.predicted_weights()", "torch")
        from leadterm.theory import Descent, GradientDescent, predicted_weights, require_optimizer  # noqa: PLC0415

        chosen = GradientDescent() if optimizer is None else require_optimizer(optimizer)
        length = self.context_length
        descent = Descent(0, learning_rate, layers, length, initialisation, chosen, order)  # Refused before reading.
        counts = order if isinstance(chosen, GradientDescent) else 1
        basis, attention = self.basis(device, order=counts), self._attention(device, descent)
        made_from = {product: self.manifest(product).content_hash for product in self.products}
        return lambda steps: predicted_weights(
            basis,
            steps,
            learning_rate,
            layers,
            length,
            attention,
            initialisation,
            optimizer=chosen,
            order=order,
            made_from=made_from,
        )

    def _attention(self, device: str, descent: Descent) -> Attention | None:
        """Read the attention terms for a training's scores; None if they were not counted."""
        from leadterm.theory import GradientDescent, Share, counted_descent, score_functions  # noqa: PLC0415  # brings PyTorch

        if isinstance(descent.optimizer, GradientDescent):
            if not set(Job.COUNT_ATTENTION.makes) <= set(self.products):
                return None
            return self._as_attention(Product.QUERY_KEY, self.query_key(), self.position(), device)
        if not set(Job.COUNT_ADAM_ATTENTION.makes) <= set(self.products):
            return None
        settings = self.manifest(Product.ADAM_QUERY_KEY).settings
        counted = counted_descent(settings)
        if counted.order != descent.order or score_functions(counted).phi != score_functions(descent).phi:
            return None
        terms = self._as_attention(Product.ADAM_QUERY_KEY, self.adam_query_key(), self.adam_position(), device)
        if descent.order == 1:
            return replace(terms, functions=score_functions(counted))
        found = self.manifest(Product.ADAM_COMPOSED).counts["shares"]
        shares = tuple(Share(multiple, nan if cosine is None else cosine) for multiple, cosine in found)
        return replace(terms, descent=counted, shares=shares)

    def _as_attention(
        self, name: Product, query_key: csr_array, position: NDArray[np.float64], device: str
    ) -> Attention:
        """Make an operator and a vector of attention terms."""
        from leadterm.operators import SparseOperator, to_device  # noqa: PLC0415  # brings PyTorch
        from leadterm.theory import Attention  # noqa: PLC0415  # as above

        matrix = SparseOperator(query_key, (Axis.CURRENT, Axis.CONTEXT), device=device)
        return Attention(matrix.named(name), to_device(position.copy(), matrix.device))

    def associations(
        self,
        token: str,
        basis: str = "bigram",
        k: int = 10,
        *,
        axis: Axis | str | None = None,
        centring: Centring = "uniform",
    ) -> list[tuple[str, float]]:
        """Find the tokens with the largest entries in a token's row, or column, of a basis function.

        Parameters
        ----------
        token
            As in :meth:`token_id`.
        basis
            ``bigram``, ``context``, ``interchange``, ``value`` or ``composed``.
        k
            How many.
        axis
            The axis of the token, by name; by default that of the rows. ``context`` is NEXT x CONTEXT: by default the
            result is the context of the token as the next one; with ``axis="context"`` it is the next tokens that
            follow it later.
        centring
            As in :meth:`basis`.

        Returns
        -------
        list of (token, score)
            Largest first, as the vocabulary spells them; equal scores are ordered by token id.

        Raises
        ------
        InputError
            If the token or the basis function is unknown, or the token is ambiguous.
        AxisError
            If the basis function has no such axis.
        MachineError
            If PyTorch is not installed.
        """
        if basis not in BASIS_NAMES:
            raise InputError(f"there is no basis function {basis!r}; choose one of {', '.join(BASIS_NAMES)}")
        require_packages("run.associations()", "torch")
        from leadterm.theory import strongest  # noqa: PLC0415  # brings PyTorch

        operator = getattr(self._basis_of(centring), basis)
        along = _axis(axis) if isinstance(axis, str) else axis
        indices, scores = strongest(operator, self.token_id(token), k, along)
        names = self.vocabulary["token"].take(pa.array(indices)).to_pylist()
        return list(zip(names, scores.tolist(), strict=True))

    def _basis_of(self, centring: Centring) -> Basis:
        """Keep the CPU basis of each centring after its first use."""
        if centring not in self._bases:
            self._bases[centring] = self.basis(centring=centring)
        return self._bases[centring]

    @cached_property
    def _bases(self) -> dict[Centring, Basis]:
        """The bases used so far."""
        return {}


def _axis(name: str) -> Axis:
    """Look up an axis by its name, in upper or lower case."""
    try:
        return Axis(name.lower())
    except ValueError as error:
        raise AxisError(f"there is no axis {name!r}; choose one of {', '.join(axis.value for axis in Axis)}") from error
