"""Long documents in pieces: nothing is lost, no word is cut, and each piece is as likely as any other."""

import numpy as np
import pyarrow as pa
import pytest

from leadterm.config.run_sections import WindowsSection
from leadterm.planner.document_pieces import LEAST_TOKENS, TOKEN_BYTES, Pieces, byte_lengths

SIZE = LEAST_TOKENS * TOKEN_BYTES
WORDS = [f"word{i}" for i in range(6000)]


def cut(documents, **windows) -> tuple[Pieces, list, list[bool]]:
    pieces = Pieces.of_windows(documents, WindowsSection(**windows))
    taken = pieces.take(np.arange(len(pieces)))
    return pieces, taken.column(0).to_pylist(), taken.column(1).to_pylist()


@pytest.mark.parametrize("text", [" ".join(WORDS), "ß" * 30_000, "日本 " * 9000, "a\n" * SIZE, "x" * (SIZE + 1)])
def test_pieces_are_the_document(text):
    _, parts, goes_on = cut(pa.array([text, None, "", "short"]))
    *pieces, null, empty, short = parts
    assert "".join(pieces) == text
    assert (null, empty, short) == (None, "", "short")
    assert goes_on == [True] * (len(pieces) - 1) + [False] * 4
    assert max(len(part.encode()) for part in pieces) < 1.1 * SIZE


def test_no_word_is_cut():
    _, parts, _ = cut(pa.array([" ".join(WORDS)]))
    assert [word for part in parts for word in part.split()] == WORDS


def test_lists_of_ids_are_cut_too():
    ids = list(range(7000))
    pieces, parts, _ = cut(pa.array([ids, [5]], pa.list_(pa.int64())))
    assert len(parts) == 5
    assert [one for part in parts[:-1] for one in part] == ids
    assert pieces.bytes.sum() == byte_lengths(pieces.documents).sum()


def test_of_first_windows_only_the_beginnings_are_taken():
    pieces, parts, goes_on = cut(pa.array(["x y " * 10**6, "short"]), policy="first", length=8)
    assert [len(part) for part in parts] == [2**16, 5]
    assert goes_on == [False, False]
    assert pieces.bytes.tolist() == [2**16, 5]


def test_pieces_hold_whole_windows_of_long_ones():
    pieces, _, _ = cut(pa.array(["x " * 200_000]), length=4096)
    assert len(pieces) == -(-400_000 // (4 * 4096 * TOKEN_BYTES))


def test_some_in_any_order():
    documents = pa.array(["a " * SIZE, "b", "c " * SIZE])
    pieces = Pieces.of_windows(documents, WindowsSection())
    chosen = np.random.default_rng(0).permutation(len(pieces))
    taken = pieces.take(chosen).column(0).to_pylist()
    assert [text.strip()[0] for text in taken] == ["abc"[row] for row in pieces.rows[chosen]]
