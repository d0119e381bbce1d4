"""Asks leadterm's reader about single files, without Spark: as its tasks look at them, and then read them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from leadterm.config import Config, parse_config
from leadterm.errors import InputError
from leadterm.reading import Split, inspect_file, read_documents, rule_of
from leadterm.reading.read_documents import with_path
from support.bad_input import IDS, WORDS
from support.reference_reader import Document, Read


def config_of(path: Path, corpus: Mapping[str, Any]) -> Config:
    """Make a config that reads a file."""
    tokenizer = IDS if "ids_column" in corpus else WORDS
    return parse_config({"corpus": {"paths": [str(path)], **corpus}, "tokenizer": dict(tokenizer)})


def read_whole(path: Path, config: Config) -> Read:
    """Look at a file, and read all of it.

    Raises
    ------
    InputError
        If it is refused, before the start or on the way.
    """
    rule = rule_of(config.corpus)
    report = inspect_file(str(path), rule)
    if report["problem"] is not None:
        raise InputError(f"{path}: {report['problem']}")
    if report["column"] is not None:
        rule = with_path(rule, tuple(report["column"]))
    splits = [Split(0, str(path), **part, most=part["records"]) for part in report["parts"]]
    documents: list[Document] = []
    replaced = 0
    for batch in read_documents(splits, rule, getattr(config.tokenizer, "vocabulary_size", None)):
        documents += batch.column(0).to_pylist()
        replaced += sum(batch.column(3).to_pylist())
    if len(documents) != report["rows"]:
        raise InputError(f"{path}: {report['rows']} records were counted, and {len(documents)} read")
    return Read(documents, replaced)


def problem_of(path: Path, **corpus: Any) -> str | None:
    """Say why a file is refused, if it is."""
    try:
        read_whole(path, config_of(path, corpus))
    except InputError as error:
        return str(error)
    return None


def documents_in(path: Path, **corpus: Any) -> list[Document]:
    """Read the documents of a file."""
    return read_whole(path, config_of(path, corpus)).documents


def read_by_leadterm(path: Path, sections: Mapping[str, Any]) -> Read | str:
    """Read a file; says why if it is refused."""
    try:
        return read_whole(path, parse_config(sections))
    except InputError as error:
        return str(error)
