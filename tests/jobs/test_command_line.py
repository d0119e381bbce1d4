"""``leadterm run`` in a process of its own: one message and status 1 for what is wrong, and no noise."""

import os
import re
import subprocess

import pytest

from support.bad_input import put, put_lines, texts
from support.commands import ROOT, leadterm, write_config

NOISE = re.compile(
    r"WARNING: Using incubator modules|\w.*: \d+ (of \d+ )?tasks|\w+: done in |.* ERROR DiskBlockObjectW"
)
"""Lines of Java itself and of the progress."""


def message_of(done) -> str:
    """The one message of a command that failed, without the noise."""
    assert done.returncode == 1, done.stderr
    lines = [line for line in done.stderr.splitlines() if not NOISE.match(line)]
    assert lines[0].startswith("leadterm: "), done.stderr
    assert not [line for line in lines[1:] if not line.startswith("  ")], done.stderr
    return "\n".join(lines).removeprefix("leadterm: ")


@pytest.mark.parametrize(
    ("sections", "reason"),
    [
        ({"windows": {"lenght": 8}}, "windows.lenght: unknown key; expected one of length, policy, files. Did you"),
        ({"korpus": {}}, "korpus: unknown key; expected one of corpus, tokenizer, windows, counting, attention"),
        ({"corpus": {"paths": "x"}}, "corpus.paths: found 'x' (text); expected a list of texts"),
        ({"spark": {"driver.memory": "1g"}}, "spark['driver.memory']: found 'driver.memory'; expected the"),
    ],
)
def test_a_wrong_setting_is_told_without_starting_spark(tmp_path, sections, reason):
    config = write_config(tmp_path / "bad.yaml", "x", **sections)
    done = leadterm(["run", "--config", config, "--output", "run"], tmp_path, JAVA_HOME="/nowhere", PATH="/nowhere")
    assert message_of(done).startswith(f"{config}: {reason}")
    assert [path.name for path in tmp_path.iterdir()] == ["bad.yaml"]


def test_a_config_that_is_not_there(tmp_path):
    done = leadterm(["run", "--config", ROOT / "conf/dmeo.yaml", "--output", "run"], tmp_path)
    assert message_of(done).endswith(
        f"conf/dmeo.yaml: there is no such configuration file. Did you mean {ROOT}/conf/demo.yaml?"
    )


def test_an_output_of_an_unknown_kind(tmp_path):
    config = write_config(tmp_path / "a.yaml", "x")
    message = message_of(leadterm(["run", "--config", config, "--output", "foo://bucket/run"], tmp_path))
    assert message.startswith("cannot open foo://bucket/run: ")
    assert message.endswith("Install the filesystem's package.")


def test_an_error_inside_an_executor_gives_one_message(tmp_path):
    path = put_lines(tmp_path / "a.jsonl", ['{"text": "a b c"}'] * 300 + ["{"] + ['{"text": "a b c"}'] * 300)
    config = write_config(tmp_path / "a.yaml", "x", corpus={"paths": ["a.jsonl"], "format": "json"})
    done = leadterm(["run", "--config", config, "--output", "run"], tmp_path)
    assert message_of(done).startswith(f"{path}, line 301: it is not a JSON object (Expecting property name")
    assert not (tmp_path / "run").exists()


def test_a_full_scratch_disk(tmp_path):
    """Spark's own files are too many for the disk that ``spark.local.dir`` names; the output's is another."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], check=False).returncode:
        pytest.skip("a small file system can be mounted by root only")
    try:
        corpus = put(tmp_path / "a.parquet", texts([f"{os.urandom(400).hex()} a b" for _ in range(6000)]))
        spark = {"spark.driver.memory": "1g", "spark.local.dir": str(disk), "spark.shuffle.compress": False}
        config = write_config(tmp_path / "a.yaml", str(corpus), spark=spark, associations={})
        message = message_of(leadterm(["run", "--config", config, "--output", "run"], tmp_path))
    finally:
        subprocess.run(["umount", "--lazy", disk], check=True)
    assert message.startswith("a disk is full: free space where the output or Spark's scratch folder (spark.local.dir)")
    assert not (tmp_path / "run").exists()
