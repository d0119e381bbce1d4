"""A corpus that cannot be used is refused with one message, which names what is wrong; nothing is left of the run."""

import re

import pyarrow as pa
import pytest

from support.bad_input import TEXTS, encode, flip, page_offset, put, refusal, texts


@pytest.fixture
def refuse(spark, tmp_path):
    return lambda *args, **corpus: refusal(spark, tmp_path, *args, **corpus)


# Paths


def test_a_path_at_which_nothing_lies(refuse, tmp_path):
    missing = tmp_path / "nothing/here.parquet"
    assert refuse(missing) == f"there is no such path: {missing}. Check corpus.paths in the config."


def test_a_relative_path_is_shown_with_the_place_that_it_means(refuse):
    assert refuse("in/here.parquet").startswith("there is no such path: in/here.parquet (looked for /")


def test_a_glob_that_matches_nothing(refuse, tmp_path):
    put(tmp_path / "a.parquet")
    assert f"there is no such path: {tmp_path}/*.pq." in refuse(tmp_path / "*.pq")


@pytest.mark.parametrize("hidden", [None, "_SUCCESS", ".a.parquet"])
def test_a_folder_without_files_is_named_even_beside_a_good_one(refuse, tmp_path, hidden):
    put(tmp_path / "good/a.parquet")
    (tmp_path / "bad").mkdir()
    if hidden:
        put(tmp_path / "bad" / hidden)
    message = refuse([tmp_path / "good", tmp_path / "bad"])
    but = f" but {hidden}, which is skipped" if hidden else ""
    assert message == f"the folder {tmp_path}/bad contains no files{but}. Check corpus.paths in the config."


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("foo://bucket/a.parquet", 'No FileSystem for scheme "foo". Check corpus.paths; for cloud'),
        (
            "s3a://bucket/a.parquet",
            "S3AFileSystem not found. Check corpus.paths; for cloud storage that only",
        ),
    ],
)
def test_a_path_that_nobody_opens(refuse, path, reason):
    message = refuse(path)
    assert message.startswith(f"cannot open {path}: ")
    assert reason in message


def test_a_colon_in_a_name_is_a_letter(refuse):
    assert refuse("what:ever.parquet").startswith("there is no such path: what:ever.parquet (looked for /")


# Columns


def test_no_such_column_lists_the_columns(refuse, tmp_path):
    path = put(tmp_path / "a.parquet")
    assert refuse(path, text_column="txet") == (
        f"1 of 1 input files cannot be used: {path}: it has no column 'txet', only text (string), n (int64). "
        "Correct corpus.text_column, or leave the file out."
    )


def test_no_such_nested_column(refuse, tmp_path):
    path = put(tmp_path / "a.parquet", pa.table({"content": [{"body": "a b", "n": 1}]}))
    message = refuse(path, text_column="content.text")
    assert "it has no column 'content.text', only content (struct<body: string, n: int64>)." in message
    assert "its column 'content' holds struct<body: string, n: int64>; expected strings." in refuse(
        path, text_column="content"
    )


@pytest.mark.parametrize(
    ("values", "kind"),
    [([1], "int64"), ([b"a"], "binary"), ([None], "null"), ([1.5], "double")],
)
def test_a_column_of_text_that_holds_something_else(refuse, tmp_path, values, kind):
    message = refuse(put(tmp_path / "a.parquet", pa.table({"text": values})))
    assert f"its column 'text' holds {kind}; expected strings. Correct corpus.text_column, or leave" in message


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (pa.int64(), [1]),
        (pa.list_(pa.string()), [["a"]]),
        (pa.list_(pa.float32()), [[1.0]]),
        (pa.list_(pa.uint64()), [[1]]),
    ],
)
def test_a_column_of_ids_that_holds_something_else(refuse, tmp_path, kind, values):
    path = put(tmp_path / "a.parquet", pa.table({"ids": pa.array(values, kind)}))
    message = refuse(path, ids_column="ids")
    shown = str(kind).replace("item", "element")
    assert f"its column 'ids' holds {shown}; expected lists of integers (not uint64). Correct corpus.ids_c" in message


