"""Scaling of counting and attention: twice the cores, and twice the tokens.

Both jobs run one after the other in one Spark; their stages are told apart by its log. On one core means that all
processes are bound to it, unless everything runs in this one. Tasks have so little memory that units are as large on
one core as on all, and for twice the tokens: a corpus that fits the memory of one task is better counted by one, which
tells nothing of larger ones.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.bench import Bench, label
from benchmarks.gate import GateError, check_rows
from benchmarks.machine import bind_to, usable_cores
from benchmarks.measure import Contender, Measurement, Prepared, in_fresh_process, made_anew
from benchmarks.memory import OWN
from benchmarks.samples import Sample
from benchmarks.stages import logged_session
from leadterm.config import Config
from leadterm.counting import plan_memory
from leadterm.pipeline.aggregation.row_groups import assign_row_groups, row_groups
from leadterm.storage import Location, read_manifest, require_manifest

SAMPLES = ("scaling", "scaling doubled")
PRODUCTS = ("bigram", "context", "frequencies", "query_key", "position")
Turn = tuple[Measurement, Measurement, Measurement]
"""On one core, on all cores, and on all cores on twice the tokens."""
STAGES = ("count", "count, merge", "attend", "attend, merge")
"""Of both jobs, as the log has them."""

LEAST_MEMORY, MEMORY_STEP = 2**26, 2**24
"""Bytes: what a task has at least, and how much more it is given until it can hold what it shall."""


def run_part(bench: Bench) -> dict[str, Any]:
    """Measure both jobs on one core and on all, and there on twice the tokens; require the same bytes."""
    from benchmarks.gate_attention import check_query_key  # noqa: PLC0415  # imports torch

    bench.make_counts(SAMPLES, composed=True)
    small, double = (bench.samples[name] for name in SAMPLES)
    share = largest_task(small)
    bound = bench.call is in_fresh_process
    one, every = (Contender(f"leadterm, cores {n}", partial(prepare, n, share, bound)) for n in (1, usable_cores()))
    turns = [take_turn(bench, one, every) for _ in range(bench.repeats)]
    accuracy = {"on one core and on all": f"the same bytes of {', '.join(PRODUCTS)}"}
    for name, sample in zip(SAMPLES, (small, double), strict=True):
        checks = (bench.call(check, sample) for check in (check_rows, check_query_key))
        accuracy[f"the sample {name}"] = "; ".join(checks)
    labels = (label(one, "scaling"), label(every, "scaling"), label(every, "scaling doubled"))
    joined = [found[0].joined(found[1:]) for found in zip(*turns, strict=True)]
    return {
        "accuracy": accuracy,
        "measurements": {name: measured.as_dict() for name, measured in zip(labels, joined, strict=True)},
        "scaling": compare(turns, joined),
    }


def take_turn(bench: Bench, one: Contender, every: Contender) -> Turn:
    """Measure one core, all cores, and those on twice the tokens, each once and warm; require the same bytes."""
    small = bench.samples["scaling"]
    [alone] = bench.measure(one, "scaling", warm_up="scaling", repeats=1).values()
    hashes = content_hashes(small)
    found = bench.measure(every, "scaling", "scaling doubled", warm_up="scaling", repeats=1)
    together, doubled = found.values()
    require_same(hashes, content_hashes(small))
    return alone, together, doubled


def largest_task(sample: Sample) -> int:
    """Say how many tokens a task has, where a round on all cores counts the sample; windows share none of them."""
    dealt = assign_row_groups(row_groups(sample.manifest), usable_cores())
    return max(sum(task["tokens"].to_pylist()) for task in dealt)


def prepare(cores: int, unit_tokens: int, bound: bool, output: Path) -> Prepared:
    """Start Spark on so many cores, for both jobs, whose tasks have memory for this many tokens at once."""
    from leadterm.pipeline.count_attention.job import count_attention  # noqa: PLC0415
    from leadterm.pipeline.count_cooccurrences.job import count_cooccurrences  # noqa: PLC0415

    if bound:
        bind_to(cores)
    session, finish = logged_session(output.parent, cores)

    def both(config: Config, run: Location) -> None:
        count_cooccurrences(session, limit_memory(config, run, unit_tokens), run)
        count_attention(session, limit_memory(config, run, unit_tokens, attention=True), run)

    return made_anew(PRODUCTS, both), finish


def limit_memory(config: Config, run: Location, unit_tokens: int, *, attention: bool = False) -> Config:
    """Give tasks of counting, or of attention, the least memory, in steps, that holds so many tokens."""
    sizes = require_manifest(run, "windows").counts["vocabulary_size"], config.windows.length
    memory = LEAST_MEMORY
    while plan_memory(memory, *sizes, attention=attention).unit_tokens < unit_tokens:
        memory += MEMORY_STEP
    counting = config.counting.model_copy(update={"memory_per_task": memory})
    return config.model_copy(update={"counting": counting})


def content_hashes(sample: Sample) -> dict[str, str]:
    """Give the hash of what each product's files hold."""
    return {product: read_manifest(sample.location, product).content_hash for product in PRODUCTS}


def require_same(one: dict[str, str], every: dict[str, str]) -> None:
    """Refuse products that depend on the number of cores."""
    if other := [product for product in one if one[product] != every[product]]:
        raise GateError(f"{', '.join(other)}: other bytes on one core than on all")


def compare(turns: Sequence[Turn], joined: Sequence[Measurement]) -> dict[str, Any]:
    """Compare the stages: how much faster on all cores, how much longer for twice the tokens."""
    known = STAGES if all(len(run.stages) == len(STAGES) for turn in turns for run in turn) else ()
    seconds = {
        name: [[run.stages[place]["wall_seconds"] for run in turn] for turn in turns]
        for place, name in enumerate(known)
    }
    seconds["both jobs"] = [[run.median for run in turn] for turn in turns]
    _, together, doubled = joined
    return {
        "cores": usable_cores(),
        "tokens": [run.tokens for run in (together, doubled)],
        "executors": [run.memory.get(OWN, 0) for run in (together, doubled)],
        "stages": {
            name: {
                "seconds": [median(column) for column in zip(*times, strict=True)],
                "faster": median(alone / every for alone, every, _ in times),
                "longer": median(more / every for _, every, more in times),
            }
            for name, times in seconds.items()
        },
    }
