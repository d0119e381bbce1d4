"""Input that looks odd and is good: strange paths, nested columns, other Arrow types, null and empty texts."""

import pyarrow as pa
import pytest

from support.bad_input import TEXTS, WORDS, account, encode, json_lines, put, put_lines, texts
from support.jobs import data_hashes, make_config, run_both

ALL = {"documents": 60, "kept": 60}


@pytest.fixture
def read(spark, tmp_path):
    return lambda *args, **corpus: account(encode(spark, tmp_path / "run", *args, **corpus))


def windows_hashes(run):
    return [entry.sha256 for entry in run.manifest("windows").files]


def test_null_and_empty_texts_are_counted(read, tmp_path):
    path = put(tmp_path / "a.parquet", texts([*TEXTS, None, "", "x", None]))
    assert read(path) == {"documents": 64, "kept": 60, "null": 2, "empty": 1, "too_few_tokens": 1}


def test_null_and_empty_lists_are_counted(read, tmp_path):
    path = put(tmp_path / "a.parquet", pa.table({"ids": [[1, 2, 3], None, [], [4]]}))
    assert read(path, ids_column="ids") == {"documents": 4, "kept": 1, "null": 1, "empty": 1, "too_few_tokens": 1}


@pytest.mark.parametrize("max_documents", [None, 45])
@pytest.mark.parametrize("name", ["a b", "50%", "%41", "ünï", "a[1]", "b{2}", "c*", "d?", "e\\f", "g#h"])
def test_odd_file_names(spark, tmp_path, name, max_documents):
    for number in range(2):
        put(tmp_path / f"in {name}/lang=en/{number} {name}.parquet", texts(TEXTS[30 * number : 30 * number + 30]))
    output = tmp_path / f"run {name}"
    glob = str(tmp_path / "in *")
    run = encode(spark, output, glob, max_documents=max_documents)
    assert account(run)["documents"] == (max_documents or 60)
    assert run.location.path == str(output)


def test_partitioned_folders_are_read_whole(read, tmp_path):
    put(tmp_path / "in/lang=en/text=1/a.parquet", texts(TEXTS[:20]))
    put(tmp_path / "in/lang=de/b.parquet", texts(TEXTS[20:40]))
    put(tmp_path / "in/more/c.parquet", texts(TEXTS[40:]))
    assert read(tmp_path / "in") == ALL


def test_several_paths_that_overlap_give_each_file_once(read, tmp_path):
    put(tmp_path / "in/a.parquet", texts(TEXTS[:30]))
    put(tmp_path / "in/b.parquet", texts(TEXTS[30:]))
    folder = tmp_path / "in"
    assert read([folder, folder / "a.parquet", folder / "*.parquet", folder / "b.parquet"]) == ALL


def test_a_run_moved_with_its_corpus_is_still_current(spark, tmp_path):
    put(tmp_path / "in/a.parquet")
    encode(spark, tmp_path / "run", tmp_path / "in")
    before = (tmp_path / "run/windows/manifest.json").read_bytes()
    (tmp_path / "in").rename(tmp_path / "elsewhere")
    (tmp_path / "elsewhere/a.parquet").rename(tmp_path / "elsewhere/b.parquet")
    encode(spark, tmp_path / "run", tmp_path / "elsewhere")
    assert (tmp_path / "run/windows/manifest.json").read_bytes() == before


@pytest.mark.parametrize(
    ("table", "column"),
    [
        (pa.table({"content.text": TEXTS}), "content.text"),
        (pa.table({"content.text": TEXTS, "content": [{"text": ""}] * 60}), "content.text"),
        (pa.table({"content": [{"text": text, "n": 1} for text in TEXTS]}), "content.text"),
        (pa.table({"a": [{"b": {"c d": text}} for text in TEXTS]}), "a.b.c d"),
        (pa.table({"tick`s": TEXTS}), "tick`s"),
        (pa.table({"Text": [""] * 60, "text": TEXTS}), "text"),
        (pa.table({"document": [""] * 60, "path": TEXTS}), "path"),
    ],
    ids=["dots", "dots before structs", "nested", "deep", "backtick", "case", "names of ours"],
)
def test_columns(read, tmp_path, table, column):
    assert read(put(tmp_path / "a.parquet", table), text_column=column) == ALL


