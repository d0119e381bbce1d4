"""Circuits of checkpoints beside a run, from Python and the command line: what they hold, and what is refused."""

import numpy as np
import pyarrow as pa
import pytest
import torch

from leadterm import Run, open_run
from leadterm.checkpoints import open_checkpoint
from leadterm.circuits import CircuitEvidence, Counterpart, WhitenedScores, circuits_of
from leadterm.cli.main import main
from leadterm.errors import InputError
from support.dense_circuits import whitened_cosine
from support.tiny_models import N_HEADS, N_LAYERS, TOKENS, VOCABULARY_SIZE, save, save_tokenizer, tiny_model
from support.written_runs import write_run

LENGTH = 16
RARE = VOCABULARY_SIZE - 1


def windows_of(seed: int) -> list[list[int]]:
    """Text in which some tokens are frequent, and some follow others often; the last token occurs once."""
    draw = np.random.default_rng(seed)
    following = draw.permutation(VOCABULARY_SIZE - 1)
    frequency = 1 / np.arange(2, VOCABULARY_SIZE + 1)
    windows = []
    for _ in range(400):
        fresh = draw.choice(VOCABULARY_SIZE - 1, LENGTH + 1, p=frequency / frequency.sum())
        window = [int(fresh[0])]
        for token in fresh[1:].tolist():
            window.append(int(following[window[-1]]) if draw.random() < 0.3 else token)
        windows.append(window)
    windows[0][3] = RARE
    return windows


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Run:
    """A run, and in it one of the same size that stands for the shuffled corpus."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    write_run(folder, windows_of(0), TOKENS, LENGTH, kind="huggingface")
    write_run(folder / "shuffled", windows_of(1), TOKENS, LENGTH, kind="huggingface")
    return open_run(folder)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Two revisions of a GPT-NeoX, and a Gemma, whose embeddings are tied."""
    folder = tmp_path_factory.mktemp("models")
    for name, kind, seed in (("neox/step0", "gpt_neox", 0), ("neox/step8", "gpt_neox", 1), ("gemma", "gemma", 0)):
        save_tokenizer(save(tiny_model(kind, seed), folder / name))
    return folder


def dense_composed(run: Run, n: int) -> np.ndarray:
    """The composed map of the first n tokens, transposed: [CONTEXT x NEXT]."""
    counts, weights = run.bigram_counts().toarray() / run.n_positions, run.context_weights().toarray() / run.n_positions
    bigram = counts[:n, :n] - counts.sum(1)[:n, None] / VOCABULARY_SIZE
    context = weights[:n, :n] - weights.sum(0)[None, :n] / VOCABULARY_SIZE
    return (bigram.T @ bigram @ context).T


def circuits_at(place, tokens):
    checkpoint = open_checkpoint(place, dtype="float64")
    return list(circuits_of(checkpoint.layers(tokens), checkpoint.unembedding(tokens), checkpoint.last_norm))


def test_the_table_holds_the_scores_of_every_circuit(run, models):
    found = run.circuits(models / "neox", "all", token="t3")
    names = [
        "model",
        "revision",
        "step",
        "layer",
        "head",
        "circuit",
        "counterpart",
        "cosine",
        "null_mean",
        "null_sd",
        "z",
    ]
    assert found.column_names[:12] == [*names, "shuffled"]
    assert set(found["circuit"].to_pylist()) == {"total", "direct", "mlp", "attn", "ov"}
    assert len(found) == 2 * (2 + N_LAYERS * (2 + 2 * (N_HEADS + 1)))
    assert found["step"].unique().to_pylist() == [0, 8]
    kept = torch.arange(VOCABULARY_SIZE - 1)
    tables = []
    for one in (run, open_run(run.location.uri + "/shuffled")):
        bigram, context = one.bigram_counts()[:-1, :-1], one.context_weights().T.tocsr()[:-1, :-1]
        tables.append(
            {
                "bigram": Counterpart.of_counts("bigram", bigram),
                "context.T": Counterpart.of_counts("context.T", context),
            }
        )
    for step in (0, 8):
        rows = {
            (row["circuit"], row["layer"], row["head"], row["counterpart"]): row
            for row in found.filter(pa.compute.field("step") == step).to_pylist()
        }
        for circuit in circuits_at(models / f"neox/step{step}", kept):
            if circuit.kind == "qk":
                continue
            name = "context.T" if circuit.kind == "ov" else "bigram"
            row = rows.pop((circuit.kind, circuit.layer, circuit.head, name))
            if circuit.kind == "ov":
                row_of_composed = rows.pop((circuit.kind, circuit.layer, circuit.head, "composed.T"))
                assert row_of_composed["percentile"] is None
                weights = tables[0][name].row_weight, tables[0][name].column_weight
                composed = dense_composed(run, RARE)
                expected = whitened_cosine(
                    circuit.stream, circuit.map, circuit.columns, composed / np.outer(*weights), *weights
                )
                assert row_of_composed["cosine"] == pytest.approx(expected, abs=1e-8)
                assert row_of_composed["shuffled"] is not None
            expected = WhitenedScores(tables[0][name], tables[1][name]).score(circuit)
            assert row["counterpart"] == name
            for column in ("cosine", "null_mean", "null_sd", "z", "shuffled"):
                assert row[column] == pytest.approx(getattr(expected, column), rel=1e-7, abs=1e-9)
            assert 0 <= row["token_percentile"] <= 1
            assert len(row["model_partners"]) == len(row["corpus_partners"]) == 5
        assert not rows
    strongest = found["corpus_partners"][0].as_py()
    follows = dict(run.associations("t3", "bigram", k=3, centring="frequency"))
    assert strongest[0] in follows


