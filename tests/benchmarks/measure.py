"""Times a contender on samples, in a process of its own: a fresh Java, nobody else's memory."""

import shutil
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.memory import peak_between, sampled_memory
from benchmarks.samples import Sample
from benchmarks.stages import EVENTS, read_stages

Caller = Callable[..., Any]
"""Calls a function with arguments, in one process or another."""
Work = Callable[[Sample, Path], Callable[[], Any]]
"""Makes ready to work on a sample, with a folder for the result; calling what it returns does the work."""
Prepared = tuple[Work, Callable[[], None]]
"""The work, and what to do after the last of it."""


@dataclass(frozen=True)
class Contender:
    """Someone who does a job.

    Attributes
    ----------
    name
        As the report has it.
    prepare
        Takes a folder to work in, loads packages and starts Spark; it must survive pickling, as it runs elsewhere.
    """

    name: str
    prepare: Callable[[Path], Prepared]


@dataclass(frozen=True)
class Measurement:
    """What was measured of a contender.

    Attributes
    ----------
    contender, tokens, positions, vocabulary_size, length
        Who, on what: the sample's tokens and positions, V and T.
    seconds
        Of every repeat, from the inputs on disk to the result, Spark being warm.
    memory
        Peaks over all repeats, in bytes.
    stages
        Of the repeat with the median time, where it ran on Spark, each with the peak of all processes in its time.
    """

    contender: str
    tokens: int
    positions: int
    vocabulary_size: int
    length: int
    seconds: list[float]
    memory: dict[str, int]
    stages: list[dict[str, Any]]

    @property
    def rate(self) -> float:
        """Tokens per second, by the median time."""
        return self.tokens / self.median

    @property
    def median(self) -> float:
        """The median time, in seconds."""
        return median(self.seconds)

    def joined(self, others: "Sequence[Measurement]") -> "Measurement":
        """Join with the repeats that were measured at other times; the stages are those of the repeat in the middle."""
        found = sorted([self, *others], key=lambda one: one.median)
        seconds = [second for one in (self, *others) for second in one.seconds]
        memory = {kind: max(one.memory[kind] for one in found) for kind in self.memory}
        return replace(self, seconds=seconds, memory=memory, stages=found[len(found) // 2].stages)

    def as_dict(self) -> dict[str, Any]:
        """Give all that was measured as plain values."""
        return asdict(self) | {"tokens_per_second": self.rate}


def in_fresh_process(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function in a new process, and end that process."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def in_this_process(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function here, for trials: it finds a Java that is warm and memory that others took."""
    return function(*arguments)


def measure(
    contender: Contender, samples: Sequence[Sample], tiny: Sample, output: Path, repeats: int
) -> list[Measurement]:
    """Warm a contender up on a tiny sample, then time it on each sample; its last result stays in ``output``."""
    work, finish = contender.prepare(output)
    _timed(work, tiny, output, 1)
    timed = [(sample, _timed(work, sample, output, repeats)) for sample in samples]
    finish()
    found = []
    for sample, (spans, memory, history) in timed:
        seconds = [ended - began for began, ended in spans]
        middle = spans[sorted(range(repeats), key=seconds.__getitem__)[repeats // 2]]
        stages = read_stages(output.parent / EVENTS, *middle)
        for stage in stages:
            stage["memory"] = peak_between(history, stage["submitted"], stage["submitted"] + stage["wall_seconds"])
        found.append(Measurement(contender.name, **sample.sizes, seconds=seconds, memory=memory, stages=stages))
    return found


def made_anew(products: Sequence[str], job: Callable[..., Any]) -> Work:
    """Let a job of leadterm make its products in the sample's run directory, where it would skip what is there."""

    def work(sample: Sample, _: Path) -> Callable[[], Any]:
        for product in products:
            (sample.location / product).remove()
        return partial(job, sample.config, sample.location)

    return work


def kept_last(action: Callable[[Sample], Any], save: Callable[[Any, Path], None], output: Path) -> Prepared:
    """Let a peer work in memory; its last result is saved after the time was taken."""
    last: list[Any] = []

    def work(sample: Sample, _: Path) -> Callable[[], None]:
        last.clear()
        return lambda: last.append(action(sample))

    return work, lambda: save(last[-1], output / "result")


def _timed(
    work: Work, sample: Sample, output: Path, repeats: int
) -> tuple[list[tuple[float, float]], dict[str, int], list[tuple[float, int]]]:
    """Let a contender work some times.

    Returns
    -------
    tuple
        When each repeat began and ended (seconds since 1970), the peaks of memory, and its history.
    """
    spans, memory, history = [], {}, []
    for _ in range(repeats):
        shutil.rmtree(output / "result", ignore_errors=True)
        run = work(sample, output / "result")
        with sampled_memory() as peaks:
            began = time.time()
            run()
            spans.append((began, time.time()))
        history += peaks.history
        memory = {kind: max(peak, memory.get(kind, 0)) for kind, peak in peaks.as_dict().items()}
    return spans, memory, history
