"""A small language model trained on a run's windows, whose revisions alignment can follow: ``leadterm pretrain``."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from leadterm.catalog.jobs import Job
from leadterm.catalog.products import Product
from leadterm.config import Config, PretrainingSection
from leadterm.corpus import ids_file, word_file
from leadterm.errors import ConfigError, RunError
from leadterm.language_model import (
    LOSS_TABLE,
    PRETRAINED,
    REVISION_FILES,
    UNFINISHED,
    Pretrainer,
    learning_rate,
    require_transformers,
    revision_name,
)
from leadterm.operators import resolve_device
from leadterm.pipeline.lifecycle import Order, job
from leadterm.storage import Location, Manifest, read_manifest
from leadterm.storage.formats.alignment_table import forget_scores
from leadterm.storage.formats.parquet_io import table_bytes
from leadterm.storage.formats.small_tables import TOKENIZER
from leadterm.storage.read_products import Overwrite, list_file, read_verified, write_manifest
from leadterm.storage.stored_run import StoredRun
from leadterm.telemetry.progress import progress

logger = logging.getLogger("leadterm")


def require_pretraining(config: Config, run: Location) -> PretrainingSection:
    """Say what to train, or what is missing for it; called before the jobs run, which take their time.

    Raises
    ------
    ConfigError
        If the config has no section ``pretraining``.
    RunError
        If the run does not lie on a local disk.
    InputError, MachineError
        If transformers is not installed, or the device is not there.
    """
    if config.pretraining is None:
        raise ConfigError(
            "the config has no section 'pretraining', which describes what to train. See conf/recipes/pretrain.yaml."
        )
    if not run.is_local:
        raise RunError(f"{run} is not a local folder. Copy the run to a local disk first.")
    require_transformers()
    resolve_device(config.pretraining.device)
    return config.pretraining


@job(Job.PRETRAIN_MODEL)
def pretrain_model(config: Config, run: Location, *, overwrite: Overwrite = False) -> bool:
    """Make the product ``pretrained`` of a run: a folder ``step0``, ``step1`` … for each revision that is kept.

    An interrupted training resumes where its state was saved last.

    Parameters
    ----------
    config
        Its section ``pretraining``.
    run
        The run directory, on a local disk; it holds ``vocabulary`` and ``windows``.
    overwrite
        Train anew; ``differing``: only if the revisions are of other windows or settings. They are gone as soon as
        the training begins. One that was interrupted resumes.

    Returns
    -------
    bool
        False if it was there already, made from the same windows with the same settings.

    Raises
    ------
    ConfigError, InputError, RunError
        As `require_pretraining`; or if the run directory holds another training.
    TrainingError
        If the training diverges, or its state is damaged.
    MachineError
        If the device is missing or too small, or a revision cannot be written.
    """
    section = require_pretraining(config, run)
    stored, product = StoredRun(run), run / Product.PRETRAINED
    settings = {"keep": list(section.revisions), "context_length": stored.context_length}
    order = Order.of(Job.PRETRAIN_MODEL, config, run, overwrite=overwrite, settings=settings)
    begun = replace(order, run=product, products=(UNFINISHED,), overwrite="differing" if overwrite else False)
    is_begun = read_manifest(run, Product.PRETRAINED) is None and read_manifest(product, UNFINISHED) is not None
    is_same = (begun if is_begun else order).is_current()
    if is_same and not is_begun:
        return False
    if not is_same:
        product.remove()
        forget_scores(run, PRETRAINED)
        write_manifest(product / UNFINISHED, begun.manifest(UNFINISHED))
    started = time.monotonic()
    trainer = _train(stored, section, Path(product.path))
    counts, seconds = _counts(stored, trainer), {"train": time.monotonic() - started}
    _finish(product, trainer, order.manifest(Product.PRETRAINED, counts=counts, seconds=seconds))
    return True


def tokenizer_file(run: StoredRun) -> str:
    """Give the text of a tokenizer.json that encodes as the run did: the one it kept, its word rule, or plain ids.

    Raises
    ------
    RunError
        If the vocabulary is missing or damaged.
    """
    manifest = run.manifest(Product.VOCABULARY)
    for entry in manifest.files:
        if entry.name == TOKENIZER:
            kept: bytes = read_verified(run.location, manifest.product, entry).to_pybytes()
            return kept.decode()
    if manifest.settings["tokenizer"]["kind"] == "ids":
        return ids_file(run.vocabulary_size)
    return word_file(run.vocabulary["token"].to_pylist())


def losses_table(settings: PretrainingSection, losses: Sequence[float], unigram_entropy: float) -> pa.Table:
    """Lay the losses out: step int64 (from 1), learning_rate double, loss double (before the step; nats per position).

    The schema's metadata has the yardstick: the loss of a model that knows the frequencies of next tokens alone.
    """
    rates = [learning_rate(settings, step) for step in range(len(losses))]
    columns = {"step": np.arange(1, len(losses) + 1), "learning_rate": rates, "loss": pa.array(losses, pa.float64())}
    return pa.table(columns).replace_schema_metadata({"leadterm.unigram_entropy": repr(unigram_entropy)})


def entropy(counts: NDArray[np.int64]) -> float:
    """Return the entropy of a distribution that is given as counts; nats.

    Examples
    --------
    >>> round(entropy(np.array([1, 0, 1])), 6)
    0.693147
    """
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log(shares)).sum())


def summarise_pretraining(run: Location) -> str:
    """Say for a terminal what was trained, and where it lies.

    Raises
    ------
    RunError
        If there is none.
    """
    found = read_manifest(run, PRETRAINED)
    if found is None:
        raise RunError(f"{run} has no product '{PRETRAINED}'. Run leadterm pretrain on it first.")
    counts, settings = found.counts, found.settings
    kept = [revision_name(step) for step in settings["keep"]]
    return (
        f"\n{counts['parameters']:,} parameters, {settings['steps']:,} steps of {settings['batch']:,} windows\n"
        f"loss {counts['first_loss']:.4f} at the first step, {counts['last_loss']:.4f} at the last; "
        f"from frequencies alone {counts['unigram_entropy']:.4f}\n\n"
        f"revisions {', '.join(kept)}\nit is in\n  {run / PRETRAINED}"
    )


def _train(run: StoredRun, section: PretrainingSection, folder: Path) -> Pretrainer:
    """Train, from the state that was kept last if there is one."""
    sizes = run.vocabulary_size, run.context_length
    trainer = Pretrainer(run.windows(), *sizes, section, folder, tokenizer_file(run))
    if trainer.resume():
        logger.info("pretrain: resuming after step %s", f"{trainer.step:,}")
    done = trainer.step
    with progress("pretrain", section.steps - done, "steps") as report:
        trainer.advance(lambda step, loss: report(step - done, f"loss {loss:.4f}"))
    return trainer


def _counts(run: StoredRun, trainer: Pretrainer) -> dict[str, Any]:
    """Say what was trained on what, and how well it went."""
    return {
        **run.manifest(Product.WINDOWS).window_counts,
        "parameters": sum(weight.numel() for weight in trainer.model.parameters()),
        "first_loss": trainer.losses[0],
        "last_loss": trainer.losses[-1],
        "unigram_entropy": entropy(trainer.windows.next_counts()),
        "threads": torch.get_num_threads(),  # on which the last bits of sums depend
    }


def _finish(product: Location, trainer: Pretrainer, base: Manifest) -> None:
    """Write the losses and the manifest, with which the product is there, and drop what it took to go on."""
    table = losses_table(trainer.settings, trainer.losses, base.counts["unigram_entropy"])
    (product / LOSS_TABLE).write_bytes(table_bytes(table))
    names = [f"{revision_name(step)}/{name}" for step in trainer.settings.revisions for name in REVISION_FILES]
    files = tuple(list_file(product, name) for name in [*names, LOSS_TABLE])
    write_manifest(product, replace(base, files=files))
    (product / UNFINISHED).remove()
