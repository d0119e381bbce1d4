"""A published copy is whole or absent, opens as the run does, and replaces nothing that is not its own."""

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml

from leadterm import cli, open_run
from leadterm.errors import RunError
from leadterm.publish import publish_run as publishing
from leadterm.publish.publish_run import publish_run
from leadterm.storage import Location
from leadterm.storage.read_products import write_manifest
from support.dense_theory import random_windows
from support.published import SECTION
from support.whole_runs import check, files_of
from support.written_runs import write_run


def publish(run: Path, output: Path, **options) -> None:
    publish_run(Location.of(run), Location.of(output), SECTION, **options)


def same_matrix(found, expected) -> bool:
    return found.shape == expected.shape and found.dtype == expected.dtype and (found != expected).nnz == 0


@pytest.mark.parametrize("name", ["published", "plain"])
def test_it_gives_the_same_objects(run, name, request):
    copy, original = open_run(request.getfixturevalue(name)), open_run(run)
    assert copy.vocabulary.equals(original.vocabulary)
    assert copy.source_files.equals(original.source_files)
    assert copy.alignment().equals(original.alignment())
    assert same_matrix(copy.bigram_counts(), original.bigram_counts())
    assert same_matrix(copy.context_weights(), original.context_weights())
    assert same_matrix(copy.query_key(), original.query_key())
    for part in ("current_frequency", "context_frequency"):
        assert np.array_equal(getattr(copy, part), getattr(original, part))
    assert np.array_equal(copy.position(), original.position())
    assert (copy.n_positions, copy.vocabulary_size, copy.context_length) == (
        original.n_positions,
        original.vocabulary_size,
        original.context_length,
    )
    assert copy.associations("king", "interchange", 3) == original.associations("king", "interchange", 3)
    found, expected = (one.predicted_weights(4, 0.1, 2).query_key.to_dense() for one in (copy, original))
    assert found.equal(expected)


def test_text_is_published_only_where_it_is_asked_for(run, published, plain):
    windows = [window.tolist() for window in open_run(run).windows()]
    assert [window.tolist() for window in open_run(published).windows()] == windows
    assert files_of(plain / "windows") == ["manifest.json"]
    assert "windows" not in open_run(plain).products
    with pytest.raises(
        RunError, match=r"plain was published without the files of 'windows': only its manifest is ther"
    ):
        list(open_run(plain).windows())
    with pytest.raises(RunError, match=r"plain contains no windows, only their manifest. Publish the original run"):
        publish(plain, plain.parent / "second", windows=True)


def test_the_files_that_were_read_can_be_left_out(run, tmp_path):
    section = SECTION.model_copy(update={"list_files": False})
    publish_run(Location.of(run), Location.of(tmp_path / "out"), section)
    assert files_of(tmp_path / "out/sources") == ["manifest.json"]
    assert not [name for name in files_of(tmp_path / "out") if b"/data/a" in (tmp_path / "out" / name).read_bytes()]
    with pytest.raises(RunError, match="was published without the files of 'sources'"):
        _ = open_run(tmp_path / "out").source_files


@pytest.mark.parametrize("name", ["published", "plain"])
def test_sha256sum_reads_the_list_of_hashes(name, request):
    folder = request.getfixturevalue(name)
    command = ["sha256sum", "--check", "--strict", "SHA256SUMS"]
    done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    listed = [line.removesuffix(": OK") for line in done.stdout.splitlines()]
    assert sorted([*listed, "SHA256SUMS"]) == files_of(folder)
    assert check(folder) == ()


def test_a_copy_of_a_copy_is_the_same(published, tmp_path):
    publish(published, tmp_path / "again", windows=True)
    names = files_of(published)
    assert files_of(tmp_path / "again") == names
    assert not [name for name in names if (tmp_path / "again" / name).read_bytes() != (published / name).read_bytes()]


def test_scores_against_a_shuffled_corpus_are_published_without_it(run, tmp_path):
    copy = shutil.copytree(run, tmp_path / "run")
    manifest = open_run(copy).alignment_manifests()[0]
    other = replace(manifest, made_from=manifest.made_from | {"bigram, shuffled": "0" * 64})
    write_manifest(Location.of(copy / manifest.product), other)
    assert check(copy) == (f"{manifest.product} was made from products that are missing: 'bigram, shuffled'",)
    publish(copy, tmp_path / "out")
    assert check(tmp_path / "out") == ()


