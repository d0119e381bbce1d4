"""``leadterm weights`` on a run that the store alone wrote, without attention terms."""

from pathlib import Path

import pytest
import torch
from safetensors import safe_open

import leadterm
from leadterm import cli, save_weights
from leadterm.theory import AdamW
from support.dense_theory import random_windows
from support.written_runs import write_run

SIZE, LENGTH = 40, 12


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    folder, windows = tmp_path_factory.mktemp("runs") / "run", random_windows(20, LENGTH + 1, SIZE, seed=4)
    write_run(folder, windows, [str(number) for number in range(SIZE)], LENGTH)
    return folder


def command(run: Path, output: Path, *options: str) -> list[str]:
    descent = ["--steps", "5", "--learning-rate", "0.2", "--layers", "3"]
    return ["weights", str(run), *descent, "--output", str(output), *options]


def test_the_command_writes_the_same_file_as_python(run, tmp_path, capsys):
    options = ["--rows", "10:", "--dtype", "float32", "--weights", "value", "output"]
    assert cli.main(command(run, tmp_path / "by-command", *options)) == 0
    opened = leadterm.open_run(run)
    weights = opened.predicted_weights(steps=5, learning_rate=0.2, layers=3)
    save_weights(weights, tmp_path / "by-python", ("value", "output"), rows=(10, SIZE), dtype="float32")
    assert (tmp_path / "by-command").read_bytes() == (tmp_path / "by-python").read_bytes()
    assert capsys.readouterr().out.splitlines() == [
        f"wrote {tmp_path}/by-command: value, output, 9,600 bytes",
        "outside the theorem, which asks for L <= sqrt(T) / 4; s <= min(5 / (8 sqrt(T)), 1 / (12 L)) / eta; T >= 60; "
        "V >= 500",
    ]
    with safe_open(tmp_path / "by-command", "pt") as file:
        made_from = {key: value for key, value in file.metadata().items() if key.startswith("leadterm.made_from.")}
    assert made_from == {
        f"leadterm.made_from.{product}": opened.manifest(product).content_hash
        for product in ("vocabulary", "windows", "bigram", "context", "frequencies")
    }


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "leadterm: the run has no query_key and no position. Run the jobs compose_weights and count_attention"),
        (["--weights", "W"], "leadterm: there is no weight 'W'; choose from output, value, query_key, position."),
        (["--weights", "value", "--rows", "0:99"], "leadterm: rows are slice(0, 99, None); expected one or more"),
        (["--weights", "value", "--max-bytes", "12KB"], "leadterm: value (40 rows, float64) would take 12,800 bytes"),
    ],
)
def test_the_command_says_what_is_wrong(run, tmp_path, capsys, options, message):
    assert cli.main(command(run, tmp_path / "file", *options)) == 1
    assert capsys.readouterr().err.startswith(message)
    assert list(tmp_path.iterdir()) == []


def test_the_weights_of_another_optimizer(run, tmp_path, capsys):
    adam = ["--optimizer", "adamw", "--betas", "0.9", "0.95", "--eps", "1e-6", "--weight-decay", "0.1"]
    assert cli.main(command(run, tmp_path / "file", "--weights", "output", "value", *adam)) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "no theorem speaks of it: no bound is proved"
    weights = leadterm.open_run(run).predicted_weights(5, 0.2, 3, optimizer=AdamW((0.9, 0.95), 1e-6, 0.1))
    with safe_open(tmp_path / "file", "pt") as file:
        assert torch.equal(file.get_tensor("output"), weights.output.to_dense())
        assert file.metadata()["leadterm.optimizer"] == "AdamW(betas=(0.9, 0.95), eps=1e-06, weight_decay=0.1)"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--eps", "0"], "leadterm: --eps is no setting of --optimizer sgd; it is one of adam, adamw."),
        (
            ["--optimizer", "adam", "--weight-decay", "1"],
            "leadterm: --weight-decay is no setting of --optimizer adam; it is one of adamw.",
        ),
        (["--optimizer", "adam", "--eps=-1"], "leadterm: eps must be a finite number of at least 0, found -1.0"),
        (["--optimizer", "adam", "--betas", "0.9", "1"], "leadterm: betas must be two numbers, each at least 0"),
        (["--order", "2"], "leadterm: order=2 needs the products two_hop and current_context, which"),
    ],
)
def test_an_optimizer_that_is_none(run, tmp_path, capsys, options, message):
    assert cli.main(command(run, tmp_path / "file", "--weights", "output", *options)) == 1
    assert capsys.readouterr().err.startswith(message)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--rows", "5"], "argument --rows: expected FIRST:LAST, such as 0:1000, found '5'"),
        (["--rows=-5:3"], "argument --rows: expected FIRST:LAST, such as 0:1000, found '-5:3'"),
        (["--max-bytes", "2 barrels"], "argument --max-bytes: expected a number and a unit (B, KiB"),
    ],
)
def test_options_that_cannot_be_read(run, tmp_path, capsys, options, message):
    with pytest.raises(SystemExit):
        cli.main(command(run, tmp_path / "file", *options))
    assert message in capsys.readouterr().err