def test_a_trace_holds_the_evidence_of_every_circuit(run, models):
    other = run.associations("t3", "bigram", k=1, centring="frequency")[0][0]
    found = run.trace(models / "neox", "t3", other, ["step8"]).to_pylist()
    kept = torch.arange(VOCABULARY_SIZE - 1)
    table = Counterpart.of_counts("bigram", run.bigram_counts()[:-1, :-1])
    total = float(run.bigram_counts()[:-1, :-1].sum())
    circuits = {str(one): one for one in circuits_at(models / "neox/step8", kept)}
    row = next(row for row in found if row["circuit"] == "total")
    expected = CircuitEvidence(circuits["total"], table, total).of(3, TOKENS.index(other))
    for name, value in vars(expected).items():
        assert row[name] == pytest.approx(value)
    assert row["count"] == run.bigram_counts()[3, TOKENS.index(other)]
    assert row["g"] > 6
    assert {row["verdict"] for row in found} <= {"both", "in the corpus", "in the weights", "not seen in this circuit"}
    assert all(row["both"] >= 0 and row["both_by_chance"] >= 0 for row in found)


def test_tied_embeddings_have_no_direct_path(run, models):
    assert "direct" not in run.circuits(models / "gemma")["circuit"].to_pylist()
    with pytest.raises(InputError, match="has tied embeddings: its direct path leads from every token to itself"):
        run.circuits(models / "gemma", circuits=["direct"])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ({"token": "bread"}, "'bread' is not in the vocabulary of 53 tokens"),
        ({"token": f"t{RARE}"}, f"'t{RARE}' occurs 1 times in .* that occur at least 20 times"),
        ({"circuits": ["heads"]}, "there is no circuit 'heads'; choose from total, direct, mlp"),
        ({"at_least": 10**6}, "0 tokens occur at least 1000000 times in .* Lower at_least"),
        ({"revisions": "step3"}, "step3"),
    ],
)
def test_what_is_not_there_is_told(run, models, call, message):
    with pytest.raises(InputError, match=message):
        run.circuits(models / "neox", **{"revisions": ["step0"], **call})


def test_pairs_are_not_read_of_query_and_key(run, models):
    with pytest.raises(InputError, match="the circuit qk is not read by pairs"):
        run.trace(models / "neox", "t3", "t4", ["step0"], circuits=["qk"])
    with pytest.raises(InputError, match="occurs 1 times"):
        run.trace(models / "neox", "t3", f"t{RARE}", ["step0"])


def test_another_tokenizer_is_refused(run, tmp_path):
    save_tokenizer(save(tiny_model("llama"), tmp_path / "model"), ("other", *TOKENS[1:]))
    with pytest.raises(InputError, match="token"):
        run.circuits(tmp_path / "model")


def test_the_commands(run, models, capsys):
    place, model = str(run.location.path), str(models / "neox")
    assert main(["circuits", place, model, "--revisions", "step8", "--circuits", "mlp", "ov", "--token", "t3"]) == 0
    out = capsys.readouterr().out
    assert "ov1.3" in out
    assert "percentile: 0.5 by chance" in out
    assert main(["trace", place, model, "t3", "t4", "--revisions", "all", "--circuits", "total"]) == 0
    out = capsys.readouterr().out
    assert "step0" in out
    assert "step8" in out
    assert "in no single circuit" in out
    assert main(["trace", place, model, "t3", "bread"]) == 1
    assert "is not in the vocabulary" in capsys.readouterr().err