@pytest.mark.parametrize(
    "kind",
    [pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())],
    ids=["large_string", "string_view", "dictionary"],
)
def test_types_of_text_are_read_alike(spark, tmp_path, kind):
    plain = put(tmp_path / "a.parquet", pa.table({"text": TEXTS}))
    column = pa.array(TEXTS)
    other = column.dictionary_encode().cast(kind) if pa.types.is_dictionary(kind) else column.cast(kind)
    runs = [
        encode(spark, tmp_path / f"run-{path.stem}", path)
        for path in (plain, put(tmp_path / "b.parquet", pa.table({"text": other})))
    ]
    assert windows_hashes(runs[0]) == windows_hashes(runs[1])


def test_pandas_categories_with_missing_values(read, tmp_path):
    pandas = pytest.importorskip("pandas")
    path = tmp_path / "a.parquet"
    pandas.DataFrame({"text": pandas.Categorical([*TEXTS, None])}).to_parquet(path)
    assert read(path) == {"documents": 61, "kept": 60, "null": 1}


def test_types_of_ids_are_read_alike_and_may_differ_from_file_to_file(spark, tmp_path):
    lists = [[number % 50, 2, 3] for number in range(60)]
    numbers = (pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32())
    kinds = [*map(pa.list_, numbers), pa.large_list(pa.int32()), pa.list_(pa.int64(), 3)]
    plain = put(tmp_path / "plain.parquet", pa.table({"ids": lists * len(kinds)}))
    for number, kind in enumerate(kinds):
        put(tmp_path / f"in/{number}.parquet", pa.table({"ids": pa.array(lists, kind)}))
    runs = [encode(spark, tmp_path / f"run-{path.stem}", path, ids_column="ids") for path in (plain, tmp_path / "in")]
    assert windows_hashes(runs[0]) == windows_hashes(runs[1])


@pytest.mark.parametrize("character", ["a", "ü", "字", "😀"])
def test_texts_are_as_long_as_they_have_characters(spark, read, tmp_path, character):
    """Too long ones are counted where they lie in Arrow, by characters and not by bytes."""
    words = [f"{character * 3} " * 5 + character * extra for extra in (0, 1, 2, 3)]
    assert [len(text) for text in words] == [20, 21, 22, 23]
    path = put(tmp_path / "a.parquet", texts([*words, *words]))
    assert read(path, max_characters=21) == {"documents": 8, "kept": 4, "too_many_characters": 4}


@pytest.mark.parametrize("format", ["json", "parquet"])
def test_a_text_that_is_far_too_long_is_counted_and_left_out(read, tmp_path, format):
    """By itself Java takes no text of more than 20 million characters for JSON."""
    values = [*TEXTS, "ab " * 7_000_000]
    path = tmp_path / f"a.{format}"
    put(path, texts(values)) if format == "parquet" else put_lines(path, json_lines(values))
    assert read(path, format=format) == {"documents": 61, "kept": 60, "too_many_characters": 1}


def test_small_files_are_read_many_at_a_time(spark, tmp_path):
    for number in range(200):
        put(tmp_path / f"in/{number}.parquet", texts(TEXTS[:2]))
    tasks = spark.read.schema("text string").parquet(str(tmp_path / "in")).rdd.getNumPartitions()
    assert tasks <= 8, "with what opening a file costs by Spark's default it is 50"


def test_a_session_that_asks_for_large_arrow_types(spark, tmp_path):
    """Offsets of eight bytes, where a session says so, once taken for offsets of four."""
    config = make_config(put(tmp_path / "a.parquet"), WORDS)
    expected = data_hashes(run_both(spark, config, tmp_path / "small"))
    spark.conf.set("spark.sql.execution.arrow.useLargeVarTypes", "true")
    try:
        assert data_hashes(run_both(spark, config, tmp_path / "large")) == expected
    finally:
        spark.conf.unset("spark.sql.execution.arrow.useLargeVarTypes")
