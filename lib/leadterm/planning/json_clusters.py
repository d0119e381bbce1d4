"""Pieces of files of JSON lines as clusters: a file's length is known, some pieces are read."""

import json
from typing import Any

import numpy as np
import pyarrow as pa

from leadterm.config import CorpusSection
from leadterm.errors import InputError
from leadterm.planning.clusters import LEAST_CLUSTERS, Cluster, Clusters, cluster_of
from leadterm.spark.rules import COMPRESSED, rule_of
from leadterm.store.location import Location

PIECE = 2**20
"""Bytes of a file that are read at once; a longer line is read to its end."""


def json_clusters(
    files: list[tuple[Location, int]], corpus: CorpusSection, random: np.random.Generator, read_bytes: int
) -> Clusters:
    """Read pieces of files, chosen by their length; of compressed files the beginning.

    Raises
    ------
    InputError
        Names the file whose lines are no JSON or have no such key.
    """
    filled = [(place, size) for place, size in files if size]
    whole = sum(size for _, size in filled)
    pieces = [(place, start) for place, size in filled for start in _starts(place, size)]
    order = np.arange(len(pieces)) if corpus.max_documents else random.permutation(len(pieces))
    read: list[Cluster] = []
    checked: set[str] = set()
    n_read = 0
    for index in order[: max(LEAST_CLUSTERS, read_bytes // PIECE)]:
        place, start = pieces[index]
        if place.uri not in checked:
            _check(place, corpus)
            checked.add(place.uri)
        read.append(_read(place, start, corpus))
        n_read += len(read[-1].documents)
        if corpus.max_documents and n_read >= corpus.max_documents:
            break
    return Clusters(read, whole, None, whole)


def _starts(place: Location, size: int) -> range:
    """Say where the pieces of a file begin; a compressed one is read from its beginning only."""
    return range(0, 1 if place.path.endswith(COMPRESSED) else size, PIECE)


def _check(place: Location, corpus: CorpusSection) -> None:
    """Take the look at a file that the job takes; it reads compressed ones to the end, which takes too long here."""
    try:
        if not place.path.endswith(COMPRESSED):
            rule_of(corpus).check(place)
    except InputError as error:
        raise InputError(f"{place.name}: {error}") from error


def _read(place: Location, start: int, corpus: CorpusSection) -> Cluster:
    """Read the lines that begin in a piece; its weight is what they take of the file."""
    lines, weight = _compressed_lines(place) if place.path.endswith(COMPRESSED) else _lines(place, start)
    name, is_ids = corpus.ids_column or corpus.text_column or "", corpus.ids_column is not None
    values, corrupt = zip(*(_value(line, name, is_ids=is_ids) for line in lines), strict=True) if lines else ((), ())
    documents: Any = pa.array(values, pa.list_(pa.int64()) if is_ids else pa.string())
    return cluster_of(documents, place.uri, weight, list(corrupt))


def _value(line: bytes, name: str, *, is_ids: bool) -> tuple[Any, str | None]:
    """Give a line's document; or the line itself, where it is no JSON object or holds another type there."""
    try:
        found = json.loads(line)
    except ValueError:
        found = None
    good = isinstance(found, dict)
    for part in [name] if good and name in found else name.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    if found is not None:
        good = isinstance(found, list) and all(type(one) is int for one in found) if is_ids else isinstance(found, str)
    return (found, None) if good else (None, line.decode(errors="replace"))


def _lines(place: Location, start: int) -> tuple[list[bytes], float]:
    """Read the lines that begin within a piece of a file."""
    with place.filesystem.open_input_file(place.path) as file:
        file.seek(max(0, start - 1))
        data = file.read(PIECE + (start > 0))
        if start:  # The line that began before belongs to the piece before.
            _, _, data = data.partition(b"\n")
        while data and not data.endswith(b"\n") and (more := file.read(PIECE)):
            end = more.find(b"\n") + 1
            data += more[:end] if end else more
            if end:
                break
    return [line for line in data.split(b"\n") if line.strip()], float(len(data))


def _compressed_lines(place: Location) -> tuple[list[bytes], float]:
    """Read the first lines of a compressed file, and say how many of its bytes they took."""
    with place.filesystem.open_input_file(place.path) as raw:
        size = raw.size()
        kind = pa.Codec.detect(place.path).name
        with pa.CompressedInputStream(raw, kind) as stream:
            data = bytes(stream.read(4 * PIECE))
            taken = min(size, raw.tell())
            if stream.read(1):
                data = data[: data.rfind(b"\n") + 1]
            else:
                taken = size
    return [line for line in data.split(b"\n") if line.strip()], float(taken)
