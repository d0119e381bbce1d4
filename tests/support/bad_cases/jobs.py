"""What only shows when a job runs: bad rows, and paths at which nothing lies."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa

from support.bad_cases.case import Case
from support.bad_input import TEXTS, encode, json_lines, put, put_lines, texts

JOB = "encode_corpus"
MANY = json_lines(TEXTS * 10)


def given(make: Callable[[Path], object], file: str = "a.parquet", **corpus: Any) -> Callable[[Any, Path], Any]:
    """Make a file, and run the first job on it."""

    def act(session: Any, folder: Path) -> Any:
        make(folder / file)
        return encode(session, folder / "run", folder / file, **corpus)

    return act


def change_text(path: Path) -> None:
    put(path, compression="none", use_dictionary=False, write_page_checksum=True)
    path.write_bytes(path.read_bytes().replace(b"cat 7 sat", b"cat 8 sat"))


def put_latin_text(path: Path) -> None:
    put(path, compression="none", use_dictionary=False)
    path.write_bytes(path.read_bytes().replace(b"cat 7 sat", b"c\xe4t 7 sat"))


def put_circle(folder: Path) -> None:
    put(folder / "in/b.parquet")
    (folder / "in/circle").symlink_to(folder)


def put_twins(folder: Path) -> None:
    put(folder / "b.parquet")
    (folder / "c").mkdir()
    (folder / "c/d.parquet").symlink_to(folder / "b.parquet")


def put_layouts(path: Path) -> None:
    put_lines(path, ['{"content": {"text": "a b"}}', '{"content.text": "a b"}'])


def put_broken_chat(path: Path) -> None:
    put(path, pa.table({"messages": [[{"content": "a b"}], [{"content": "a b"}, {"content": None}]]}))


def put_ids(*lists: list[int]) -> Callable[[Path], object]:
    return lambda path: put(path, pa.table({"ids": [[1, 2], *lists]}))


CASES = [
    Case(
        "no path", "a path at which nothing lies", JOB,
        "there is no such path: ~/a.parquet. Check corpus.paths in the config.",
        given(lambda _: None),
    ),
    Case(
        "no files", "a folder without files", JOB,
        "the folder ~/a.parquet contains no files. Check corpus.paths in the config.",
        given(Path.mkdir),
    ),
    Case(
        "circle", "a folder with a link that leads back to it", JOB,
        "~/a/in/circle is a link to ~/a, which contains it: its files would be read endlessly. Remove the "
        "link, or name the folders beside it in corpus.paths.",
        given(put_circle, "a"),
    ),
    Case(
        "page", "a text that changed after it was written", JOB,
        "cannot read ~/a.parquet, which is damaged (could not verify page integrity, CRC checksum <…>). Repair it or "
        "leave it out.",
        given(change_text),
    ),
    Case(
        "latin text", "a text that is not UTF-8", JOB,
        "~/a.parquet, row 7: this text is not UTF-8 ('utf-8' codec can't decode byte 0xe4<…>). Convert it or leave the "
        "file out.",
        given(put_latin_text),
    ),
    Case(
        "far id in a list", "an id that is not in the vocabulary", JOB,
        "~/a.parquet, row 1: an invalid list of ids, [3, 50]. Token ids must be 0 to 49 (tokenizer.vocabulary_size - "
        "1). Set tokenizer.vocabulary_size to the tokenizer's, or correct the ids.",
        given(put_ids([3, 50]), ids_column="ids"),
    ),
    Case(
        "line", "a broken line far into a file", JOB,
        "~/a.jsonl, line 401: it is not a JSON object (Unterminated string starting at: line 1 column 10 (char 9)): "
        "'{\"text\": \"the cat'. Correct the line or leave the file out.",
        given(
            lambda path: put_lines(path, [*MANY[:400], '{"text": "the cat', *MANY[400:]]), "a.jsonl", format="json"
        ),
    ),
    Case(
        "twins", "the same file twice, by a link", JOB,
        "1 file would be counted twice. Leave copies out, or count each one with corpus.copies: count.\n  "
        "~/a/c/d.parquet holds the same as ~/a/b.parquet",
        given(put_twins, "a"),
    ),
    Case(
        "two layouts", "a line with the whole name as its key, after one with a nested key", JOB,
        "~/a.jsonl, line 2: it has the key 'content.text' itself, other lines have a nested key. Use one layout. "
        "Correct the line or leave the file out.",
        given(put_layouts, "a.jsonl", format="json", text_column="content.text"),
    ),
    Case(
        "null in a chat", "chat rows to be joined, of which one has no text", JOB,
        "~/a.parquet, row 1: a text in a list to be joined is null. Correct it or leave the file out.",
        given(put_broken_chat, text_column="messages.content", join=" "),
    ),
    Case(
        "no words", "texts without a word", JOB,
        "the corpus is empty: none of its documents has a word and 0 to 10,000,000 characters. Check "
        "corpus.text_column "
        "(text) and these limits.",
        given(lambda path: put(path, texts([None, "", "  "]))),
    ),
    Case(
        "no space to write", "an output that cannot be written", JOB,
        "cannot write to /proc/run: <…>. Choose a folder that you can write to.",
        lambda session, folder: encode(session, Path("/proc/run"), folder / "not looked at"), "RunError",
    ),
]  # fmt: skip
