"""What the comparison of checkpoints with a run will take: how much there is to do, and what that costs here.

Counted is what the job multiplies, step by step as in :mod:`leadterm.alignment`. For n tokens, a model of width d and a
predictor that meets z nonzeros for each column: z d for a stream, n d^2 for each Gram matrix, and for a norm either n
columns (exactly) or 640 (estimated).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from leadterm.alignment import EVERY, READ
from leadterm.alignment.norms import DIRECTIONS, EXACT_TOKENS, PROBES
from leadterm.alignment.predictor import WORKSPACE
from leadterm.checkpoints.shapes import Shape
from leadterm.config import AlignmentSection
from leadterm.pipeline.evaluate_alignment.corpus_statistics import names_of
from leadterm.planner.alignment_rates import Rates
from leadterm.planner.cost_model import PROCESS_BYTES, bounded
from leadterm.planner.interval import Estimate, total
from leadterm.planner.planned_stage import PlannedStage

NUMBER, SPARSE_ENTRY = 8, 12
"""Bytes in float64 of a dense number, and of a nonzero with its column."""
STREAMS = 5 + 5
"""Arrays (tokens, d_model) that a task holds, and as many in work."""
ROW_PASSES = 8
"""Over rows of a product that are laid out for their norms: laid out, scaled, centred and summed, factor by factor."""
PACKED, PLAIN = 1e-7, 1e-8
"""Seconds of a core to load a weight, of a file that packs it (14 s for 135 million, in four bits) and of one that does
not, beside what hashing takes."""
WIDENED = 2
"""Times a model is in memory while it is loaded, if its file packs it."""
MATRICES = {
    "bigram": ("bigram",), "bigram.T": ("bigram",), "context": ("context",), "context.T": ("context",),
    "interchange": ("bigram", "bigram"), "value": ("context", "bigram"), "query_key": ("query_key",),
}  # fmt: skip
"""Which counts each predictor is made of, as it is applied."""


@dataclass(frozen=True)
class Sizes:
    """What a corpus offers for comparison.

    Attributes
    ----------
    tokens
        That are compared.
    entries
        Nonzeros of ``bigram``, ``context`` and ``query_key`` among them.
    """

    tokens: Estimate
    entries: dict[str, Estimate]


@dataclass
class _Work:
    """What is to be done: numbers of things that have a rate each."""

    parts: dict[str, list[Estimate]] = field(default_factory=dict)

    def add(self, rate: str, amount: Estimate) -> None:
        """Add to it."""
        self.parts.setdefault(rate, []).append(amount)

    def seconds(self, rates: Rates) -> Estimate:
        """Say how long it takes one core."""
        return total([total(amounts) * getattr(rates, rate) for rate, amounts in self.parts.items()])


def expect_alignment(
    section: AlignmentSection, corpora: Sequence[Sizes], shapes: Sequence[Shape], rates: Rates, cores: int
) -> PlannedStage:
    """Predict ``evaluate_alignment``.

    Parameters
    ----------
    section
        What is compared.
    corpora
        The run's, and the shuffled one where that is asked for.
    shapes
        Of the models.
    rates
        Of a core.
    cores
        That compute.
    """
    prepared = total([_prepare(section, sizes).seconds(rates) for sizes in corpora])
    scored = total([_revision(section, corpora, shape, rates) * shape.revisions for shape in shapes])
    revisions = sum(shape.revisions for shape in shapes)
    layers = sum(len(_layers(section, shape)) * shape.revisions for shape in shapes)
    at_once = min(revisions, section.at_once or revisions, cores)
    held = [_held(section, corpora, shape) for shape in shapes]
    found = {
        "revisions": Estimate.exact(revisions),
        "layers": Estimate.exact(layers),
        "tokens": corpora[0].tokens,
        "scoring memory": max(held, key=lambda one: one.high) * at_once,
    }
    # Norms are prepared on the driver; torch divides them among the cores, as a task does its products.
    return PlannedStage("alignment", found, bounded((prepared + scored) * (1 / cores)))


def _revision(section: AlignmentSection, corpora: Sequence[Sizes], shape: Shape, rates: Rates) -> Estimate:
    """Say how long a revision takes one core."""
    loaded = shape.n_weights * (PACKED if shape.is_gguf else PLAIN)
    return _score(section, corpora, shape).seconds(rates) + Estimate.exact(loaded)


def _prepare(section: AlignmentSection, sizes: Sizes) -> _Work:
    """Count what norms and null moments of a corpus's predictors take."""
    work, n = _Work(), sizes.tokens
    for name in names_of(section):
        entries, last = _entries(sizes, name), sizes.entries[MATRICES[name][-1]]
        n_factors = len(MATRICES[name])
        exact = section.norms == "exact" or (section.norms == "auto" and n.value <= EXACT_TOKENS)
        columns = n if exact else Estimate.exact(2 * (2 * DIRECTIONS + PROBES))
        work.add("entry", entries * columns)
        work.add("cell", n * columns * n_factors)
        if exact:  # Rows are laid out, for their products with all others.
            work.add("entry", (last if n_factors > 1 else Estimate.exact(0)) * n)
            work.add("cell", n * n)
        else:
            work.add(_double(section), n * (4 * DIRECTIONS**2 + 4 * DIRECTIONS * PROBES))
        if n_factors > 1:  # Norms of its rows have no closed form.
            work.add("entry", last * n)
            work.add("cell", n * n * ROW_PASSES)
    return work


