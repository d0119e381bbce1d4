"""One wrong byte anywhere in a run, or in a published copy of it, is found by a check and by whoever reads it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from leadterm.errors import RunError
from support.whole_runs import READERS, check, files_of, open_product

FLIPS = 3
"""Of a file, beside its first and its last byte."""


@pytest.fixture(params=["whole_folder", "published_folder"])
def folder(request) -> Path:
    return request.getfixturevalue(request.param)


@contextmanager
def replaced(path: Path, data: bytes | None) -> Iterator[None]:
    """Give a file other bytes, or none, for a while."""
    before = path.read_bytes()
    path.unlink() if data is None else path.write_bytes(data)
    try:
        yield
    finally:
        path.write_bytes(before)


def is_noticed(folder: Path, name: str) -> bool:
    """Say whether a check names the file or its product, and whether the product cannot be opened."""
    product = name.partition("/")[0]
    found = check(folder)
    named = any(problem.startswith(name) or problem.startswith(f"{product}/") for problem in found)
    if product not in READERS or (folder.name == "published" and product == "composed"):
        return named
    with pytest.raises(RunError):
        open_product(folder, product)
    return named


def test_nothing_is_found_where_nothing_is_wrong(folder):
    assert check(folder) == ()


def test_a_flipped_byte(folder):
    draw, missed = random.Random(11), []
    for name in files_of(folder):
        data = (folder / name).read_bytes()
        for place in (0, len(data) - 1, *(draw.randrange(len(data)) for _ in range(FLIPS))):
            changed = bytearray(data)
            changed[place] ^= draw.randrange(1, 256)
            with replaced(folder / name, bytes(changed)):
                if not (is_noticed(folder, name) or (name == "SHA256SUMS" and check(folder))):
                    missed.append((name, place))
    assert missed == []


def test_a_file_that_was_cut_off_or_grew(folder):
    missed = []
    for name in files_of(folder):
        data = (folder / name).read_bytes()
        for other in (b"", data[:-1], data + b"\n"):
            with replaced(folder / name, other):
                if not (is_noticed(folder, name) or (name == "SHA256SUMS" and check(folder))):
                    missed.append((name, len(other)))
    assert missed == []


def test_a_file_that_is_gone(folder):
    for name in files_of(folder):
        product, _, last = name.rpartition("/")
        with replaced(folder / name, None):
            assert check(folder), name
            if last != "manifest.json" and product.partition("/")[0] in READERS:  # Without one there is no product.
                with pytest.raises(RunError):
                    open_product(folder, product.partition("/")[0])


def test_a_file_too_many(folder):
    for name in ("new", "bigram/new", "new/new", ".hidden"):
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"")
        assert [problem.partition(" ")[0] for problem in check(folder)] == [name]
        path.unlink()
