"""The check of a run's predicted weights by training: what ``leadterm verify`` and ``leadterm ablate`` do."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from leadterm.catalog.jobs import Job
from leadterm.catalog.products import Product
from leadterm.config import Config, TrainingSection, canonical
from leadterm.errors import ConfigError, RunError
from leadterm.operators import resolve_device
from leadterm.pipeline.lifecycle import Order, job
from leadterm.run.open_run import Run, open_run
from leadterm.storage import Location, Manifest, read_manifest
from leadterm.storage import manifest as manifests
from leadterm.storage.integrity.verified_reader import verify_file
from leadterm.storage.read_products import Overwrite, list_file, write_manifest
from leadterm.telemetry.progress import progress
from leadterm.theory import PredictedWeights
from leadterm.theory_model import (
    NEXT_ORDER,
    PAPER,
    Ablation,
    Agreement,
    Progress,
    Row,
    Trainer,
    ablate,
    initialisation_of,
    markdown_table,
    optimizer_of,
    verify,
    write_figure,
    write_table,
)

CHECKPOINTS, AGREEMENT, ABLATION = "checkpoints", "agreement.md", "ablation.md"


@job(Job.VERIFY_WEIGHTS)
def verify_weights(config: Config, run: Location, *, overwrite: Overwrite = False) -> bool:
    """Train the theory's model on a run, and compare its weights with the predicted ones: the product ``verification``.

    Parameters
    ----------
    config
        Its section ``training``.
    run
        The run directory, on a local disk; it holds the attention terms.
    overwrite
        Compare anew, also where it was compared with these settings; what was compared with others is replaced anyway.

    Returns
    -------
    bool
        False if it was compared already, on the same run with the same settings.

    Raises
    ------
    ConfigError, RunError, MachineError
        As `require_training`; or if the run lacks a product.
    TrainingError
        If the training diverges.
    """
    check = Check.of(open_run(run.uri), config)
    order = check.order(config, overwrite or "differing")
    if order.is_current() and check.is_compared:
        return False
    check.verify()
    return True


def require_training(config: Config, run: Location) -> TrainingSection:
    """Take the section ``training`` of a config, before hours of counting for it.

    Raises
    ------
    ConfigError
        If it has none.
    RunError
        If the run does not lie on a local disk.
    MachineError
        If the device is not there.
    """
    if config.training is None:
        raise ConfigError("the config has no section 'training', which describes what to train. See conf/demo.yaml.")
    if not run.is_local:
        raise RunError(f"{run} is not a local folder. Copy the run to a local disk first.")
    resolve_device(config.training.device)
    return config.training


@dataclass(frozen=True, eq=False)
class Check:
    """A run, and the model that is trained on its windows.

    Attributes
    ----------
    run
        With its attention terms.
    settings
        How the model is trained.

    Raises
    ------
    RunError
        If the run does not lie on a local disk.
    """

    run: Run
    settings: TrainingSection

    @classmethod
    def of(cls, run: Run, config: Config) -> Check:
        """Take the section ``training`` of a config.

        Raises
        ------
        ConfigError
            If it has none.
        RunError
            If the run lacks a product, or does not lie on a local disk.
        """
        training = require_training(config, run.location)
        for product in Job.COUNT_ATTENTION.makes:
            run.manifest(product)
        every = training.checkpoint_every or training.steps  # The last one is what ablation starts from.
        return cls(run, training.model_copy(update={"checkpoint_every": every}))

    @property
    def folder(self) -> Path:
        """Where tables, pictures and checkpoints go."""
        return Path(self.run.location.path) / str(Product.VERIFICATION)

    @property
    def made_from(self) -> dict[str, str]:
        """The content of all products that the run holds, by name."""
        return {product: self.run.manifest(product).content_hash for product in self.run.products}

    def order(self, config: Config, overwrite: Overwrite) -> Order:
        """Say what is to be made, from what."""
        settings = canonical(self.settings)
        return Order.of(
            Job.VERIFY_WEIGHTS,
            config,
            self.run.location,
            overwrite=overwrite,
            made_from=self.made_from,
            settings=settings,
        )

    @property
    def is_compared(self) -> bool:
        """Whether the comparison that is there was made to its end."""
        found = read_manifest(self.run.location, Product.VERIFICATION)
        return found is not None and found.counts.get("compared_at") == list(self.settings.comparisons)

    @cached_property
    def predictions(self) -> dict[str, Callable[[int], PredictedWeights]]:
        """From a number of steps to the predicted weights: the paper's, the next order's, and the optimizer's own.

        Gradient descent's next order where it was counted; another optimizer's where the training has one. Attention's
        weights are predicted to the order of which their terms were counted.
        """
        settings, start = self.settings, initialisation_of(self.settings)
        predictor = partial(self.run.predictor, settings.learning_rate, settings.layers, settings.device, start)
        found = {PAPER: predictor()}
        if set(Job.COUNT_TWO_HOPS.makes) <= set(self.run.products):
            found[NEXT_ORDER] = predictor(order=2)
        if settings.optimizer != "sgd":
            optimizer = optimizer_of(settings)
            found[settings.optimizer] = predictor(optimizer=optimizer)
            found[f"{settings.optimizer}, {NEXT_ORDER}"] = predictor(optimizer=optimizer, order=2)
        return found

    @property
    def predict(self) -> Callable[[int], PredictedWeights]:
        """The prediction of the optimizer that is trained with, of leading terms."""
        return self.predictions[PAPER if self.settings.optimizer == "sgd" else self.settings.optimizer]

    def verify(self) -> Sequence[Row]:
        """Train, compare, and write ``agreement.md``, ``.svg`` and ``.png``; a training that was interrupted resumes.

        They are written after each comparison, so that they are there too where training diverges later.
        """
        with self._listed() as counts, _training(self.settings.steps) as report:
            rows = verify(
                self.run.windows(),
                self.run.vocabulary_size,
                self.run.context_length,
                self.settings,
                self.predictions,
                folder=self.folder / CHECKPOINTS,
                on_progress=report,
                on_rows=self._write,
            ).rows
            self._write(rows)
            counts["compared_at"] = list(self.settings.comparisons)
        return rows

    def _write(self, rows: Sequence[Row]) -> None:
        """Write the table and the pictures of a comparison."""
        write_table(rows, self.folder / AGREEMENT)
        write_figure(rows, self.folder / "agreement")

    def ablate(self) -> Sequence[Ablation]:
        """Take the leading terms out of the trained weights, and write ``ablation.md``."""
        size, length = self.run.vocabulary_size, self.run.context_length
        with self._listed():
            trainer = Trainer(self.run.windows(), size, length, self.settings, self.folder / CHECKPOINTS)
            trainer.resume()
            with _training(self.settings.steps) as report:
                trainer.advance(on_progress=report)
            rows = ablate(trainer.model, self.run.windows(), self.predict(trainer.step), self.settings)
            write_table(rows, self.folder / ABLATION)
        return rows

    @contextmanager
    def _listed(self) -> Iterator[dict[str, Any]]:
        """List the folder's files in a manifest, which is not there while the block changes them, and adds its counts.

        Raises
        ------
        RunError
            If a file of a checkpoint that is there is not the one that was listed the last time.
        """
        place = self.run.location / Product.VERIFICATION
        before = read_manifest(self.run.location, Product.VERIFICATION)
        for entry in before.files if before else ():
            if entry.name.startswith(f"{CHECKPOINTS}/") and (place / entry.name).exists():
                verify_file(self.run.location, Product.VERIFICATION, entry)
        (place / manifests.NAME).remove()
        base = Manifest(str(Product.VERIFICATION), self.made_from, canonical(self.settings), {}, ())
        counts = dict(before.counts) if before and not before.differences(base.made_from, base.settings) else {}
        started = time.monotonic()
        try:
            yield counts
        finally:
            files = tuple(list_file(place, name) for name in place.files())
            if files:
                seconds = {"train": time.monotonic() - started}
                write_manifest(place, replace(base, counts=counts, files=files, seconds=seconds))


def summarise_agreement(check: Check, rows: Sequence[Row] | None = None) -> str:
    """Lay a comparison, by default the saved one, out for a terminal, with the run's conditions and the places."""
    table = (check.folder / AGREEMENT).read_text(encoding="utf-8").strip() if rows is None else markdown_table(rows)
    prediction = check.predict(check.settings.steps)
    listed = "\n".join(
        f"  {'holds' if one.holds else 'fails':<6} {one.statement:<42} {one.actual:g}, limit {one.limit:g}"
        for one in prediction.conditions
    )
    listed += _summarise_probability(prediction) if prediction.has_bounds else _summarise_extent(prediction)
    places = "\n".join(f"  {check.folder / f'agreement.{ending}'}" for ending in ("md", "svg", "png"))
    return f"\n{table}\n\nconditions of the theorem\n{listed}\n\nit is in\n{places}"


