"""A corpus is divided into chunks: all files once, in order, and few enough to be merged in little memory."""

from types import SimpleNamespace

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from leadterm.pipeline.encode_corpus.corpus_chunks import CHUNKS, divide


@settings(deadline=None)
@given(st.lists(st.integers(0, 100), min_size=1, max_size=300), st.integers(1, 500), st.booleans())
def test_chunks(sizes, n_bytes, is_limited):
    paths = [f"{number:03d}" for number in range(len(sizes))]
    documents = SimpleNamespace(sources=pa.table({"path": paths, "bytes": sizes}), is_limited=is_limited)
    chunks = divide(documents, n_bytes)
    assert [path for chunk in chunks for path in chunk] == paths
    assert all(chunks)
    assert len(chunks) < 2 * CHUNKS + 2
    of = dict(zip(paths, sizes, strict=True))
    most = max(n_bytes, sum(sizes) // CHUNKS)
    assert is_limited or all(len(chunk) == 1 or sum(of[path] for path in chunk) <= most for chunk in chunks)
    assert not is_limited or len(chunks) == 1
