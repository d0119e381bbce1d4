"""What the manifest of windows says of the engine that gave their ids."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leadterm.corpus.engines.choose_engine import ChosenEngine
from leadterm.pipeline.encode_corpus.task import Tally

COMPARED = (Tally.COMPARED_TEXTS, Tally.COMPARED_TOKENS, Tally.REFUSED_TEXTS)


def encoded_by(engine: ChosenEngine | None, tally: NDArray[np.int64]) -> dict[str, Any]:
    """Name the engine and what was compared; nothing where no tokenizer.json gave the ids."""
    if engine is None:
        return {}
    compared = {kind.name.lower(): int(tally[kind]) for kind in COMPARED}
    return {"engine": engine.name, "hard_texts": engine.hard_texts} | compared


def joined(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Say the same of windows of several runs together; runs of earlier versions do not say it.

    Examples
    --------
    >>> joined([{"engine": "huggingface", "compared_texts": 0}, {"engine": "fastokens 0.3.5", "compared_texts": 7}])
    {'engine': 'fastokens 0.3.5, huggingface', 'compared_texts': 7}
    """
    told = [part for part in parts if part]
    if not told:
        return {}
    engines = sorted({name for part in told for name in part["engine"].split(", ")})
    totals = {key: sum(part.get(key, 0) for part in told) for key in told[0] if key != "engine"}
    return {"engine": ", ".join(engines)} | totals
