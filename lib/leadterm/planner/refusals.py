"""What would end a run after hours: refusals that the jobs themselves would raise, and rooms that are too small."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from leadterm.config import BpeTokenizerSection, Config, WordTokenizerSection
from leadterm.corpus.bpe_trainer import LARGEST_TEXT
from leadterm.corpus.required_tokens import beyond, impossible, missing
from leadterm.counting import check_no_overflow
from leadterm.errors import LeadtermError
from leadterm.pipeline.memory_checks import size_checks
from leadterm.planner.corpus_size import CorpusSize
from leadterm.planner.cost_model import on_disk
from leadterm.planner.interval import Estimate, total
from leadterm.planner.planned_stage import PlannedStage
from leadterm.planner.sampling import Drawn
from leadterm.storage.location import Location

MEMORIES = {
    "task memory": "counting.memory_per_task",
    "driver memory": "attention.memory",
    "scoring memory": "alignment.at_once",
}
"""What stages hold, and the settings that it follows from; that for scoring is of all revisions at once."""
KEPT = 0.5
"""A smaller share of documents that give a window is worth a warning."""


@dataclass(frozen=True)
class Hazard:
    """Something that goes wrong in a stage.

    Attributes
    ----------
    stage
        Where.
    certain
        Whether even the favourable bound is refused; otherwise it is possible.
    message
        What was found, and what to do.
    """

    stage: str
    certain: bool
    message: str


def refused(stage: str, at_best: Callable[[], object], at_worst: Callable[[], object]) -> Iterator[Hazard]:
    """Ask a job's own check about both bounds."""
    for certain, check in ((True, at_best), (False, at_worst)):
        try:
            check()
        except LeadtermError as error:
            yield Hazard(stage, certain, str(error))
            return


def before_counting(config: Config, corpus: CorpusSize) -> list[Hazard]:
    """Ask what the jobs check before they count, about sizes that are only expected."""
    length, bits = config.windows.length, config.counting.scale_bits
    sizes = int(corpus.vocabulary.low), int(corpus.vocabulary.high)
    counts = corpus.largest_count + corpus.windows
    low, high = int(counts.low), int(counts.high)
    checks: tuple[tuple[str, Callable[[int], object], tuple[int, int]], ...] = (
        ("count", lambda n: check_no_overflow(n, length, bits), (low, high)),
        *((check.stage, check.ask, sizes) for check in size_checks(config)),
    )
    return [
        hazard
        for stage, check, (best, worst) in checks
        for hazard in refused(stage, lambda c=check, n=best: c(n), lambda c=check, n=worst: c(n))  # type: ignore[misc]
    ]


def of_the_corpus(config: Config, corpus: CorpusSize, drawn: Drawn, tokens: int) -> Iterator[Hazard]:
    """Look for settings that do not suit the corpus."""
    share = corpus.kept.value / max(corpus.documents.value, 1.0)
    if share < KEPT:
        yield Hazard(
            "encode", False, f"only {share:.0%} of the documents give a window; see corpus and tokenizer.unknown."
        )
    settings = config.tokenizer
    if isinstance(settings, BpeTokenizerSection):
        wanted = settings.training_documents or corpus.documents.value
        text = drawn.text_bytes * min(1.0, wanted / corpus.documents.value)
        if text.high > LARGEST_TEXT:
            yield Hazard(
                "encode", False, f"the tokenizer would be trained on {text.value:,.0f} bytes of text, and at most "
                f"{LARGEST_TEXT:,} can be counted. Lower tokenizer.training_documents.",
            )  # fmt: skip
        if tokens < settings.vocabulary_size:
            yield Hazard(
                "encode",
                False,
                f"the sampled text gives only {tokens:,} of {settings.vocabulary_size:,} tokens.",
            )


def of_the_vocabulary(config: Config, tokens: Sequence[str]) -> Iterator[Hazard]:
    """Ask whether the vocabulary has what the config asks of it; one that is made of the sample is not the run's."""
    no_corpus_gives = [*impossible(config)]
    yield from (Hazard("encode", True, problem) for problem in no_corpus_gives)
    if no_corpus_gives:
        return
    of_a_sample = isinstance(config.tokenizer, BpeTokenizerSection | WordTokenizerSection)
    remark = " But that is the vocabulary of the sampled text; the run's vocabulary may have it." if of_a_sample else ""
    yield from (Hazard("encode", not of_a_sample, problem + remark) for problem in missing(config, tokens))
    yield from (Hazard("compose", False, f"{one}.") for one in beyond(config, _most_tokens(config, len(tokens))))


def _most_tokens(config: Config, drawn: int) -> int:
    """Say how many tokens the vocabulary may have, where the sample's has this many."""
    settings = config.tokenizer
    if isinstance(settings, WordTokenizerSection):
        return settings.vocabulary_size + (settings.unknown == "replace")
    return settings.vocabulary_size if isinstance(settings, BpeTokenizerSection) else drawn


def of_memory(stages: Sequence[PlannedStage], cores: int, memory: int | None) -> Iterator[Hazard]:
    """Compare what stages hold at once with what this machine has free now, which may be more or less by then.

    So many tasks as ``cores`` run on it: none, if it is not the cluster itself.
    """
    for stage in stages:
        for name, setting in MEMORIES.items():
            tasks = 1 if name == "driver memory" else min(cores, 1) if name == "scoring memory" else cores
            if name in stage.quantities and memory is not None:
                remedy = f"Lower {setting}"
                needed = stage.quantities[name] * tasks
                for found in _room(stage.name, needed, memory, f"of this machine's memory ({name})", remedy):
                    yield replace(found, certain=False)


def of_disks(stages: Sequence[PlannedStage], output: Location | None, shuffles: Path) -> Iterator[Hazard]:
    """Compare what stages write with what the disks have left; a disk that cannot be asked is taken as large enough."""
    shuffled = [stage.quantities["shuffle bytes"] for stage in stages if "shuffle bytes" in stage.quantities]
    yield from _room("encode", total(shuffled), _free(shuffles), f"on the disk of {shuffles}", "Set spark.local.dir")
    if output is None or not output.is_local:
        return
    free = _free(Path(output.path))
    for stage, taken in on_disk(stages):
        found = list(_room(stage, taken, free, f"on the disk of {output}", "Choose another output"))
        if found:
            yield found[0]
            return


def _room(stage: str, needed: Estimate, there: int | None, where: str, remedy: str) -> Iterator[Hazard]:
    """Compare bytes that are needed with those that are there."""
    if there is not None and needed.high > there:
        wanted = f"{needed.low / 2**30:,.1f} to {needed.high / 2**30:,.1f} GiB"
        message = f"it takes {wanted} {where}, and {there / 2**30:,.1f} GiB are free. {remedy}, or use a larger one."
        yield Hazard(stage, needed.low > there, message)


def _free(place: Path) -> int | None:
    """Say how many bytes a disk has left where a file or folder lies, or will lie."""
    for folder in (place, *place.parents):
        try:
            return shutil.disk_usage(folder).free
        except FileNotFoundError:
            continue
        except OSError:
            return None
    return None
