"""Exactly the products become stale whose job declares the config key that changed: every key of every section."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from leadterm import open_run
from leadterm.catalog.jobs import COUNTING, Job
from leadterm.catalog.products import SHUFFLED_RUN
from leadterm.config import Config, canonical, parse_config
from leadterm.errors import RunError
from leadterm.pipeline import lifecycle
from leadterm.pipeline.encode_corpus.inputs.open_corpus import open_documents
from leadterm.pipeline.encode_corpus.job import encode_corpus
from leadterm.pipeline.evaluate_alignment import job as alignment
from leadterm.pipeline.lifecycle import function_of
from leadterm.pipeline.pretrain_model.job import pretrain_model
from leadterm.pipeline.runner import jobs_of, run_jobs
from leadterm.pipeline.verify_weights.job import Check, verify_weights
from leadterm.storage import Location
from support.jobs import write_files
from support.pretraining_cases import TINY

TEXTS = ["In the beginning the cat sat, and the DOG sat.", "The cat and the dog: 2 of them", "a cat"] * 5
TRAINING = {"layers": 1, "learning_rate": 0.01, "steps": 2, "compare_at": [1, 2], "dtype": "float64"}
WORDS = {"kind": "words", "vocabulary_size": 8, "unknown": "replace"}
Change = dict[str, dict[str, Any]]
OTHER: dict[str, Any] = {
    "corpus.table": None, "corpus.paths": None, "corpus.version": None, "corpus.format": None,  # See below.
    "corpus.where": "text IS NOT NULL", "corpus.text_column": None, "corpus.ids_column": None, "corpus.join": ", ",
    "corpus.surrogates": "replace", "corpus.copies": "count", "corpus.min_characters": 1,
    "corpus.max_characters": 999, "corpus.max_documents": 99,
    "tokenizer.kind": None, "tokenizer.vocabulary_size": 7, "tokenizer.unknown": "drop",
    "windows.length": 7, "windows.policy": "first", "windows.files": 2,
    "counting.scale_bits": 31, "counting.memory_per_task": "512MiB", "counting.rows_per_file": 512,
    "counting.distances": [1],
    "theory.optimizer": "adamw", "theory.betas": [0.9, 0.99], "theory.eps": 0.0, "theory.weight_decay": 0.1,
    "theory.learning_rate": 1e-4, "theory.steps": 5, "theory.layers": 3, "theory.order": 1,
    "attention.top_tokens": {"attention": {"top_tokens": 5}, "alignment": {"tokens": 5}},
    "attention.device": "cpu", "attention.memory": "2GiB", "attention.distribution": "spark",
    "associations.tokens": ["cat"], "associations.k": 3,
    "training.layers": 2, "training.learning_rate": 0.02, "training.steps": 3, "training.compare_at": [2],
    "training.optimizer": "adam", "training.betas": [0.8, 0.9], "training.eps": 1e-7, "training.weight_decay": 0.2,
    "training.batch": 2, "training.micro_batch": 16, "training.expand_paths": True,
    "training.initialisation": {"training": {"initialisation": "gaussian", "spread": 1e-4}},
    "training.spread": {"training": {"initialisation": "gaussian", "spread": 2e-4}}, "training.exponent": 0.5,
    "training.seed": 1, "training.device": None, "training.dtype": "float32", "training.checkpoint_every": 1,
    "pretraining.layers": 1, "pretraining.width": 32, "pretraining.heads": 1,
    "pretraining.optimizer": "sgd", "pretraining.steps": 7,
    "pretraining.learning_rate": 0.02, "pretraining.warmup_steps": 2, "pretraining.batch": 3,
    "pretraining.weight_decay": 0.5, "pretraining.keep": [0, 1], "pretraining.seed": 9, "pretraining.device": None,
    "alignment.checkpoints": None, "alignment.corpus": "another", "alignment.predictors": "every",
    "alignment.tokens": {"attention": {"top_tokens": 5}, "alignment": {"tokens": 5}}, "alignment.probe": None,
    "alignment.orientation": "authors", "alignment.layers": [0], "alignment.heads": "none",
    "alignment.norms": "estimated", "alignment.dtype": "float64", "alignment.device": "cpu", "alignment.at_once": 1,
    "alignment.shuffled": False, "alignment.shuffled_seed": 3,
    "report.explorer_tokens": 5, "report.k": 2, "report.figures": None,
    **{f"dataset.{key}": None for key in (
        "title", "description", "license", "creators", "url", "citation", "version", "date", "languages", "tags",
        "sources", "list_files", "list_documents",
    )},
}  # fmt: skip
"""Another value of each key, or the whole change where it does not go alone; None: changing it is no business of jobs
(what is published), needs another corpus or machine, or says where things lie."""


class Stale(Exception):
    """A job would make its products anew."""


def settings_of(folder: Path) -> dict[str, Any]:
    return {
        "corpus": {"paths": [str(folder / "in")]},
        "tokenizer": WORDS,
        "windows": {"length": 6, "files": 1},
        "counting": {"distances": [1, 2]},
        "theory": {"optimizer": "adam", "order": 2},
        "training": TRAINING,
        "pretraining": TINY,
        "alignment": {"shuffled": True},
        "report": {"figures": "never"},
    }


def changed(settings: dict[str, Any], changes: Change) -> Config:
    plain = {**settings}
    for section, values in changes.items():
        plain[section] = {**(plain.get(section) or {}), **values}
    return parse_config(plain)


@pytest.fixture(scope="module")
def made(spark, tmp_path_factory) -> tuple[Path, dict[str, Any], Any]:
    """A run with every product, its settings, and its corpus as it was opened."""
    folder = tmp_path_factory.mktemp("stale")
    write_files(folder / "in", pa.array(TEXTS), 1)
    settings = settings_of(folder)
    config, run = parse_config(settings), Location.of(folder / "run")
    run_jobs(
        config,
        run,
        [*COUNTING, Job.COUNT_TWO_HOPS, Job.COUNT_DISTANCES, Job.COMPOSE_ADAM_WEIGHTS, Job.COUNT_ADAM_ATTENTION],
    )
    pretrain_model(config, run)
    verify_weights(config, run)
    run_jobs(config, run, [name for name in jobs_of(config) if name not in COUNTING])  # A page tells of all before it.
    return folder / "run", settings, open_documents(spark, config.corpus)


def stale_jobs(made: tuple[Path, dict[str, Any], Any], config: Config) -> set[Job]:
    """Ask every job what it would do."""
    folder, _, documents = made
    run = Location.of(folder)
    acts: dict[Job, Callable[[], bool]] = {
        Job.ENCODE_CORPUS: lambda: encode_corpus(None, config, run, documents=documents),
        Job.SHUFFLE_CORPUS: lambda: config.alignment.shuffled and function_of(Job.SHUFFLE_CORPUS)(None, config, run),
        Job.EVALUATE_ALIGNMENT: lambda: alignment.evaluate_alignment(None, config, run),
        **{
            job: lambda job=job: function_of(job)(None, config, run)
            for job in (Job.COUNT_COOCCURRENCES, Job.COUNT_ATTENTION, Job.COUNT_ADAM_ATTENTION)
        },
        **{job: lambda job=job: function_of(job)(config, run) for job in Job if job.makes and not job.on_executors},
    }
    if config.theory.has_next_order:
        acts[Job.COUNT_TWO_HOPS] = lambda: function_of(Job.COUNT_TWO_HOPS)(None, config, run)
    if config.counting.distances:
        acts[Job.COUNT_DISTANCES] = lambda: function_of(Job.COUNT_DISTANCES)(None, config, run)
    return {job for job, act in acts.items() if would_work(act)}


def would_work(act: Callable[[], bool]) -> bool:
    try:
        return bool(act())
    except Stale:
        return True
    except RunError as error:
        assert "differs in" in str(error), error
        return True


@pytest.fixture
def no_work(monkeypatch):
    """Jobs stop where they would begin to work."""

    def work(*_: object, **__: object) -> None:
        raise Stale

    monkeypatch.setattr(lifecycle, "staging", work)
    monkeypatch.setattr(Check, "verify", work)
    monkeypatch.setattr(alignment, "_score", work)


def test_the_list_has_every_key(made):
    _, settings, _ = made
    plain = canonical(changed(settings, {"dataset": {}}))
    del plain["spark"]
    assert set(OTHER) == {f"{section}.{key}" for section, values in plain.items() for key in values}


def test_nothing_is_stale_at_first(made, no_work):
    assert stale_jobs(made, parse_config(made[1])) == set()
    assert open_run(made[0]).manifest("distances").product == "distances"
    assert open_run(made[0] / SHUFFLED_RUN).products


@pytest.mark.parametrize("key", [key for key, value in OTHER.items() if value is not None])
def test_exactly_the_declared_products_become_stale(made, no_work, key):
    section, _, name = key.partition(".")
    changes = OTHER[key] if isinstance(OTHER[key], dict) else {section: {name: OTHER[key]}}
    config = changed(made[1], changes)
    keys = {f"{section}.{name}" for section, values in changes.items() for name in values}
    before = canonical(parse_config(made[1]))
    keys = {
        one
        for one in keys
        if canonical(config)[one.split(".")[0]][one.split(".")[1]] != before[one.split(".")[0]][one.split(".")[1]]
    }
    declared = {
        job
        for job in Job
        if job.makes
        and any(one in job.keys or (one.split(".")[0] in job.keys and one not in job.besides) for one in keys)
    }
    if key == "theory.weight_decay":
        declared = set()  # It is no setting of Adam, which is trained here.
    if key == "attention.device":
        declared -= {
            Job.COMPOSE_WEIGHTS,
            Job.COMPOSE_ADAM_WEIGHTS,
        }  # auto is the CPU here, where there is no other device.
    if not config.alignment.shuffled:
        declared.discard(Job.SHUFFLE_CORPUS)
    assert stale_jobs(made, config) == declared
