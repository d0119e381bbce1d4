"""Encoding, from text to windows of token ids: leadterm, and the tokenizer library's own batch call on the same texts.

The library has the texts in memory, uses all cores, and leaves its ids as they are; leadterm reads Parquet, and cuts,
shuffles, sorts and writes windows besides. So the library's rate is what leadterm's can come near to.
"""

import os
import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from benchmarks import rates
from benchmarks.bench import Bench, label
from benchmarks.floors import encoding_floor, reached
from benchmarks.gate import check_windows
from benchmarks.machine import usable_cores
from benchmarks.measure import Contender, Measurement, Prepared, made_anew
from benchmarks.samples import Sample, tokenizer_of
from benchmarks.stages import logged_session

SAMPLES = ("large", "tiny")
OF_MODEL = "tokenizer "
"""How the names of samples begin that are encoded with the tokenizer of another model."""
BATCH_CHARACTERS = 2**24
"""Of one call of the library: some millions of tokens, so that its threads do not wait for each other."""
MEASURED = 2_000
"""Texts that the engine encodes for its rate."""
COUNT = "tokens"
"""The file with the number of tokens that the library gave."""


def run_part(bench: Bench) -> dict[str, Any]:
    """Measure both; require of leadterm the windows that the library's ids give."""
    others = [name.removesuffix(" large") for name in bench.samples if name.startswith(OF_MODEL) and "large" in name]
    found, accuracy, ratios = {}, {}, {}
    for name in ("", *others):
        one, accuracy[f"{LIBRARY.name} {name}".strip()], ratio = _measured(bench, f"{name} ".lstrip())
        found |= one
        ratios[f"same texts, {name}" if name else "same texts"] = ratio
    large = bench.samples["large"]
    ours = found[label(OURS, "large")]
    floor = encoding_floor(
        large, bench.call(text_bytes, large), bench.call(engine_rate, large), bench.call(rates.copy_rate)
    )
    return {
        "accuracy": accuracy,
        "measurements": {name: one.as_dict() for name, one in found.items()},
        "ratios": {LIBRARY.name: ratios},
        "floors": reached([floor], ours),
        "stages_of": label(OURS, "large"),
    }


def _measured(bench: Bench, of: str) -> tuple[dict[str, Measurement], str, float]:
    """Measure both on the text, with one tokenizer; the ratio of their rates."""
    name, tiny = f"{of}large", f"{of}tiny"
    found = bench.measure(LIBRARY, name, warm_up=tiny)
    n_tokens = int((bench.folder(LIBRARY) / "result" / COUNT).read_text())
    found |= bench.measure(OURS, name, warm_up=tiny)
    accuracy = bench.call(check_windows, bench.samples[name], n_tokens)
    return found, accuracy, found[label(OURS, name)].rate / found[label(LIBRARY, name)].rate


def prepare_ours(output: Path) -> Prepared:
    """Start Spark for leadterm's job."""
    from leadterm.catalog.jobs import Job  # noqa: PLC0415
    from leadterm.pipeline.encode_corpus.job import encode_corpus  # noqa: PLC0415

    session, finish = logged_session(output.parent)
    return made_anew(Job.ENCODE_CORPUS.makes, partial(encode_corpus, session)), finish


def prepare_library(_: Path) -> Prepared:
    """Let the tokenizer library use all cores; texts are read before the time is taken."""
    os.environ |= {"TOKENIZERS_PARALLELISM": "true", "RAYON_NUM_THREADS": str(usable_cores())}

    def work(sample: Sample, target: Path) -> Callable[[], Any]:
        target.mkdir(parents=True)
        return partial(encode_all, tokenizer_of(sample), batches(sample.texts()), target / COUNT)

    return work, lambda: None


def engine_rate(sample: Sample) -> float:
    """Measure how many tokens a second the engine gives that leadterm chooses, on one core, for all cores."""
    from leadterm.corpus import load_tokenizer  # noqa: PLC0415
    from leadterm.corpus.engines.choose_engine import choose_engine  # noqa: PLC0415

    chosen = choose_engine(load_tokenizer(sample.config.tokenizer.source)).tokenizer
    some = sample.texts()[:MEASURED]
    chosen.encode(some[: MEASURED // 10])
    started = time.process_time()
    n_tokens = chosen.encode(some).tokens.values.size
    return float(n_tokens / (time.process_time() - started) * usable_cores())


def batches(texts: Sequence[str]) -> list[Sequence[str]]:
    """Divide texts into batches of about so many characters."""
    ends = np.cumsum(np.fromiter(map(len, texts), dtype=np.int64, count=len(texts)))
    cuts = np.flatnonzero(np.diff(ends // BATCH_CHARACTERS)) + 1
    return [texts[first:last] for first, last in pairwise([0, *cuts.tolist(), len(texts)])]


def encode_all(tokenizer: Tokenizer, texts: Sequence[Sequence[str]], target: Path) -> None:
    """Encode all texts and write down how many tokens they have."""
    encoded = (tokenizer.encode_batch_fast(batch, add_special_tokens=False) for batch in texts)
    target.write_text(str(sum(len(one) for batch in encoded for one in batch)), encoding="utf-8")


def text_bytes(sample: Sample) -> int:
    """Count the bytes of all texts in UTF-8."""
    return sum(len(text.encode()) for text in sample.texts())


OURS = Contender("leadterm, encoding", prepare_ours)
LIBRARY = Contender("tokenizers, encode_batch_fast", prepare_library)
