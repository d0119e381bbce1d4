"""The frame holds together: the Makefile, the pinned versions, the packaging and the import rules."""

import re
import runpy
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path
from typing import Any

import pytest
import setuptools
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from leadterm.packages import EXTRAS

ROOT = Path(__file__).parents[2]
LIBRARY = ROOT / "lib/leadterm"
MAKEFILE = (ROOT / "Makefile").read_text()


@pytest.fixture
def packaging_arguments(monkeypatch: pytest.MonkeyPatch) -> Mapping[str, Any]:
    """What setup.py hands to setuptools."""
    given: dict[str, Any] = {}
    monkeypatch.setattr(setuptools, "setup", given.update)
    monkeypatch.chdir(ROOT)
    runpy.run_path("setup.py")
    return given


@pytest.fixture(scope="module")
def pins() -> dict[str, str]:
    """The version that conf/constraints.txt gives to each package."""
    lines = (ROOT / "conf/constraints.txt").read_text().splitlines()
    matches = [re.fullmatch(r"([\w.-]+)==([\w.]+)", line) for line in lines if not line.startswith("#")]
    assert all(matches), "each line is name==version: no URL, no path, no option, no local version such as +cpu"
    return {canonicalize_name(match[1]): match[2] for match in matches if match}


def requirements(arguments: Mapping[str, Any]) -> list[Requirement]:
    extras = arguments["extras_require"].values()
    return [
        Requirement(line) for line in [*arguments["install_requires"], *(line for extra in extras for line in extra)]
    ]


def test_make_help_lists_every_target() -> None:
    targets = re.search(r"^\.PHONY: (.+)$", MAKEFILE, re.MULTILINE)
    command = ["make", "--no-print-directory", "help"]  # Within `make test` make would say where it goes.
    output = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert targets
    assert [line.split()[1] for line in output.splitlines()] == targets[1].split()


def test_the_makefile_takes_the_pythons_that_setup_py_takes(packaging_arguments: Mapping[str, Any]) -> None:
    oldest = re.search(r"not \((\d+), (\d+)\) <=", MAKEFILE)
    assert oldest
    assert packaging_arguments["python_requires"] == f">={oldest[1]}.{oldest[2]}"


def test_every_requirement_is_pinned_to_a_version_that_it_allows(
    packaging_arguments: Mapping[str, Any], pins: dict[str, str]
) -> None:
    needed = requirements(packaging_arguments)
    assert not {requirement.name for requirement in needed if canonicalize_name(requirement.name) not in pins}
    assert not [str(one) for one in needed if not one.specifier.contains(pins[canonicalize_name(one.name)])]


def test_every_pinned_package_is_one_that_the_environment_needs(
    packaging_arguments: Mapping[str, Any], pins: dict[str, str]
) -> None:
    """A pin that nothing asks for is left from a package that was dropped."""
    seen: set[str] = set()
    waiting = requirements(packaging_arguments)
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        if f"{name}{sorted(requirement.extras)}" in seen:
            continue
        seen |= {name, f"{name}{sorted(requirement.extras)}"}
        waiting += dependencies(requirement)
    assert not set(pins) - seen


def dependencies(requirement: Requirement) -> list[Requirement]:
    """What the installed version of a package asks for, with the extras named in `requirement`."""
    try:
        lines = requires(requirement.name) or []
    except PackageNotFoundError:  # Belongs to another system or another Python.
        return []
    found = [Requirement(line) for line in lines]
    extras = ["", *requirement.extras]
    return [one for one in found if not one.marker or any(one.marker.evaluate({"extra": extra}) for extra in extras)]


def test_the_extra_for_developers_has_all_the_others(packaging_arguments: Mapping[str, Any]) -> None:
    extras = packaging_arguments["extras_require"]
    assert not {line for lines in extras.values() for line in lines} - set(extras["dev"])


def names_of(lines: Iterable[str]) -> set[str]:
    return {canonicalize_name(Requirement(line).name) for line in lines}


OPTIONAL = {"fastokens"}
"""Without it the tokenizers library encodes."""


def test_what_leadterm_asks_for_is_what_its_extras_bring(packaging_arguments: Mapping[str, Any]) -> None:
    extras = packaging_arguments["extras_require"]
    for name, modules in EXTRAS.items():
        asked, brought = {canonicalize_name(package) for package in modules.values()}, names_of(extras[name])
        assert asked <= brought
        if name != "checkpoints":  # Of its packages some are for GGUF files only, whose readers look for them.
            assert asked == brought - OPTIONAL


def test_a_reader_installs_little(packaging_arguments: Mapping[str, Any]) -> None:
    assert names_of(packaging_arguments["install_requires"]) == {"numpy", "pyarrow", "scipy", "tqdm"}


