"""The files of a corpus, listed as Spark lists them."""

import pytest

from leadterm.errors import InputError
from leadterm.planning.files import list_corpus

NAMES = ("a.parquet", "b.json", "b.json.gz", "deep/er/c.parquet", "deep/_hidden/d.parquet", ".e.parquet", "_SUCCESS")


@pytest.fixture
def folder(tmp_path):
    for name in NAMES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"1234")
    return tmp_path


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("", ["a.parquet", "b.json", "b.json.gz", "deep/er/c.parquet"]),
        ("a.parquet", ["a.parquet"]),
        ("*.parquet", ["a.parquet"]),
        ("?.{parquet,json}", ["a.parquet", "b.json"]),
        ("[!a]*", ["b.json", "b.json.gz", "deep/er/c.parquet"]),
        ("d*/er", ["deep/er/c.parquet"]),
        ("d*/*/*.parquet", ["deep/er/c.parquet"]),
    ],
)
def test_what_spark_would_read(folder, path, expected):
    found = list_corpus([f"{folder}/{path}"])
    assert [place.path.removeprefix(f"{folder}/") for place, _ in found] == expected
    assert {size for _, size in found} == {4}


def test_a_file_that_two_paths_name_is_read_once(folder):
    assert len(list_corpus([f"{folder}/a.parquet", f"{folder}/*.parquet"])) == 1


@pytest.mark.parametrize("path", ["nowhere", "*.csv", "z*/a"])
def test_a_path_without_a_file_is_named(folder, path):
    with pytest.raises(InputError, match=r"there is no file at .* Check corpus.paths"):
        list_corpus([f"{folder}/{path}"])
