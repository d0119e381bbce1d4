"""Files of a corpus: which ones a folder holds, what each gives, and what becomes of the documents."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from support.naive_corpus import naive_windows, naive_words
from support.reference_reader.asked import Asked, Document, Read, Refused
from support.reference_reader.lines import read_lines
from support.reference_reader.tables import read_table

COMPANION = re.compile(r"README|LICENSE|.*\.md|dataset_infos\.json|.*\.crc")


@dataclass(frozen=True)
class Limits:
    """Which documents give windows, and how they are cut."""

    min_characters: int = 0
    max_characters: int = 10_000_000
    length: int = 8
    policy: str = "tile"
    vocabulary_size: int = 50
    """Of ids."""


def read_file(path: Path, asked: Asked, limits: Limits = Limits()) -> Read:
    """Read a file, or raise `Refused`."""
    found = read_table(path, asked) if asked.format == "parquet" else read_lines(path.read_bytes(), asked)
    if asked.is_ids:
        ids = {one for document in found.documents if isinstance(document, list) for one in document}
        if ids - set(range(limits.vocabulary_size)):
            raise Refused("an id that is not in the vocabulary")
    return found


def list_folder(folder: Path) -> tuple[list[Path], list[Path]]:
    """Return the files of a folder and all below it that are read, and those that are left out."""
    read, left_out = [], []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        hidden = any(name.startswith(("_", ".")) for name in path.relative_to(folder).parts)
        (left_out if hidden or COMPANION.fullmatch(path.name) else read).append(path)
    return read, left_out


def refuse_twins(paths: Iterable[Path], asked: Asked) -> None:
    """Refuse files with the same bytes, unless there is no record in them."""
    seen: dict[str, Path] = {}
    for path in paths:
        first = seen.setdefault(hashlib.sha256(path.read_bytes()).hexdigest(), path)
        if first != path and read_file(path, asked).documents:
            raise Refused(f"{path} holds the same as {first}")


def account(documents: Sequence[Document], limits: Limits) -> dict[str, int]:
    """Say what becomes of documents: how many there are, are kept, and are dropped for each reason."""
    fates = Counter(_fate(document, limits) for document in documents)
    return {"documents": len(documents), "kept": 0} | dict(sorted(fates.items()))


def windows(documents: Sequence[Document], limits: Limits) -> Counter[tuple[int | str, ...]]:
    """Cut the documents that are kept; windows of words, or of ids."""
    kept = [_tokens(document) for document in documents if _fate(document, limits) == "kept"]
    return Counter(tuple(tokens) for _, _, tokens in naive_windows(kept, limits.length, limits.policy))  # type: ignore[arg-type]


def _fate(document: Document, limits: Limits) -> str:
    if document is None:
        return "null"
    if not document:
        return "empty"
    if isinstance(document, str) and len(document) < limits.min_characters:
        return "too_few_characters"
    if isinstance(document, str) and len(document) > limits.max_characters:
        return "too_many_characters"
    n_wanted = 2 if limits.policy == "tile" else limits.length + 1
    return "kept" if len(_tokens(document)) >= n_wanted else "too_few_tokens"


def _tokens(document: Document) -> list[str] | list[int]:
    return naive_words(document) if isinstance(document, str) else document or []
