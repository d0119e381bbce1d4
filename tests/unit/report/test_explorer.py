"""What the explorer answers, against dense float64 matrices by the definitions."""

import base64

import numpy as np
import pytest
from scipy import sparse

from leadterm.axes import Axis
from leadterm.operators import SparseOperator
from leadterm.report.explorer import VIEWS, explorer, strongest_rows
from support.dense_theory import to_dense
from support.naive_counts import count_windows, fixed_point
from support.report_cases import TOKENS, small_run

K = 5


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return small_run(tmp_path_factory.mktemp("runs") / "run")


@pytest.fixture(scope="module")
def dense(run):
    windows = [window.tolist() for window in run.windows()]
    return to_dense(count_windows(windows, fixed_point(32)), len(TOKENS), 32)


def numbers(packed: dict[str, str], width: int) -> np.ndarray:
    return np.frombuffer(base64.b64decode(packed["base64"]), dtype="<" + packed["type"]).reshape(-1, width)


@pytest.mark.parametrize("centring", ["uniform", "frequency"])
@pytest.mark.parametrize("name", VIEWS)
def test_answers_are_the_largest_entries_of_the_dense_matrix(run, dense, name, centring):
    bigram, context = getattr(dense, centring)()
    matrix = {
        "bigram": bigram,
        "bigram.T": bigram.T,
        "context": context,
        "context.T": context.T,
        "interchange": bigram.T @ bigram,
        "value": context.T @ bigram.T,
    }[name]
    found = explorer(run, 10, K)
    view = next(view for view in found["views"] if (view["name"], view["centring"]) == (name, centring))
    counts = run.vocabulary["count"].to_numpy()
    asked = sorted(range(len(TOKENS)), key=lambda token: (-counts[token], token))[:10]
    assert (found["asked"], found["counts"]) == (10, [counts[token] for token in asked])
    for token, ids, scores in zip(asked, numbers(view["ids"], K), numbers(view["scores"], K), strict=True):
        entries = np.delete(matrix[token], token) if name == "interchange" else matrix[token]
        # float32 keeps 2^-24 of a score; what float64 loses in a sum of V = 30 terms is far below.
        assert scores == pytest.approx(np.sort(entries)[::-1][:K].clip(min=0), rel=2**-23, abs=1e-17)
        positive = scores > 0
        named = [found["raw"][number] for number in ids[positive]]
        assert [matrix[token, TOKENS.index(other)] for other in named] == pytest.approx(scores[positive], rel=2**-23)
        assert len(set(named)) == len(named)
        assert name != "interchange" or TOKENS[token] not in named


def test_all_tokens_that_are_mentioned_are_there_and_those_asked_for_come_first(run):
    found = explorer(run, 3, K)
    assert len(set(found["raw"])) == len(found["raw"]) > 3
    mentioned = {number for view in found["views"] for number in numbers(view["ids"], K).ravel().tolist()}
    assert mentioned | {0, 1, 2} == set(range(len(found["raw"])))


def test_fewer_tokens_than_asked_for(run):
    found = explorer(run, 1000, 100)
    assert found["asked"] == len(TOKENS)
    assert numbers(found["views"][0]["ids"], len(TOKENS)).shape == (len(TOKENS), len(TOKENS))


@pytest.mark.parametrize("memory_bytes", [1, 4 * 8 * 7 * 2, 2**20])
def test_ties_go_by_number_and_blocks_change_nothing(memory_bytes):
    rows = [[0, 2, 2, 2, 1, 2, 2], [5, 0, 5, 1, 1, 1, 1], [0, 0, 0, 0, 0, 0, 0], [-1, -1, 3, -1, -1, 3, 2]]
    matrix = np.array(rows + [[1, 2, 3, 4, 5, 6, 7]] * 3, dtype=np.float64)
    asked = np.array([3, 0, 2, 1, 6])
    ids, scores = strongest_rows(operator_of(matrix), asked, 3, memory_bytes=memory_bytes)
    for entries, chosen, values in zip(matrix[asked], ids, scores, strict=True):
        expected = np.argsort(-entries, kind="stable")[:3]
        assert values.tolist() == entries[expected].clip(min=0).tolist()
        assert chosen[values > 0].tolist() == expected[entries[expected] > 0].tolist()


def test_the_memory_bound_sets_the_rows_of_a_block(monkeypatch):
    heights, rows = [], SparseOperator.rows
    monkeypatch.setattr(SparseOperator, "rows", lambda self, of: heights.append(len(of)) or rows(self, of))
    strongest_rows(operator_of(np.eye(10)), np.arange(10), 2, memory_bytes=4 * 8 * 10 * 3)
    assert heights == [3, 3, 3, 1]


def operator_of(matrix: np.ndarray) -> SparseOperator:
    return SparseOperator(sparse.csr_array(matrix), (Axis.NEXT, Axis.NEXT))
