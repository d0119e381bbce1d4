"""A finished run, opened: the public contract that notebooks and other programs rely on."""

from collections.abc import Callable, Iterator
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_array

from leadterm.axes import Axis
from leadterm.errors import AxisError, InputError
from leadterm.operators import SparseOperator
from leadterm.store import Location, Manifest, read_manifest, require_manifest
from leadterm.store.matrices import read_matrix
from leadterm.store.tables import FREQUENCIES, POSITION, SOURCES, VOCABULARY, read_table
from leadterm.store.windows import read_windows
from leadterm.theory import Attention, Basis, Centring, PredictedWeights, predicted_weights, strongest

Orientation = Literal["paper", "authors"]
BASIS_NAMES = ("bigram", "context", "interchange", "value", "composed")
MADE_BY = {
    "sources": "encode_corpus",
    "vocabulary": "encode_corpus",
    "windows": "encode_corpus",
    "bigram": "count_cooccurrences",
    "context": "count_cooccurrences",
    "frequencies": "count_cooccurrences",
    "composed": "compose_weights",
    "query_key": "count_attention",
    "position": "count_attention",
}


def open_run(path: str | Path) -> "Run":
    """Open a run directory.

    Parameters
    ----------
    path
        A local path, or a URL that pyarrow's filesystems open.

    Raises
    ------
    RunError
        If no run lies there; products that are missing raise it when they are first asked for.
    """
    return Run(Location.of(path))


