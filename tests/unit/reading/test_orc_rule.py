"""ORC is read stripe by stripe; its footer counts the rows before anyone reads them."""

from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import orc

from leadterm.config import parse_config
from leadterm.errors import InputError
from leadterm.reading import Split, read_documents, rule_of
from leadterm.reading.format_checks import Rule
from leadterm.reading.orc_rule import stripes_of
from leadterm.reading.read_documents import with_path
from leadterm.storage.location import Location

N = 60_000
TABLE = pa.table(
    {
        "text": [f"row {i} {'x' * (i % 40)}" if i % 7 else None for i in range(N)],
        "ids": [[i, i + 1][: i % 3] for i in range(N)],
        "content": [{"text": f"inner {i}", "n": i} for i in range(N)],
    }
)


def rule(**corpus) -> Rule:
    tokenizer = (
        {"kind": "ids", "vocabulary_size": 99} if "ids_column" in corpus else {"kind": "words", "vocabulary_size": 5}
    )
    return rule_of(parse_config({"corpus": {"paths": ["a"], "format": "orc", **corpus}, "tokenizer": tokenizer}).corpus)


@pytest.fixture(scope="module")
def path(tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("orc") / "a.orc"
    with orc.ORCWriter(place, stripe_size=64 * 1024, compression="zlib") as writer:
        writer.write(TABLE)
    return place


def documents(path: Path, **corpus) -> list:
    asked = rule(**corpus)
    found = asked.inspect(Location.of(path), lambda _: None)
    assert found.rows == N
    splits = [Split(0, path.as_uri(), **part, most=part["records"]) for part in found.parts]
    assert len(splits) > 3
    batches = list(read_documents(splits, with_path(asked, found.column)))
    assert [row for one in batches for row in one["row"].to_pylist()] == list(range(N))
    return [document for one in batches for document in one["document"].to_pylist()]


def test_texts_and_ids_are_those_that_were_written(path):
    assert documents(path) == TABLE["text"].to_pylist()
    assert documents(path, text_column="content.text") == [f"inner {i}" for i in range(N)]
    assert documents(path, ids_column="ids") == TABLE["ids"].to_pylist()


def test_stripes_are_counted_by_the_footer(path):
    file = orc.ORCFile(path)
    assert [rows for rows, _ in stripes_of(file)] == [len(file.read_stripe(i)) for i in range(file.nstripes)]


@pytest.mark.parametrize(
    ("corpus", "problem"),
    [({"text_column": "words"}, "it has no column 'words', only text"), ({"text_column": "ids"}, "expected strings")],
)
def test_what_is_no_column_of_documents_is_refused(path, corpus, problem):
    with pytest.raises(InputError, match=problem):
        rule(**corpus).inspect(Location.of(path), lambda _: None)


@pytest.mark.parametrize("cut", [10, 5000])
def test_a_damaged_file_is_refused(path, tmp_path, cut):
    data = path.read_bytes()
    (tmp_path / "b.orc").write_bytes(data[:-cut])
    with pytest.raises(InputError, match="it cannot be read as ORC"):
        rule().inspect(Location.of(tmp_path / "b.orc"), lambda _: None)
