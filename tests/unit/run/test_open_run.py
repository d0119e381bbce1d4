"""A run of a part of the sample, opened: its products, its basis functions and its errors."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from leadterm import Run, open_run
from leadterm.axes import Axis
from leadterm.corpus import WordTokenizer, count_words, cut_windows, most_frequent, read_sample
from leadterm.errors import AxisError, InputError, RunError
from leadterm.theory import Gaussian, predicted_weights
from support.dense_theory import DenseStatistics, to_dense
from support.naive_counts import NaiveCounts, count_windows, entries, fixed_point, rational
from support.written_runs import write_run

LENGTH, SIZE = 32, 500
NAMES = ("bigram", "context", "interchange", "value", "composed")

RELATIVE = 1e-12
"""Norm-wise. An entry is a sum of at most V = 500 products of float64 numbers, of which two sums are chained, all
relative to norms before anything cancels: at most about 2 V eps = 2e-13."""


@pytest.fixture(scope="module")
def sample_windows() -> tuple[list[str], list[list[int]]]:
    """Tokens and windows of twenty chapters, with all but the most frequent words replaced by one."""
    texts = read_sample()["text"].to_pylist()[::60]
    tokenizer = WordTokenizer(most_frequent(count_words(texts), SIZE - 1), "replace")
    windows = cut_windows(tokenizer.encode(texts).tokens, LENGTH)
    return list(tokenizer.tokens), [window.tolist() for window in windows.tokens]


@pytest.fixture(scope="module")
def run(sample_windows, tmp_path_factory) -> Run:
    tokens, windows = sample_windows
    return write_run(tmp_path_factory.mktemp("runs") / "sample", windows, tokens, LENGTH)


@pytest.fixture(scope="module")
def naive(sample_windows) -> NaiveCounts:
    return count_windows(sample_windows[1], fixed_point(32))


@pytest.fixture(scope="module")
def dense(naive) -> DenseStatistics:
    return to_dense(naive, SIZE, 32)


def test_products_are_those_of_the_loop_over_positions(run, naive, sample_windows):
    assert entries(run.bigram_counts()) == naive.bigram
    fixed, scale_bits = run.context_fixed_point()
    assert (entries(fixed), scale_bits) == (naive.context, 32)
    assert run.n_positions == naive.n_positions > 10_000
    assert (run.vocabulary_size, run.context_length) == (SIZE, LENGTH)
    assert run.vocabulary.column_names == ["token_id", "token", "count"]
    assert run.vocabulary["token"].to_pylist() == sample_windows[0]
    assert repr(run).endswith(f"sample'): {naive.n_positions:,} positions, vocabulary of 500 tokens")


def test_types_are_those_promised(run):
    counts, weights = run.bigram_counts(), run.context_weights()
    assert (counts.dtype, weights.dtype) == (np.int64, np.float64)
    assert counts.shape == weights.shape == (SIZE, SIZE)
    assert counts.has_sorted_indices
    assert weights.has_sorted_indices
    kinds = {field.name: field.type for field in run.vocabulary.schema}
    assert kinds == {"token_id": pa.int32(), "token": pa.string(), "count": pa.int64()}


def test_weights_are_sums_of_reciprocals(run, sample_windows):
    # A stored weight is within T / 2^33 of 1/t, relatively, and so is a sum of them; see reciprocal_weights.
    exact = count_windows(sample_windows[1][:40], rational)
    tokens = [str(i) for i in range(SIZE)]
    found = entries(
        write_run(Path(run.location.path).parent / "part", sample_windows[1][:40], tokens, LENGTH).context_weights()
    )
    assert found.keys() == exact.context.keys()
    for place, value in found.items():
        assert value == pytest.approx(float(exact.context[place]), rel=LENGTH / 2**33 + 1e-15)


def test_frequencies_are_per_position(run, dense):
    assert run.current_frequency == pytest.approx(dense.alpha, rel=1e-15, abs=0)
    assert run.context_frequency == pytest.approx(dense.rho, rel=1e-15, abs=0)
    assert run.current_frequency.sum() == pytest.approx(1, abs=1e-12)
    assert run.context_frequency.sum() == pytest.approx(1, abs=LENGTH / 2**33)


def test_windows_come_back(run, sample_windows):
    found = list(run.windows())
    assert [window.tolist() for window in found] == sample_windows[1]
    assert {window.dtype for window in found} == {np.dtype(np.int32)}
    assert 2 <= min(map(len, found)) <= max(map(len, found)) == LENGTH + 1


@pytest.mark.parametrize("centring", ["uniform", "frequency"])
@pytest.mark.parametrize("name", NAMES)
def test_basis_functions_are_the_dense_formulas(run, dense, centring, name):
    bigram, context = dense.uniform() if centring == "uniform" else dense.frequency()
    expected = {
        "bigram": bigram,
        "context": context,
        "interchange": bigram.T @ bigram,
        "value": context.T @ bigram.T,
        "composed": bigram.T @ bigram @ context,
    }[name]
    operator = getattr(run.basis(centring=centring), name)
    assert np.linalg.norm(operator.to_dense().numpy() - expected) <= RELATIVE * np.linalg.norm(expected)


def test_margins_vanish(run):
    # Against sums of what is subtracted, which add up to 1: rounding of some eps = 2e-16 an entry. Rows of the context
    # and columns of the bigram do not vanish, so a transposed matrix is seen.
    basis, ones = run.basis(), np.ones(SIZE)
    assert np.abs(basis.bigram @ ones).max() <= 1e-14
    assert np.abs(ones @ basis.context).max() <= 1e-14
    assert np.abs(ones @ basis.bigram).max() > 1e-3
    assert np.abs(basis.context @ ones).max() > 1e-3
    for name, vector in (("interchange", basis.interchange @ ones), ("value", basis.value.T @ ones)):
        assert np.abs(vector).max() > 0 if name == "value" else np.abs(vector).max() <= 1e-14


def test_float32_is_asked_for(run, dense):
    found = run.basis(dtype="float32").bigram.to_dense().numpy()
    assert found.dtype == np.float32
    assert np.linalg.norm(found - dense.uniform()[0]) <= 1e-6 * np.linalg.norm(dense.uniform()[0])


@pytest.mark.parametrize("scale_bits", [8, 16, 40])
def test_a_coarse_scale_still_gives_a_basis(tmp_path, sample_windows, scale_bits):
    run = write_run(tmp_path / "coarse", sample_windows[1], sample_windows[0], LENGTH, scale_bits=scale_bits)
    fine = to_dense(count_windows(sample_windows[1], lambda t: 1 / t), SIZE)
    bound = LENGTH / 2 ** (scale_bits + 1)
    weights = run.context_weights().toarray()
    assert np.all(np.abs(weights - fine.context_weights) <= (bound + 1e-12) * fine.context_weights)
    assert run.basis().context.shape == (SIZE, SIZE)


def test_predicted_weights_take_the_runs_length(run):
    predicted = run.predicted_weights(steps=2, learning_rate=0.01, layers=1)
    found, bigram = (operator.to_dense().numpy() for operator in (predicted.output, run.basis().bigram))
    assert np.linalg.norm(found - 0.02 * bigram) <= RELATIVE * np.linalg.norm(0.02 * bigram)
    shorter = predicted_weights(run.basis(), 2, 0.01, 1, 16)
    assert predicted.bounds != shorter.bounds or predicted.conditions != shorter.conditions


def test_predicted_weights_know_their_start_and_what_they_are_made_from(run):
    predicted = run.predicted_weights(2, 0.01, 1, initialisation=Gaussian(1e-9, 0.5))
    assert predicted.initialisation == Gaussian(1e-9, 0.5)
    assert "xi >= 0" in [condition.statement for condition in predicted.conditions]
    assert run.predicted_weights(2, 0.01, 1).initialisation is None
    products = ("vocabulary", "windows", "bigram", "context", "frequencies")
    assert predicted.made_from == {name: run.manifest(name).content_hash for name in products}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("centring", ["uniform", "frequency"])
def test_associations_are_the_largest_entries_of_a_row(run, name, centring):
    row = getattr(run.basis(centring=centring), name).rows([run.token_id("king")])[0].numpy()
    tokens = run.vocabulary["token"].to_pylist()
    found = run.associations("king", name, k=7, centring=centring)
    expected = sorted(range(SIZE), key=lambda index: (-row[index], index))[:7]
    assert [token for token, _ in found] == [tokens[index] for index in expected]
    assert [score for _, score in found] == pytest.approx(row[expected], rel=1e-9)
    assert run.associations("king", name, k=10_000, centring=centring)[:7] == found


@pytest.mark.parametrize("axis", [Axis.CONTEXT, "context", "CONTEXT"])
def test_associations_along_the_other_axis(run, axis):
    column = run.basis().context.columns([run.token_id("king")])[:, 0].numpy()
    found = run.associations("king", "context", k=3, axis=axis)
    assert [score for _, score in found] == pytest.approx(sorted(column, reverse=True)[:3], rel=1e-9)
    assert found != run.associations("king", "context", k=3)


def test_what_cannot_be_associated(run):
    with pytest.raises(InputError, match=r"'kingg' is not in the vocabulary of 500 tokens; did you mean 'king'"):
        run.associations("kingg")
    with pytest.raises(InputError, match=r"'\u2603' is not in the vocabulary of 500 tokens$"):
        run.token_id("\u2603")
    with pytest.raises(InputError, match=r"no basis function 'trigram'; choose one of bigram, context, interchange"):
        run.associations("king", "trigram")
    with pytest.raises(AxisError, match=r"has no axis CONTEXT: choose CURRENT .* or NEXT"):
        run.associations("king", "bigram", axis="context")
    with pytest.raises(AxisError, match=r"no axis 'key'; choose one of current, next, context"):
        run.associations("king", "bigram", axis="key")
    with pytest.raises(InputError, match=r"k is 0: it must be at least 1"):
        run.associations("king", k=0)


@pytest.fixture
def copy(run, tmp_path) -> Path:
    shutil.copytree(run.location.path, tmp_path / "copy")
    return tmp_path / "copy"


READERS = {
    "windows/windows-00000.parquet": lambda run: list(run.windows()),
    "vocabulary/vocabulary.parquet": lambda run: run.vocabulary,
    "bigram/rows-00001.parquet": lambda run: run.bigram_counts(),
    "context/rows-00002.parquet": lambda run: run.basis(),
    "frequencies/frequencies.parquet": lambda run: run.current_frequency,
}


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("place", [0.0, 0.3, 0.6, 0.999])
def test_one_wrong_bit_is_seen_and_its_file_named(copy, name, place):
    data = bytearray((copy / name).read_bytes())
    data[int(place * len(data))] ^= 1
    (copy / name).write_bytes(data)
    with pytest.raises(RunError, match=rf"copy/{name} is damaged: its SHA-256 is \w+…, the manifest says \w+…"):
        READERS[name](open_run(copy))


@pytest.mark.parametrize("name", READERS)
def test_a_missing_file_is_named(copy, name):
    (copy / name).unlink()
    with pytest.raises(RunError, match=rf"copy/{name} is missing, though the manifest lists it. Rebuild the product"):
        READERS[name](open_run(copy))


@pytest.mark.parametrize(
    ("product", "job"),
    [("vocabulary", "encode_corpus"), ("bigram", "count_cooccurrences"), ("frequencies", "count_cooccurrences")],
)
def test_a_missing_product_names_the_job_that_makes_it(copy, product, job):
    shutil.rmtree(copy / product)
    held = ", ".join(sorted({"bigram", "context", "frequencies", "vocabulary", "windows"} - {product}))
    with pytest.raises(RunError, match=rf"has no product '{product}'; it holds {held}. Run the job {job} on it first"):
        open_run(copy).associations("king")


def test_no_run_at_all(tmp_path):
    with pytest.raises(
        RunError, match=r"nowhere has no product 'windows'; there is no such folder. Run the job encode_corpus"
    ):
        open_run(tmp_path / "nowhere")
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match=r"file is a file; a run is a folder"):
        open_run(tmp_path / "file")


def test_a_manifest_that_cannot_be_read(copy):
    place = copy / "bigram" / "manifest.json"
    place.write_bytes(replace(open_run(copy).manifest("bigram"), format=99).to_json())
    with pytest.raises(
        RunError, match=r"manifest.json has format 99; leadterm .* reads 1. Use the version that wrote it"
    ):
        open_run(copy).bigram_counts()
    for text in ("{", "[]", "5"):
        place.write_text(text)
        with pytest.raises(RunError, match=r"manifest.json is not a manifest of leadterm .*rebuild the run"):
            open_run(copy).bigram_counts()
