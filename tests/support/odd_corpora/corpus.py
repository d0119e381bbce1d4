"""A folder of odd files, sorted by what the reference reader says of each."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support.odd_corpora.settings import OddFile, Setting
from support.reference_reader import Document, Read, Refused, read_file

FOLDERS = ("", "lang=en", "a b", "50%", "ü/[1]", "deep/er/still")
LEFT_OUT = ("_SUCCESS", "_b.jsonl", ".c.parquet", "README.md", "LICENSE", "lang=en/_temporary/d.jsonl", "a b/notes.md")


@dataclass
class Corpus:
    """Odd files.

    Attributes
    ----------
    setting
        How they are read.
    folder
        Holds ``good``, ``bad`` and ``doubtful``.
    good
        What the reference reader finds in each file that it takes.
    doubtful
        The same of files with a random other byte, which another reader may refuse.
    bad
        Why it refuses the others.
    odd
        All files.
    """

    setting: Setting
    folder: Path
    good: dict[Path, Read] = field(default_factory=dict)
    doubtful: dict[Path, Read] = field(default_factory=dict)
    bad: dict[Path, str] = field(default_factory=dict)
    odd: dict[Path, OddFile] = field(default_factory=dict)

    @property
    def documents(self) -> list[Document]:
        """The documents of all good files."""
        return [document for read in self.good.values() for document in read.documents]

    @property
    def sources(self) -> set[tuple[int, str, int]]:
        """Bytes, hash and number of records of each good file."""
        contents = ((path.read_bytes(), read.documents) for path, read in self.good.items())
        return {(len(data), hashlib.sha256(data).hexdigest(), len(documents)) for data, documents in contents}

    def config(self, *paths: Path) -> dict[str, Any]:
        """Write a config that reads some of the files."""
        asked, limits = self.setting.asked, self.setting.limits
        words = {"kind": "words", "vocabulary_size": 50_000}
        return {
            "corpus": {"paths": [str(path) for path in paths], **self.setting.corpus()},
            "tokenizer": {"kind": "ids", "vocabulary_size": limits.vocabulary_size} if asked.is_ids else words,
            "windows": {"length": limits.length, "policy": limits.policy, "files": 2},
        }


def write_corpus(setting: Setting, folder: Path, files: list[OddFile]) -> Corpus:
    """Write files: good ones into folders below ``good``, each content once, among some that are not to be read."""
    corpus, seen = Corpus(setting, folder), set()
    for number, odd in enumerate(files):
        path = _written(folder / "good" / FOLDERS[number % len(FOLDERS)] / odd.name, odd.data)
        try:
            read = read_file(path, setting.asked, setting.limits)
        except Refused as error:
            path.unlink()
            path = _written(folder / "bad" / odd.name, odd.data)
            corpus.bad[path] = str(error)
        else:
            if read.documents and odd.data in seen:
                path.unlink()
                continue
            seen.add(odd.data)
            if odd.meant is ...:
                path = path.rename(_written(folder / "doubtful" / odd.name, b""))
                corpus.doubtful[path] = read
            else:
                corpus.good[path] = read
        corpus.odd[path] = odd
    for name in LEFT_OUT:
        _written(folder / "good" / name, b"not to be read")
    return corpus


def _written(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path
