"""What headers of pages say is read as it was written, by whatever writer; what they should not say is refused."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from leadterm.errors import InputError
from leadterm.reading import decompression_limits as inflating
from leadterm.reading.decompression_limits import DICTIONARY_PAGE, check_footer, check_pages, refuse_inflated
from leadterm.reading.parquet_documents import leaves_of

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
        with pytest.raises(InputError, match="no text can be"):
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
    with pytest.raises(InputError, match=r"to at least 200,000,000 bytes, which no text can be"):
        check_pages(file, metadata, leaves_of(metadata.schema, path))
