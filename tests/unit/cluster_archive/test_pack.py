"""Archives have the same bytes from the same files; what cannot be packed is told."""

import os
from importlib.metadata import PackageNotFoundError
from importlib.util import find_spec

import pytest

from leadterm.cluster_archive import archive
from leadterm.cluster_archive import interpreter_files as interpreter
from leadterm.cluster_archive import package_files as packages
from leadterm.errors import MachineError


def test_the_same_files_give_the_same_bytes_whenever_and_wherever_they_lie(tmp_path):
    written = []
    for number, names in enumerate((["b", "a"], ["a", "b"])):
        folder = tmp_path / str(number)
        folder.mkdir()
        for name in names:
            (folder / name).write_text(name * 1000)
            os.utime(folder / name, (number, number))
        (folder / "b").chmod(0o777 if number else 0o700)
        archive._write(folder / "packed", {f"lib/{name}": folder / name for name in names})
        written.append((folder / "packed").read_bytes())
    assert written[0] == written[1]
    (tmp_path / "1/a").write_text("another")
    archive._write(tmp_path / "other", {f"lib/{name}": tmp_path / "1" / name for name in "ab"})
    assert (tmp_path / "other").read_bytes() != written[1]


@pytest.mark.parametrize("package", archive.MODULES)
def test_what_a_new_archive_is_tried_with_is_there(package):
    """The trial of a whole archive takes a minute; a package that was renamed fails here first."""
    assert find_spec(f"leadterm.{package}")


def test_what_does_not_run_is_no_archive(tmp_path, monkeypatch):
    monkeypatch.setattr(interpreter, "standard_library", lambda: iter(()))
    monkeypatch.setattr(archive, "package_files", lambda packages: iter(()))
    with pytest.raises(MachineError, match="the packed environment does not run: "):
        archive.pack_environment(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_place_of_the_folder_is_told(tmp_path):
    (tmp_path / "dist").write_text("")
    with pytest.raises(MachineError, match=r"cannot write .*/dist/leadterm-.*Choose a folder that you can write to"):
        archive.pack_environment(tmp_path / "dist")


def test_a_package_that_is_missing_is_named(monkeypatch):
    found = packages.distribution

    def distribution(name):
        if name == "regex":
            raise PackageNotFoundError(name)
        return found(name)

    monkeypatch.setattr(packages, "distribution", distribution)
    with pytest.raises(MachineError, match=r"regex is not installed here\. Run pip install 'leadterm\[spark\]'\."):
        packages.needed_packages(archive.COUNTING, packages.FROM_SPARK)
    with pytest.raises(MachineError, match=r"Run pip install 'leadterm\[spark,torch,checkpoints\]'\."):
        packages.needed_packages((*archive.COMPOSING, "checkpoints"), packages.FROM_SPARK)


def test_what_serves_drivers_has_torch_and_what_counts_has_not():
    counting = packages.needed_packages(archive.COUNTING, packages.FROM_SPARK | packages.FOR_DRIVERS)
    scoring = packages.needed_packages((*archive.COMPOSING, "checkpoints"), packages.FROM_SPARK)
    assert counting.keys() < scoring.keys()
    assert {"torch", "sympy", "transformers", "accelerate", "gguf"} <= scoring.keys() - counting.keys()
    assert {"numba", "llvmlite", "numpy", "pyarrow", "pydantic-core"} <= counting.keys()
    assert not {"pyspark", "py4j", "pytest"} & scoring.keys()


def test_only_linux_is_packed(monkeypatch):
    monkeypatch.setattr(interpreter.sys, "platform", "darwin")
    with pytest.raises(MachineError, match="packed on darwin does not run on a cluster of Linux machines"):
        interpreter.require_linux()


def test_the_glibc_that_is_needed_is_not_newer_than_the_one_that_runs():
    _, version = os.confstr("CS_GNU_LIBC_VERSION").split()
    files = [path for _, path in interpreter.standard_library()]
    assert (
        (2, 2)
        < tuple(map(int, interpreter.needed_glibc([interpreter.binary(), *files]).split(".")))
        <= tuple(map(int, version.split(".")))
    )
    assert interpreter.needed_glibc([]) == "2.0"
