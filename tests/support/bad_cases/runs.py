"""Runs that are damaged, or that someone made to harm whoever opens them: hashes and all are as they should be."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from leadterm import open_run
from leadterm.storage import FileEntry, Location, Manifest
from leadterm.storage.formats.score_file import map_scores, write_scores
from leadterm.storage.formats.small_tables import table_bytes
from leadterm.storage.formats.windows_files import SCHEMA
from leadterm.storage.integrity.check_run import check_run
from leadterm.storage.read_products import read_manifest, write_manifest
from support.bad_cases.case import Case
from support.written_runs import write_run, write_windows_file

READ, CHECK, PUBLISH = "leadterm.open_run", "leadterm check", "leadterm publish"
WINDOWS = [[0, 1, 2, 1], [2, 0, 1]]
SECRET = "../../secret"


def changed_run(change: Callable[[Path], object], read: Callable[[Any], Any]) -> Callable[[Path], Any]:
    """Write a run of three tokens, change something, and read it."""

    def act(folder: Path) -> Any:
        run = folder / "run"
        write_run(run, WINDOWS, "abc", 3)
        change(run)
        return read(run)

    return act


def reading(product: str) -> Callable[[Path], Any]:
    readers = {
        "windows": lambda run: list(run.windows()),
        "bigram": lambda run: run.bigram_counts(),
        "context": lambda run: run.context_weights(),
        "vocabulary": lambda run: run.vocabulary,
    }
    return lambda folder: readers[product](open_run(folder))


def checking(run: Path) -> None:
    check_run(Location.of(run)).require()


def publishing(run: Path) -> Any:
    from leadterm.publish.publish_run import publish_run  # noqa: PLC0415  # brings PyTorch

    return publish_run(Location.of(run), Location.of(run.parent / "published"))


def restate(product: str, change: Callable[[Manifest], Manifest]) -> Callable[[Path], None]:
    """Write another manifest, with a hash of its own text that is right."""

    def act(run: Path) -> None:
        found = read_manifest(Location.of(run), product)
        assert found
        write_manifest(Location.of(run / product), change(found))

    return act


def renamed(name: str) -> Callable[[Manifest], Manifest]:
    return lambda found: replace(found, files=(replace(found.files[0], name=name), *found.files[1:]))


def with_counts(**counts: Any) -> Callable[[Manifest], Manifest]:
    return lambda found: replace(found, counts=found.counts | counts)


def put_manifest(text: str) -> Callable[[Path], object]:
    return lambda run: (run / "bigram/manifest.json").write_text(text)


def put_pipe(run: Path) -> None:
    (run / "bigram/manifest.json").unlink()
    os.mkfifo(run / "bigram/manifest.json")


def edit_manifest(run: Path) -> None:
    place = run / "bigram/manifest.json"
    place.write_text(place.read_text().replace('"nonzeros": 4', '"nonzeros": 5'))


def flip_byte(run: Path) -> None:
    place = run / "bigram/rows-00000.parquet"
    data = bytearray(place.read_bytes())
    data[40] ^= 1
    place.write_bytes(data)


def other_windows(*windows: list[int]) -> Callable[[Path], None]:
    """Put other windows into the run, and say so in its manifest, hashes and all."""

    def act(run: Path) -> None:
        columns = [
            range(len(windows)),
            pa.array([0] * len(windows), pa.int32()),
            pa.array(windows, SCHEMA.types[2]),
        ]
        table = pa.table(columns, schema=SCHEMA)
        entry = write_windows_file(Location.of(run / "windows/windows-00000.parquet"), table)
        restate("windows", lambda found: replace(found, files=(entry,)))(run)

    return act


def other_file(product: str, name: str, table: pa.Table) -> Callable[[Path], None]:
    """Put another table into the run, and say so in its manifest, hashes and all."""

    def act(run: Path) -> None:
        import hashlib  # noqa: PLC0415

        data = table_bytes(table)
        (run / product / name).write_bytes(data)
        entry = FileEntry(name, len(data), hashlib.sha256(data).hexdigest())
        restate(product, lambda found: replace(found, files=(entry,)))(run)

    return act


def matrix_rows(rows: list[int], columns: list[list[int]]) -> pa.Table:
    item = pa.field("element", pa.int32(), nullable=False), pa.field("element", pa.int64(), nullable=False)
    kinds = [pa.int32(), *(pa.list_(one) for one in item)]
    fields = [pa.field(name, kind, nullable=False) for name, kind in zip(("row", "cols", "values"), kinds, strict=True)]
    values = [[1] * len(some) for some in columns]
    data = [pa.array(part, kind) for part, kind in zip((rows, columns, values), kinds, strict=True)]
    return pa.table(data, schema=pa.schema(fields))


def far_scores(folder: Path) -> Any:
    columns = np.array([0, 7], dtype=np.int32)
    sink = write_scores(Location.of(folder / "scores.arrow"), np.array([0, 2, 2]), columns, np.ones(2))
    return map_scores(str(folder / "scores.arrow"), sink.sha256, 2)


def in_run(
    name: str, wrong: str, says: str, change: Callable[[Path], object], read: Callable[[Path], Any], to: str = READ
) -> Case:
    return Case(name, wrong, to, says, changed_run(change, read), "RunError")


NO_MANIFEST = "~/run/bigram/manifest.json is not a manifest of leadterm"
AGAIN = "Fetch the run again, or rebuild the product."
LEADS_OUT = "is not the name of a file inside the product's folder); rebuild the run"

CASES = [
    in_run(
        "name leads out", "a manifest that lists ../../secret as a file", f"{NO_MANIFEST} ('../../secret' {LEADS_OUT}",
        restate("bigram", renamed(SECRET)), reading("bigram"),
    ),
    in_run(
        "absolute name", "a manifest that lists /etc/passwd as a file", f"{NO_MANIFEST} ('/etc/passwd' {LEADS_OUT}",
        restate("bigram", renamed("/etc/passwd")), reading("bigram"),
    ),
    in_run(
        "name in a check", "the same, in a check",
        f"~/run is not intact, 1 problem:\n  {NO_MANIFEST.removeprefix('~/run/')} ('../../secret' {LEADS_OUT}",
        restate("bigram", renamed(SECRET)), checking, CHECK,
    ),
    in_run(
        "name published", "the same, published", f"{NO_MANIFEST} ('../../secret' {LEADS_OUT}",
        restate("bigram", renamed(SECRET)), publishing, PUBLISH,
    ),
    in_run(
        "nested manifest", "a manifest of lists in each other, 100,000 deep",
        f"{NO_MANIFEST}<…>; rebuild the run", put_manifest("[" * 100_000), reading("bigram"),
    ),
    in_run(
        "nested settings", "a manifest whose settings lie 40 deep in each other",
        f"{NO_MANIFEST} (it is nested more than 32 deep); rebuild the run",
        restate("bigram", lambda found: replace(found, settings=json.loads('{"a":' * 40 + "1" + "}" * 40))),
        reading("bigram"),
    ),
    in_run(
        "large manifest", "a manifest of a terabyte",
        f"{NO_MANIFEST}: it has 1,099,511,627,776 bytes; rebuild the run",
        lambda run: os.truncate(run / "bigram/manifest.json", 2**40), reading("bigram"),
    ),
    in_run(
        "manifest pipe", "a pipe in the place of a manifest",
        "~/run/bigram/manifest.json cannot be read (~/run/bigram/manifest.json is not a regular file but a pipe, "
        "a socket or a device); rebuild the run",
        put_pipe, reading("bigram"),
    ),
    in_run(
        "negative counts", "a manifest with a vocabulary of -5 tokens",
        f"{NO_MANIFEST} (its count of vocabulary_size is '-5'); rebuild the run",
        restate("bigram", with_counts(vocabulary_size=-5)), reading("bigram"),
    ),
    in_run(
        "edited manifest", "a manifest that was edited",
        "~/run/bigram/manifest.json is damaged: the SHA-256 of its text is not the one in its last line. Fetch the "
        "product again from an undamaged copy, or remove its folder and rebuild it.",
        edit_manifest, reading("bigram"),
    ),
    in_run(
        "one bit", "one bit of a matrix",
        "~/run/bigram/rows-00000.parquet is damaged: its SHA-256 is <…>…, the manifest says <…>…",
        flip_byte, reading("bigram"),
    ),
    in_run(
        "no file", "a file that is gone",
        "~/run/bigram/rows-00000.parquet is missing, though the manifest lists it. Rebuild the product.",
        lambda run: (run / "bigram/rows-00000.parquet").unlink(), reading("bigram"),
    ),
    in_run(
        "far token", "windows with an id that is not in the vocabulary, hashes and all",
        "~/run/windows/windows-00000.parquet is damaged or missing: Token ids of windows must be 0 to 2; found 0 to 9; "
        "encode again",
        other_windows([0, 9]), reading("windows"),
    ),
    in_run(
        "negative token", "windows with a negative id, hashes and all",
        "~/run/windows/windows-00000.parquet is damaged or missing: Token ids of windows must be 0 to 2; "
        "found -1 to 0; "
        "encode again",
        other_windows([0, -1]), reading("windows"),
    ),
    in_run(
        "long window", "a window that is longer than the settings say, hashes and all",
        "~/run/windows/windows-00000.parquet is damaged or missing: Windows must have at most 4 tokens; "
        "found one of 6; "
        "encode again",
        other_windows([0, 1, 2, 0, 1, 2]), reading("windows"),
    ),
    in_run(
        "far column", "a matrix with a column beyond the vocabulary, hashes and all",
        "~/run/bigram/rows-00000.parquet does not hold rows of a matrix of 3 tokens: Columns must be 0 to 2; found 1 "
        f"to 99. {AGAIN}",
        other_file("bigram", "rows-00000.parquet", matrix_rows([0], [[1, 99]])), reading("bigram"),
    ),
    in_run(
        "far row", "a matrix with a row beyond the vocabulary, hashes and all",
        "~/run/bigram/rows-00000.parquet does not hold rows of a matrix of 3 tokens: Rows must ascend from 0 to "
        "2; found 0 to "
        f"5, or in disorder. {AGAIN}",
        other_file("bigram", "rows-00000.parquet", matrix_rows([0, 5], [[1], [1]])), reading("bigram"),
    ),
    in_run(
        "disorder", "a matrix whose columns do not ascend, hashes and all",
        "~/run/bigram/rows-00000.parquet does not hold rows of a matrix of 3 tokens: Columns must ascend within a "
        "row; found "
        f"a row in which they do not. {AGAIN}",
        other_file("bigram", "rows-00000.parquet", matrix_rows([0], [[2, 1]])), reading("bigram"),
    ),
    in_run(
        "other table", "a table in the place of a matrix, hashes and all",
        "~/run/bigram/rows-00000.parquet does not hold rows of a matrix of 3 tokens: Its columns are pyarrow.Field<x: "
        f"int64>. {AGAIN}",
        other_file("bigram", "rows-00000.parquet", pa.table({"x": [1]})), reading("bigram"),
    ),
    in_run(
        "short vocabulary", "a vocabulary of fewer tokens than its manifest says, hashes and all",
        "~/run/vocabulary/vocabulary.parquet is not a valid table: it has 1 rows, and the vocabulary 3 tokens. Run "
        "the job encode_corpus again with --overwrite.",
        other_file(
            "vocabulary", "vocabulary.parquet",
            pa.table({"token_id": pa.array([0], pa.int32()), "token": ["a"], "count": [1]}),
        ),
        reading("vocabulary"),
    ),
    Case(
        "far score", "scores with a column beyond the vocabulary, hashes and all", "count_attention",
        "~/scores.arrow does not hold scores of 2 tokens: Columns must be 0 to 1; found 0 to 7. Fetch the run again.",
        far_scores, "RunError",
    ),
    in_run(
        "no list", "a list of hashes that is none",
        "~/run is not intact, <…> problems:\n  SHA256SUMS is damaged: 'hello' is not a hash, two spaces "
        "and a path. "
        "Publish the run again.<…>",
        lambda run: (run / "SHA256SUMS").write_text("hello\n"), checking, CHECK,
    ),
    in_run(
        "stranger", "a file that no manifest lists, whose name commands a terminal",
        "~/run is not intact, 1 problem:\n  \\x1b[2J is unexpected: no manifest lists it",
        lambda run: (run / "\x1b[2J").write_text(""), checking, CHECK,
    ),
    Case(
        "no run", "a folder without a product", CHECK,
        "~ contains no leadterm product. Name a run directory, or a published copy of one.",
        checking, "RunError",
    ),
]  # fmt: skip
