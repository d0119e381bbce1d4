"""Pieces of files of JSON lines as clusters: a file's length is known, some pieces are read."""

from typing import Any

import numpy as np
import pyarrow as pa

from leadterm.config import CorpusSection
from leadterm.errors import InputError
from leadterm.planner.document_pieces import byte_lengths
from leadterm.planner.sample_blocks import LEAST_CLUSTERS, Cluster, Clusters
from leadterm.reading import JsonRule, rule_of
from leadterm.reading.compression import compression_of
from leadterm.reading.format_checks import START
from leadterm.reading.json_documents import JsonReader
from leadterm.reading.line_blocks import BLANK, BYTE_ORDER_MARK
from leadterm.storage.location import Location

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
    kinds = {place.uri: _compression(place) for place, _ in filled}
    pieces = [(place, start) for place, size in filled for start in range(0, 1 if kinds[place.uri] else size, PIECE)]
    order = np.arange(len(pieces)) if corpus.max_documents else random.permutation(len(pieces))
    firsts = [index for index in order if not pieces[index][1]]
    most, left = max(4 * PIECE, read_bytes // min(LEAST_CLUSTERS, max(1, len(filled)))), read_bytes
    read: list[Cluster] = []
    rules: dict[str, JsonRule] = {}
    n_read = 0
    for count, index in enumerate((*order, *firsts)):
        if (left <= 0 and count >= LEAST_CLUSTERS and n_read) or (count >= len(order) and n_read):
            break  # A file may be one line: it begins where the file does.
        place, start = pieces[index]
        if place.uri not in rules:
            rules[place.uri] = _checked(place, corpus)
        read.append(_read(place, start, rules[place.uri], kinds[place.uri], most))
        n_read += len(read[-1].documents)
        left -= max(PIECE, int(byte_lengths(read[-1].documents).sum()))
        if corpus.max_documents and n_read >= corpus.max_documents:
            break
    most_text = np.inf if any(kinds.values()) else float(whole)  # A text is never shorter in JSON than in UTF-8.
    return Clusters(read, whole, None, whole, most_text=most_text)


def _compression(place: Location) -> str | None:
    """Say how a file is compressed, by its first bytes."""
    try:
        with place.open_input() as file:
            return compression_of(file.read(START), place.name)
    except (InputError, OSError) as error:
        raise InputError(f"{place.name}: {error}") from error


def _checked(place: Location, corpus: CorpusSection) -> JsonRule:
    """Take the look at the first lines of a file that the job takes; gives the rule by which it is read."""
    rule = rule_of(corpus)
    try:
        return rule.at(place) if isinstance(rule, JsonRule) else JsonRule(rule.column, rule.is_ids)
    except InputError as error:
        raise InputError(f"{place.name}: {error}") from error


def _read(place: Location, start: int, rule: JsonRule, compression: str | None, most_bytes: int) -> Cluster:
    """Read the lines that begin in a piece; its weight is what they take of the file."""
    size = place.filesystem.get_file_info(place.path).size
    lines, weight = _compressed_lines(place, compression, most_bytes) if compression else _lines(place, start)
    reader = JsonReader(rule, rule.replaces_surrogates)
    try:
        values = [reader.document(line, rule.path) for line in lines]
    except InputError as error:
        raise InputError(f"{place.name}: {error}. Correct the line or leave the file out.") from error
    documents: Any = pa.array(values, pa.list_(pa.int64()) if rule.is_ids else pa.string())
    if compression:
        return Cluster(documents, weight, stands_for=float(size))
    return Cluster(documents, weight, extent=float(min(PIECE, size - start)))


def _lines(place: Location, start: int) -> tuple[list[bytes], float]:
    """Read the lines that begin within a piece of a file."""
    with place.filesystem.open_input_file(place.path) as file:
        file.seek(max(0, start - 1))
        data = file.read(PIECE + (start > 0))
        if start:  # The line that began before belongs to the piece before.
            data = data[_end(data) :] if _end(data) else b""
        while data and not data.endswith((b"\n", b"\r")) and (more := file.read(PIECE)):
            end = _end(more)
            data += more[:end] if end else more
            if end:
                break
    return _filled(data), float(len(data))


def _end(data: bytes) -> int:
    """Say where the first line ends, 0 if it does not."""
    ends = [place for mark in (b"\n", b"\r") if (place := data.find(mark) + 1)]
    return min(ends, default=0)


def _filled(data: bytes) -> list[bytes]:
    """Give the lines that are not blank."""
    return [line for line in data.removeprefix(BYTE_ORDER_MARK).splitlines() if line.strip(BLANK)]


def _compressed_lines(place: Location, kind: str, most_bytes: int) -> tuple[list[bytes], float]:
    """Read the first lines of a compressed file, and say how many of its bytes they took."""
    try:
        with place.filesystem.open_input_file(place.path) as raw:
            size = raw.size()
            with pa.CompressedInputStream(raw, kind) as stream:
                data = bytearray(stream.read(most_bytes))
                taken, passed = _mark(raw, stream, data)
                rest = b""
                while not data.endswith((b"\n", b"\r")) and (more := stream.read(PIECE)):  # A line is read to its end.
                    end = _end(more) or len(more)
                    data, rest = data + more[:end], more[end:]
                is_all = not rest and not stream.read(1)
                taken = size if is_all else min(size - 1, taken * len(data) // max(1, passed))
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{place.name}: it cannot be read ({error}). Repair it or leave it out.") from error
    return _filled(bytes(data)), float(taken)


def _mark(raw: Any, stream: Any, data: bytearray) -> tuple[int, int]:
    """Read on until all is used up that was read of a compressed file; say how much that is, and what it held."""
    taken = raw.tell()
    while raw.tell() == taken and (more := stream.read(2**14)):
        data += more
    return taken, len(data)
