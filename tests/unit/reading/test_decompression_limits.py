"""What headers of pages say is read as it was written, by whatever writer; what they should not say is refused."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from leadterm.errors import InputError
from leadterm.reading import decompression_limits as inflating
from leadterm.reading.decompression_limits import DICTIONARY_PAGE, check_footer, check_pages, refuse_inflated
from leadterm.reading.document_column import ColumnRule
from leadterm.reading.parquet_documents import leaves_of, read_groups
from leadterm.reading.splits import Split
from leadterm.storage import Location

TEXTS = [f"the {'cat ' * (number % 50)}{number}" for number in range(3000)]


@pytest.mark.parametrize("compression", ["none", "snappy", "zstd", "gzip"])
@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("dictionary", [True, False])
@pytest.mark.parametrize("checksums", [True, False])
def test_all_pages_of_a_column_are_met(tmp_path, compression, version, dictionary, checksums):
    """Independent: pages fill a column from its first byte to its last, and unpacked are as long as the footer says."""
    table = pa.table({"n": range(3000), "a": [{"text": text, "ids": [1, 2]} for text in TEXTS]})
    pq.write_table(
        table, tmp_path / "a", compression=compression, data_page_version=version, use_dictionary=dictionary,
        write_page_checksum=checksums, row_group_size=1700, data_page_size=2000, write_batch_size=100,
        write_statistics=not checksums,
    )  # fmt: skip
    metadata = pq.ParquetFile(tmp_path / "a").metadata
    with pa.OSFile(str(tmp_path / "a")) as file:
        for column, number in ((("a", "text"), 1), (("a", "ids"), 1), (("a",), 2), (("n",), 1), (("tex",), 0)):
            leaves = leaves_of(metadata.schema, column)
            chunks = [chunk for _, chunk in inflating._chunks(metadata, leaves)]
            assert len(chunks) == number * metadata.num_row_groups
            for chunk in chunks:
                pages = list(inflating._pages(file, chunk))
                assert sum(page.header + page.packed for page in pages) == chunk.total_compressed_size
                assert sum(page.header + page.unpacked for page in pages) == chunk.total_uncompressed_size
                assert [page.kind for page in pages].count(DICTIONARY_PAGE) == chunk.has_dictionary_page
                assert len(pages) > 2 or column != ("a", "text")
            check_pages(file, metadata, leaves)
            check_footer(metadata, leaves, file.size())


def test_a_header_longer_than_the_first_look(tmp_path, monkeypatch):
    """Statistics may quote long values; a page of three long texts."""
    monkeypatch.setattr(inflating, "HEADER", 20)
    pq.write_table(pa.table({"text": ["x" * 3000, "y", "z"]}), tmp_path / "a")
    with pa.OSFile(str(tmp_path / "a")) as file:
        check_pages(file, pq.ParquetFile(tmp_path / "a").metadata, [0])


@pytest.mark.parametrize("seed", range(60))
def test_any_bytes_in_the_place_of_a_header_end_in_one_error_or_none(tmp_path, seed):
    pq.write_table(pa.table({"text": TEXTS[:40]}), tmp_path / "a", compression="none")
    metadata, draw = pq.ParquetFile(tmp_path / "a").metadata, np.random.default_rng(seed)
    data = bytearray((tmp_path / "a").read_bytes())
    for _ in range(seed % 4 + 1):
        data[4 + draw.integers(30)] = draw.integers(256)
    (tmp_path / "a").write_bytes(data)
    with pa.OSFile(str(tmp_path / "a")) as file:
        try:
            check_pages(file, metadata, [0])
        except InputError as error:
            assert str(error).endswith("leave it out.") or "uncompressed" in str(error)


def test_much_is_allowed_where_the_file_is_large_and_little_where_it_is_small(monkeypatch):
    monkeypatch.setattr(inflating, "MOST_INFLATED", 1000)
    refuse_inflated(1000, 1)
    refuse_inflated(200 * 50, 50)
    for unpacked, packed in ((1001, 1), (200 * 50 + 1, 50)):
        with pytest.raises(InputError, match="a ratio that no text reaches"):
            refuse_inflated(unpacked, packed)


@pytest.mark.parametrize("nested", [False, True])
def test_a_sparse_column_is_no_bomb_and_a_repeated_one_is(tmp_path, monkeypatch, nested):
    """One text of 20 kB, then nulls: the dictionary is large, and what is repeated is nothing."""
    monkeypatch.setattr(inflating, "MOST_INFLATED", 10**6)
    text, path = "x" * 20_000, ("a", "text") if nested else ("text",)

    def write(values: list[str | None]) -> tuple[pa.NativeFile, pq.FileMetaData]:
        column = pa.array([{"text": value} for value in values]) if nested else pa.array(values, pa.string())
        pq.write_table(pa.table({path[0]: column}), tmp_path / "a")
        return pa.OSFile(str(tmp_path / "a")), pq.ParquetFile(tmp_path / "a").metadata

    file, metadata = write([text] + [None] * 100_000)
    check_pages(file, metadata, leaves_of(metadata.schema, path))
    file, metadata = write([text] * 10_000)
    with pytest.raises(InputError, match=r"to at least 200,0\d\d,\d\d\d bytes, a ratio that no text reaches"):
        check_pages(file, metadata, leaves_of(metadata.schema, path))


LONG = "word " * 10_000


def look_at(path: Path, table: pa.Table, **options: Any) -> None:
    """Write a column, and look at its pages."""
    pq.write_table(table, path, **{"write_batch_size": 100, "data_page_size": 2**20} | options)
    with pa.OSFile(str(path)) as file:
        metadata = pq.ParquetFile(path).metadata
        check_pages(file, metadata, list(range(metadata.num_columns)))


def test_headers_of_pages_count_where_the_footer_says_less(tmp_path, monkeypatch):
    """PyArrow reads such a file without a remark."""
    monkeypatch.setattr(inflating, "MOST_INFLATED", 10**6)
    monkeypatch.setattr(inflating, "MOST_TIMES", 10)
    table = pa.table({"text": [f"{number}{'x' * 3000}" for number in range(1000)]})
    pq.write_table(table, tmp_path / "a", use_dictionary=False, compression="zstd")
    chunk = pq.ParquetFile(tmp_path / "a").metadata.row_group(0).column(0)
    names = ("path_in_schema", "physical_type", "dictionary_page_offset", "data_page_offset", "total_compressed_size")
    told = {name: getattr(chunk, name) for name in names} | {"num_values": 1000}
    group = SimpleNamespace(column=lambda _: SimpleNamespace(**told, total_uncompressed_size=1000))
    metadata = SimpleNamespace(num_row_groups=1, row_group=lambda _: group)
    with pa.OSFile(str(tmp_path / "a")) as file:
        check_footer(metadata, [0], file.size())
        with pytest.raises(InputError, match=r"to at least 3,0\d\d,\d\d\d bytes, a ratio that no text reaches"):
            check_pages(file, metadata, [0])


@pytest.mark.parametrize("others", [[], [str(number) for number in range(5000)]], ids=["alone", "among short ones"])
@pytest.mark.parametrize("repeated", [True, False])
def test_one_long_text_of_a_dictionary(tmp_path, monkeypatch, others, repeated):
    """What counts is how often it occurs, whatever else is in the dictionary."""
    monkeypatch.setattr(inflating, "MOST_INFLATED", 10**7)
    indices = np.zeros(1000, dtype=np.int32)
    indices[0 if repeated else 1 :] = 0 if repeated else min(1, len(others))
    texts = pa.DictionaryArray.from_arrays(indices[: None if repeated or others else 1], pa.array([LONG, *others]))
    if repeated:
        with pytest.raises(InputError, match=r"to at least 50,\d\d\d,\d\d\d bytes, a ratio that no text reaches"):
            look_at(tmp_path / "a", pa.table({"text": texts}))
    else:
        look_at(tmp_path / "a", pa.table({"text": texts}))


@pytest.mark.parametrize("nested", [False, True])
def test_texts_that_begin_as_the_one_before(tmp_path, monkeypatch, nested):
    """Each takes some bytes of its page and has 50 kB; PyArrow writes them out a batch at a time."""
    monkeypatch.setattr(inflating, "MOST_INFLATED", 10**7)
    monkeypatch.setattr(inflating, "HELD", 10**6)

    def look(texts: list[str]) -> None:
        column = pa.array([[text] for text in texts]) if nested else pa.array(texts)
        encoding = {"text.list.element" if nested else "text": "DELTA_BYTE_ARRAY"}
        look_at(tmp_path / "a", pa.table({"text": column}), use_dictionary=False, column_encoding=encoding)

    look([LONG, *(f"short {number}" for number in range(20_000))])
    with pytest.raises(InputError, match=r"to at least 1\d,\d\d\d,\d\d\d bytes, a ratio that no text reaches"):
        look([f"{LONG}{number}" for number in range(1000)])


def test_numbers_that_repeat(tmp_path, monkeypatch):
    monkeypatch.setattr(inflating, "MOST_INFLATED", 10**6)
    ids = pa.array([[7] * 100_000] * 10, pa.list_(pa.int32()))
    with pytest.raises(InputError, match=r"to at least 8,000,008 bytes, a ratio that no text reaches"):
        look_at(tmp_path / "a", pa.table({"ids": ids}))


@pytest.mark.parametrize("options", [{}, {"use_dictionary": False, "column_encoding": {"text": "DELTA_BYTE_ARRAY"}}])
def test_batches_are_small_where_texts_are_longer_than_their_pages(tmp_path, monkeypatch, options):
    monkeypatch.setattr("leadterm.reading.parquet_documents.HELD", 10**6)
    texts = [LONG] * 500
    pq.write_table(pa.table({"text": texts}), tmp_path / "a", **options)
    split = Split(source=0, place=str(tmp_path / "a"), start=0, length=1, first_row=0, records=500, most=500)
    batches = list(read_groups(Location.of(tmp_path / "a"), [split], ColumnRule("text", is_ids=False)))
    assert [text for documents, _, _ in batches for text in documents.to_pylist()] == texts
    assert max(len(documents) for documents, _, _ in batches) <= 10**6 // len(LONG)