def test_the_extra_for_users_has_all_that_the_library_asks_for(packaging_arguments: Mapping[str, Any]) -> None:
    extras = packaging_arguments["extras_require"]
    for name in (*EXTRAS, "gguf"):
        assert set(extras[name]) <= set(extras["all"])
    for name in ("demo", "notebooks", "test"):
        assert set(extras["all"]) < set(extras[name])


def test_the_wheel_has_every_file_of_the_library(tmp_path: Path) -> None:
    """A package without its ``__init__.py`` would run here, in place, and be missing for everybody else."""
    for name in ("setup.py", "pyproject.toml", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    copy_library(tmp_path)
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--wheel-dir",
        "dist",
    ]
    subprocess.run([*command, "."], cwd=tmp_path, check=True, capture_output=True)
    [wheel] = (tmp_path / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        packed = set(archive.namelist())
    sources = {str(path.relative_to(LIBRARY.parent)) for path in LIBRARY.rglob("*.py")}
    assets = {str(path.relative_to(LIBRARY.parent)) for path in LIBRARY.glob("report/assets/*")}
    assert assets
    assert not {*sources, *assets, "leadterm/py.typed"} - packed
    assert not {name for name in packed if not name.startswith("leadterm")}
    assert any(name.endswith("LICENSE") for name in packed)


@pytest.mark.parametrize(
    ("module", "line", "rule"),
    [
        ("lib/leadterm/unlisted.py", "", "leadterm.unlisted"),
        ("lib/leadterm/counting/bad.py", "from leadterm.storage import anything", "Each package"),
        ("lib/leadterm/config/bad.py", "from leadterm.corpus import anything", "Each package"),
        ("lib/leadterm/theory/bad.py", "import leadterm.counting", "The mathematics"),
        ("lib/leadterm/theory_model/bad.py", "import leadterm.storage", "The mathematics"),
        ("lib/leadterm/theory_model/bad.py", "import leadterm.pipeline.encode_corpus.job", "The mathematics"),
        ("lib/leadterm/storage/bad.py", "from pyspark.sql import SparkSession", "Only leadterm.spark"),
        ("jobs/bad.py", "import pyspark", "Only leadterm.spark"),
        ("lib/leadterm/planner/bad.py", "def f():\n    import leadterm.spark.session", "A plan is made without"),
        ("lib/leadterm/counting/bad.py", "def f():\n    import torch", "What runs on an executor"),
        ("lib/leadterm/corpus/bad.py", "import jobs", "Nothing in the library"),
    ],
)
def test_the_import_rules_refuse(tmp_path: Path, module: str, line: str, rule: str) -> None:
    copy_library(tmp_path)
    shutil.copytree(ROOT / "jobs", tmp_path / "jobs")
    (tmp_path / module).write_text(f"{line}\n")
    program = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    answer = subprocess.run(
        [sys.executable, "-c", program, "--config", str(ROOT / "pyproject.toml"), "--no-cache", "--no-logo"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path / "lib"), "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 1
    broken = re.search(rf"{rule}[^\n]*BROKEN" if line else rule, answer.stdout)
    assert broken, answer.stdout


@pytest.mark.parametrize(
    ("pattern", "instead"),
    [
        (r"\.rdd\b|\.parallelize\(|\bRDD\b|\.(newAPI)?[hH]adoopFile\(|sparkContext\.(text|pickle)File", "DataFrames"),
        (r"\.master\(|\.setMaster\(|\"spark\.master\"\s*[:\]]|--master", "the master of spark-submit or of a config"),
    ],
)
def test_jobs_take(pattern: str, instead: str) -> None:
    sources = [*LIBRARY.rglob("*.py"), *(ROOT / "jobs").glob("*.py")]
    assert not [path for path in sources if re.search(pattern, path.read_text())], f"use {instead}"


def copy_library(folder: Path) -> None:
    shutil.copytree(LIBRARY, folder / "lib/leadterm", ignore=shutil.ignore_patterns("__pycache__"))


@pytest.mark.parametrize("package", ["config", "corpus", "counting", "storage"])
def test_a_package_for_executors_loads_neither_spark_nor_torch(package: str) -> None:
    """The import rules read the source; this also sees what ``leadterm/__init__.py`` and other packages load."""
    code = f"import sys, leadterm.{package}; print(*sorted({{'pyspark', 'torch', 'transformers'}} & set(sys.modules)))"
    answer = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert answer.stdout.split() == []


def test_the_pipeline_loads_torch_only_with_a_job_that_computes_with_it() -> None:
    code = "import sys, leadterm.pipeline.runner; print('torch' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert answer.stdout.split() == ["False"]
