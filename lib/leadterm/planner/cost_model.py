"""Predicts each stage of a run from what was measured on a sample."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from leadterm.catalog.products import Product
from leadterm.config import Config
from leadterm.counting import RowGroups, TaskMemory, places_of, plan_memory
from leadterm.errors import ConfigError
from leadterm.pipeline.aggregation.limits import MOST_FILES
from leadterm.pipeline.compose_weights.context_strips import bytes_per_column
from leadterm.pipeline.compose_weights.cpu import widest
from leadterm.planner.bytes_per_entry import ROW, Matrices, Windows
from leadterm.planner.corpus_size import CorpusSize
from leadterm.planner.distinct_pairs import Census
from leadterm.planner.extrapolate_counts import predict
from leadterm.planner.interval import Estimate, total
from leadterm.planner.kernel_speeds import Attending, Composing
from leadterm.planner.pair_growth import DISTINCT, LENGTHS
from leadterm.planner.planned_stage import PlannedStage
from leadterm.planner.unit_counts import UnitCounts

PROCESS_BYTES = 2**29
"""What a Python process takes before it holds any data: the interpreter and its packages."""
DRIVER_ENTRY, MAPPED_SCORE = 24, 8
"""Bytes of a nonzero on the driver while a matrix is read, in parts and whole; and of its score, which is mapped."""
SLOWER, FASTER = 2.4, 0.6
"""By what factors times are bounded: a sample lies in caches that a corpus does not, and machines have other work.
Counting and composing 63 million tokens took 2.3 and 1.9 times as long as 1 million predicted."""
ENTRY, MARGIN = 12, 16
"""Bytes of a score and its column, and of a token's margins."""


@dataclass(frozen=True, eq=False)
class Observed:
    """What was measured on a sample.

    Attributes
    ----------
    corpus
        Its size, and what encoding costs.
    census, windows, matrices, composing, attending
        See their classes; ``composing`` is None where a GPU composes.
    shuffled
        Of the sample with its tokens in random order; None where that is not counted.
    """

    corpus: CorpusSize
    census: Census
    windows: Windows
    matrices: Matrices
    composing: Composing | None
    attending: Attending
    shuffled: Census | None = None


def predict_stages(config: Config, observed: Observed, cores: int) -> list[PlannedStage]:
    """Predict all stages in order.

    Parameters
    ----------
    config
        Of the run.
    observed
        On the sample.
    cores
        Tasks that run at once, each on a core as fast as the one that measured.

    Returns
    -------
    list of PlannedStage
        Up to the first one that ``counting.memory_per_task`` does not suffice for.
    """
    predict = _Predictor(config, observed, cores)
    stages: list[PlannedStage] = []
    try:
        for part in (predict.encode, predict.counting, predict.compose, predict.attention):
            stages += part()
    except ConfigError:
        pass  # hazards.before_counting says why.
    return [replace(stage, seconds=stage.seconds and bounded(stage.seconds)) for stage in stages]


def predict_shuffled(config: Config, observed: Observed, cores: int) -> list[PlannedStage]:
    """Predict the run over the shuffled corpus, if there is one: its windows, and what is counted and composed."""
    if observed.shuffled is None:
        return []
    encode, *others = predict_stages(config, replace(observed, census=observed.shuffled), cores)
    windows = PlannedStage("windows", {"windows bytes": encode.quantities["windows bytes"]}, None)
    return [replace(stage, name=f"shuffled: {stage.name}") for stage in (windows, *others)]


def on_disk(stages: Sequence[PlannedStage]) -> Iterator[tuple[str, Estimate]]:
    """Say what a run takes on its disk while each stage is done: what is there by then, and what passes."""
    written, passing = Estimate.exact(0), Estimate.exact(0)
    for stage in stages:
        sizes = {name: size for name, size in stage.quantities.items() if name.endswith("bytes")}
        sizes.pop("shuffle bytes", None)
        if "partial bytes" in sizes:  # They stay until the stage that merges them is done.
            passing = sizes.pop("partial bytes")
            if stage.quantities["units"].value > MOST_FILES:  # Sums of some are written before these go.
                passing = Estimate(passing.low, passing.value, 2 * passing.high)
        written += total(list(sizes.values()))
        yield stage.name, written + passing
        if "merge" in stage.name:
            passing = Estimate.exact(0)


def whole_run(stages: Sequence[PlannedStage]) -> PlannedStage:
    """Say what a run takes on its disk at most at a time."""
    taken = [size for _, size in on_disk(stages)]
    return PlannedStage("whole run", {"disk bytes": max(taken, key=lambda size: size.high)}, None)


