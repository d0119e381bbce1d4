"""The files of a corpus: those at paths, in folders and by patterns, and those that are left out and said."""

import pytest

from leadterm.errors import InputError
from leadterm.reading.list_files import Listing, list_corpus

NAMES = ("a.parquet", "b.json", "b.json.gz", "deep/er/c.parquet", "deep/_hidden/d.parquet", ".e.parquet", "_SUCCESS")
COMPANIONS = ("README.md", "deep/LICENSE", "dataset_infos.json", "a.parquet.crc")


@pytest.fixture
def folder(tmp_path):
    for name in NAMES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"1234")
    return tmp_path


def names(listing: Listing, folder) -> list[str]:
    return [place.path.removeprefix(f"{folder}/") for place, _ in listing.ordered()]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("", ["a.parquet", "b.json", "b.json.gz", "deep/er/c.parquet"]),
        ("a.parquet", ["a.parquet"]),
        ("_SUCCESS", ["_SUCCESS"]),
        ("*.parquet", ["a.parquet"]),
        ("?.{parquet,json}", ["a.parquet", "b.json"]),
        ("[!a]*", ["b.json", "b.json.gz", "deep/er/c.parquet"]),
        ("[^a]*.json", ["b.json"]),
        ("d*/er", ["deep/er/c.parquet"]),
        ("d*/*/*.parquet", ["deep/er/c.parquet"]),
        ("**/*.parquet", ["a.parquet", "deep/er/c.parquet"]),
        ("deep/**", ["deep/er/c.parquet"]),
        ("**/c.parquet", ["deep/er/c.parquet"]),
        ("deep/**/er/**/*.parquet", ["deep/er/c.parquet"]),
        ("deep/_h*/*.parquet", ["deep/_hidden/d.parquet"]),
        ("{deep/er,nowhere}/c.parquet", ["deep/er/c.parquet"]),
        ("**/er", ["deep/er/c.parquet"]),
    ],
)
def test_what_a_shell_would_name(folder, path, expected):
    listing = list_corpus([f"{folder}/{path}"])
    assert names(listing, folder) == expected
    assert {size for _, size in listing.ordered()} == {4}


def test_files_of_a_folder_that_are_left_out_are_named(folder):
    for name in COMPANIONS:
        (folder / name).write_text("about")
    listing = list_corpus([str(folder)])
    assert names(listing, folder) == ["a.parquet", "b.json", "b.json.gz", "deep/er/c.parquet"]
    assert {one.removeprefix(f"{folder.as_uri()}/") for one in listing.left_out} == {
        *COMPANIONS,
        "deep/_hidden/d.parquet",
        ".e.parquet",
        "_SUCCESS",
    }
    assert list_corpus([f"{folder}/README.md"]).left_out == []  # Who names it wants it.


@pytest.mark.parametrize("name", ["x[1].parquet", "a:b.parquet", "x {1,2}.parquet", "100%.parquet", "wörter ?.parquet"])
def test_letters_of_patterns_and_urls_in_names(folder, monkeypatch, name):
    (folder / name).write_bytes(b"1234")
    assert names(list_corpus([f"{folder}/{name}"]), folder) == [name]
    monkeypatch.chdir(folder)
    (place,) = (place for place, _ in list_corpus([name]).ordered())
    assert place.path == f"{folder}/{name}"


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("a**.parquet", r"'a\*\*.parquet' in a pattern: \*\* matches any number of folders"),
        ("a[b.parquet", "has an unclosed bracket"),
        ("{a,b.parquet", "has an unclosed brace"),
        ("[z-a]*", "is not a valid character set"),
    ],
)
def test_a_pattern_that_readers_take_differently_is_refused(folder, pattern, reason):
    with pytest.raises(InputError, match=reason):
        list_corpus([f"{folder}/{pattern}"])


def test_a_file_that_two_paths_name_is_read_once(folder):
    paths = [f"{folder}/a.parquet", f"{folder}/*.parquet", f"{folder}/deep/../a.parquet"]
    assert len(list_corpus(paths).files) == 1


@pytest.mark.parametrize("path", ["nowhere", "*.csv", "z*/a", "deep/*.parquet"])
def test_a_path_without_a_file_is_named(folder, path):
    with pytest.raises(InputError, match=r"there is no such path: .* Check corpus.paths"):
        list_corpus([f"{folder}/{path}"])


def test_links_are_followed_and_circles_and_loose_ends_refused(folder):
    (folder / "again").symlink_to(folder / "deep")
    assert names(list_corpus([str(folder)]), folder)[0:2] == ["a.parquet", "again/er/c.parquet"]
    (folder / "deep/er/up").symlink_to(folder)
    with pytest.raises(InputError, match=r"is a link to .*, which contains it: its files would be read endlessly"):
        list_corpus([str(folder)])
    (folder / "deep/er/up").unlink()
    (folder / "gone.parquet").symlink_to(folder / "nothing")
    with pytest.raises(
        InputError, match=r"gone.parquet is a link to .*nothing, which does not exist. Remove or repair"
    ):
        list_corpus([str(folder)])


@pytest.mark.parametrize(
    ("pattern", "left_out"),
    [
        ("*", [".e.parquet", "_SUCCESS"]),
        ("*.parquet", [".e.parquet"]),
        ("**/*.parquet", [".e.parquet", "deep/_hidden"]),
        ("deep/*/*.parquet", ["deep/_hidden"]),
        (".e*", []),
    ],
)
def test_what_matches_a_pattern_and_is_hidden_is_named_too(folder, pattern, left_out):
    found = list_corpus([f"{folder}/{pattern}"]).left_out
    assert set(left_out) <= {one.removeprefix(f"{folder.as_uri()}/") for one in found}
    assert bool(left_out) == bool(found)


def test_a_circle_below_a_pattern_is_refused(folder):
    (folder / "deep/er/up").symlink_to(folder / "deep")
    with pytest.raises(InputError, match=r"is a link to .*, which contains it: its files would be read endlessly"):
        list_corpus([f"{folder}/**/*.parquet"])
