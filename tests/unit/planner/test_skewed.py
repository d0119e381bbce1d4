"""Corpora whose documents differ in length without measure: the truth lies within the bounds, or a caveat is there.

Most are read in part only, as corpora of gigabytes are: what a plan reads is cut down in proportion.
"""

import gzip
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from leadterm.planner import sample_json as json_clusters
from leadterm.planner import sampling as drawing
from leadterm.planner.corpus_size import size_corpus
from leadterm.planner.encode_sample import encode_sample
from leadterm.planner.sampling import draw
from support.jobs import make_config

LETTERS = "abcdefghijklmnopqrstuvwxyz"
WORDS = [a + b * (1 + len(a + b) % 3) + c for a in LETTERS[:10] for b in LETTERS for c in "xyz"]
T = 16
N = 2000


def lengths(kind: str, random: np.random.Generator) -> np.ndarray:
    """Words of each document; -1 is none."""
    if kind == "pareto":
        return np.minimum((random.pareto(1.0, N) * 10).astype(int) + 1, 100_000)
    if kind == "lognormal":
        return np.exp(random.normal(3, 2, N)).astype(int) + 1
    if kind == "nulls":
        return np.where(random.random(10 * N) < 0.95, -1, np.exp(random.normal(3, 1, 10 * N)).astype(int))
    found = np.full(N, 8)
    found[{"huge somewhere": random.choice(N, 3), "huge first": [0, 1, 2], "huge last": [-3, -2, -1]}[kind]] = 40_000
    return found


def write(folder, form: str, texts: list[str | None]) -> dict[str, str]:
    folder.mkdir()
    if form.startswith("parquet"):
        size = {"parquet": 50, "parquet, one group": 10**6}[form]
        pq.write_table(pa.table({"text": pa.array(texts, pa.string())}), folder / "a.parquet", row_group_size=size)
        return {}
    lines = [json.dumps({"number": i, "text": text}) + "\n" for i, text in enumerate(texts)]
    for part in range(3):
        data = "".join(lines[len(lines) * part // 3 : len(lines) * (part + 1) // 3]).encode()
        (folder / f"{part}.{form}").write_bytes(gzip.compress(data, 1) if form.endswith("gz") else data)
    return {"format": "json"}


@pytest.mark.parametrize("form", ["parquet", "parquet, one group", "jsonl", "jsonl.gz"])
@pytest.mark.parametrize("kind", ["pareto", "lognormal", "nulls", "huge somewhere", "huge first", "huge last"])
@pytest.mark.parametrize("read_bytes", [2 * 10**5, 10**9])
def test_the_truth_lies_within_the_bounds(tmp_path, monkeypatch, kind, form, read_bytes):
    random = np.random.default_rng(len(kind) + len(form))
    words = lengths(kind, random)
    texts = [None if n < 0 else " ".join(np.take(WORDS, random.integers(0, len(WORDS), n))) for n in words]
    corpus = write(tmp_path / "in", form, texts)
    monkeypatch.setattr(drawing, "READ_BYTES", read_bytes)
    monkeypatch.setattr(json_clusters, "PIECE", max(2**12, min(2**20, read_bytes // 128)))
    tokenizer = {"kind": "words", "vocabulary_size": 3000}
    config = make_config(tmp_path / "in", tokenizer, corpus=corpus, windows={"length": T})
    drawn = draw(config.corpus, config.windows, 50_000, 0)
    size = size_corpus(config, drawn, encode_sample(config, drawn))
    positions = words[words > 1] - 1
    truth = {"documents": len(words), "positions": positions.sum(), "windows": np.ceil(positions / T).sum()}
    outside = {
        name: (true, getattr(size, name))
        for name, true in truth.items()
        if not getattr(size, name).low * (1 - 1e-9) <= true <= getattr(size, name).high * (1 + 1e-9)
    }
    assert not outside or drawn.caveats
    if read_bytes == 10**9:
        assert not drawn.caveats, "all of it was read"
        assert size.positions.value == pytest.approx(truth["positions"], rel=0.02), "and only a part encoded"


@pytest.mark.parametrize("form", ["parquet", "parquet, one group", "jsonl", "jsonl.gz"])
def test_three_documents_of_fifty_hold_nearly_all(tmp_path, form):
    """Where 13,811 tokens were predicted, and 3,263,162 counted."""
    random = np.random.default_rng(0)
    words = np.full(53, 276)
    words[[20, 40, 52]] = 200_000
    texts = [" ".join(np.take(WORDS, random.integers(0, len(WORDS), n))) for n in words]
    config = make_config(
        tmp_path / "in", {"kind": "words", "vocabulary_size": 3000}, corpus=write(tmp_path / "in", form, texts)
    )
    drawn = draw(config.corpus, config.windows, 200_000, 0)
    size = size_corpus(config, drawn, encode_sample(config, drawn))
    assert size.positions.low <= words.sum() - 53 <= size.positions.high
    assert size.positions.high < 1.05 * size.positions.low
    assert (size.documents.value, drawn.caveats) == (53, ())


def test_limits_of_characters_leave_long_documents_out_of_the_count(tmp_path):
    words = np.full(500, 50)
    words[::100] = 20_000
    texts = [" ".join(np.take(WORDS, np.arange(n) % len(WORDS))) for n in words]
    config = make_config(
        tmp_path / "in",
        {"kind": "words", "vocabulary_size": 3000},
        corpus={"max_characters": 5000, **write(tmp_path / "in", "parquet", texts)},
    )
    drawn = draw(config.corpus, config.windows, 20_000, 0)
    size = size_corpus(config, drawn, encode_sample(config, drawn))
    assert size.documents.value == 500
    assert size.kept.low <= 495 <= size.kept.high
    assert size.positions.low <= 495 * 49 <= size.positions.high
    assert size.positions.high < 1.1 * size.positions.low
