"""An add that is killed leaves the old run, the new one, or one that is refused, and that the next add finishes."""

import shutil
from pathlib import Path

import pytest

from leadterm.config import AlignmentSection, parse_section
from leadterm.errors import MachineError, RunError
from leadterm.pipeline.merge_runs.job import merge_runs
from leadterm.pipeline.runner import add_to_run, run_jobs
from leadterm.storage import Location, read_manifest
from leadterm.storage.integrity.check_run import check_run
from leadterm.storage.staged.replace_products import JOURNAL
from leadterm.storage.stored_run import StoredRun
from support.commands import content_hashes
from support.dying import Killed, dying_after
from support.growing import accounts, add, config_for, documents, put_ids, state
from support.jobs import PRODUCTS, names_in

WHOLE = {"attention": {"device": "cpu"}, "report": {"figures": "never"}}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    for number in range(3):
        put_ids(folder / f"in/{number}.parquet", documents(number))
    return folder


@pytest.fixture(scope="module")
def old(spark, corpus) -> Path:
    """A run over two of the three files, with all that is made from its counts."""
    files = [corpus / f"in/{number}.parquet" for number in range(2)]
    run_jobs(config_for(*files, **WHOLE), Location.of(corpus / "run"))
    return corpus / "run"


@pytest.fixture(scope="module")
def expected(spark, corpus) -> Path:
    """The run over all."""
    run_jobs(config_for(corpus / "in", **WHOLE), Location.of(corpus / "all/run"))
    return corpus / "all/run"


@pytest.fixture
def run(old, tmp_path) -> Path:
    return Path(shutil.copytree(old, tmp_path / "run"))


def counts_only(source: Path, target: Path) -> Path:
    for name in PRODUCTS:
        shutil.copytree(source / name, target / name)
    return target


def seen(run: Path) -> dict[str, tuple[str, str]] | None:
    """What a reader gets of a run; None if it is refused."""
    try:
        return accounts(run)
    except RunError as error:
        assert "is inconsistent" in str(error) or "has no product" in str(error)
        return None


def test_killed_at_some_moments(spark, corpus, old, expected, tmp_path):
    config = config_for(corpus / "in")
    with dying_after(-1) as changes:
        assert add(spark, counts_only(old, tmp_path / "undisturbed"), config)
    assert accounts(tmp_path / "undisturbed") == accounts(expected)
    decided = 1 + max(n for n, change in enumerate(changes) if change.startswith("make_parent") and JOURNAL in change)
    outcomes = []
    for moment in (decided // 3, decided - 1, decided + 3, decided + 9, len(changes) - 3):
        run = counts_only(old, tmp_path / f"killed-{moment}")
        with pytest.raises(Killed), dying_after(moment):
            add(spark, run, config)
        found = seen(run)
        assert found in (None, accounts(old), accounts(expected))
        outcomes.append("refused" if found is None else "old" if found == accounts(old) else "new")
        assert add(spark, run, config) == (moment < decided)
        assert accounts(run) == accounts(expected)
    assert outcomes == ["old", "old", "refused", "refused", "new"]


def test_a_run_that_changed_meanwhile(spark, corpus, old, tmp_path, monkeypatch):
    run = counts_only(old, tmp_path / "run")

    def merge(session, runs, output):
        done = merge_runs(session, runs, output)
        shutil.rmtree(run / "windows")
        shutil.copytree(corpus / "all/run/windows", run / "windows")
        return done

    monkeypatch.setattr("leadterm.pipeline.add_files.job.merge_runs", merge)
    with pytest.raises(RunError, match=r"run was changed by another process in the meantime. Add the files again."):
        add(spark, run, config_for(corpus / "in"))
    assert names_in(run) == sorted(PRODUCTS)


def test_two_at_once(spark, corpus, old, tmp_path, monkeypatch):
    run, config = counts_only(old, tmp_path / "run"), config_for(corpus / "in")

    def merge(session, runs, output):
        with pytest.raises(RunError, match=r"another job, process \d+ on .*, is running in"):
            add(spark, run, config)
        return merge_runs(session, runs, output)

    monkeypatch.setattr("leadterm.pipeline.add_files.job.merge_runs", merge)
    assert add(spark, run, config)
    assert names_in(run) == sorted(PRODUCTS)


def test_what_was_encoded_and_counted_stays_so(spark, corpus, old, expected, tmp_path, monkeypatch):
    """Where the machine fails in a merge, the next add begins with it; unless there is something else to add."""
    run, config = counts_only(old, tmp_path / "run"), config_for(corpus / "in")

    def fail(*_):
        raise MachineError("the disk is full")

    with monkeypatch.context() as failing, pytest.raises(MachineError):
        failing.setattr("leadterm.pipeline.add_files.job.merge_runs", fail)
        add(spark, run, config)
    other = shutil.copytree(run, tmp_path / "other")
    with monkeypatch.context() as refusing:
        refusing.setattr("leadterm.pipeline.encode_corpus.job.divide", fail)
        refusing.setattr("leadterm.pipeline.count_cooccurrences.job._count", fail)
        assert add(spark, run, config)
    assert accounts(run) == accounts(expected)
    assert add(spark, other, config, put_ids(tmp_path / "other.parquet", documents(7)))
    assert add(spark, other, config)
    assert len(StoredRun(Location.of(other)).source_files) == 4
    assert names_in(other) == sorted(PRODUCTS)


def test_all_jobs_follow_and_then_nothing_is_to_do(spark, corpus, expected, run, caplog):
    caplog.set_level("INFO", "leadterm")
    config = config_for(corpus / "in", **WHOLE)
    add_to_run(config, Location.of(run), only_counts=True)
    stored = StoredRun(Location.of(run))
    assert stored.bigram_counts().nnz
    with pytest.raises(
        RunError, match=r"'query_key' was made from a different 'windows' than it holds. Run the job count"
    ):
        stored.query_key()

    add_to_run(config, Location.of(run))
    assert content_hashes(run) == content_hashes(expected)
    assert check_run(Location.of(run)).problems == ()

    before = state(run)
    for again in (add_to_run, run_jobs):
        caplog.clear()
        again(config, Location.of(run))
        said = [record.getMessage() for record in caplog.records if record.name == "leadterm"]
        assert all("nothing to" in message or "skipped" in message for message in said)
        assert len(said) >= 5
    assert state(run) == before


def test_what_an_alignment_needs_is_made_anew_too(spark, corpus, run, monkeypatch):
    """The shuffled run, and scores that the config asks for; others stay, and are not shown."""
    section = parse_section(AlignmentSection, {"checkpoints": [{"source": "x"}], "shuffled": True})
    config = config_for(corpus / "in", **WHOLE).model_copy(update={"alignment": section})
    (run / "shuffled/windows").mkdir(parents=True)
    shutil.copy(run / "windows/manifest.json", run / "shuffled/windows/manifest.json")  # Not of the run's windows.
    names: list[list[str]] = []
    monkeypatch.setattr("leadterm.pipeline.runner.wanted_products", lambda *_: [])
    monkeypatch.setattr("leadterm.pipeline.runner.run_jobs", lambda _config, _run, jobs: names.append(jobs))
    add_to_run(config, Location.of(run))
    assert not (run / "shuffled").exists()
    assert names == [["count_cooccurrences", "compose_weights", "count_attention", "shuffled", "evaluate_alignment",
                      "build_report"]]  # fmt: skip
    assert read_manifest(Location.of(run), "composed") is None
