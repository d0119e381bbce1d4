"""Where an association comes from, and whether a checkpoint has it: what is asked of a run about pairs and models."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pyarrow as pa

from leadterm.packages import require_packages
from leadterm.run.named_run import NamedRun

if TYPE_CHECKING:
    from leadterm.run.open_run import Run
    from leadterm.run.pair_sources import MapName


class ModelQuestions(NamedRun):
    """The methods of a run that answer from its windows, and from checkpoints."""

    def sources(self, token: str, other: str, map: MapName = "bigram", k: int | None = 20) -> pa.Table:
        """Find the documents behind an association: what each adds to the pair's entry of a count matrix, exactly.

        Parameters
        ----------
        token
            The earlier token of the pair, as :meth:`token_id` takes it: the current one, or one in the context.
        other
            The later one: the next token.
        map
            ``bigram``: positions at which ``other`` follows ``token``. ``context``: the weights 1/t of ``token`` in all
            contexts before ``other``.
        k
            How many documents, those with the largest shares; None for all of them.

        Returns
        -------
        pyarrow.Table
            Largest share first: document int64 (content hash), path string and row int64 (of the first document of this
            hash; null where the run does not tell, or the row is not known), units int64, share double, passage string
            (the text around the pair where it weighs most), copies int32 (documents of this hash, whose shares are
            together here). Units are positions, or those of :meth:`context_fixed_point`; over all documents they sum
            to the entry of the matrix, and shares to 1.

        Raises
        ------
        InputError
            If a token is not in the vocabulary, or the pair never occurs.
        RunError
            If the run was published without its windows, or a file is damaged.
        MachineError
            If numba, which counts, is not installed.
        """
        from leadterm.run.pair_sources import sources_of  # noqa: PLC0415  # imports this module's run

        return sources_of(self, token, other, map, k)

    def circuits(
        self,
        checkpoint: str | Path,
        revisions: str | Sequence[str] | None = None,
        *,
        token: str | None = None,
        circuits: Sequence[str] | None = None,
        at_least: int = 20,
        draws: int = 8,
        seed: int = 0,
        allow_zeros: bool = False,
    ) -> pa.Table:
        """Compare every circuit of a checkpoint with its counterpart in the corpus.

        Parameters
        ----------
        checkpoint
            A folder, a GGUF file or a name on the hub, as `leadterm.checkpoints.open_checkpoint` takes it.
        revisions
            Names, ranges such as ``step1..step512``, or ``all``; by default the model as such.
        token
            One of the vocabulary: its row's percentile and its strongest partners are told beside.
        circuits
            Some of ``total direct mlp attn ov qk``; by default all but ``qk``, and ``direct`` only where embeddings are
            not tied.
        at_least
            Tokens that occur as often are compared.
        draws, seed
            Of the null.
        allow_zeros
            Take a model with matrices that are 0 throughout.

        Returns
        -------
        pyarrow.Table
            model, revision, step, layer, head (null: none, or the sum over heads), circuit, counterpart (``bigram``,
            ``context.T`` and, in a row of its own, ``composed.T``, ``query_key``), cosine (of whitened maps),
            null_mean, null_sd and z (tokens permuted within classes of frequency), shuffled (with the shuffled
            corpus; null without), percentile (mean over tokens of how their rows agree, 0.5 by chance; null of ``qk``
            and ``composed.T``), and with a token token_percentile, model_partners and corpus_partners.

        Raises
        ------
        InputError
            If there is no such checkpoint, it has another tokenizer, or a token or circuit is not there.
        MachineError
            If packages are missing, or the model does not fit into memory.
        """
        require_packages("run.circuits()", "torch", "checkpoints")
        from leadterm.run import checkpoint_circuits as found  # noqa: PLC0415  # brings PyTorch

        run = cast("Run", self)
        tables, rows = found.Tables(run, at_least), []
        if token is not None:
            tables.place(token)
        for revision in found.revisions_of(checkpoint, revisions):
            with found.opened(run, checkpoint, revision, allow_zeros) as model:
                options: dict[str, Any] = {"kinds": circuits, "token": token, "draws": draws, "seed": seed}
                rows += list(found.score_circuits(tables, model, **options))
        return pa.Table.from_pylist(rows, found.CIRCUITS)

    def trace(
        self,
        checkpoint: str | Path,
        token: str,
        other: str,
        revisions: str | Sequence[str] | None = None,
        *,
        circuits: Sequence[str] | None = None,
        at_least: int = 20,
        allow_zeros: bool = False,
    ) -> pa.Table:
        """Say of a pair of tokens whether it is in the corpus, and in which circuits of a checkpoint.

        Parameters
        ----------
        checkpoint, revisions, at_least, allow_zeros
            As :meth:`circuits` takes them.
        token, other
            The earlier token of the pair, and the later one.
        circuits
            As there, but for ``qk``, which is not read by pairs.

        Returns
        -------
        pyarrow.Table
            The keys of :meth:`circuits`, then count and expected (positions; of ``context.T`` sums of 1/t), g, the
            signed root of their deviance, percentile_in_row and percentile_in_class (of the circuit's entry, among its
            row, and among its column in the token's class of frequency), verdict (``both``, ``in the weights``, ``in
            the corpus``, ``not seen in this circuit``), both (strong pairs of the corpus that are in the weights), and
            both_by_chance (how many of them there are where rows are permuted within classes); the last two are null
            for more than 4,096 tokens.

        Raises
        ------
        InputError
            As :meth:`circuits`.
        MachineError
            As there.
        """
        require_packages("run.trace()", "torch", "checkpoints")
        from leadterm.run import checkpoint_circuits as found  # noqa: PLC0415  # brings PyTorch

        run = cast("Run", self)
        tables, rows = found.Tables(run, at_least), []
        for one in (token, other):
            tables.place(one)
        for revision in found.revisions_of(checkpoint, revisions):
            with found.opened(run, checkpoint, revision, allow_zeros) as model:
                rows += list(found.trace_pair(tables, model, token, other, kinds=circuits))
        return pa.Table.from_pylist(rows, found.TRACE)