class Run:
    """The products of a run, read when they are asked for and checked against their hashes.

    Parameters
    ----------
    location
        The run directory.
    """

    def __init__(self, location: Location) -> None:
        self.location = location
        self.manifest("windows")

    def __repr__(self) -> str:
        """Say where the run lies and how large it is."""
        size = self.vocabulary_size
        return f"Run({str(self.location)!r}): {self.n_positions:,} positions, vocabulary of {size:,} tokens"

    def manifest(self, product: str) -> Manifest:
        """Read the manifest of a product.

        Raises
        ------
        RunError
            If the run has no such product; says which job makes it.
        """
        return require_manifest(self.location, product, MADE_BY.get(product, product))

    @property
    def products(self) -> list[str]:
        """The products that the run has, in the order in which they are made."""
        return [product for product in MADE_BY if read_manifest(self.location, product) is not None]

    @property
    def n_positions(self) -> int:
        """M, the number of positions of all windows."""
        return int(self.manifest("windows").counts["positions"])

    @property
    def vocabulary_size(self) -> int:
        """V."""
        return int(self.manifest("windows").counts["vocabulary_size"])

    @property
    def context_length(self) -> int:
        """T, the most positions of a window."""
        return int(self.manifest("windows").settings["windows"]["length"])

    @cached_property
    def vocabulary(self) -> pa.Table:
        """token_id int32, token string, count int64 (occurrences in the windows; a shared token counts once)."""
        return read_table(self.location, self.manifest("vocabulary"), VOCABULARY)

    @cached_property
    def sources(self) -> pa.Table:
        """The files that were read: path, bytes, sha256, rows (null where their format does not say)."""
        return read_table(self.location, self.manifest("sources"), SOURCES)

    def windows(self) -> Iterator[NDArray[np.int32]]:
        """Give every window: int32 arrays of 2 ... T+1 token ids."""
        return read_windows(self.location, self.manifest("windows"))

    def bigram_counts(self) -> csr_array:
        """Read the bigram counts: csr_array int64 (V, V) [CURRENT, NEXT]."""
        return read_matrix(self.location, self.manifest("bigram"))

    def context_weights(self) -> csr_array:
        """Read the context weights, sums of 1/t: csr_array float64 (V, V) [NEXT, CONTEXT]."""
        fixed, scale_bits = self.context_fixed_point()
        return csr_array(
            (np.ldexp(fixed.data.astype(np.float64), -scale_bits), fixed.indices, fixed.indptr), fixed.shape
        )

    def context_fixed_point(self) -> tuple[csr_array, int]:
        """Read the context weights as they are stored, exact: csr_array int64, in units of 2^-scale_bits."""
        manifest = self.manifest("context")
        return read_matrix(self.location, manifest), int(manifest.settings["scale_bits"])

    def query_key(self, orientation: Orientation = "paper") -> csr_array:
        """Read the query-key matrix Q [16, 17], the gradient's part in attention's scores, per position.

        Parameters
        ----------
        orientation
            ``paper``: rows are queries, [CURRENT, CONTEXT]. ``authors``: as the authors' script for language models has
            it, rows are keys, [CONTEXT, CURRENT].

        Returns
        -------
        csr_array
            float64 (V, V).
        """
        if orientation not in get_args(Orientation):
            raise InputError(f"orientation is 'paper' or 'authors', not {orientation!r}")
        matrix = read_matrix(self.location, self.manifest("query_key"))
        return matrix if orientation == "paper" else matrix.T.tocsr()

    def position(self) -> NDArray[np.float64]:
        """Read the position bias Delta: float64 (T,), by distance of query minus key, from 0."""
        table = read_table(self.location, self.manifest("position"), POSITION)
        bias: NDArray[np.float64] = table["bias"].to_numpy()
        return bias

    @cached_property
    def current_frequency(self) -> NDArray[np.float64]:
        """Alpha: float64 (V,), the share of positions whose current token it is."""
        return self._frequency("current", 0)

    @cached_property
    def context_frequency(self) -> NDArray[np.float64]:
        """Rho: float64 (V,), a token's mean share of the context of a position."""
        return self._frequency("context", int(self.manifest("frequencies").settings["scale_bits"]))

    def _frequency(self, column: str, scale_bits: int) -> NDArray[np.float64]:
        """Read a frequency vector, per position."""
        table = read_table(self.location, self.manifest("frequencies"), FREQUENCIES)
        counts: NDArray[np.float64] = table[column].to_numpy().astype(np.float64)
        return np.ldexp(counts, -scale_bits) / self.n_positions

    def basis(self, device: str = "cpu", *, dtype: str | None = None, centring: Centring = "uniform") -> Basis:
        """Compose the basis functions as lazy operators.

        Parameters
        ----------
        device
            ``cpu`` or ``cuda``.
        dtype
            ``float64`` (default) or ``float32``.
        centring
            ``uniform``: the theory's, B and Phi minus 1/V of their margins. ``frequency``: what is left beyond the
            tokens' frequencies; ours, for reading associations.

        Returns
        -------
        Basis
            ``.bigram .context .interchange .value .composed``.
        """
        return Basis.from_counts(
            self.bigram_counts(),
            self.context_weights(),
            self.n_positions,
            current_frequency=self.current_frequency,
            context_frequency=self.context_frequency,
            device=device,
            dtype=dtype,
            centring=centring,
            weight_error=self.context_length / 2 ** (int(self.manifest("context").settings["scale_bits"]) + 1),
        )

    def predicted_weights(self, steps: int, learning_rate: float, layers: int, device: str = "cpu") -> PredictedWeights:
        """Predict the weights after some steps of gradient descent from zero (Theorem 4.1).

        Parameters
        ----------
        steps
            s, of full-batch gradient descent.
        learning_rate
            eta.
        layers
            L.
        device
            Where the operators live.

        Returns
        -------
        PredictedWeights
            ``.output`` (W_O), ``.value``, ``.query_key`` and ``.position`` (the same for each layer), ``.bounds`` and
            ``.conditions``. Where the run has no attention terms, ``.query_key`` and ``.position`` are None.
        """
        return self.predictor(learning_rate, layers, device)(steps)

    def predictor(self, learning_rate: float, layers: int, device: str = "cpu") -> Callable[[int], PredictedWeights]:
        """Give a function from s to the predicted weights, which reads the run once; see :meth:`predicted_weights`."""
        attention = self._attention(device) if {"query_key", "position"} <= set(self.products) else None
        basis, length = self.basis(device), self.context_length
        return lambda steps: predicted_weights(basis, steps, learning_rate, layers, length, attention)

    def _attention(self, device: str) -> Attention:
        """Read the attention terms as an operator and a vector."""
        matrix = SparseOperator(self.query_key(), (Axis.CURRENT, Axis.CONTEXT), device=device)
        return Attention(matrix.named("query_key"), torch.tensor(self.position(), device=matrix.device))

    def token_id(self, token: str) -> int:
        """Look a token up.

        Raises
        ------
        InputError
            If it is not in the vocabulary; names tokens that are alike.
        """
        found = self._ids.get(token)
        if found is None:
            alike = get_close_matches(token, self._ids, n=5)
            hint = f"; did you mean {', '.join(map(repr, alike))}?" if alike else ""
            raise InputError(f"{token!r} is not in the vocabulary of {self.vocabulary_size:,} tokens{hint}")
        return found

    @cached_property
    def _ids(self) -> dict[str, int]:
        """Map tokens to ids."""
        return {token: index for index, token in enumerate(self.vocabulary["token"].to_pylist())}

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
            As it stands in the vocabulary.
        basis
            ``bigram``, ``context``, ``interchange``, ``value`` or ``composed``.
        k
            How many.
        axis
            The axis on which the token stands, by name; the rows' by default. ``context`` is NEXT x CONTEXT: by default
            the contexts that go with the token as next one; with ``axis="context"`` the next tokens that go with it in
            the context.
        centring
            As in :meth:`basis`.

        Returns
        -------
        list of (token, score)
            Largest first; equal scores in the order of token ids.

        Raises
        ------
        InputError
            If the token or the basis function is not known.
        AxisError
            If the basis function has no such axis.
        """
        if basis not in BASIS_NAMES:
            raise InputError(f"there is no basis function {basis!r}; choose one of {', '.join(BASIS_NAMES)}")
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
        """The bases that were used so far."""
        return {}


def _axis(name: str) -> Axis:
    """Look an axis up by its name, in capitals or not."""
    try:
        return Axis(name.lower())
    except ValueError as error:
        raise AxisError(f"there is no axis {name!r}; choose one of {', '.join(axis.value for axis in Axis)}") from error
