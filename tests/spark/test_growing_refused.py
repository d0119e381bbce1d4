"""What cannot be added or merged exactly is refused with its name, and nothing is changed."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from leadterm.errors import ConfigError, CountOverflowError, InputError, LeadtermError, RunError
from leadterm.pipeline.merge_runs.job import merge_runs
from leadterm.storage import Location
from leadterm.storage.stored_run import StoredRun
from support.growing import SIZE, add, config_for, documents, put_ids, state
from support.jobs import run_both


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    for number in range(2):
        put_ids(folder / f"{number}.parquet", documents(number))
    return folder


@pytest.fixture(scope="module")
def counted(spark, corpus) -> list[Path]:
    """A run for each file."""
    for number in range(2):
        run_both(spark, config_for(corpus / f"{number}.parquet"), corpus / f"run-{number}")
    return [corpus / "run-0", corpus / "run-1"]


@pytest.fixture
def run(counted, tmp_path) -> Path:
    """A copy of the first one."""
    return Path(shutil.copytree(counted[0], tmp_path / "run"))


@pytest.fixture
def refusal(tmp_path) -> Callable[[type[LeadtermError], Callable[[], object]], str]:
    """Do what must fail and change nothing; returns the message."""

    def message_of(kind: type[LeadtermError], work: Callable[[], object]) -> str:
        before = state(tmp_path)
        with pytest.raises(kind) as caught:
            work()
        assert state(tmp_path) == before
        return str(caught.value)

    return message_of


def test_a_file_that_would_be_counted_twice(spark, corpus, run, refusal, tmp_path):
    first = corpus / "0.parquet"
    assert f"\n  {first} is already counted" in refusal(
        InputError, lambda: add(spark, run, config_for(first), first, corpus / "1.parquet")
    )
    twin = shutil.copy(first, tmp_path / "twin.parquet")
    for paths in ((twin,), ()):
        message = refusal(InputError, lambda paths=paths: add(spark, run, config_for(tmp_path / "*.parquet"), *paths))
        assert message.startswith("1 file cannot be added. What was counted cannot be removed: leave")
        assert message.endswith(f"\n  {twin} holds the same as {first}")
    new = put_ids(tmp_path / "new/a.parquet", documents(5))
    other = shutil.copy(new, tmp_path / "new/b.parquet")
    for place in (run, tmp_path / "no run"):
        message = refusal(InputError, lambda place=place: add(spark, place, config_for(new), new.parent))
        assert message.endswith(f"\n  {other} holds the same as {new}")


def test_a_file_that_changed_after_it_was_counted(spark, corpus, tmp_path, refusal):
    file = put_ids(tmp_path / "a.parquet", documents(3))
    add(spark, tmp_path / "run", config_for(file))
    put_ids(file, documents(4))
    for paths in ((), (file,)):
        message = refusal(InputError, lambda paths=paths: add(spark, tmp_path / "run", config_for(file), *paths))
        assert message.endswith(f"\n  {file} has changed since it was counted")


@pytest.mark.parametrize(
    ("sections", "reason"),
    [
        ({"windows": {"length": 9}}, "its 'sources' differs in windows.length: 8 there, 9 now"),
        ({"tokenizer": {"kind": "ids", "vocabulary_size": 61}}, "tokenizer.vocabulary_size: 60 there, 61 now"),
        ({"counting": {"rows_per_file": 13}}, "its 'bigram' differs in rows_per_file: 12 there, 13 now"),
    ],
)
def test_other_settings(spark, corpus, run, refusal, sections, reason):
    config = config_for(corpus / "1.parquet", **sections)
    message = refusal(RunError, lambda: add(spark, run, config, corpus / "1.parquet"))
    assert message.startswith(f"{run} contains another run: ")
    assert reason in message


@pytest.mark.parametrize(
    ("sections", "reason"),
    [
        ({"corpus": {"max_documents": 5}}, "corpus.max_documents is set, but which documents come first depends on"),
        (
            {"tokenizer": {"kind": "words", "vocabulary_size": 9}, "corpus": {"ids_column": None}},
            "tokenizer.kind is 'words': its vocabulary depends on the corpus",
        ),
        (
            {"tokenizer": {"kind": "bpe", "vocabulary_size": 300}, "corpus": {"ids_column": None}},
            "huggingface and tokenizer.source: SAMPLE_RUN/vocabulary/tokenizer.json",
        ),
    ],
)
def test_settings_under_which_files_cannot_be_added(spark, corpus, tmp_path, refusal, sections, reason):
    config = config_for(corpus / "1.parquet", **sections)
    assert reason in refusal(ConfigError, lambda: add(spark, tmp_path / "run", config))


def test_a_run_that_is_not_whole(spark, corpus, run, refusal):
    shutil.rmtree(run / "windows")
    message = refusal(RunError, lambda: add(spark, run, config_for(corpus / "1.parquet")))
    assert message.startswith(f"{run} is incomplete: it lacks 'windows', perhaps as the job encode_corpus was")


def test_runs_over_the_same_file(spark, counted, tmp_path, refusal):
    places = [Location.of(place) for place in counted]
    message = refusal(InputError, lambda: merge_runs(spark, [*places, places[0]], Location.of(tmp_path / "out")))
    file = counted[0].parent / "0.parquet"
    assert message.startswith("1 file would be counted twice. Merge runs over different files.")
    assert message.endswith(f"\n  {file} holds the same as {file}")


def test_outputs_and_numbers_of_runs(spark, counted, run, refusal):
    places = [Location.of(run), Location.of(counted[1])]
    assert "is one of the runs to be merged" in refusal(RunError, lambda: merge_runs(spark, places, places[0]))
    other = Location.of(counted[0])
    assert "contains another run: its 'sources' differs in made from corpus" in refusal(
        RunError, lambda: merge_runs(spark, [other, places[1]], places[0])
    )
    assert "33 runs are more than the 32 that can be merged at once. Merge some of them first" in refusal(
        RunError, lambda: merge_runs(spark, [other] * 33, places[0])
    )


def test_runs_that_differ(spark, corpus, counted, tmp_path, refusal):
    cases = {
        "its 'windows' differs in windows.length: 9 there, 8 here": {"windows": {"length": 9}},
        "differs in scale_bits: 30 there, 32 here": {"counting": {"rows_per_file": 12, "scale_bits": 30}},
        "was made with corpus.max_documents, but which documents come first": {"corpus": {"max_documents": 5}},
    }
    for number, (reason, sections) in enumerate(cases.items()):
        other = tmp_path / f"other-{number}"
        run_both(spark, config_for(corpus / "1.parquet", **sections), other)
        runs = [Location.of(place) for place in (counted[0], other)]
        runs = runs[::-1] if "max_documents" in reason else runs
        message = refusal(RunError, lambda runs=runs: merge_runs(spark, runs, Location.of(tmp_path / "out")))
        assert message.startswith(f"{other} ")
        assert reason in message


def test_a_sum_that_might_not_fit(spark, tmp_path, refusal, monkeypatch):
    """As one run over both would be refused, though each fits."""
    limits = []
    monkeypatch.setattr(
        "leadterm.pipeline.merge_runs.compatibility.check_no_overflow", lambda *found: limits.append(found)
    )
    runs = []
    for number in range(2):
        file = put_ids(tmp_path / f"{number}.parquet", [[7] * (20 + number)])
        runs.append(Location.of(run_both(spark, config_for(file), tmp_path / f"run-{number}").location.path))
    merge_runs(spark, runs, Location.of(tmp_path / "out"))
    assert limits == [(41 + 6, 8, 32)]

    def refuse(*_: int) -> None:
        raise CountOverflowError("too much")

    monkeypatch.setattr("leadterm.pipeline.merge_runs.compatibility.check_no_overflow", refuse)
    refusal(CountOverflowError, lambda: merge_runs(spark, runs, Location.of(tmp_path / "other")))


def test_a_run_of_products_that_do_not_fit_is_refused_on_opening(counted, run, refusal):
    """As a run whose windows were replaced, and the counts not yet."""
    shutil.rmtree(run / "windows")
    shutil.copytree(counted[1] / "windows", run / "windows")
    opened = StoredRun(Location.of(run))
    assert opened.vocabulary_size == SIZE
    for name, read in {"bigram": opened.bigram_counts, "context": opened.context_fixed_point}.items():
        message = refusal(RunError, read)
        assert message.startswith(f"{run} is inconsistent: its '{name}' was made from a different 'windows' than it")
    assert "its 'vocabulary' was made from a different 'corpus'" in refusal(RunError, lambda: opened.vocabulary)
    with pytest.raises(RunError, match="'frequencies' was made from a different 'windows'"):
        _ = opened.current_frequency
