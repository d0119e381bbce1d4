"""Files of a Delta, Hudi or Iceberg table are refused wherever its root lies, with what to set instead."""

import uuid
from pathlib import Path

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake

from leadterm.errors import InputError
from leadterm.reading.table_roots import refuse_table_roots, table_root
from leadterm.storage.location import Location

ROWS = pa.table({"text": ["a b c"] * 4, "lang": ["en", "en", "de", "de"]})


def hudi(root: Path) -> None:
    """As Hudi lays a table out."""
    (root / ".hoodie" / "timeline").mkdir(parents=True)
    (root / ".hoodie" / "hoodie.properties").write_text("hoodie.table.name=t\n")
    pq.write_table(ROWS, root / "f_0-0-0_20260131120000000.parquet")


def iceberg(root: Path, name: str = f"00001-{uuid.UUID(int=5)}.metadata.json") -> None:
    """As Iceberg lays a table out."""
    (root / "metadata").mkdir(parents=True)
    (root / "metadata" / name).write_text("{}")
    (root / "data").mkdir()
    pq.write_table(ROWS, root / "data" / "00000-0-x.parquet")


def delta(root: Path) -> None:
    """A real one, in partitions."""
    write_deltalake(root, ROWS, partition_by=["lang"])


MAKERS = {"delta": delta, "hudi": hudi, "iceberg": iceberg}


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("given", ["root", "file", "both"])
def test_a_table_is_refused_by_its_root_and_by_its_files(tmp_path, kind, given):
    root = tmp_path / "lake" / "docs"
    MAKERS[kind](root)
    file = next(path for path in root.rglob("*.parquet") if "_delta_log" not in str(path))
    files, folders = {
        "root": ([], [str(root)]),
        "file": ([file.as_uri()], []),
        "both": ([str(tmp_path / "a.parquet"), str(file)], [str(tmp_path)]),
    }[given]
    with pytest.raises(InputError) as caught:
        refuse_table_roots(files, folders)
    assert f"{root}" in str(caught.value)
    named = {"delta": "a Delta", "hudi": "a Hudi", "iceberg": "an Iceberg"}[kind]
    assert f"the root of {named} table" in str(caught.value)
    assert f"Set corpus.format to {kind} and corpus.paths to [{root}], or" in str(caught.value)
    assert str(caught.value).startswith(str(Location.of([*folders, *files][-1])))


def test_a_table_that_lost_rows_would_have_given_them_back(tmp_path):
    """Why this matters: the files of a real table hold rows that it no longer has."""
    delta(tmp_path / "t")
    DeltaTable(tmp_path / "t").delete("lang = 'de'")
    assert sum(len(pq.ParquetFile(path).read()) for path in (tmp_path / "t").rglob("lang=*/*.parquet")) == 4
    assert DeltaTable(tmp_path / "t").to_pyarrow_table().num_rows == 2
    with pytest.raises(InputError, match="root of a Delta table"):
        refuse_table_roots([], [str(tmp_path / "t" / "lang=en")])


@pytest.mark.parametrize(
    "name", ["v3.metadata.json", "v12.gz.metadata.json", f"00012-{uuid.UUID(int=9)}.gz.metadata.json"]
)
def test_iceberg_has_several_names_for_what_describes_a_table(tmp_path, name):
    iceberg(tmp_path / "t", name)
    assert table_root(Location.of(tmp_path / "t")).format == "iceberg"


@pytest.mark.parametrize("name", ["train.metadata.json", "metadata.json", "v3.metadata.json.bak", "notes.txt"])
def test_a_folder_of_the_users_own_metadata_is_no_table(tmp_path, name):
    iceberg(tmp_path / "t", name)
    refuse_table_roots([str(tmp_path / "t" / "data" / "00000-0-x.parquet")], [str(tmp_path / "t")])


def test_files_beside_a_table_and_marks_that_are_files_are_no_table(tmp_path):
    delta(tmp_path / "lake" / "t")
    (tmp_path / "lake" / "plain").mkdir()
    (tmp_path / "lake" / "plain" / "_delta_log").write_text("a file")
    refuse_table_roots([str(tmp_path / "lake" / "plain" / "a.parquet"), str(tmp_path / "lake" / "b.parquet")])


def test_other_filesystems_are_looked_at_and_those_only_spark_knows_are_passed_over():
    memory = fsspec.filesystem("memory")
    memory.pipe_file("/lake/t/_delta_log/00000000000000000000.json", b"{}")
    memory.pipe_file("/lake/t/day=1/a.parquet", b"")
    try:
        refuse_table_roots(["nosuchscheme://lake/t/a.parquet", "memory://lake/u/a.parquet"])
        with pytest.raises(
            InputError, match=r"memory://lake/t, the root of a Delta table .*paths to \[memory://lake/t\]"
        ):
            refuse_table_roots(["memory://lake/t/day=1/a.parquet"])
    finally:
        memory.rm("/lake", recursive=True)
