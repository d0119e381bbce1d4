"""Every kind of damage to a file of row groups, as its hashes see it and as the checksums of its pages do."""

import hashlib

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from leadterm.reading.thrift import read_struct
from leadterm.storage import Location
from leadterm.storage.formats.parquet_io import grouped_parquet
from leadterm.storage.integrity.verified_reader import DamagedError, VerifiedFile, Written

SCHEMA = pa.schema([("tokens", pa.list_(pa.int32())), ("row", pa.int64())])


@pytest.fixture
def written(tmp_path) -> tuple[Location, Written, pa.Table]:
    """A file of four row groups with several pages each, what a manifest says of it, and its rows."""
    draw, place = np.random.default_rng(5), Location.of(tmp_path / "a.parquet")
    tables = [
        pa.table({"tokens": [draw.integers(0, 50, 30, dtype=np.int32) for _ in range(40)], "row": range(40)}, SCHEMA)
        for _ in range(4)
    ]
    options = {"data_page_size": 400, "write_batch_size": 8, "compression": "none"}
    with grouped_parquet(place, SCHEMA, "tokens", 1200, **options) as (writer, sink):
        for table in tables:
            writer.append(table)
    details = writer.details
    assert len(details["row_group_tokens"]) == 4
    return (
        place,
        Written(sink.n_bytes, sink.sha256, details["tail_bytes"], details["tail_sha256"]),
        pa.concat_tables(tables),
    )


def read(place: Location, written: Written) -> pa.Table:
    file = VerifiedFile(place, written)
    return pa.concat_tables([file.read_row_group(group) for group in range(file.metadata.num_row_groups)])


def read_by_checksums(place: Location) -> pa.Table | None:
    """None where the file is refused."""
    try:
        with pq.ParquetFile(place.path, page_checksum_verification=True) as file:
            return pa.concat_tables([file.read_row_group(group) for group in range(file.num_row_groups)])
    except (pa.ArrowException, OSError, ValueError):
        return None


def test_what_is_whole_is_read(written):
    place, entry, rows = written
    assert hashlib.sha256(place.read_bytes()).hexdigest() == entry.sha256
    assert read(place, entry).equals(rows)


def test_no_byte_can_change_unseen(written):
    place, entry, _ = written
    data = place.read_bytes().to_pybytes()
    for at in {*range(0, entry.bytes, 97), *range(12), *range(entry.bytes - 12, entry.bytes)}:
        place.write_bytes(data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1 :])
        with pytest.raises(DamagedError):
            read(place, entry)


def test_what_checksums_of_pages_see_is_the_pages(written):
    """Why there are hashes of row groups besides: headers of pages, and the footer, are not in the checksums."""
    place, entry, rows = written
    data = place.read_bytes().to_pybytes()
    chunk = pq.read_metadata(place.path).row_group(0).column(0)
    _, page = read_struct(data, chunk.data_page_offset)
    place.write_bytes(data[:page] + bytes([data[page] ^ 1]) + data[page + 1 :])
    assert read_by_checksums(place) is None
    place.write_bytes(b"PAR2" + data[4:])
    assert rows.equals(read_by_checksums(place))
    with pytest.raises(DamagedError, match="SHA-256 of its row group 0"):
        read(place, entry)


def test_pages_that_changed_places_have_good_checksums(written):
    place, entry, rows = written
    data, chunks = place.read_bytes().to_pybytes(), pq.read_metadata(place.path)
    pages: dict[int, list[tuple[int, int]]] = {}
    for group in range(4):
        at = (chunk := chunks.row_group(group).column(0)).data_page_offset
        while at < chunk.data_page_offset + chunk.total_compressed_size:
            fields, end = read_struct(data, at)
            pages.setdefault(end + fields[3] - at, []).append((at, end + fields[3]))
            at = end + fields[3]
    (a, a_end), (b, b_end) = next(found for found in pages.values() if len(found) > 1)[:2]
    place.write_bytes(data[:a] + data[b:b_end] + data[a_end:b] + data[a:a_end] + data[b_end:])
    others = read_by_checksums(place)
    assert others is not None
    assert not others.equals(rows)
    with pytest.raises(DamagedError, match="SHA-256 of its row group"):
        read(place, entry)
