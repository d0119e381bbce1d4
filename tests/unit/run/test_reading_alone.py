"""What ``pip install leadterm`` alone is enough for: a run is read with NumPy, SciPy, pyarrow and tqdm."""

import json

import pytest

from leadterm.packages import EXTRAS
from support.lone_python import run_alone
from support.whole_runs import whole_run

OTHERS = sorted({"py4j", "gguf", "accelerate", "fsspec"}.union(*EXTRAS.values()))
FOR_TORCH = set(EXTRAS["torch"])
READ = """
import json, sys, leadterm
run = leadterm.open_run(sys.argv[1])
matrices = [run.bigram_counts(), run.context_weights(), run.query_key(), run.query_key("authors")]
tables = [run.vocabulary, run.source_files, run.documents(), run.alignment()]
vectors = [run.position(), run.current_frequency, run.context_frequency]
windows = list(run.windows())
token = run.vocabulary["token"][3].as_py()
print(json.dumps({
    "run": repr(run),
    "sums": [float(one.sum()) for one in [*matrices, *vectors, *windows]],
    "rows": [len(one) for one in tables],
    "token": [run.token_id(token), run.names.shown[3]],
}))
"""
ASK = """
import sys, leadterm
run = leadterm.open_run(sys.argv[1])
token = run.vocabulary["token"][0].as_py()
for ask in (
    lambda: run.basis(),
    lambda: run.predicted_weights(1, 0.1, 1),
    lambda: run.associations(token),
    lambda: leadterm.save_weights,
    lambda: leadterm.open_run("hf://datasets/owner/name"),
    lambda: leadterm.open_run("memory://run"),
):
    try:
        ask()
    except leadterm.LeadtermError as error:
        print(error)
"""
COMMANDS = """
import sys
from leadterm.cli import job_main, main
for command in sys.argv[1:]:
    name, *others = command.split()
    status = job_main(name, others) if name in ("encode_corpus", "compose_weights") else main([name, *others])
    print(status, file=sys.stderr)
"""
COMPOSE = """
import sys, leadterm
run = leadterm.open_run(sys.argv[1])
token = run.vocabulary["token"][0].as_py()
print(run.basis().composed.shape, len(run.associations(token, k=3)))
weights = run.predicted_weights(2, 0.1, 1)
print(weights.position.dtype, leadterm.save_weights(weights, sys.argv[2], ["position"]))
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return whole_run(tmp_path_factory.mktemp("whole") / "run")


def test_a_run_is_read_with_nothing_else_installed(run):
    with_all, alone = (run_alone(READ, str(run.location), refused=refused) for refused in ((), OTHERS))
    assert alone.status == 0, alone.errors
    assert alone.output == with_all.output
    assert json.loads(alone.output)["rows"] == [30, 1, 3, 504]


def test_reading_loads_nothing_that_only_others_need(run):
    """Where all is installed, too: what is loaded in vain costs seconds."""
    loaded = run_alone(READ, str(run.location)).imported
    assert not loaded & (set(OTHERS) - {"pandas"})  # which pyarrow loads where it is.


def test_importing_the_way_in_loads_no_operators():
    loaded = run_alone("from leadterm import Run, open_run").imported
    assert not loaded & set(OTHERS)


def test_what_needs_torch_says_so_and_how_to_install_it(run):
    said = run_alone(ASK, str(run.location), refused=OTHERS)
    *others, unknown = said.output.splitlines()
    assert others == [
        *(
            f"{what} needs numba, safetensors and torch, which are not installed. "
            "Install them with: pip install 'leadterm[torch]'"
            for what in ("run.basis()", "run.predicted_weights()", "run.associations()", "leadterm.save_weights")
        ),
        "an address that begins with hf:// needs huggingface_hub, which is not installed. "
        "Install it with: pip install 'leadterm[hub]'",
    ], said.errors
    assert unknown.startswith("cannot open memory://run: ")
    assert unknown.endswith("fsspec: No module named 'fsspec'. Install the filesystem's package.")


def test_operators_need_nothing_that_counts(run, tmp_path):
    refused = sorted(set(OTHERS) - FOR_TORCH - {"fsspec"})  # torch.utils may load fsspec
    composed = run_alone(COMPOSE, str(run.location), str(tmp_path / "weights.safetensors"), refused=refused)
    assert composed.output.splitlines() == ["(30, 30) 3", "torch.float64 192"], composed.errors


def test_a_run_is_shown_and_checked_with_nothing_else_installed(run):
    done = run_alone(COMMANDS, f"show {run.location}", f"check {run.location}", refused=OTHERS)
    assert done.errors.split().count("0") == 2, done.errors
    assert "vocabulary of 30" in done.output
    assert f"{run.location} is whole" in done.output


@pytest.mark.parametrize(
    ("refused", "extras"),
    [
        (OTHERS, {"spark": "spark", "plan": "spark", "run": "spark,torch", "align": "spark,torch,checkpoints"}),
        (["pyspark"], {"spark": "spark", "run": "spark", "align": "spark"}),
        (["torch"], {"run": "torch", "align": "torch"}),
        (["numba"], {"spark": "spark", "plan": "spark", "run": "spark,torch", "align": "spark,torch"}),
    ],
    ids=["all", "pyspark", "torch", "numba"],
)
def test_commands_say_what_they_lack_before_they_read_anything(refused, extras):
    config = "--config /nowhere.yaml --output /nowhere"
    commands = {
        f"encode_corpus {config}": "spark",
        f"add {config} --only-counts": "spark",
        "merge --output /nowhere /nowhere": "spark",
        f"plan {config}": "plan",
        f"run {config}": "run",
        f"add {config}": "run",
        f"verify {config}": "run",
        f"compose_weights {config}": "run",
        f"pretrain {config}": "align",
        "align /nowhere /nowhere": "align",
    }
    wanted = {command: extras[kind] for command, kind in commands.items() if kind in extras}
    done = run_alone(COMMANDS, *wanted, refused=refused)
    remedies = [line.partition("with: pip install ")[2] for line in done.errors.splitlines() if "which " in line]
    assert remedies == [f"'leadterm[{extra}]'" for extra in wanted.values()], done.errors
