"""What lacks a product is told which job makes it, whoever finds it missing; and other versions' products are named."""

import json
import shutil
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import pyarrow as pa
import pytest

from leadterm import open_run
from leadterm.catalog.jobs import MADE_BY, Job
from leadterm.catalog.products import OF_CORPUS, Product
from leadterm.config import AlignmentSection, parse_config, parse_section
from leadterm.errors import RunError
from leadterm.storage import FileEntry, Location, read_manifest
from leadterm.storage.formats.alignment_table import SCHEMA
from leadterm.storage.formats.small_tables import table_bytes
from leadterm.storage.integrity.check_run import check_run
from leadterm.storage.read_products import write_manifest
from leadterm.storage.require_products import require_manifest
from support.whole_runs import READERS, SIZE

RIGHT = {
    "sources": "encode_corpus", "documents": "encode_corpus", "vocabulary": "encode_corpus", "windows": "encode_corpus",
    "bigram": "count_cooccurrences", "context": "count_cooccurrences", "frequencies": "count_cooccurrences",
    "composed": "compose_weights", "query_key": "count_attention", "position": "count_attention",
}  # fmt: skip
"""As the README's table of jobs has it."""
OPTIONAL = {
    "two_hop": "count_two_hops", "current_context": "count_two_hops", "distances": "count_distances",
    "adam_composed": "compose_adam_weights", "adam_query_key": "count_adam_attention",
    "adam_position": "count_adam_attention",
}  # fmt: skip
"""Which not every run has."""
MAKERS = RIGHT | OPTIONAL
CONFIG = parse_config(
    {
        "corpus": {"paths": ["x"]},
        "tokenizer": {"kind": "words", "vocabulary_size": SIZE},
        "theory": {"optimizer": "adam"},
    }
)
SECTION = parse_section(AlignmentSection, {"checkpoints": []})


@pytest.fixture
def run(whole_folder, tmp_path) -> Path:
    shutil.copytree(whole_folder, tmp_path / "run")
    return tmp_path / "run"


READS = {job: job.reads for job in Job if job.reads and job.when is not None}


def act(job: Job, run: Path) -> None:
    """Run a job as the pipeline does; Spark is not there, as no job gets so far."""
    module = import_module(job.module)
    if job is Job.EVALUATE_ALIGNMENT:
        module.score_revisions(None, SECTION, Location.of(run), [])
    else:
        getattr(module, job)(*([None] if job.on_executors else []), CONFIG, Location.of(run))


@pytest.mark.parametrize(("job", "product"), [(job, name) for job, names in READS.items() for name in names])
def test_every_job_says_of_every_product_who_makes_it(run, job, product):
    shutil.rmtree(run / product, ignore_errors=product in OPTIONAL)
    with pytest.raises(RunError, match=rf"has no product '{product}'; it holds .* Run the job {MAKERS[product]} on it"):
        act(job, run)


@pytest.mark.parametrize("job", READS)
def test_of_several_that_are_missing_the_first_is_named(run, job):
    for product in READS[job]:
        shutil.rmtree(run / product, ignore_errors=product in OPTIONAL)
    first = next(product for product in ("windows", *RIGHT) if product in READS[job])
    with pytest.raises(RunError, match=rf"has no product '{first}'; .* Run the job {RIGHT[first]} on it first"):
        act(job, run)


@pytest.mark.parametrize("product", RIGHT)
def test_readers_say_the_same(run, product):
    shutil.rmtree(run / product)
    if product == "windows":
        with pytest.raises(RunError, match="Run the job encode_corpus on it first"):
            open_run(run)
    elif product != "composed":
        with pytest.raises(RunError, match=f"has no product '{product}'; .* Run the job {RIGHT[product]} on it first"):
            READERS[product](open_run(run))
    with pytest.raises(RunError, match=rf"Run the job {RIGHT[product]} on it first"):
        require_manifest(Location.of(run), product)


@pytest.mark.parametrize(
    ("product", "maker"),
    [
        ("predictors", "the job evaluate_alignment"), ("alignment/model-1", "the job evaluate_alignment"),
        ("report", "the job build_report"), ("pretrained", "leadterm pretrain"), ("verification", "leadterm verify"),
    ],
)  # fmt: skip
def test_other_products_have_makers_too(tmp_path, product, maker):
    with pytest.raises(RunError, match=f"Run {maker} on it first"):
        require_manifest(Location.of(tmp_path), product)


def test_a_shuffled_run_s_windows_come_from_the_run_it_lies_in(run):
    shuffled = run / "shuffled"
    shutil.copytree(run / "bigram", shuffled / "bigram")
    for product in ("windows", "vocabulary"):
        with pytest.raises(RunError, match=r"Run the job shuffle_corpus on the run that it is in first"):
            require_manifest(Location.of(shuffled), product)
    with pytest.raises(RunError, match=r"Run the job count_cooccurrences on it first"):
        require_manifest(Location.of(shuffled), "context")
    alone = run.parent / "alone/shuffled"
    with pytest.raises(RunError, match=r"Run the job encode_corpus on it first"):
        require_manifest(Location.of(alone), "windows")


