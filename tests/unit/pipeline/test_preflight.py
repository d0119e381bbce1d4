"""What is known before the first job is refused then, by ``leadterm run`` as by ``leadterm plan``, without Spark."""

import pytest
import torch
import yaml

from leadterm import cli
from leadterm.config import Config, parse_config
from leadterm.errors import ConfigError, LeadtermError, MachineError
from leadterm.pipeline.preflight import checks_of, counted_size, given_size, refusals, require_possible
from leadterm.pipeline.runner import jobs_of
from leadterm.storage import Location
from support.alignment_runs import save_tokenizer

WORDS = {"kind": "words", "vocabulary_size": 20}
IDS = {"kind": "ids", "vocabulary_size": 2**26}
MEMORY = "memory://bucket/run"


def config_of(tokenizer=WORDS, **sections) -> Config:
    corpus = {"paths": ["x"], **({"ids_column": "ids"} if tokenizer is IDS else {})}
    return parse_config({"corpus": corpus, "tokenizer": tokenizer, **sections})


@pytest.fixture(autouse=True)
def no_spark(monkeypatch):
    monkeypatch.setattr("leadterm.pipeline.runner.spark_session", lambda *_: pytest.fail("Spark was started"))


@pytest.fixture(autouse=True)
def no_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


ALIGNMENT = {"checkpoints": [{"source": "x"}], "device": "cuda"}
CASES = [
    ({"attention": {"device": "cuda"}}, "run", "compose", "device 'cuda' was requested, but torch"),
    ({"attention": {"distribution": "filesystem"}}, MEMORY, "attention: count", "attention.distribution is"),
    ({"alignment": ALIGNMENT}, "run", "alignment", "device 'cuda' was requested, but torch"),
    ({"report": {"figures": "always"}}, "run", "report", "figures need matplotlib, which cannot be imported"),
]  # fmt: skip


@pytest.mark.parametrize(("sections", "output", "stage", "says"), CASES)
def test_a_plan_and_a_run_know_the_same(tmp_path, monkeypatch, capsys, sections, output, stage, says):
    monkeypatch.setattr("leadterm.report.draw_figures.can_draw", lambda: False)
    monkeypatch.chdir(tmp_path)
    config = config_of(**sections)
    (planned, error), *others = refusals(config, Location.of(output))
    assert (planned, others) == (stage, [])
    assert says in str(error)
    place = tmp_path / "a.yaml"
    place.write_text(yaml.safe_dump({"corpus": {"paths": ["x"]}, "tokenizer": WORDS, **sections}))
    for command in ("run", "add"):
        with pytest.raises(type(error), match=f"^{str(error)[:40]}"):
            require_possible(config, Location.of(output), jobs_of(config))
        assert cli.main([command, "--config", str(place), "--output", output]) == 1
        assert says in capsys.readouterr().err


@pytest.mark.parametrize(("sections", "output", "stage", "says"), CASES)
def test_jobs_that_do_not_ask_for_it_run(monkeypatch, tmp_path, sections, output, stage, says):
    monkeypatch.setattr("leadterm.report.draw_figures.can_draw", lambda: False)
    config = config_of(**sections)
    asked = [check.job for check in checks_of(config, Location.of(output)) if check.stage == stage]
    require_possible(config, Location.of(output), [job for job in jobs_of(config) if job not in asked])


@pytest.mark.parametrize("output", [MEMORY, "run", "file:///run"])
@pytest.mark.parametrize("distribution", ["auto", "spark"])
def test_scores_find_their_way_to_executors_by_themselves(output, distribution):
    config = config_of(attention={"distribution": distribution})
    assert config_of().attention.distribution == "auto"
    assert list(refusals(config, Location.of(output))) == []
    require_possible(config, Location.of(output), jobs_of(config))


def test_a_vocabulary_that_is_given_is_known_to_be_too_large(tmp_path):
    large = config_of(IDS, counting={"memory_per_task": "64GiB"}, attention={"memory": "64MiB"})
    with pytest.raises(ConfigError, match=r"attention.memory is .*; a vocabulary of 67,108,864 tokens needs at least"):
        require_possible(large, Location.of(tmp_path), jobs_of(large))
    require_possible(large, Location.of(tmp_path), ["encode_corpus", "count_cooccurrences"])
    with pytest.raises(ConfigError, match=r"counting.memory_per_task is .*; a vocabulary of 67,108,864 tokens"):
        require_possible(config_of(IDS), Location.of(tmp_path), ["encode_corpus", "count_cooccurrences"])


def test_the_size_of_a_vocabulary_is_known_where_it_is_given_or_made(tmp_path, whole_folder):
    save_tokenizer(tmp_path)
    source = {"kind": "huggingface", "source": str(tmp_path / "tokenizer.json")}
    assert given_size(config_of()) is None
    assert given_size(config_of(IDS)) == 2**26
    assert given_size(config_of(source)) > 10
    assert counted_size(Location.of(tmp_path)) is None
    assert counted_size(Location.of(whole_folder)) > 5


def test_a_run_whose_vocabulary_is_there_is_asked_for_its_size(whole_folder):
    small = config_of(attention={"memory": "64MiB"})
    require_possible(small, Location.of(whole_folder), ["compose_weights"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("leadterm.pipeline.preflight.counted_size", lambda _run: 10**8)
        with pytest.raises(ConfigError, match=r"attention\.memory is 67,108,864 bytes"):
            require_possible(small, Location.of(whole_folder), ["compose_weights"])


@pytest.mark.parametrize(
    ("sections", "output", "says"),
    [
        ({}, "run", "the config has no section 'training'"),
        ({"training": {}}, MEMORY, "is not a local folder. Copy the run to a local disk first"),
        ({"training": {"device": "cuda"}}, "run", "device 'cuda' was requested"),
    ],
)
def test_what_verify_will_not_do_is_told_before_all_jobs(tmp_path, monkeypatch, capsys, sections, output, says):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.yaml").write_text(yaml.safe_dump({"corpus": {"paths": ["x"]}, "tokenizer": WORDS, **sections}))
    assert cli.main(["verify", "--config", "a.yaml", "--output", output]) == 1
    assert says in capsys.readouterr().err


def test_errors_are_those_of_the_jobs():
    ((_, error),) = refusals(config_of(attention={"device": "cuda"}), None)
    assert isinstance(error, MachineError | LeadtermError)
