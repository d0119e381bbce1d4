"""A corpus is divided into portions: all files once, in order, and few enough to be merged in little memory."""

from types import SimpleNamespace

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from leadterm.pipeline.encode_corpus.corpus_chunks import PORTIONS, divide


@settings(deadline=None)
@given(st.lists(st.integers(0, 100), min_size=1, max_size=300), st.integers(1, 500), st.booleans())
def test_portions(sizes, n_bytes, is_limited):
    paths = [f"{number:03d}" for number in range(len(sizes))]
    documents = SimpleNamespace(sources=pa.table({"path": paths, "bytes": sizes}), is_limited=is_limited)
    portions = divide(documents, n_bytes)
    assert [path for portion in portions for path in portion] == paths
    assert all(portions)
    assert len(portions) < 2 * PORTIONS + 2
    of = dict(zip(paths, sizes, strict=True))
    most = max(n_bytes, sum(sizes) // PORTIONS)
    assert is_limited or all(len(portion) == 1 or sum(of[path] for path in portion) <= most for portion in portions)
    assert not is_limited or len(portions) == 1
