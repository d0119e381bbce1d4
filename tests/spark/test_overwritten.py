"""``--overwrite`` makes products anew, also those that are current, each once though the command is stopped."""

import logging
from pathlib import Path
from unittest.mock import patch

import pytest

from leadterm.catalog.jobs import COUNTING, Job
from leadterm.config import parse_config
from leadterm.errors import RunError
from leadterm.pipeline import runner as pipeline
from leadterm.pipeline.runner import merge_into, run_jobs, run_shuffled
from leadterm.storage import Location, read_manifest
from support.bad_input import TEXTS, put, texts
from support.commands import content_hashes
from support.growing import add, config_for, documents, put_ids
from support.jobs import names_in

JOBS = (*COUNTING, "build_report")
PLAIN = {"attention": {"device": "cpu"}, "report": {"figures": "never"}}


@pytest.fixture(scope="module")
def made(spark, tmp_path_factory) -> tuple[Path, dict]:
    """A run, and its settings."""
    folder = tmp_path_factory.mktemp("overwritten")
    put(folder / "a.parquet", texts(TEXTS[:30]))
    words = {"kind": "words", "vocabulary_size": 20, "unknown": "replace"}
    sections = {"corpus": {"paths": [str(folder / "a.parquet")]}, "tokenizer": words, "windows": {"files": 2}, **PLAIN}
    run_jobs(parse_config(sections), Location.of(folder / "run"))
    return folder / "run", sections


def places(run: Path) -> dict[str, int]:
    """Which file each product's manifest is: a new one if the product was made anew."""
    return {str(path.parent.relative_to(run)): path.stat().st_mtime_ns for path in run.rglob("manifest.json")}


def changed(before: dict[str, int], run: Path) -> set[str]:
    return {product for product, when in places(run).items() if before.get(product) != when}


@pytest.mark.parametrize("job", JOBS)
def test_each_job_makes_its_products_anew(made, caplog, job):
    caplog.set_level(logging.INFO, "leadterm")
    run, sections = made
    before, hashes = places(run), content_hashes(run)
    run_jobs(parse_config(sections), Location.of(run), [job])
    assert changed(before, run) == set()
    assert f"{job}: skipped, because its products are up to date" in caplog.text
    caplog.clear()
    run_jobs(parse_config(sections), Location.of(run), [job], overwrite=True)
    assert changed(before, run) == set(Job(job).told)
    assert "skipped" not in caplog.text
    assert content_hashes(run) == hashes
    assert not [name for name in names_in(run) if name.startswith(".")]


def test_all_jobs_do_and_a_stopped_command_goes_on(made, caplog):
    """What was made anew before the stop is not made again; what is then made differently is told apart."""
    caplog.set_level(logging.INFO, "leadterm")
    run, sections = made
    config, before, hashes = parse_config(sections), places(run), content_hashes(run)
    with (
        patch("leadterm.pipeline.compose_weights.job._compose", side_effect=KeyboardInterrupt),
        pytest.raises(KeyboardInterrupt),
    ):
        run_jobs(config, Location.of(run), overwrite=True)
    counted = {"sources", "documents", "vocabulary", "windows", "bigram", "context", "frequencies"}
    assert changed(before, run) == counted
    assert "run again to resume" in caplog.text
    between = places(run)
    run_jobs(config, Location.of(run), overwrite=True)
    assert changed(between, run) == set(before) - counted
    assert content_hashes(run) == hashes
    after = places(run)
    run_jobs(config, Location.of(run), overwrite=True)
    assert changed(after, run) == set(before), "a command that came to its end begins anew"
    assert not [name for name in names_in(run) if name.startswith(".")]


def test_other_settings_are_replaced_as_before(made, tmp_path):
    _, sections = made
    longer = parse_config(sections | {"windows": {"files": 2, "length": 9}})
    copy = Location.of(tmp_path / "copy")
    run_jobs(parse_config(sections), copy, COUNTING[:2])
    with pytest.raises(RunError, match=r"windows\.length: 128 there, 9 now.*or --overwrite"):
        run_jobs(longer, copy, COUNTING[:2])
    run_jobs(longer, copy, COUNTING[:2], overwrite=True)
    assert read_manifest(copy, "windows").settings["windows"]["length"] == 9


def test_a_product_that_is_damaged_is_replaced(made, tmp_path):
    run, sections = made
    place = run / "bigram/manifest.json"
    place.write_text("no manifest")
    with pytest.raises(RunError, match="is not a manifest"):
        run_jobs(parse_config(sections), Location.of(run), ["count_cooccurrences"])
    run_jobs(parse_config(sections), Location.of(run), ["count_cooccurrences"], overwrite=True)
    assert read_manifest(Location.of(run), "bigram") is not None


def test_the_shuffled_run_too(spark, made):
    run, sections = made
    config = parse_config(sections)
    run_shuffled(spark, config, Location.of(run))
    before = places(run)
    run_shuffled(spark, config, Location.of(run))
    assert changed(before, run) == set()
    run_shuffled(spark, config, Location.of(run), overwrite=True)
    assert changed(before, run) == {product for product in before if product.startswith("shuffled/")}


def test_a_merged_run_too(spark, tmp_path):
    for number in (0, 1):
        add(spark, tmp_path / f"run-{number}", config_for(put_ids(tmp_path / f"{number}.parquet", documents(number))))
    parts, output = [Location.of(tmp_path / f"run-{number}") for number in (0, 1)], tmp_path / "all"
    merge_into(Location.of(output), parts, {})
    before = places(output)
    merge_into(Location.of(output), parts, {})
    assert changed(before, output) == set()
    merge_into(Location.of(output), parts, {}, overwrite=True)
    assert changed(before, output) == set(before)


def test_only_one_command_makes_anew_at_a_time(made):
    run, sections = made
    config = parse_config(sections)

    def at_once(*_: object, **__: object) -> None:
        with pytest.raises(RunError, match=r"another job, .* is running in"):
            pipeline.run_jobs(config, Location.of(run), ["compose_weights"], overwrite=True)
        raise KeyboardInterrupt

    with patch("leadterm.pipeline.compose_weights.job._compose", side_effect=at_once), pytest.raises(KeyboardInterrupt):
        run_jobs(config, Location.of(run), ["compose_weights"], overwrite=True)
    run_jobs(config, Location.of(run), ["compose_weights"], overwrite=True)