@pytest.mark.parametrize("place", range(3))
def test_one_file_of_many_with_another_schema_is_named(refuse, tmp_path, place):
    for number in range(3):
        put(tmp_path / f"in/{number}.parquet", texts(name="txt") if number == place else None)
    message = refuse(tmp_path / "in")
    assert message.startswith(
        f"1 of 3 input files cannot be used: {tmp_path}/in/{place}.parquet: it has no column 'text'"
    )


def test_files_of_two_layouts(refuse, tmp_path):
    put(tmp_path / "in/a.parquet", pa.table({"content.text": ["a b"]}))
    put(tmp_path / "in/b.parquet", pa.table({"content": [{"text": "a b"}]}))
    message = refuse(tmp_path / "in", text_column="content.text")
    assert f"has 1 levels in {tmp_path}/in/a.parquet and 2 in {tmp_path}/in/b.parquet. Read files of one" in message


def test_many_broken_files_are_counted_and_five_are_shown(refuse, tmp_path):
    for number in range(7):
        put(tmp_path / f"in/{number}.parquet", texts(name="txt"))
    lines = refuse(tmp_path / "in").splitlines()
    assert lines[0] == "7 of 7 input files cannot be used:"
    assert [line.split(":")[0].strip() for line in lines[1:6]] == [f"{tmp_path}/in/{n}.parquet" for n in range(5)]
    assert lines[6:] == ["  and 2 more"]


# Broken files


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "Parquet magic bytes not found in footer"),
        (b"hello, this is text\n" * 9, "Parquet magic bytes not found in footer"),
        (b"", "Parquet file size is 0 bytes"),
    ],
    ids=["footer cut", "text", "0 bytes"],
)
@pytest.mark.parametrize("alone", [True, False])
def test_a_file_that_is_no_parquet_is_named(refuse, tmp_path, content, reason, alone):
    if not alone:
        put(tmp_path / "in/good.parquet")
    path = put(tmp_path / "in/bad.parquet")
    path.write_bytes(path.read_bytes()[:-10] if content is None else content)
    message = refuse(tmp_path / "in")
    assert f"{path}: it cannot be read as Parquet ({reason}" in message
    assert message.endswith("Repair it or leave it out.")


def test_a_folder_with_a_file_of_another_kind(refuse, tmp_path):
    put(tmp_path / "in/a.parquet")
    (tmp_path / "in/about.txt").write_text("About these files.\n")
    assert f"1 of 2 input files cannot be used: {tmp_path}/in/about.txt: it cannot be read as" in refuse(
        tmp_path / "in"
    )


@pytest.mark.parametrize("name", ["bad.parquet", "bäd [1] %20.parquet"])
def test_a_damaged_page_is_named_though_the_footer_is_good(refuse, tmp_path, name):
    put(tmp_path / "in/good.parquet")
    path = put(tmp_path / "in" / name, compression="none")
    flip(path, page_offset(path))
    message = refuse(tmp_path / "in")
    assert message.startswith(f"1 of 2 input files cannot be used: {path}: it has no page at byte ")
    assert message.endswith("where its footer places one. Repair it or leave it out.")


def test_changed_text_is_found_where_the_writer_left_checksums(refuse, tmp_path):
    options = {"compression": "none", "use_dictionary": False, "write_page_checksum": True}
    path = put(tmp_path / "a.parquet", **options)
    path.write_bytes(path.read_bytes().replace(b"cat 7 sat", b"cat 8 sat"))
    message = refuse(path)
    assert f"cannot read {path}, which is damaged (could not verify page integrity, CRC checksum ver" in message


