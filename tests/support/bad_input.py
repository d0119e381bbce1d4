"""Gives the jobs an input that is no good, and looks at what they say and leave."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from leadterm import Run, open_run
from leadterm.config import parse_config
from leadterm.errors import LeadtermError
from leadterm.pipeline.encode_corpus.job import encode_corpus
from leadterm.storage import Location

WORDS = {"kind": "words", "vocabulary_size": 50, "unknown": "replace"}
IDS = {"kind": "ids", "vocabulary_size": 50}
TEXTS = [f"the cat {number} sat on the mat" for number in range(60)]


def texts(values: Sequence[str | None] = TEXTS, name: str = "text") -> pa.Table:
    """A table with one column of text, and one of numbers."""
    return pa.table({name: pa.array(values, pa.string()), "n": pa.array(range(len(values)), pa.int64())})


def put(path: Path, table: pa.Table | None = None, **options: Any) -> Path:
    """Write a Parquet file, making its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(texts() if table is None else table, path, **options)
    return path


def put_lines(path: Path, lines: Sequence[str]) -> Path:
    """Write a file of lines, making its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def json_lines(values: Sequence[str] = TEXTS) -> list[str]:
    """Texts as JSON lines."""
    return [json.dumps({"text": text, "n": number}) for number, text in enumerate(values)]


def flip(path: Path, offset: int, size: int = 40) -> None:
    """Turn the bits of some bytes of a file."""
    data = bytearray(path.read_bytes())
    data[offset : offset + size] = bytes(255 - byte for byte in data[offset : offset + size])
    path.write_bytes(bytes(data))


def page_offset(path: Path) -> int:
    """Where the first data page of a Parquet file's first column begins."""
    return int(pq.ParquetFile(path).metadata.row_group(0).column(0).data_page_offset)


def encode(
    session: Any,
    output: Path,
    paths: Path | str | Sequence[Path | str],
    tokenizer: Mapping[str, Any] = WORDS,
    *,
    overwrite: bool = False,
    length: int = 8,
    **corpus: Any,
) -> Run:
    """Run the first job."""
    listed = [paths] if isinstance(paths, str | Path) else paths
    if "ids_column" in corpus:
        tokenizer = IDS
    settings = {
        "corpus": {"paths": [str(path) for path in listed], **corpus},
        "tokenizer": dict(tokenizer),
        "windows": {"length": length, "files": 2},
    }
    encode_corpus(session, parse_config(settings), Location.of(output), overwrite=overwrite)
    return open_run(output)


def refusal(session: Any, folder: Path, paths: Path | str | Sequence[Path | str], *args: Any, **corpus: Any) -> str:
    """Run the first job on something bad: it must refuse it with one error and leave nothing; returns the message."""
    output = folder / "run"
    with pytest.raises(LeadtermError) as caught:
        encode(session, output, paths, *args, **corpus)
    message = str(caught.value)
    assert not output.exists(), "something is left of a run that was refused"
    assert not re.search(r"Traceback|\tat |Py4J|java\.|SQLSTATE|file:/", message), message
    return message


def account(run: Run) -> dict[str, Any]:
    """What became of a run's documents: how many were read and kept, and why the others were dropped."""
    counts = run.manifest("windows").counts
    dropped = {reason: number for reason, number in counts["dropped"].items() if number}
    return {"documents": counts["documents"], "kept": counts["kept"], **dropped}
