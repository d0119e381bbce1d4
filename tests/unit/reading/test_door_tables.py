"""Parquet at the door: what old and odd writers made is read, what is no text is refused for its reason."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from support.bad_input import TEXTS
from support.door import documents_in, problem_of
from support.odd_corpora.broken_tables import encrypted, not_utf8
from support.odd_corpora.table_files import with_zero_offsets


@pytest.fixture
def put(tmp_path):
    def write(table, name="a.parquet", **options):
        pq.write_table(table, tmp_path / name, **options)
        return tmp_path / name

    return write


def table(values=TEXTS, **others):
    return pa.table({"text": pa.array(values), **others})


@pytest.mark.parametrize("codec", ["none", "snappy", "gzip", "brotli", "zstd", "lz4"])
@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_every_codec_is_read(put, codec, version):
    assert documents_in(put(table(), compression=codec, data_page_version=version)) == TEXTS


@pytest.mark.parametrize(
    "others",
    [{"Text": ["no"] * 60}, {"TEXT": range(60)}, {"tExt": [None] * 60, "Text": [[1]] * 60}, {"text ": [b"\xff"] * 60}],
)
def test_names_that_differ_in_case(put, others):
    assert documents_in(put(table(**others))) == TEXTS


@pytest.mark.parametrize("compression", ["none", "snappy", "gzip"])
@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_a_dictionary_that_begins_at_byte_zero_is_none(put, compression, version):
    path = put(table(), use_dictionary=False, compression=compression, data_page_version=version)
    path.write_bytes(with_zero_offsets(path.read_bytes()))
    assert pq.ParquetFile(path).metadata.row_group(0).column(0).dictionary_page_offset in (0, None)
    assert documents_in(path) == TEXTS


@pytest.mark.parametrize("compression", ["none", "snappy", "zstd"])
@pytest.mark.parametrize("place", [0, 500_000, -1])
def test_a_sparse_column_is_no_bomb(put, compression, place):
    values = [None] * 1_000_000
    values[place] = "word " * 4000
    documents = documents_in(put(table(values), compression=compression))
    assert len(documents) == 1_000_000
    assert [document for document in documents if document is not None] == ["word " * 4000]


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()])
@pytest.mark.parametrize("nested", [False, True])
def test_columns_of_json_are_text(put, kind, nested):
    column = pa.ExtensionArray.from_storage(pa.json_(kind), pa.array(['{"a": 1}', None, "[2]"], kind))
    if nested:
        column = pa.StructArray.from_arrays([column], names=["text"])
        assert documents_in(put(pa.table({"c": column})), text_column="c.text") == ['{"a": 1}', None, "[2]"]
    else:
        assert documents_in(put(pa.table({"text": column}))) == ['{"a": 1}', None, "[2]"]


@pytest.mark.parametrize("plain", [True, False])
@pytest.mark.parametrize("others", [{}, {"n": range(60)}])
def test_encrypted_columns_are_called_encrypted(tmp_path, plain, others):
    path = tmp_path / "a.parquet"
    path.write_bytes(encrypted(table(**others), plain=plain))
    problem = problem_of(path)
    assert problem is not None
    assert "encrypted" in problem


def test_another_column_may_be_encrypted(tmp_path):
    path = tmp_path / "a.parquet"
    path.write_bytes(encrypted(table(n=range(60)), plain=True, columns=["n"]))
    assert documents_in(path) == TEXTS
    assert "encrypted" in (problem_of(path, ids_column="n") or "") or problem_of(path, ids_column="n") is not None


@pytest.mark.parametrize("copies", [2, 3])
@pytest.mark.parametrize("n_rows", [0, 60])
def test_a_column_that_stands_twice(put, copies, n_rows):
    columns = [pa.array(TEXTS[:n_rows], pa.string())] * copies
    problem = problem_of(put(pa.Table.from_arrays(columns, names=["text"] * copies)))
    assert problem is not None
    assert "no column" not in problem
    assert any(word in problem for word in ("twice", f"{copies} columns", f"{copies} times", "more than one"))


def test_another_column_may_stand_twice(put):
    columns = [pa.array(TEXTS), pa.array(range(60)), pa.array(range(60))]
    assert documents_in(put(pa.Table.from_arrays(columns, names=["text", "n", "n"]))) == TEXTS


@pytest.mark.parametrize("bad", [b"\xe4", b"\xc0\x80", b"\xed\xa0\xbd", b"ab\xe2\x82"])
@pytest.mark.parametrize("options", [{}, {"use_dictionary": False}, {"compression": "none", "store_schema": False}])
def test_texts_that_are_not_utf8(put, bad, options):
    problem = problem_of(put(pa.table({"text": not_utf8(30, bad)}), **options))
    assert problem is not None
    assert "UTF-8" in problem


@pytest.mark.parametrize("join", ["\n", "", " | "])
def test_chat_rows_are_joined_where_that_is_asked(put, join):
    rows = [[{"role": "u", "content": "a b"}, {"role": "v", "content": "c"}], None, []]
    path = put(pa.table({"messages": rows}))
    assert documents_in(path, text_column="messages.content", join=join) == [f"a b{join}c", None, ""]


def test_chat_rows_are_refused_with_the_way_in(put):
    for rows, column in (
        ([[{"role": "u", "content": "a"}]], "messages.content"),
        ([["a", "b"]], "messages"),
        ([None, [{"role": "u", "content": "a"}]], "messages.content"),
    ):
        problem = problem_of(put(pa.table({"messages": rows})), text_column=column)
        assert problem is not None
        assert "corpus.join" in problem


@pytest.mark.parametrize("by", [1, 1000, -1])
def test_a_footer_that_tells_of_other_rows(put, by):
    from support.odd_corpora.broken_tables import lie  # noqa: PLC0415

    path = put(table())
    path.write_bytes(lie(path.read_bytes(), by))
    assert problem_of(path) is not None


def test_a_dictionary_inside_a_struct_in_many_row_groups(put):
    """pyarrow itself cannot read these in one piece."""
    column = pa.StructArray.from_arrays([pa.array(TEXTS).dictionary_encode()], names=["text"])
    path = put(pa.table({"c": column}), row_group_size=7)
    assert documents_in(path, text_column="c.text") == TEXTS
