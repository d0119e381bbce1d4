"""``leadterm pretrain`` on a text: revisions that encode as the run did, and nothing to do a second time."""

import pyarrow as pa
import yaml

from leadterm import cli, open_run
from leadterm.checkpoints import find_revisions, open_checkpoint
from leadterm.corpus import load_tokenizer
from support.jobs import write_files
from support.pretraining_cases import TINY

TEXTS = ["In the beginning the cat sat, and the DOG sat.", "The cat and the dog: 2 of them", "a cat"] * 5


def test_the_command_makes_the_run_and_trains_on_it(spark, tmp_path, capsys):
    write_files(tmp_path / "in", pa.array(TEXTS), 1)
    settings = {
        "corpus": {"paths": [str(tmp_path / "in")]},
        "tokenizer": {"kind": "words", "vocabulary_size": 8, "unknown": "replace"},
        "windows": {"length": 6, "files": 1},
        "pretraining": TINY,
        "alignment": {"layers": [0]},
        "report": {"figures": "never"},
    }
    (tmp_path / "a.yaml").write_text(yaml.safe_dump(settings))
    command = ["pretrain", "--config", str(tmp_path / "a.yaml"), "--output", str(tmp_path / "run")]
    assert cli.main(command) == 0
    assert "revisions step0, step1, step2, step4, step6\n" in capsys.readouterr().out
    run, folder = open_run(tmp_path / "run"), tmp_path / "run/pretrained"
    assert [revision.step for revision in find_revisions(folder, "all")] == [0, 1, 2, 4, 6]
    with open_checkpoint(folder, "step6") as opened:
        opened.check_vocabulary(run.vocabulary["token"].to_pylist())
    assert set(run.alignment()["step"].to_pylist()) == {0, 1, 2, 4, 6}, "its revisions are scored"
    encoded = load_tokenizer(folder / "step6").encode(TEXTS).tokens
    windows = [window.tolist() for window in run.windows()]
    for ids in encoded:
        assert ids.tolist()[:7] in windows, "the first window of the document"
    page = (tmp_path / "run/report/index.html").read_text()
    assert '<script type="application/json" id="data-losses">{"first":[1,2,3,4,5,6]' in page, "its loss is shown"
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    assert cli.main(command) == 0
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before
