"""Kernels are compiled as the archive will hold them: the same bytes anywhere, and found where it was unpacked."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from leadterm.cluster_archive.precompiled_kernels import compiled_kernels
from leadterm.errors import MachineError

WRITTEN_AT = 315532800
KERNELS = """
from leadterm.jit import inlined, kernel

@inlined
def twice(number):
    return 2 * number

@kernel("int64(int64)")
def four_times(number):
    return twice(twice(number))
"""
PROGRAM = "import sys; sys.path.insert(0, sys.argv[1]); from tiny import kernels; print(kernels.four_times(3))"


@pytest.fixture
def package(tmp_path) -> dict[str, Path]:
    """A package with a module of kernels and one without."""
    texts = {"tiny/__init__.py": "", "tiny/kernels.py": KERNELS, "tiny/other.py": "raise ImportError"}
    places = [tmp_path / f"{number}.py" for number in range(len(texts))]
    for place, text in zip(places, texts.values(), strict=True):
        place.write_text(text)
    return dict(zip(texts, places, strict=True))


def compiled(package: dict[str, Path], folder: Path) -> dict[str, bytes]:
    """What is compiled in a folder, by name."""
    return {name: path.read_bytes() for name, path in compiled_kernels(package, folder, WRITTEN_AT)}


def test_the_same_bytes_wherever_kernels_are_compiled(package, tmp_path):
    one, other = (compiled(package, tmp_path / name) for name in ("a", "another folder"))
    assert one == other
    assert {Path(name).suffix for name in one} == {".nbi", ".nbc"}


def test_a_copy_takes_what_was_compiled(package, tmp_path):
    files = compiled(package, tmp_path / "a")
    shutil.copytree(tmp_path / "a", tmp_path / "b")  # With the times of files, as tar does.
    answer = subprocess.run([sys.executable, "-c", PROGRAM, tmp_path / "b"], capture_output=True, text=True, check=True)
    assert answer.stdout == "12\n"
    found = {str(path.relative_to(tmp_path / "b")): path.read_bytes() for path in (tmp_path / "b").rglob("*.nb[ci]")}
    assert found == files


def test_a_cache_elsewhere_is_not_used(package, tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "cache"))
    assert compiled(package, tmp_path / "a")
    assert not (tmp_path / "cache").exists()


def test_kernels_that_do_not_compile_are_told(package, tmp_path):
    package["tiny/kernels.py"].write_text(KERNELS.replace("return 2 * number", "return number.unknown"))
    with pytest.raises(MachineError, match=r"(?s)kernels could not be compiled: .*unknown"):
        compiled(package, tmp_path / "a")
