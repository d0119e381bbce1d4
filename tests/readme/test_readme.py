"""What the README says is so: its commands, its config, its Python, its links, its tables."""

import re
import runpy
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import setuptools
import yaml
from safetensors.torch import load_file

import leadterm
from leadterm import cli
from leadterm.config import Config, parse_config

ROOT = Path(__file__).parents[2]
DOCUMENTS = [
    *("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"),
    *sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs/decisions").glob("*.md")),
]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str, text: str = README) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def commands(text: str = README) -> list[list[str]]:
    """Split the lines of the shell blocks into words, comments left out; a line may go on after a backslash."""
    lines = [line for block in blocks("bash", text) for line in block.replace("\\\n", " ").splitlines()]
    return [words for line in lines if (words := shlex.split(line, comments=True))]


def section(title: str) -> str:
    """Return the text under a heading, to the next heading."""
    found = re.search(rf"^#+ {re.escape(title)}\n(.*?)(?=^#+ |\Z)", README, re.MULTILINE | re.DOTALL)
    assert found, f"the README has no section {title!r}"
    return found[1]


# The shell commands, each in the form that a test can afford.


def test_every_command_is_of_a_kind_that_is_checked_here() -> None:
    assert {words[0] for words in commands()} == {"make", "pip", "source", "export", "leadterm", "spark-submit"}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_the_make_targets_exist(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    named = {words[1] for words in commands(text) if words[0] == "make" and len(words) > 1}
    named |= set(re.findall(r"`make ([a-z-]+)`", text))
    targets = re.search(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert targets
    assert named <= set(targets[1].split())


def test_the_options_of_leadterm_exist(capsys: pytest.CaptureFixture[str]) -> None:
    used = [words for words in commands() if words[0] == "leadterm"]
    counted = "run add merge subtract sources plan show weights check publish"
    named = f"{counted} sample verify ablate align pretrain circuits trace"
    assert {words[1] for words in used} == set(named.split())
    for words in used:
        with pytest.raises(SystemExit, match="0"):
            cli.main([words[1], "--help"])
        usage = capsys.readouterr().out
        assert [option for option in words if option.startswith("--") and option not in usage] == []


def test_the_scripts_for_spark_submit_exist_and_take_the_options() -> None:
    used = [words for words in commands() if words[0] == "spark-submit"]
    assert used
    for words in used:
        place = next(number for number, word in enumerate(words) if word.startswith("jobs/"))
        script, options = words[place], words[place + 1 :]
        named = [words[number + 1] for number in range(place) if words[number] == "--properties-file"]
        assert [path for path in named if not (ROOT / path).exists()] == []
        command = [sys.executable, str(ROOT / script), "--help"]
        usage = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        assert [option for option in options if option.startswith("--") and option not in usage] == []


def test_every_extra_for_users_stands_in_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, Any] = {}
    monkeypatch.setattr(setuptools, "setup", given.update)
    monkeypatch.chdir(ROOT)
    runpy.run_path("setup.py")
    listed = re.findall(r"^\| `(\w+)` \|", section("Install it"), re.MULTILINE)
    assert {*listed, "notebooks", "demo", "test", "dev"} == set(given["extras_require"])
    installed = [words for words in commands() if words[0] == "pip"]
    assert [words[-1] for words in installed] == [".", ".[all]"]
    assert {words[words.index("--constraint") + 1] for words in installed} == {"conf/constraints.txt"}


def test_the_command_that_finds_java_is_a_module() -> None:
    [line] = [words[1] for words in commands() if words[0] == "export"]
    module = re.search(r"python -m ([\w.]+)", line)
    assert module
    usage = [sys.executable, "-m", module[1], "--help"]
    assert "Java" in subprocess.run(usage, capture_output=True, text=True, check=True).stdout


def test_every_job_stands_in_the_table() -> None:
    assert sorted(re.findall(r"`(jobs/\w+\.py)`", section("On your own Parquet"))) == sorted(
        f"jobs/{path.name}" for path in (ROOT / "jobs").glob("*.py")
    )


# The config.


def test_the_config_of_the_readme_loads() -> None:
    [text] = blocks("yaml")
    config = parse_config(yaml.safe_load(text), "README.md")
    assert config.tokenizer.kind == "words"


def test_every_section_of_the_config_stands_in_the_table() -> None:
    assert re.findall(r"^\| `(\w+)` \|", section("The config"), re.MULTILINE) == list(Config.model_fields)


def test_the_error_that_the_readme_shows_is_the_one_that_comes() -> None:
    settings = {"corpus": {"paths": ["a"], "text_colum": "text"}, "tokenizer": {"kind": "words", "vocabulary_size": 1}}
    with pytest.raises(leadterm.LeadtermError) as raised:
        parse_config(settings)
    shown = re.search(r"`(corpus\.text_colum: .+)`", README)
    assert shown
    start, end = shown[1].split("…")
    assert start.strip() in str(raised.value)
    assert str(raised.value).endswith(end.strip())


# What needs a run.


def test_the_python_of_the_readme_runs(small_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    [code] = blocks("python")
    assert '"runs/demo"' in code
    names: dict[str, Any] = {}
    exec(code.replace('"runs/demo"', repr(str(small_run))), names)
    assert names["weights"].output.shape == (names["run"].vocabulary_size,) * 2
    assert load_file("weights.safetensors")["output"].shape == (1000, names["run"].vocabulary_size)
    with pytest.raises(leadterm.LeadtermError, match="This would fit"):
        names["basis"].bigram @ names["basis"].bigram


def test_the_run_directory_is_as_it_is_drawn(small_run: Path) -> None:
    tree = section("The run directory").partition("```text")[2].partition("```")[0]
    assert set(re.findall(r"[├└]── (\w+)/", tree)) == {path.name for path in small_run.iterdir()}
    files = set(re.findall(r"[\w-]+\.parquet", tree))
    assert files == {re.sub(r"\d{5}", "00000", path.name) for path in small_run.glob("*/*.parquet")}


def test_the_files_that_the_query_names_are_there(small_run: Path) -> None:
    [query] = blocks("sql")
    patterns = set(re.findall(r"'runs/demo/([^']+)'", query))
    assert patterns == {"bigram/rows-*.parquet", "vocabulary/vocabulary.parquet"}
    assert all(list(small_run.glob(pattern)) for pattern in patterns)


# The documents.


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_into_the_repository_resolve(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]
    folder = (ROOT / document).parent
    assert [link for link in links if not (folder / link.partition("#")[0]).exists()] == []


def test_every_decision_stands_in_the_index() -> None:
    folder = ROOT / "docs/decisions"
    linked = re.findall(r"\]\(([\w-]+\.md)\)", (folder / "README.md").read_text(encoding="utf-8"))
    assert sorted(linked) == sorted(path.name for path in folder.glob("*.md") if path.name != "README.md")


@pytest.mark.parametrize("document", DOCUMENTS)
def test_paths_in_the_repository_that_are_named_exist(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    named = re.findall(r"`((?:lib|jobs|conf|tests|notebooks)/[\w./-]*[\w/])`", text)
    assert [path for path in named if not (ROOT / path).exists()] == []