def _score(section: AlignmentSection, corpora: Sequence[Sizes], shape: Shape) -> _Work:
    """Count what it takes to score a revision."""
    work, pairs, n, d = _Work(), READ if section.predictors == "paper" else EVERY, corpora[0].tokens, shape.d_model
    layers = _layers(section, shape)
    fed = 2 if section.probe == "bos" else 1
    work.add("byte", Estimate.exact(4 * shape.n_weights))
    work.add("single", n * (fed * shape.layer_weights * (max(layers, default=-1) + 1)))
    for layer in layers:
        follows = layer - 1 in layers  # Its input was scored as the output of the layer before.
        first = {*pairs["qk"], *pairs["pre"]} - ({*pairs["post"]} if follows else set())
        others = [({*pairs[name]}, True) for name in ("mid", "post", "read")]
        for names, is_new in ((first, not follows), *others):
            if is_new:
                work.add(_double(section), n * d**2)
                work.add("cell", n * (4 * d))
            for sizes in corpora:
                for name in names:
                    work.add("entry", _entries(sizes, name) * d)
                    work.add("cell", n * (d * len(MATRICES[name])))
                    work.add(_double(section), n * d**2)
        _add_heads(work, section, shape, layer, n, len(pairs["qk"]) * len(corpora))
    return work


def _add_heads(work: _Work, section: AlignmentSection, shape: Shape, layer: int, n: Estimate, predictors: int) -> None:
    """Count what the mean of a layer's heads takes, and each of them."""
    d, r, heads = shape.d_model, shape.d_head, shape.n_heads
    each = heads if section.heads == "all" or (section.heads != "none" and layer in section.heads) else 0
    work.add("root", Estimate.exact(d**3 + each * r**3))
    work.add("double", Estimate.exact(heads * d**2 * r + 4 * d**3 + each * d**2 * r * 4))
    work.add("double", Estimate.exact(predictors * (d**3 + each * d**2 * r)))
    work.add(_double(section), n * (d**2 + each * d * r))
    work.add("cell", n * (2 * (d + each * r)))


def _held(section: AlignmentSection, corpora: Sequence[Sizes], shape: Shape) -> Estimate:
    """Say what a task holds."""
    model = 4 * shape.n_weights * (WIDENED if shape.is_gguf else 1)
    used = {name for predictor in names_of(section) for name in MATRICES[predictor]}
    matrices = total([sizes.entries[name] for sizes in corpora for name in used]) * (2 * SPARSE_ENTRY)
    streams = corpora[0].tokens * (STREAMS * shape.d_model * NUMBER)
    return matrices + streams + Estimate.exact(PROCESS_BYTES + model + WORKSPACE)


def _entries(sizes: Sizes, predictor: str) -> Estimate:
    """Count the nonzeros that a column meets."""
    return total([sizes.entries[name] for name in MATRICES[predictor]])


def _layers(section: AlignmentSection, shape: Shape) -> tuple[int, ...]:
    """List the layers that are scored."""
    chosen = range(shape.n_layers) if section.layers is None else sorted(set(section.layers))
    return tuple(layer for layer in chosen if layer < shape.n_layers)


def _double(section: AlignmentSection) -> str:
    """Name the rate of products with the statistics."""
    return "single" if section.dtype == "float32" else "double"
