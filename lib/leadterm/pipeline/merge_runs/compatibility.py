"""The runs that a merge adds up: opened, and checked that the whole is no more than its parts."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leadterm.catalog.jobs import Job, jobs_where
from leadterm.catalog.products import Product
from leadterm.counting import check_no_overflow
from leadterm.errors import RunError
from leadterm.pipeline.encode_corpus.task import DROPS, Tally
from leadterm.storage import Location, Manifest
from leadterm.storage.formats.small_tables import TOKENIZER
from leadterm.storage.stored_run import StoredRun

MOST_RUNS = 32
"""That are merged at once: of each, a task holds a row group, some 13 MB."""
ADDABLE = ("words", "ids", "huggingface")
"""Kinds of tokenizers for which runs of the same vocabulary add up to one run over everything."""


logger = logging.getLogger("leadterm")


@dataclass(frozen=True)
class Part:
    """One of the runs that are merged.

    Attributes
    ----------
    run
        Its products.
    manifests
        Of what encoding makes, and of what counting makes unless there is no window.
    """

    run: StoredRun
    manifests: dict[str, Manifest]

    @classmethod
    def of(cls, place: Location) -> "Part":
        """Open a run, whose products must be made from each other.

        Raises
        ------
        RunError
            If a product is missing, made from others, or was published without its files.
        """
        run = StoredRun(place)
        has_windows = run.manifest(Product.WINDOWS).counts["windows"] > 0
        jobs = [job for job in jobs_where(adds_up=True) if not job.reads or has_windows]
        held = [job for job in jobs if not job.when or set(job.makes) <= set(run.products)]
        manifests = {str(name): run.manifest(name) for job in held for name in job.makes}
        if withheld := [name for name, manifest in manifests.items() if manifest.withheld]:
            raise RunError(f"{place} was published without the files of '{withheld[0]}'. Merge the run itself.")
        return cls(run, manifests)

    @property
    def place(self) -> Location:
        """Where the run lies."""
        return self.run.location

    @property
    def windows(self) -> Manifest:
        """The manifest of its windows."""
        return self.manifests[Product.WINDOWS]

    @property
    def marks(self) -> tuple[str, ...]:
        """Of each set of documents that was subtracted from it."""
        return tuple(self.manifests[Product.SOURCES].counts.get("without", ()))

    @property
    def is_counted(self) -> bool:
        """Whether there was a window to count."""
        return Product.BIGRAM in self.manifests

    @property
    def token_counts(self) -> NDArray[np.int64]:
        """How often each token occurs: int64 (V,)."""
        counts: NDArray[np.int64] = self.run.vocabulary["count"].to_numpy()
        return counts

    @property
    def tally(self) -> NDArray[np.int64]:
        """What became of its documents, as the encoding job tallied it."""
        counts, tally = self.windows.counts, np.zeros(len(Tally), dtype=np.int64)
        for kind in (Tally.DOCUMENTS, Tally.KEPT, Tally.WINDOWS, Tally.POSITIONS):
            tally[kind] = counts[kind.name.lower()]
        tally[Tally.DOCUMENTS] -= counts["dropped"].get("where", 0)  # Which no task has seen.
        tally[Tally.REPLACED_SURROGATES] = counts["replaced_surrogates"]
        for reason in DROPS:
            tally[reason] = counts["dropped"][reason.name.lower()]
        return tally


def counting_jobs(parts: Sequence[Part]) -> list[Job]:
    """List the jobs whose counts every run has; of a statistic that only some have there is no sum, which is told."""
    found = []
    for job in (job for job in jobs_where(adds_up=True) if job.reads):
        lacking = [part.place for part in parts if not set(job.makes) <= part.manifests.keys()]
        if not lacking:
            found.append(job)
        elif len(lacking) < len(parts):
            logger.warning("'%s' is not merged: %s does not have it", job.makes[0], lacking[0])
    return found


def open_parts(runs: Sequence[Location], output: Location) -> list[Part]:
    """Open the runs, and check that they can be added up."""
    if output.uri in [run.uri for run in runs]:
        raise RunError(f"{output} is one of the runs to be merged. Choose another output.")
    if len(runs) > MOST_RUNS:
        raise RunError(
            f"{len(runs)} runs are more than the {MOST_RUNS} that can be merged at once. Merge some of them "
            "first; the result is a run like any other."
        )
    first, *others = parts = [Part.of(run) for run in runs]
    _check_addable(first)
    for other in others:
        _check_alike(first, other)
    return parts


def _check_addable(part: Part) -> None:
    """Refuse settings under which the whole is more than its parts."""
    settings = part.windows.settings
    if settings["tokenizer"]["kind"] not in ADDABLE:
        raise RunError(
            f"{part.place} has a vocabulary of kind '{settings['tokenizer']['kind']}', which a "
            "single run would train on all files. Make runs with tokenizer.kind: huggingface and the "
            f"{TOKENIZER} of one of them, {part.place / Product.VOCABULARY / TOKENIZER}, as tokenizer.source; such "
            "runs can be merged."
        )
    if settings["corpus"]["max_documents"] is not None:
        raise RunError(
            f"{part.place} was made with corpus.max_documents, but which documents come first depends on all files. "
            "Make the runs without it."
        )


def _check_alike(first: Part, other: Part) -> None:
    """Refuse runs that differ in more than their files."""
    for name in (name for name in reversed(other.manifests) if name in first.manifests):
        mine, its = first.manifests[name], other.manifests[name]
        inputs = {key: its.made_from.get(key) for key in ("corpus", Product.WINDOWS) if key in its.made_from}
        if differences := its.differences(mine.made_from | inputs, mine.settings):
            listed = "; ".join(differences[:5]).replace(" now", " here")
            raise RunError(
                f"{other.place} cannot be merged with {first.place}: its '{name}' differs in {listed}. Runs can be "
                "merged only if nothing but their files differs."
            )
    if first.run.vocabulary["token"] != other.run.vocabulary["token"]:
        raise RunError(
            f"{other.place} cannot be merged with {first.place}: their vocabularies differ. Make runs with the same "
            "tokenizer, of kind huggingface or ids."
        )


def check_sums(parts: Sequence[Part], counted: Sequence[Part]) -> None:
    """Refuse what one run over everything would refuse."""
    if counted:
        n_windows = sum(part.windows.counts["windows"] for part in parts)
        largest = max(np.sum([part.token_counts.astype(object) for part in parts], axis=0)) + n_windows
        scale_bits = counted[0].manifests[Product.CONTEXT].settings["scale_bits"]
        check_no_overflow(int(largest), parts[0].run.context_length, scale_bits)
