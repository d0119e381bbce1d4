"""A small run with odd tokens and made-up scores of checkpoints, each cell of which is known."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from leadterm import Run
from leadterm.config import Config, PretrainingSection, canonical, parse_config
from leadterm.config.shuffled_suffix import SHUFFLED
from leadterm.language_model import LOSS_TABLE, PRETRAINED
from leadterm.pipeline.pretrain_model.job import losses_table
from leadterm.storage import Location, Manifest, staging
from leadterm.storage.formats.alignment_table import SCHEMA, SCORES, product_of
from leadterm.storage.formats.small_tables import stage_table
from support.dense_theory import random_windows
from support.written_runs import write_run

HOSTILE = ("<img src=x onerror=alert(1)>", "</script>", "<!--<script>", "\u2028", "a&lt;b", "${1}", "{{script}}")
TOKENS = [*HOSTILE, "Ġking", "king", "Ċ", "Ã©", "Ġthe", "the", "ĠkingdomĠcome", *(f"w{number}" for number in range(16))]
LENGTH = 24
"""T."""

STEPS, LAYERS, HEADS = (0, 1, 2, 4), 3, 2
PREDICTORS = ("bigram", "context.T")
"""Beside the paper's."""
LOSS_STEPS, UNIGRAM_ENTROPY = 100, 2.25
"""Of the language model that was trained on the run."""
REMARK = "a remark with <b>markup</b>"


def small_run(folder: Path) -> Run:
    """A run over TOKENS, whose tokens occur about equally often."""
    return write_run(folder, random_windows(40, LENGTH + 1, len(TOKENS), seed=4), TOKENS, LENGTH)


def score_of(
    place: Sequence[int], component: str, head: int | None, predictor: str, metric: str, *, shuffled: bool = False
) -> float:
    """A score between 0 and 1 that no two cells share; `place` is the revision's and the layer's."""
    parts = (
        *place,
        ("qk", "mid", "post", "pre", "read").index(component),
        -1 if head is None else head,
        len(predictor),
    )
    mixed = sum((part + 2) * factor for part, factor in zip(parts, (7, 31, 113, 257, 401), strict=True))
    return (mixed % 997) / 1000 * (1 if metric == "raw" else 0.4) * (0.2 if shuffled else 1)


def is_absent(place: Sequence[int], component: str) -> bool:
    """The first layer's input does not vary over tokens before training."""
    return component == "pre" and tuple(place) == (0, 0)


def rows_of(
    model: str, revision: str, place: int, step: int | None, *, shuffled: bool, heads_of: Sequence[int]
) -> Iterator[dict[str, Any]]:
    """All scores of a revision, as the alignment saves them; z is 100 times the score, and below 0 in odd layers."""
    for layer in range(LAYERS):
        for component in ("qk", "mid", "post", "pre", "read"):
            for head in (None, *range(HEADS)) if component == "qk" and layer in heads_of else (None,):
                for predictor in ("query_key" if component == "qk" else "value", *PREDICTORS):
                    for metric in ("raw", "centred"):
                        score = score_of((place, layer), component, head, predictor, metric, shuffled=shuffled)
                        numbers = (score, 0.1, 0.01, score * (-100 if layer % 2 else 100))
                        if is_absent((place, layer), component):
                            numbers = (None,) * 4
                        corpus = "corpus" + (SHUFFLED if shuffled else "")
                        names = (
                            model,
                            revision,
                            step,
                            layer,
                            head,
                            component,
                            predictor,
                            metric,
                            *numbers,
                            30,
                            corpus,
                            7.5,
                            "the of",
                        )
                        yield dict(zip(SCHEMA.names, names, strict=True))


def add_scores(
    run: Run,
    model: str,
    steps: Sequence[int | None],
    *,
    same_weights: bool = False,
    heads_of: Sequence[int] = range(LAYERS),
) -> pa.Table:
    """Save scores of a model in a run; where asked, the first two revisions are the same weights.

    Heads are scored one by one in the layers `heads_of`.
    """
    tables = []
    for place, step in enumerate(steps):
        revision = "main" if step is None else f"step{step}"
        rows = [
            row
            for shuffled in (False, True)
            for row in rows_of(model, revision, place, step, shuffled=shuffled, heads_of=heads_of)
        ]
        tables.append(pa.Table.from_pylist(rows, SCHEMA))
        digest = f"{0 if same_weights and place < 2 else place + 1:064x}"
        settings = {"model": model, "revision": revision, "step": step, "probe": "alone"}
        counts = {"scores": len(rows), "layers": LAYERS, "heads": HEADS, "remarks": [REMARK] if place == 0 else []}
        with staging(Location.of(run.location.path)) as stage:
            part, entry = stage_table(stage, SCORES, tables[-1])
            name = product_of(model, revision)
            stage.commit(Manifest(name, {"weights": digest}, settings, counts, (entry,)), [part])
    return pa.concat_tables(tables)


def loss_at(step: int) -> float:
    """A loss that falls, with some noise."""
    return 3 - 0.4 * math.log2(step) + (step * 7 % 5) / 50


def add_training(run: Run, steps: int = LOSS_STEPS, *, windows: str | None = None) -> None:
    """Save the losses of a training of this many steps, by default on the windows that the run has now."""
    settings = PretrainingSection(layers=2, steps=steps, batch=3, warmup_steps=10, learning_rate=0.01)
    table = losses_table(settings, [loss_at(step) for step in range(1, steps + 1)], UNIGRAM_ENTROPY)
    counts = {"parameters": 12_345, "unigram_entropy": UNIGRAM_ENTROPY}
    made_from = {"windows": windows or run.manifest("windows").content_hash}
    with staging(Location.of(run.location.path)) as stage:
        part, entry = stage_table(stage, LOSS_TABLE, table)
        stage.commit(Manifest(PRETRAINED, made_from, canonical(settings), counts, (entry,)), [part])


def config_with(**report: Any) -> Config:
    """A config whose section ``report`` is given."""
    tokenizer = {"kind": "words", "vocabulary_size": len(TOKENS)}
    return parse_config({"corpus": {"paths": ["a.parquet"]}, "tokenizer": tokenizer, "report": report})
