"""One revision of a checkpoint, scored layer by layer, and saved as soon as it is done."""

from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

import pyarrow as pa
import torch

from leadterm.alignment import Evaluator, Score
from leadterm.catalog.products import Product
from leadterm.checkpoints import Checkpoint, open_checkpoint
from leadterm.config import AlignmentSection
from leadterm.config.shuffled_suffix import SHUFFLED
from leadterm.errors import InputError, LeadtermError
from leadterm.operators import resolve_device
from leadterm.pipeline.evaluate_alignment.corpus_statistics import Corpus, corpora_of, pairs_of
from leadterm.pipeline.evaluate_alignment.layer_progress import Marks
from leadterm.pipeline.evaluate_alignment.prepared_predictors import load_predictors
from leadterm.pipeline.evaluate_alignment.requested_revisions import Wanted
from leadterm.spark.parallel_map import Machine
from leadterm.storage import Location, Manifest, staging
from leadterm.storage.formats.alignment_table import SCHEMA, SCORES
from leadterm.storage.formats.small_tables import stage_table

logger = logging.getLogger("leadterm")


@dataclass(frozen=True)
class Scorer:
    """Scores revisions; travels to the executors.

    Attributes
    ----------
    run
        URL of the run.
    section
        How to score.
    corpus
        What the table calls the run's corpus.
    marks
        URL of the folder in which finished layers are marked.
    """

    run: str
    section: AlignmentSection
    corpus: str
    marks: str

    def __call__(self, item: str, machine: Machine) -> str:
        """Score the revision that a JSON text describes, and save it; return what went wrong, or nothing."""
        wanted = Wanted(**json.loads(item))
        torch.set_num_threads(machine.threads)
        try:
            self._score(wanted, device_of(self.section.device, machine.gpu))
        except LeadtermError as error:
            return str(error)
        except (MemoryError, torch.OutOfMemoryError) as error:
            return f"out of memory ({error}). Lower alignment.at_once, score fewer tokens, or use a larger machine."
        except Exception as error:  # One checkpoint's defect must not take the others with it.
            logger.exception("%s could not be scored", wanted)
            return f"{type(error).__name__}: {error}. The executor's log has the full traceback."
        return ""

    def _score(self, wanted: Wanted, device: torch.device) -> None:
        started, run = time.monotonic(), Location.of(self.run)
        corpora = corpora_of(self.section, run)
        wanted.verify_files(run)
        with open_checkpoint(
            wanted.path(run),
            wanted.revision,
            device=str(device),
            dtype="float64" if self.section.dtype == "float64" else "float32",
            allow_zeros=wanted.allow_zeros,
        ) as checkpoint:
            remarks = [*checkpoint.remarks, *_check_tokens(checkpoint, corpora[0])]
            table = pa.concat_tables(self._layers(wanted, checkpoint, corpora, device))
            made_from = {"weights": checkpoint.weights_sha256, "files": wanted.hash_files(run)}
            made_from |= made_from_of(corpora)
        counts = {"scores": len(table), "tokens": len(corpora[0].tokens), "layers": checkpoint.n_layers}
        counts |= {"heads": checkpoint.n_heads, "remarks": remarks}
        settings, seconds = wanted.settings(self.section), {"evaluate": time.monotonic() - started}
        with staging(run) as stage:
            part, entry = stage_table(stage, SCORES, table)
            stage.commit(Manifest(wanted.product, made_from, settings, counts, (entry,), seconds), [part])

    def _layers(
        self, wanted: Wanted, checkpoint: Checkpoint, corpora: list[Corpus], device: torch.device
    ) -> Iterator[pa.Table]:
        """Score layer after layer."""
        predictors = [predictor for corpus in corpora for predictor in load_predictors(corpus, device)]
        evaluator = Evaluator(predictors, pairs_of(self.section, corpora))
        numbers = _layer_numbers(self.section, checkpoint)
        names = corpora[0].run.names.shown
        shown = [names[token] for token in corpora[0].tokens.tolist()]
        marks = Marks(Location.of(self.marks), wanted.product, len(numbers))
        marks.begin()
        for layer in checkpoint.layers(corpora[0].tokens.tolist(), self.section.probe):
            if layer.number in numbers:
                heads = self.section.heads
                scores = evaluator.score(layer, heads=heads == "all" or (heads != "none" and layer.number in heads))
                yield scores_table(scores, wanted, self.corpus, shown)
                marks.add(layer.number)
            if layer.number == numbers[-1]:
                return


def device_of(asked: str, gpu: str | None) -> torch.device:
    """Choose where to compute: ``auto`` is on CUDA where there is a device."""
    if asked == "cpu" or (asked == "auto" and not torch.cuda.is_available()):
        return torch.device("cpu")
    return resolve_device("cuda" if gpu is None else f"cuda:{gpu}")


def made_from_of(corpora: Sequence[Corpus]) -> dict[str, str]:
    """Give the content hashes of the statistics of all corpora."""
    return {name: content for corpus in corpora for name, content in corpus.made_from.items()}


def scores_table(scores: list[Score], wanted: Wanted, corpus: str, tokens: Sequence[str]) -> pa.Table:
    """Lay scores out as rows of the alignment's table; what could not be scored is null."""
    rows = [
        {
            "model": wanted.model,
            "revision": wanted.revision,
            "step": wanted.step,
            **{name: _or_null(value) for name, value in asdict(score).items()},
            "predictor": score.predictor.removesuffix(SHUFFLED),
            "corpus": corpus + (SHUFFLED if score.predictor.endswith(SHUFFLED) else ""),
            "top_tokens": " ".join(tokens[place] for place in score.top_tokens),
        }
        for score in scores
    ]
    return pa.Table.from_pylist(rows, SCHEMA)


def _or_null(value: object) -> object:
    return None if isinstance(value, float) and math.isnan(value) else value


def _check_tokens(checkpoint: Checkpoint, corpus: Corpus) -> list[str]:
    """Check that the corpus was encoded with the checkpoint's tokenizer; return what a reader should know of it."""
    run = corpus.run
    if run.manifest(Product.WINDOWS).settings["tokenizer"]["kind"] == "ids":
        return ["the corpus was given as token ids: whether they come from this model's tokenizer could not be checked"]
    return checkpoint.check_vocabulary(run.vocabulary["token"].to_pylist())


def _layer_numbers(section: AlignmentSection, checkpoint: Checkpoint) -> tuple[int, ...]:
    """List the layers that are scored, ascending."""
    for key, chosen in (("layers", section.layers), ("heads", section.heads)):
        if isinstance(chosen, tuple) and chosen and max(chosen) >= checkpoint.n_layers:
            raise InputError(
                f"alignment.{key} names layer {max(chosen)}, and {checkpoint.name} has {checkpoint.n_layers}, "
                f"numbered from 0. Choose from 0 to {checkpoint.n_layers - 1}."
            )
    return tuple(range(checkpoint.n_layers)) if section.layers is None else tuple(sorted(set(section.layers)))
