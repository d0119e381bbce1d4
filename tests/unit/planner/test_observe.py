"""A plan of a corpus that is its own sample, with windows longer than eight bits of 1/t can tell apart."""

import numpy as np
import pyarrow as pa
import pytest

from leadterm.planner.cost_model import predict_stages
from leadterm.planner.observe import observe
from support.jobs import make_config, write_files

V = 300


@pytest.mark.parametrize(("length", "lengths"), [(700, (1500, 900, 3, 701)), (64, (200, 65, 2)), (1024, (1025, 600))])
def test_pairs_are_those_of_the_definition(tmp_path, length, lengths):
    random = np.random.default_rng(length)
    documents = [random.integers(0, V, n).tolist() for n in lengths]
    write_files(tmp_path / "in", pa.array(documents), 1, name="ids")
    tokenizer = {"kind": "ids", "vocabulary_size": V}
    config = make_config(tmp_path / "in", tokenizer, corpus={"ids_column": "ids"}, windows={"length": length})
    seen = observe(config, 10**6, 0, composes_here=True)
    stages = {stage.name: stage.quantities for stage in predict_stages(config, seen.observed, 1)}
    pairs = {
        (window[t], before)
        for ids in documents
        for start in range(0, len(ids) - 1, length)
        for window in [ids[start : start + length + 1]]
        for t in range(1, len(window))
        for before in set(window[:t])
    }
    assert stages["merge"]["context nonzeros"].value == len(pairs)
    assert stages["merge"]["context nonzeros"].is_exact
