"""Times a contender on samples, in a process of its own: a fresh Java, nobody else's memory."""

import shutil
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.memory import sampled_memory
from benchmarks.samples import Sample
from benchmarks.stages import read_stages

Caller = Callable[..., Any]
"""Calls a function with arguments, in one process or another."""
Work = Callable[[Sample, Path], Callable[[], Any]]
"""Makes ready to count the windows of a sample into a folder; calling the result does it."""


@dataclass(frozen=True)
class Measurement:
    """What was measured of a contender.

    Attributes
    ----------
    contender, tokens, positions, vocabulary_size, length
        Who, on what: the sample's tokens and positions, V and T.
    seconds
        Of every repeat, from windows on disk to the result, Spark being warm.
    memory
        Peaks over all repeats, in bytes.
    stages
        Of the repeat with the median time, where it ran on Spark.
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
        return self.tokens / median(self.seconds)

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


def measure(contender: str, samples: Sequence[Sample], tiny: Sample, output: Path, repeats: int) -> list[Measurement]:
    """Warm a contender up on a tiny sample, then time it on each sample; its last result stays in ``output``."""
    work, finish = PREPARE[contender](output)
    _timed(work, tiny, output, 1)
    timed = [(sample, _timed(work, sample, output, repeats)) for sample in samples]
    finish()
    found = []
    for sample, (spans, memory) in timed:
        seconds = [ended - began for began, ended in spans]
        middle = spans[sorted(range(repeats), key=seconds.__getitem__)[repeats // 2]]
        counts, length = sample.manifest.counts, sample.config.windows.length
        sizes = (counts["tokens"], counts["positions"], counts["vocabulary_size"], length)
        found.append(Measurement(contender, *sizes, seconds, memory, read_stages(output / "events", *middle)))
    return found


def _timed(work: Work, sample: Sample, output: Path, repeats: int) -> tuple[list[tuple[float, float]], dict[str, int]]:
    """Let a contender work some times: when each repeat began and ended (seconds since 1970), and peaks of memory."""
    spans, memory = [], {}
    for _ in range(repeats):
        shutil.rmtree(output / "result", ignore_errors=True)
        run = work(sample, output / "result")
        with sampled_memory() as peaks:
            began = time.time()
            run()
            spans.append((began, time.time()))
        memory = {kind: max(peak, memory.get(kind, 0)) for kind, peak in peaks.as_dict().items()}
    return spans, memory


def _prepare_ours(output: Path) -> tuple[Work, Callable[[], None]]:
    """Start Spark for leadterm's job; its products appear in the sample's run directory."""
    from leadterm.spark.count import count_cooccurrences  # noqa: PLC0415

    session = _session(output)

    def work(sample: Sample, _: Path) -> Callable[[], Any]:
        for product in ("bigram", "context", "frequencies"):  # what is there would not be counted again
            (sample.location / product).remove()
        return partial(count_cooccurrences, session, sample.config, sample.location)

    return work, session.stop


def _prepare_sql(output: Path) -> tuple[Work, Callable[[], None]]:
    """Start Spark, with the same settings, for the SQL job."""
    from benchmarks.peer_sql import count_sql  # noqa: PLC0415

    session = _session(output)
    return lambda sample, target: partial(count_sql, session, sample, target), session.stop


def _prepare_onehot(output: Path) -> tuple[Work, Callable[[], None]]:
    """Load torch; the last result is saved after the time was taken."""
    from benchmarks.peer_onehot import count_onehot, save  # noqa: PLC0415

    last: list[Any] = []

    def work(sample: Sample, _: Path) -> Callable[[], None]:
        last.clear()
        return lambda: last.append(count_onehot(sample))

    return work, lambda: save(last[-1], output / "result")


def _session(output: Path) -> Any:
    """Start Spark with a log of its stages."""
    from leadterm.spark.session import start_session  # noqa: PLC0415

    shutil.rmtree(output / "events", ignore_errors=True)
    (output / "events").mkdir(parents=True)
    properties = {
        "spark.eventLog.enabled": True,
        "spark.eventLog.dir": (output / "events").resolve().as_uri(),
        "spark.eventLog.rolling.enabled": False,
        "spark.eventLog.compress": False,
    }
    return start_session("leadterm benchmark", properties)


PREPARE: dict[str, Callable[[Path], tuple[Work, Callable[[], None]]]] = {
    "leadterm": _prepare_ours,
    "Spark SQL": _prepare_sql,
    "one-hot products, torch": _prepare_onehot,
}