def test_text_that_is_not_utf8(refuse, tmp_path):
    put(tmp_path / "in/good.parquet")
    path = put(tmp_path / "in/latin1.parquet", compression="none", use_dictionary=False)
    path.write_bytes(path.read_bytes().replace(b"cat 7 sat", b"c\xe4t 7 sat"))
    assert f"{path}, row 7: this text is not UTF-8 ('utf-8' codec can't decode byte 0xe4" in refuse(tmp_path / "in")


# Corpora without a document


def test_files_without_rows(refuse, tmp_path):
    put(tmp_path / "in/a.parquet", texts([]))
    put(tmp_path / "in/b.parquet", texts([]))
    assert refuse(tmp_path / "in").startswith("the corpus is empty: its 2 files contain no rows. Check corpus.paths")


@pytest.mark.parametrize("values", [[None, "", None], ["  ", "\n\t"]], ids=["null and empty", "white space"])
def test_documents_without_a_word(refuse, tmp_path, values):
    message = refuse(put(tmp_path / "a.parquet", texts(values)))
    assert message.startswith("the corpus is empty: none of its documents has a word and 0 to 10,000,000 characters.")


def test_no_document_to_train_a_tokenizer_on(refuse, tmp_path):
    path = put(tmp_path / "a.parquet", texts([None, "", None]))
    assert refuse(path, {"kind": "bpe", "vocabulary_size": 300}) == (
        "the corpus is empty: none of its 3 documents gave a window (null: 2, empty: 1)"
    )


def test_limits_that_drop_all_documents(refuse, tmp_path):
    message = refuse(put(tmp_path / "a.parquet"), min_characters=1000)
    assert (
        "none of its documents has a word and 1,000 to 10,000,000 characters. Check corpus.text_column (tex" in message
    )


def test_all_documents_dropped_says_why(refuse, tmp_path):
    path = put(tmp_path / "a.parquet", texts([*TEXTS, "", None, "x"]))
    message = refuse(path, {"kind": "words", "vocabulary_size": 1}, min_characters=2)
    assert message == (
        "the corpus is empty: none of its 63 documents gave a window "
        "(null: 1, empty: 1, too_few_characters: 1, unknown_token: 60)"
    )


# Token ids


@pytest.mark.parametrize(
    "bad",
    [[3, 50], [3, -2], [3, None], [2**40]],
)
def test_bad_ids_are_shown_with_their_file(refuse, tmp_path, bad):
    put(tmp_path / "in/a good.parquet", pa.table({"ids": [[1, 2]] * 40}))
    path = put(tmp_path / "in/the bad.parquet", pa.table({"ids": [[1, 2], None, [], bad, [4, 5]]}))
    message = refuse(tmp_path / "in", ids_column="ids")
    assert message.startswith(f"{path}, row 3: an invalid list of ids, {bad}. Token ids must be 0 to 49 (tokenizer.voc")


# Tokenizers


def test_a_tokenizer_that_is_none_is_refused_before_the_corpus_is_read(refuse, tmp_path):
    (tmp_path / "tokenizer.json").write_text("{}")
    for source, reason in (("tokenizer.json", "A tokenizer must be the text of"), ("missing.json", "there is no such")):
        message = refuse(tmp_path / "not looked at", {"kind": "huggingface", "source": str(tmp_path / source)})
        assert message.startswith(f"{tmp_path / source}: {reason}")


# The output


def test_an_output_that_cannot_be_written_is_refused_before_the_corpus_is_read(spark, tmp_path):
    (tmp_path / "file").write_text("mine")
    for output, reason in (
        (tmp_path / "file", "is a file; the output must be a folder"),
        (tmp_path / "file/run", "cannot write to"),
        ("/proc/run", "cannot write to /proc/run: "),
    ):
        with pytest.raises(Exception, match=re.escape(reason)) as caught:
            encode(spark, output, tmp_path / "not looked at")
        assert type(caught.value).__name__ == "RunError"
    assert (tmp_path / "file").read_text() == "mine"
