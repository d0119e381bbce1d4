"""What a check says of a run: each kind of damage by its name, and nothing that follows from it."""

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from leadterm import cli, open_run
from leadterm.errors import RunError
from leadterm.storage import Location, Manifest
from leadterm.storage.formats.sha256sums import read_sums, sums_text
from leadterm.storage.integrity.check_run import check_run
from leadterm.storage.read_products import write_manifest
from support.whole_runs import check, files_of


@pytest.fixture
def whole(whole_folder) -> Path:
    return whole_folder


@pytest.fixture
def run(whole, tmp_path) -> Path:
    return shutil.copytree(whole, tmp_path / "run")


def test_all_files_are_read_and_counted(whole):
    seen = []
    found = check_run(Location.of(whole), lambda done, total: seen.append((done, total)))
    data = [whole / name for name in files_of(whole) if not name.endswith("manifest.json")]
    assert (found.files, found.products) == (len(data), 12)
    assert found.n_bytes == sum(path.stat().st_size for path in data)
    assert seen[-1] == (found.n_bytes, found.n_bytes)
    assert (found.problems, found.notes) == ((), ())


def test_the_command_says_so_in_a_line(whole, capsys):
    assert cli.main(["check", str(whole)]) == 0
    found = check_run(Location.of(whole))
    expected = f"{whole} is whole: 12 products, {found.files} files, {found.n_bytes:,} bytes\n"
    assert capsys.readouterr().out == expected


def test_the_command_lists_all_that_is_wrong(run, capsys):
    data = bytearray((run / "bigram/rows-00001.parquet").read_bytes())
    data[40] ^= 1
    (run / "bigram/rows-00001.parquet").write_bytes(data)
    (run / "context/rows-00002.parquet").unlink()
    (run / "my\nnotes.txt").write_text("mine")
    (run / ".staging-abc/parts").mkdir(parents=True)
    for name in ("one", "two"):
        (run / ".staging-abc/parts" / name).write_text("")
    (run / ".staging-count_attention-abc").mkdir()
    (run / ".staging-count_attention-abc/owner.json").write_text("")
    assert cli.main(["check", str(run)]) == 1
    stated = open_run(run).manifest("bigram").files[1].sha256
    assert capsys.readouterr().err.splitlines()[-6:] == [
        f"leadterm: {run} is not intact, 5 problems:",
        "  .staging-abc is unexpected: a job is running, or was interrupted; remove it when no job is running",
        "  .staging-count_attention-abc is unexpected: a job is running, or was interrupted; run count_attention again "
        "to resume, or remove it when no job is running",
        f"  bigram/rows-00001.parquet is damaged: its SHA-256 is {hashlib.sha256(data).hexdigest()[:16]}…, "
        f"the manifest says {stated[:16]}…",
        "  context/rows-00002.parquet is missing, though the manifest lists it",
        "  my\\nnotes.txt is unexpected: no manifest lists it",
    ]


def test_of_a_product_with_a_broken_manifest_nothing_else_is_said(run):
    text = (run / "windows/manifest.json").read_text()
    (run / "windows/manifest.json").write_text(text.replace('"windows": 40', '"windows": 41'))
    [problem] = check(run)
    assert problem.startswith("windows/manifest.json is damaged: the SHA-256 of its text is not the one in its last")


def test_products_that_changed_places(run):
    for before, after in (("bigram", "x"), ("context", "bigram"), ("x", "context")):
        (run / before).rename(run / after)
    assert [problem.partition(".json")[2] for problem in check(run)] == [
        " is the manifest of 'context', not of 'bigram'. Give the folder its name back.",
        " is the manifest of 'bigram', not of 'context'. Give the folder its name back.",
    ]


def test_products_of_other_counts_do_not_fit(run):
    manifest = open_run(run).manifest("bigram")
    other = replace(manifest, made_from={"windows": "0" * 64})
    write_manifest(Location.of(run / "bigram"), other)
    shutil.rmtree(run / "composed")
    assert check(run) == (
        "bigram was made from other products than those present: 'windows'. Rebuild it",
        "position was made from products that are missing: 'composed'",
        "query_key was made from products that are missing: 'composed'",
    )


def test_a_shuffled_run_fits_the_one_it_lies_in(run):
    shutil.copytree(run, run / "shuffled", ignore=shutil.ignore_patterns("shuffled", "alignment", "sources"))
    inner, outer = Location.of(run / "shuffled"), open_run(run)
    made_from = {name: outer.manifest(name).content_hash for name in ("windows", "vocabulary")}
    write_manifest(inner / "windows", replace(outer.manifest("windows"), made_from=made_from))
    write_manifest(
        inner / "vocabulary", replace(outer.manifest("vocabulary"), made_from={"vocabulary": made_from["vocabulary"]})
    )
    report = Manifest(
        "report", {"windows, shuffled": made_from["windows"], "windows": made_from["windows"]}, {}, {}, ()
    )
    write_manifest(Location.of(run / "report"), report)
    assert check(run) == ()
    (run / "shuffled/bigram/rows-00000.parquet").write_bytes(b"")
    write_manifest(inner / "windows", replace(outer.manifest("windows"), made_from=made_from, files=()))
    assert [problem.partition(":")[0] for problem in check(run)] == [
        "report was made from other products than those present",
        "shuffled/bigram was made from other products than those present",
        "shuffled/bigram/rows-00000.parquet is damaged",
        "shuffled/context was made from other products than those present",
        "shuffled/frequencies was made from other products than those present",
        "shuffled/position was made from other products than those present",
        "shuffled/query_key was made from other products than those present",
        "shuffled/windows/windows-00000.parquet is unexpected",
    ]


def test_what_cannot_be_checked_is_told(run, capsys):
    place = run / "bigram/manifest.json"
    fields = json.loads(place.read_text())
    del fields["sha256"]
    place.write_text(json.dumps(fields))
    write_manifest(Location.of(run / "pretrained/unfinished"), Manifest("unfinished", {}, {}, {}, ()))
    (run / "pretrained/step0").mkdir()
    (run / "pretrained/step0/model.safetensors").write_bytes(b"")
    assert cli.main(["check", str(run)]) == 0
    assert capsys.readouterr().out.splitlines()[:2] == [
        "note: 1 of 13 manifests, written by an earlier version, have no hash of their own: changes to them may go "
        "unnoticed",
        "note: pretrained is not finished, so its files have no hashes yet",
    ]


@pytest.mark.parametrize("name", ["nowhere", "empty", "file"])
def test_no_run_at_all(tmp_path, name):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match=rf"{name} contains no leadterm product. Name a run directory, or a published"):
        check_run(Location.of(tmp_path / name))


def test_a_list_of_hashes_that_is_none(tmp_path):
    good = sums_text({"b": "1" * 64, "a": "2" * 64})
    (tmp_path / "SHA256SUMS").write_text(good)
    assert read_sums(Location.of(tmp_path)) == {"a": "2" * 64, "b": "1" * 64}
    for bad in (good[:-1], good.replace("  ", " *", 1), good.replace("2", "A", 1), "\n", "é"):
        (tmp_path / "SHA256SUMS").write_text(bad)
        with pytest.raises(RunError, match=r"SHA256SUMS is damaged: .* is not a hash, two spaces and a path. Publish"):
            read_sums(Location.of(tmp_path))