def _summarise_extent(prediction: PredictedWeights) -> str:
    """Say how far training has gone where no theorem says how far it may."""
    return f"  none speaks of {prediction.descent.optimizer}: no bound is proved. s eta V is {prediction.extent:.3g}"


def _summarise_probability(prediction: PredictedWeights) -> str:
    """Say with which probability the bounds are proved, where the initial weights are drawn."""
    if prediction.initialisation is None:
        return ""
    if prediction.failure >= 1:
        return "\n  no probability is proved for such a small vocabulary"
    return f"\n  if all hold, the bounds hold with a probability of at least 1 - {prediction.failure:.1e}"


def summarise_ablation(check: Check) -> str:
    """Lay the saved ablation out for a terminal."""
    place = check.folder / ABLATION
    return f"\n{place.read_text(encoding='utf-8').strip()}\n\nit is in\n  {place}"


@contextmanager
def _training(steps: int) -> Iterator[Callable[[Progress], None]]:
    """Show the steps that are done, with the loss and the least cosine of each kind of weight."""
    with progress("train", steps, "steps") as report:
        yield lambda now: report(now.step, f"loss {now.loss:.4f} {_cosines(now.agreement)}".rstrip())


def _cosines(agreement: Sequence[Agreement]) -> str:
    """Write the least cosine of each kind of weight."""
    least: dict[str, float] = {}
    for one in agreement:
        least[one.weight] = min(one.cosine, least.get(one.weight, 1.0))
    return " ".join(f"{weight} {cosine:.4f}" for weight, cosine in least.items())