def test_a_whole_copy_of_the_same_run_is_replaced(run, tmp_path):
    publish(run, tmp_path / "out", windows=True)
    publish(run, tmp_path / "out")
    assert files_of(tmp_path / "out/windows") == ["manifest.json"]
    assert check(tmp_path / "out") == ()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def take_by(output: Path, kind: str, run: Path) -> None:
    """Put something at the place of the output."""
    if kind == "file":
        output.write_text("mine")
    elif kind == "folder":
        output.mkdir()
        (output / "README.md").write_text("mine")
    elif kind == "run":
        shutil.copytree(run, output)
    elif kind == "other":
        other = output.with_name("other")
        write_run(other, random_windows(4, 9, 5, seed=1), list("abcde"), 8)
        publish(other, output)
    else:
        publish(run, output)
        if kind == "changed":
            (output / "README.md").write_text("my own words")
        elif kind == "broken":
            (output / "windows/manifest.json").write_text("{")
        else:
            (output / ".git").mkdir()
            (output / ".git/HEAD").write_text("ref")


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("file", "exists and is not a published copy of a run. Choose another output, or move it away"),
        ("folder", "exists and is not a published copy of a run"),
        ("run", "exists and is not a published copy of a run"),
        ("other", "is a published copy of another run. Choose another output"),
        (
            "changed",
            "was changed since it was published: README.md is damaged: its SHA-256 is .* Choose another output",
        ),
        ("broken", "was changed since it was published: windows/manifest.json is damaged: its SHA-256"),
        ("grown", "was changed since it was published: .git/HEAD is unexpected: SHA256SUMS does not list it"),
    ],
)
def test_a_place_that_is_taken_is_left_alone(run, tmp_path, kind, message):
    take_by(tmp_path / "out", kind, run)
    before = {name: (tmp_path / name).read_bytes() for name in files_of(tmp_path)}
    with pytest.raises(RunError, match=f"/out {message}"):
        publish(run, tmp_path / "out")
    assert {name: (tmp_path / name).read_bytes() for name in files_of(tmp_path)} == before


def test_an_empty_folder_is_taken(run, tmp_path):
    (tmp_path / "out").mkdir()
    publish(run, tmp_path / "out")
    assert check(tmp_path / "out") == ()


def test_places_that_lie_in_each_other(run):
    for output in (run, run / "inner", run.parent):
        with pytest.raises(RunError, match=r"and the run .* are nested in each other. Choose another output"):
            publish(run, output)


def test_a_place_that_is_not_on_this_machine(run):
    with pytest.raises(RunError, match=r"memory://x is not a local folder. Publish to a local disk, and copy it"):
        publish_run(Location.of(run), Location.of("memory://x"))


@pytest.mark.parametrize("moment", ["_copy", "card", "sums_text"])
def test_what_breaks_off_leaves_nothing(run, tmp_path, monkeypatch, moment):
    def broken(*_args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(publishing, moment, broken)
    with pytest.raises(KeyboardInterrupt):
        publish(run, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("data", "message"), [(b"x", "is damaged: its SHA-256 is 2d711642b726b044"), (None, "is missing")]
)
def test_a_damaged_run_is_not_published(run, tmp_path, data, message):
    copy = shutil.copytree(run, tmp_path / "run")
    file = copy / "bigram/rows-00002.parquet"
    file.unlink() if data is None else file.write_bytes(data)
    with pytest.raises(RunError, match=f"bigram/rows-00002.parquet {message}"):
        publish(copy, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_run_without_counts_is_refused(run, tmp_path):
    copy = shutil.copytree(run, tmp_path / "run")
    shutil.rmtree(copy / "context")
    with pytest.raises(RunError, match=r"has no product 'context'; .* Run the job count_cooccurrences on it first"):
        publish(copy, tmp_path / "out")


def test_the_command(run, tmp_path, capsys):
    config = {"corpus": {"paths": ["a"]}, "tokenizer": {"kind": "words", "vocabulary_size": 5}}
    (tmp_path / "a.yaml").write_text(yaml.safe_dump(config | {"dataset": {"title": "T", "license": "mit"}}))
    options = ["--output", str(tmp_path / "out"), "--config", str(tmp_path / "a.yaml")]
    assert cli.main(["publish", str(run), *options]) == 0
    names = files_of(tmp_path / "out")
    size = sum((tmp_path / "out" / name).stat().st_size for name in names)
    assert capsys.readouterr().out.splitlines() == [
        f"wrote {tmp_path}/out: vocabulary, bigram, context, frequencies, query_key, position, sources, documents, "
        f"alignment; {len(names)} files, {size:,} bytes",
        "it does not state dataset.creators, dataset.url, dataset.sources; pass a config that does with "
        "--config (see conf/demo.yaml)",
        f"check it with  leadterm check {tmp_path}/out",
    ]
    assert cli.main(["publish", str(run), "--output", str(tmp_path / "out"), "--windows"]) == 0
    assert "windows" in open_run(tmp_path / "out").products
