"""Measures leadterm's counting job against other ways to count the same: ``make bench``.

The text is extracted and encoded once and kept under ``data/bench``; the results are printed and written to
``data/bench/results``. Sizes are options: ``make bench ARGS="--tokens 300000"`` is a quick trial.
"""

import argparse
import json
import os
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.corpus import build_texts, pinned_packages
from benchmarks.floors import measure_floors, share_of_floor
from benchmarks.gate import check_rows, compare_onehot, compare_sql
from benchmarks.machine import describe_machine
from benchmarks.measure import Caller, Measurement, in_fresh_process, in_this_process, measure
from benchmarks.report import format_report
from benchmarks.samples import Sample, encode_samples, subwords, words
from leadterm.store import read_manifest

ROOT = Path(__file__).parents[2]
WARM_UP = 5_000
"""Tokens of the sample that warms a contender up."""
OURS = "leadterm"
SQL = "Spark SQL"
ONEHOT = "one-hot products, torch"


def main(arguments: Sequence[str] | None = None) -> None:
    """Encode, measure, check, report."""
    options = parse(arguments)
    machine = describe_machine()
    texts = build_texts(options.data, options.packages or pinned_packages())
    sizes = {"large": options.tokens, "sql": options.sql_tokens, "onehot": options.onehot_tokens, "tiny": WARM_UP}
    samples = {name: subwords(options.data, texts, sizes[name]) for name in ("large", "sql", "tiny")}
    samples |= {f"words {name}": words(options.data, texts, sizes[name]) for name in ("large", "onehot", "tiny")}
    call = in_this_process if options.one_process else in_fresh_process
    call(encode_samples, list(samples.values()))
    os.environ["TQDM_DISABLE"] = "1"  # from here on processes are timed

    bench = Bench(samples, options.output, options.repeats, call)
    accuracy = bench.gates()
    bench.measure(OURS, "large", "words large")
    accuracy["the large sample"] = check_rows(samples["large"])
    floors = call(measure_floors, samples["large"])
    results = {
        "machine": machine, "texts": texts.name, "repeats": options.repeats, "accuracy": accuracy,
        "measurements": {name: found.as_dict() for name, found in bench.found.items()},
        "ratios": bench.ratios(), "floors": floors, **bench.floor(floors),
    }  # fmt: skip
    write(results, options.output)


class Bench:
    """Measures one contender after the other and keeps what was found, by name of the measurement."""

    def __init__(self, samples: dict[str, Sample], output: Path, repeats: int, call: Caller) -> None:
        self.samples, self.output, self.repeats, self.call = samples, output, repeats, call
        self.found: dict[str, Measurement] = {}

    def measure(self, contender: str, *names: str) -> Path:
        """Measure a contender on samples; the folder that holds its last result."""
        folder = self.output / "work" / contender.replace(", ", "-").replace(" ", "-")
        tiny = self.samples["words tiny" if contender == ONEHOT else "tiny"]
        samples = [self.samples[name] for name in names]
        print(f"measuring {contender}: {', '.join(names)}", flush=True)
        found = self.call(measure, contender, samples, tiny, folder, self.repeats)
        self.found |= dict(zip(names if contender == OURS else [contender], found, strict=True))
        return folder

    def gates(self) -> dict[str, str]:
        """Measure leadterm and the peers on the same small samples, and require the same results."""
        self.measure(OURS, "sql", "words onehot")
        accuracy = {SQL: compare_sql(self.samples["sql"], self.measure(SQL, "sql"))}
        accuracy[ONEHOT] = compare_onehot(self.samples["words onehot"], self.measure(ONEHOT, "words onehot"))
        return accuracy

    def ratios(self) -> dict[str, dict[str, float]]:
        """Divide leadterm's rates by each peer's."""
        twins = {SQL: ("sql", "large"), ONEHOT: ("words onehot", "words large")}
        return {
            peer: {"same_windows": self.found[same].rate / rate, "large_sample": self.found[large].rate / rate}
            for peer, (same, large) in twins.items()
            for rate in [self.found[peer].rate]
        }

    def floor(self, floors: dict[str, Any]) -> dict[str, Any]:
        """Compare the job on the large sample with the machine's floor."""
        seconds = median(self.found["large"].seconds)
        manifests = [read_manifest(self.samples["large"].location, product) for product in ("bigram", "context")]
        nonzeros = sum(manifest.counts["nonzeros"] for manifest in manifests)
        size = sum(entry.bytes for manifest in manifests for entry in manifest.files)
        share = {"seconds": seconds, **share_of_floor(floors, nonzeros, size, seconds)}
        return {"products": {"nonzeros": nonzeros, "bytes": size}, "floor": share}


def write(results: dict[str, Any], output: Path) -> None:
    """Print the results and write them as text and as JSON."""
    text = format_report(results)
    (output / "benchmark.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    (output / "benchmark.txt").write_text(text, encoding="utf-8")
    print(f"\n{text}\nwritten to {output}/benchmark.txt and benchmark.json")


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the options."""
    parser = argparse.ArgumentParser(prog="make bench", description="speeds of counting, leadterm's and others'")
    parser.add_argument("--tokens", type=int, help="about so many tokens for leadterm's job; default: all of the text")
    parser.add_argument("--sql-tokens", type=int, default=300_000, help="for Spark SQL; default 300,000")
    parser.add_argument("--onehot-tokens", type=int, default=45_000, help="for one-hot products; default 45,000")
    parser.add_argument("--repeats", type=int, default=3, help="of every measurement; the median counts; default 3")
    parser.add_argument("--packages", nargs="*", help="take docstrings of these only; default: all pinned packages")
    parser.add_argument("--data", type=Path, default=ROOT / "data" / "bench", help="where texts and windows are kept")
    parser.add_argument("--output", type=Path, default=ROOT / "data" / "bench" / "results", help="where the results go")
    parser.add_argument("--one-process", action="store_true", help="start Java once: quicker, but memory adds up")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
