"""What a plan measures of the file of documents, against a file of documents."""

import numpy as np
import pyarrow as pa

from leadterm.planner.bytes_per_entry import measure_windows
from leadterm.storage import Location
from leadterm.storage.formats.documents_table import SCHEMA, documents_file


def test_bytes_of_documents(tmp_path):
    draw, lengths = np.random.default_rng(5), []
    place, tokens = [], []
    for _ in range(400):
        sizes = [129] * int(draw.integers(0, 4)) + [int(draw.integers(2, 130))]
        place += range(len(sizes))
        tokens += [draw.integers(50, size=size).tolist() for size in sizes]
        lengths.append((sum(sizes), len(sizes)))
    numbers = pa.array(np.arange(len(place)), pa.int64())
    table = pa.table([numbers, pa.array(place, pa.int32()), pa.array(tokens, pa.list_(pa.int32()))],
                     names=["document", "window", "tokens"])  # fmt: skip
    n = 60_000
    chosen = draw.integers(len(lengths), size=n)
    columns = [
        np.sort(draw.integers(-(2**63), 2**63 - 1, size=n)),
        draw.integers(3, size=n),
        draw.integers(n, size=n),
        np.array([lengths[i][0] for i in chosen]),
        np.array([lengths[i][1] for i in chosen]),
    ]
    with documents_file(Location.of(tmp_path / "documents")) as (file, sink):
        file.append(
            pa.table([pa.array(one, field.type) for one, field in zip(columns, SCHEMA, strict=True)], schema=SCHEMA)
        )
    document, file = measure_windows(table).document_bytes
    assert abs((n * document + file) / sink.n_bytes - 1) < 0.1, "another number of documents and of files"