def predict_entries(config: Config, observed: Observed, name: str, *, ceiling: float | None = None) -> Estimate:
    """Predict what the corpus holds of something that was counted in the sample, pairs by default."""
    return _Predictor(config, observed, 1).in_corpus(name, ceiling=ceiling)


def bounded(seconds: Estimate) -> Estimate:
    """Widen the bounds of a time."""
    return Estimate(seconds.low * FASTER, seconds.value, seconds.high * SLOWER)


class _Predictor:
    """Predicts one stage after the other."""

    def __init__(self, config: Config, observed: Observed, cores: int) -> None:
        self._config, self._observed, self._cores = config, observed, cores
        self._corpus = corpus = observed.corpus
        self._tokens = corpus.positions + corpus.windows
        self._size = int(corpus.vocabulary.value)
        pairs = observed.census.whole.pairs / observed.census.whole.positions
        self._pairs = corpus.positions * pairs

    def encode(self) -> list[PlannedStage]:
        """Predict ``encode_corpus``."""
        corpus, windows = self._corpus, self._observed.windows
        seconds = corpus.encode_seconds + self._tokens * windows.seconds
        found = {
            "documents": corpus.documents,
            "kept documents": corpus.kept,
            "tokens": corpus.positions + corpus.kept,
            "vocabulary": corpus.vocabulary,
            "windows": corpus.windows,
            "positions": corpus.positions,
            "windows bytes": self._tokens * windows.bytes,
            "documents bytes": self._document_bytes(),
            "shuffle bytes": self._tokens * windows.shuffled_bytes,
        }
        return [PlannedStage("encode", found, seconds * (1 / self._cores))]

    def _document_bytes(self) -> Estimate:
        """Predict the bytes of the files that lead documents to their text."""
        document, file = self._observed.windows.document_bytes
        files = min(self._config.windows.files, int(self._corpus.kept.value) + 1)
        return self._corpus.kept * document + Estimate.exact(files * file)

    def counting(self) -> list[PlannedStage]:
        """Predict ``count_cooccurrences``."""
        config, matrices = self._config, self._observed.matrices
        units = self._units(plan_memory(config.counting.memory_per_task, self._size, config.windows.length))
        names = (Product.BIGRAM, Product.CONTEXT)
        entries = self._in_units(units, names)
        bigram, context = (self._at(name, self._corpus.positions) for name in names)
        pair, nonzero, unit = self._observed.census.rates()
        kernels = self._pairs * pair + entries * nonzero + Estimate.exact(units.units * unit)
        kernels += self._partials_seconds(matrices.write, entries, units, len(names))
        counted = {
            "pairs": self._pairs,
            "tasks": Estimate.exact(units.tasks),
            "units": Estimate.exact(units.units),
            "partial bytes": self._partial_bytes(units, entries, len(names), matrices.partial_bytes[0]),
            "task memory": Estimate.exact(units.memory),
        }
        merged = {
            "bigram nonzeros": bigram,
            "context nonzeros": context,
            "bigram bytes": self._bytes(Product.BIGRAM, bigram),
            "context bytes": self._bytes(Product.CONTEXT, context),
        }
        return [
            PlannedStage("count", counted, kernels * (1 / self._cores)),
            PlannedStage("merge", merged, self._merge_seconds(units, entries, len(names))),
        ]

    def compose(self) -> list[PlannedStage]:
        """Predict ``compose_weights``."""
        rates, size, room = self._observed.composing, self._size, self._config.attention.memory
        pairs = self._at("kept_context", self._corpus.positions)
        lengths = self._at("row_length", self._corpus.positions, ceiling=size, scales=LENGTHS)
        multiplications = self._at("kept_bigram", self._corpus.positions) * lengths
        rows = self._at("rows", self._corpus.positions, ceiling=size)
        strips = min(room, bytes_per_column(size) * min(size, self._cores * widest(size, self._cores))) if rates else 0
        found = {
            "multiplications": multiplications,
            "composed nonzeros": pairs,
            "composed bytes": pairs * ENTRY + rows * (ENTRY + MARGIN),
            "driver memory": pairs * (DRIVER_ENTRY + MAPPED_SCORE) + Estimate.exact(PROCESS_BYTES + strips),
        }
        if rates is None:
            return [PlannedStage("compose", found, None)]
        parallel = multiplications * (rates.multiplication / self._cores)
        return [PlannedStage("compose", found, parallel + rows * (rates.cell * size))]

    def attention(self) -> list[PlannedStage]:
        """Predict ``count_attention``."""
        config, rates, matrices = self._config, self._observed.attending, self._observed.matrices
        length = config.windows.length
        limits = plan_memory(config.counting.memory_per_task, self._size, length, attention=True)
        units = self._units(limits)
        entries, found = (
            self._in_units(units, (Product.QUERY_KEY,)),
            self._at(Product.QUERY_KEY, self._corpus.positions),
        )
        places = places_of(self._pairs.value, self._corpus.positions.value)
        blocks = units.units * max(1.0, np.ceil(places / units.units / limits.block_places))
        scores = self._at("kept_context", self._corpus.positions) * blocks
        seconds = self._pairs * rates.pair + entries * rates.entry + scores * rates.score
        seconds += self._partials_seconds(matrices.write, entries, units, 1)
        counted = {
            "tasks": Estimate.exact(units.tasks),
            "units": Estimate.exact(units.units),
            "partial bytes": self._partial_bytes(units, entries, 1, rates.entry_bytes),
            "task memory": Estimate.exact(units.memory),
        }
        merged = {"query_key nonzeros": found, "query_key bytes": self._bytes("columns", found) + found * 8}
        return [
            PlannedStage("attention: count", counted, seconds * (1 / self._cores)),
            PlannedStage("attention: merge", merged, self._merge_seconds(units, entries, 1)),
        ]

    def in_corpus(self, name: str, *, ceiling: float | None = None) -> Estimate:
        """Predict what the whole corpus holds of something."""
        return self._at(name, self._corpus.positions, ceiling=ceiling)

    def _units(self, limits: TaskMemory) -> UnitCounts:
        """Deal the windows out."""
        return UnitCounts.of(limits, self._tokens.value, self._size, self._cores, self._config.windows.files)

    def _at(
        self, name: str, positions: Estimate, *, ceiling: float | None = None, scales: Sequence[str] = DISTINCT
    ) -> Estimate:
        """Predict what a corpus of this many positions holds of something, of pairs by default."""
        top = ceiling or float(self._size) ** 2
        return predict(self._observed.census, name, positions, ceiling=top, scales=scales)

    def _in_units(self, units: UnitCounts, names: tuple[str, ...]) -> Estimate:
        """Predict the entries of all partial sums: of this many units, each of which has its own."""
        positions = self._corpus.positions * (1 / units.units)
        return total([self._at(name, positions) for name in names]) * units.units

    def _partial_bytes(self, units: UnitCounts, entries: Estimate, matrices: int, entry: float) -> Estimate:
        """Predict what partial sums take on disk, an entry so many bytes."""
        rows = self._at("rows", self._corpus.positions * (1 / units.units), ceiling=self._size)
        fixed = Estimate.exact(self._batches(units, matrices) * self._observed.matrices.partial_bytes[1])
        return entries * entry + rows * (ROW * matrices * units.units) + fixed

    def _batches(self, units: UnitCounts, matrices: int) -> int:
        """Count the batches of partial sums: one for each group of rows, and unit."""
        groups = RowGroups.divide(self._config.counting.rows_per_file, self._size)
        return units.units * matrices * -(-self._size // groups.rows_per_group)

    def _partials_seconds(
        self, costs: tuple[float, float], entries: Estimate, units: UnitCounts, matrices: int
    ) -> Estimate:
        """Predict what it takes one core to write partial sums."""
        return entries * costs[0] + Estimate.exact(costs[1] * self._batches(units, matrices))

    def _merge_seconds(self, units: UnitCounts, entries: Estimate, matrices: int) -> Estimate:
        """Predict how long merging takes; of very many files some are added up before."""
        rounds, files = 1, units.units
        while files > MOST_FILES:
            rounds, files = rounds + 1, -(-files // MOST_FILES)
        entry, matrix = self._observed.matrices.merge
        return (entries * entry + Estimate.exact(matrices * matrix)) * (rounds / self._cores)

    def _bytes(self, name: str, entries: Estimate) -> Estimate:
        """Predict the bytes of a matrix; those of an entry change with the logarithm of the corpus."""
        quarter, whole = self._observed.matrices.bytes[name]
        growth = np.log(max(1.0, self._corpus.positions.value / self._observed.census.whole.positions)) / np.log(4)
        there = max(whole + (whole - quarter) * growth, whole / 2)
        files = -(-self._size // self._config.counting.rows_per_file) * self._observed.matrices.file_bytes
        return entries * Estimate(min(whole, there), there, max(whole, there)) + Estimate.exact(files)
