"""The circuits of checkpoints beside the statistics of a run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.sparse import csr_array

from leadterm.catalog.products import SHUFFLED_RUN, Product
from leadterm.checkpoints import Checkpoint, Revision, find_revisions, open_checkpoint
from leadterm.circuits import (
    Circuit,
    CircuitEvidence,
    Counterpart,
    RowScores,
    WhitenedScores,
    circuits_of,
)
from leadterm.circuits.factors import KINDS
from leadterm.errors import InputError
from leadterm.storage.read_products import read_manifest
from leadterm.storage.stored_run import StoredRun
from leadterm.theory import restricted_matrix

if TYPE_CHECKING:
    from leadterm.run.open_run import Run

COUNTERPARTS = {"total": "bigram", "direct": "bigram", "mlp": "bigram", "attn": "bigram", "ov": "context.T"}
"""Which table of the corpus each circuit is compared with; ``qk`` with none by pairs or rows, with ``query_key`` as a
whole."""
COMPOSED = "composed.T"
"""What the theory has heads agree with first; compared as a whole, as its rows say nothing."""
AT_LEAST = 20
FEWEST = 20
"""Tokens without which there are no classes of frequency."""
KEYS = [
    ("model", pa.string()),
    ("revision", pa.string()),
    ("step", pa.int64()),
    ("layer", pa.int32()),
    ("head", pa.int32()),
    ("circuit", pa.string()),
    ("counterpart", pa.string()),
]
CIRCUITS = pa.schema(
    [
        *KEYS,
        *((name, pa.float64()) for name in ("cosine", "null_mean", "null_sd", "z", "shuffled", "percentile")),
        ("token_percentile", pa.float64()),
        ("model_partners", pa.list_(pa.string())),
        ("corpus_partners", pa.list_(pa.string())),
    ]
)
TRACE = pa.schema(
    [
        *KEYS,
        *((name, pa.float64()) for name in ("count", "expected", "g", "percentile_in_row", "percentile_in_class")),
        ("verdict", pa.string()),
        ("both", pa.int64()),
        ("both_by_chance", pa.int64()),
    ]
)
PARTNERS = 5
MOST_FOR_CHANCE = 4096
"""Tokens up to which it is counted what chance would call both: n^2 d a circuit."""


@dataclass(frozen=True)
class Tables:
    """The tables of a run over the tokens that occur often enough."""

    run: Run
    at_least: int

    @cached_property
    def tokens(self) -> NDArray[np.int64]:
        """The ids of these tokens, ascending.

        Raises
        ------
        InputError
            If there are too few.
        """
        found = np.flatnonzero(self.run.vocabulary["count"].to_numpy() >= self.at_least)
        if len(found) < FEWEST:
            raise InputError(
                f"{len(found)} tokens occur at least {self.at_least} times in {self.run.location}; circuits are "
                f"compared over {FEWEST} or more. Lower at_least, or count more text."
            )
        return found

    def place(self, token: str) -> int:
        """Say which of these tokens one is.

        Raises
        ------
        InputError
            If it is not in the vocabulary, or occurs too seldom.
        """
        index = self.run.token_id(token)
        at = int(np.searchsorted(self.tokens, index))
        if at == len(self.tokens) or self.tokens[at] != index:
            count = self.run.vocabulary["count"][index].as_py()
            raise InputError(
                f"{token!r} occurs {count:,} times in {self.run.location}, and circuits are compared over tokens that "
                f"occur at least {self.at_least} times. Lower at_least, or choose another token."
            )
        return at

    @cached_property
    def totals(self) -> dict[str, float]:
        """The sum of each table before it became joint frequencies."""
        return {name: float(counts.sum()) for name, counts in self._counts(self.run).items()}

    @cached_property
    def of_corpus(self) -> dict[str, Counterpart]:
        """The bigram and the transposed context table."""
        return {name: Counterpart.of_counts(name, counts) for name, counts in self._counts(self.run).items()}

    @cached_property
    def of_shuffled(self) -> dict[str, Counterpart]:
        """Those of the shuffled corpus; empty where the run has none."""
        place = self.run.location / SHUFFLED_RUN
        if read_manifest(place, Product.CONTEXT) is None:
            return {}
        return {name: Counterpart.of_counts(name, counts) for name, counts in self._counts(StoredRun(place)).items()}

    def composed(self, *, shuffled: bool = False) -> Counterpart:
        """The transposed composed map, with which heads agree first, by the theory; it is not stored."""
        run = type(self.run)(self.run.location / SHUFFLED_RUN) if shuffled else self.run
        weights = (self.of_shuffled if shuffled else self.of_corpus)["context.T"]
        operator = run.basis(tokens=self.tokens).composed.T
        nothing = csr_array((len(self.tokens), len(self.tokens)), dtype=np.float64)

        def multiply(right: NDArray[np.float64]) -> NDArray[np.float64]:
            return operator @ right

        return Counterpart("composed.T", nothing, weights.row_weight, weights.column_weight, multiply)

    @cached_property
    def query_key(self) -> Counterpart:
        """Q, with the frequencies of current and context tokens for weights."""
        table = self.of_corpus
        matrix = restricted_matrix(self.run.query_key(), self.tokens)
        return Counterpart("query_key", matrix, table["bigram"].row_weight, table["context.T"].row_weight)

    def _counts(self, run: StoredRun) -> dict[str, Any]:
        """Read the counts of a run over these tokens."""
        bigram, context = (restricted_matrix(one, self.tokens) for one in (run.bigram_counts(), run.context_weights()))
        return {"bigram": bigram, "context.T": context.T.tocsr()}


def kinds_of(checkpoint: Checkpoint, asked: Sequence[str] | None) -> tuple[str, ...]:
    """Say which circuits are read.

    Raises
    ------
    InputError
        If there is no such circuit, or it is the direct path of a model with tied embeddings.
    """
    if asked is None:
        return tuple(kind for kind in COUNTERPARTS if kind != "direct" or not checkpoint.is_tied)
    if unknown := [kind for kind in asked if kind not in KINDS]:
        raise InputError(f"there is no circuit {unknown[0]!r}; choose from {', '.join(KINDS)}")
    if "direct" in asked and checkpoint.is_tied:
        raise InputError(
            f"{checkpoint.name} has tied embeddings: its direct path leads from every token to itself, and says "
            "nothing of what follows it. Leave the circuit direct out."
        )
    return tuple(asked)


@contextmanager
def opened(run: Run, source: str | Path, revision: Revision | None, allow_zeros: bool) -> Iterator[Checkpoint]:
    """Open a revision of a checkpoint whose tokenizer is the run's.

    Raises
    ------
    InputError
        If it is not there, or has another tokenizer.
    """
    name = None if revision is None else revision.name
    with open_checkpoint(source, name, dtype="float64", allow_zeros=allow_zeros) as checkpoint:
        if run.manifest(Product.VOCABULARY).settings["tokenizer"]["kind"] != "ids":
            checkpoint.check_vocabulary(run.vocabulary["token"].to_pylist())
        yield checkpoint


def revisions_of(source: str | Path, revisions: Sequence[str] | str | None) -> list[Revision]:
    """List the revisions of a checkpoint, as `leadterm.checkpoints.find_revisions` does."""
    return list(find_revisions(str(source), revisions))


def _keys(checkpoint: Checkpoint, circuit: Circuit, counterpart: str) -> dict[str, Any]:
    """Name a circuit in a table."""
    return {
        "model": checkpoint.name,
        "revision": checkpoint.revision,
        "step": checkpoint.step,
        "layer": circuit.layer,
        "head": circuit.head,
        "circuit": circuit.kind,
        "counterpart": counterpart,
    }


def score_circuits(
    tables: Tables, checkpoint: Checkpoint, *, kinds: Sequence[str] | None, token: str | None, draws: int, seed: int
) -> Iterator[dict[str, Any]]:
    """Score every circuit of a checkpoint; see `leadterm.run.model_questions.ModelQuestions.circuits`."""
    wanted, ids = kinds_of(checkpoint, kinds), tables.tokens.tolist()
    at = None if token is None else tables.place(token)
    scores = _scores(tables, wanted, draws, seed)
    by_row: dict[str, RowScores] = {}
    layers = checkpoint.layers(ids)
    for circuit in circuits_of(layers, checkpoint.unembedding(ids), checkpoint.last_norm, wanted):
        name = COUNTERPARTS.get(circuit.kind, "query_key")
        row = _keys(checkpoint, circuit, name) | asdict(scores[name].score(circuit))
        if circuit.kind == "ov":
            yield _nulled(_keys(checkpoint, circuit, COMPOSED) | asdict(scores[COMPOSED].score(circuit)))
        if circuit.kind != "qk":
            if name not in by_row:
                by_row[name] = RowScores(tables.of_corpus[name], circuit.columns)
            percentiles = by_row[name].percentiles(circuit)
            row["percentile"] = float(np.nanmean(percentiles))
            if at is not None:
                row |= {"token_percentile": float(percentiles[at])} | _partners(tables, circuit, name, at)
        yield _nulled(row)


def _nulled(row: dict[str, Any]) -> dict[str, Any]:
    """Write null for what has no value."""
    return {key: None if isinstance(value, float) and np.isnan(value) else value for key, value in row.items()}


def _scores(tables: Tables, wanted: Sequence[str], draws: int, seed: int) -> dict[str, WhitenedScores]:
    """Prepare what is compared."""
    shuffled = tables.of_shuffled
    found = {
        name: WhitenedScores(table, shuffled.get(name), draws=draws, seed=seed)
        for name, table in tables.of_corpus.items()
    }
    if "ov" in wanted:
        other = tables.composed(shuffled=True) if shuffled else None
        found[COMPOSED] = WhitenedScores(tables.composed(), other, draws=draws, seed=seed)
    if "qk" in wanted:
        found["query_key"] = WhitenedScores(tables.query_key, draws=draws, seed=seed)
    return found


def _partners(tables: Tables, circuit: Circuit, name: str, at: int) -> dict[str, list[str]]:
    """List the strongest partners of a token in a circuit, and in the corpus."""
    table, total = tables.of_corpus[name], tables.totals[name]
    evidence = CircuitEvidence(circuit, table, total)
    own, theirs = evidence.row(at), evidence.corpus_row(at)
    return {
        "model_partners": [
            tables.run.names.shown[tables.tokens[i]] for i in np.argsort(-own, kind="stable")[:PARTNERS]
        ],
        "corpus_partners": [
            tables.run.names.shown[tables.tokens[i]] for i in np.argsort(-theirs, kind="stable")[:PARTNERS]
        ],
    }


def trace_pair(
    tables: Tables, checkpoint: Checkpoint, token: str, other: str, *, kinds: Sequence[str] | None
) -> Iterator[dict[str, Any]]:
    """Say of a pair what each circuit holds; see `leadterm.run.model_questions.ModelQuestions.trace`."""
    wanted, ids = kinds_of(checkpoint, kinds), tables.tokens.tolist()
    if "qk" in wanted:
        raise InputError("the circuit qk is not read by pairs: rows of the shuffled corpus agree with it as well")
    pair = tables.place(token), tables.place(other)
    layers = checkpoint.layers(ids)
    for circuit in circuits_of(layers, checkpoint.unembedding(ids), checkpoint.last_norm, wanted):
        name = COUNTERPARTS[circuit.kind]
        evidence = CircuitEvidence(circuit, tables.of_corpus[name], tables.totals[name])
        row = _keys(checkpoint, circuit, name) | asdict(evidence.of(*pair))
        if len(ids) <= MOST_FOR_CHANCE:
            _, row["both"], row["both_by_chance"] = evidence.chance()
        yield row