def test_the_declarations_agree():
    assert {str(product): str(MADE_BY[product]) for product in OF_CORPUS} == RIGHT | OPTIONAL
    assert set(MADE_BY) == set(Product), "a product that no job makes"
    order, jobs = list(Product), list(Job)
    for job in Job:
        assert set(job.made_from) <= set(job.reads) <= set(OF_CORPUS)
        assert list(job.reads) == sorted(job.reads, key=lambda name: jobs.index(MADE_BY[name]))
        if not job.within:
            assert all(order.index(made) > max(map(order.index, job.reads), default=-1) for made in job.makes)


def change_columns(run: Path, product: str, name: str, change, version: str = "0.0.9") -> None:
    """Put a table that another version wrote into a product, hashes and all."""
    import hashlib  # noqa: PLC0415

    place = Location.of(run)
    manifest = read_manifest(place, product)
    data = table_bytes(change(pa.parquet.read_table(run / product / name)))
    (run / product / name).write_bytes(data)
    entry = FileEntry(name, len(data), hashlib.sha256(data).hexdigest())
    files = tuple(entry if one.name == name else one for one in manifest.files)
    write_manifest(place / product, replace(manifest, files=files, code_version=version))


def scores_product(run: Path) -> str:
    return f"alignment/{sorted(path.name for path in (run / 'alignment').iterdir())[0]}"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            lambda table: table.drop_columns("z"),
            r"is not a valid table: it lacks the column z, and has model, .* leadterm 0",
        ),
        (
            lambda table: table.rename_columns([f"old_{name}" for name in table.column_names]),
            r"lacks the column model, ",
        ),
        (
            lambda table: table.set_column(0, "model", pa.array([[1]] * len(table))),
            r"written by leadterm 0\.0\.9, has columns of a different type than scores have now",
        ),
    ],
)
def test_scores_of_another_version_are_named_with_the_remedy(run, change, says):
    product = scores_product(run)
    change_columns(run, product, "scores.parquet", change)
    with pytest.raises(RunError, match=rf"{product}/scores.parquet.*{says}") as caught:
        open_run(run).alignment()
    assert "Run the job evaluate_alignment again with --overwrite." in str(caught.value)


def test_scores_with_a_column_more_are_read(run):
    expected = open_run(run).alignment()
    change_columns(run, scores_product(run), "scores.parquet", lambda one: one.append_column("p", one["score"]))
    assert open_run(run).alignment().equals(expected)
    assert expected.schema.equals(SCHEMA)


@pytest.mark.parametrize(
    ("product", "name", "job"),
    [
        ("sources", "sources.parquet", "encode_corpus"), ("vocabulary", "vocabulary.parquet", "encode_corpus"),
        ("frequencies", "frequencies.parquet", "count_cooccurrences"),
        ("position", "position.parquet", "count_attention"),
    ],
)  # fmt: skip
def test_other_tables_of_another_version_are_named_too(run, product, name, job):
    change_columns(run, product, name, lambda table: table.rename_columns([f"old_{n}" for n in table.column_names]))
    with pytest.raises(
        RunError, match=rf"{product}/{name} is not a valid table: .*old_.* leadterm 0\.0\.9, and this is"
    ) as caught:
        READERS[product](open_run(run))
    assert f"Run the job {job} again with --overwrite." in str(caught.value)


@pytest.mark.parametrize(
    ("product", "part", "name", "read"),
    [
        ("windows", "counts", "positions", lambda run: run.n_positions),
        ("windows", "settings", "windows", lambda run: run.context_length),
        ("context", "settings", "scale_bits", lambda run: run.context_weights()),
        ("bigram", "counts", "vocabulary_size", lambda run: run.bigram_counts()),
        ("alignment", "settings", "model", lambda run: run.alignment_manifests()),
    ],
)
def test_what_a_manifest_of_another_version_does_not_say_is_named(run, product, part, name, read):
    product = scores_product(run) if product == "alignment" else product
    manifest = read_manifest(Location.of(run), product)
    fields = {key: value for key, value in getattr(manifest, part).items() if key != name}
    write_manifest(Location.of(run) / product, replace(manifest, code_version="0.0.9", **{part: fields}))
    says = rf"{product}/manifest.json, written by leadterm 0\.0\.9, says nothing of '{name}', which leadterm \S+ reads"
    with pytest.raises(RunError, match=says):
        read(open_run(run))


def test_a_manifest_within_a_manifest_s_settings_too(run):
    manifest = read_manifest(Location.of(run), "windows")
    write_manifest(Location.of(run) / "windows", replace(manifest, settings={"windows": {}}))
    with pytest.raises(RunError, match=r"says nothing of 'length'"):
        _ = open_run(run).context_length


def test_what_is_read_is_as_it_was_written(run):
    for path in run.rglob("manifest.json"):
        place = Location.of(path.parent.parent)
        if path.parent.parent.name == "alignment":
            continue
        found = read_manifest(place, path.parent.name)
        assert found.to_json() == path.read_bytes()
        assert json.loads(found.to_json())["counts"] == found.counts
    assert check_run(Location.of(run)).problems == ()


def test_a_run_that_is_not_there_is_told_with_the_one_that_nearly_has_its_name(run):
    with pytest.raises(
        RunError, match=r"/rnu has no product 'windows'; there is no such folder \(did you mean .*/run\?\)\."
    ):
        open_run(run.parent / "rnu")
    (run.parent / "empty").mkdir()
    with pytest.raises(RunError, match="it contains no product"):
        open_run(run.parent / "empty")
