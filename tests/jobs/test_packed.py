"""``leadterm pack``: an archive whose Python runs anywhere, and counts on a cluster that has no leadterm."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path

import pyspark
import pytest

from leadterm.cluster_archive import Packed, pack_environment
from leadterm.config import load_config
from leadterm.pipeline.runner import run_jobs
from leadterm.storage import Location
from support.bad_input import TEXTS, put, texts
from support.cluster import Cluster, running_cluster
from support.commands import content_hashes, submit, write_config

pytestmark = pytest.mark.slow
PLAIN = {"PATH": "/usr/bin:/bin", "PYTHONPATH": "", "PYSPARK_PYTHON": "", "VIRTUAL_ENV": ""}
"""What the environment of a worker has of Python: nothing but the system's."""
OF_THE_MACHINE = ("ld-linux", "libc.so", "libm.so", "libdl.so", "librt.so", "libpthread.so", "libutil.so")
PROGRAM = """
import sys, ssl, ctypes, leadterm.config, leadterm.corpus, leadterm.counting, leadterm.storage
mapped = {line.rstrip().split(maxsplit=5)[-1] for line in open("/proc/self/maps") if ".so" in line}
print(*sorted(mapped), *sys.path, sys.executable, sep="\\n")
"""


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Packed]:
    """This environment as an archive for executors that count, in a folder as README has it; too large to be kept.

    Its gzip does not compress: the archive is unpacked five times, which would take longer than all else.
    """
    with chdir(tmp_path_factory.mktemp("repository")), pytest.MonkeyPatch.context() as patched:
        patched.setattr("leadterm.cluster_archive.archive.LEVEL", 0)
        made = pack_environment(Path("dist"))
    yield made
    made.path.unlink()


@pytest.fixture(scope="module")
def plain_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Run a cluster whose two workers know of no Python but the system's."""
    home = str(Path(pyspark.__file__).parent)
    with running_cluster(tmp_path_factory.mktemp("cluster"), SPARK_HOME=home, **PLAIN) as running:
        yield running


@pytest.fixture
def unpacked(packed, tmp_path) -> Iterator[Path]:
    """The archive, in a folder whose name asks for quotes."""
    folder = tmp_path / "un packed"
    folder.mkdir()
    subprocess.run(["tar", "-xzf", packed.path, "-C", folder], check=True)
    yield folder
    shutil.rmtree(folder)


def test_nothing_but_glibc_is_taken_from_the_machine(unpacked):
    """Where the interpreter and the packages that were packed can be hidden, which takes root, they are not missed."""
    compiled = set(unpacked.rglob("*.nb[ci]"))
    may_hide = shutil.which("unshare") and not subprocess.run(["unshare", "--mount", "true"], check=False).returncode
    hidden = {sys.prefix, sys.base_prefix} - {"/usr", "/usr/local"} if may_hide else set()
    mounts = "".join(f"mount -t tmpfs tmpfs '{place}' && " for place in sorted(hidden))
    command = ["unshare", "--mount", "sh", "-c", f'{mounts}exec "$@"', "sh"] if hidden else []
    answer = subprocess.run(
        [*command, unpacked / "bin/python", "-I", "-B", "-c", PROGRAM], env={}, cwd="/", capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    elsewhere = [line for line in answer.stdout.splitlines() if not line.startswith(f"{unpacked}/")]
    assert not [line for line in elsewhere if not Path(line).name.startswith(OF_THE_MACHINE)]
    names = {path.name for path in unpacked.glob("**/lib/python*/*-packages/*")}
    assert {"leadterm", "numba", "pyarrow", "tokenizers"} <= names
    assert set(unpacked.rglob("*.nb[ci]")) == compiled != set(), "kernels were compiled again"
    assert not {"torch", "pandas", "pyspark", "py4j", "pytest"} & names


def test_a_cluster_without_leadterm_makes_the_bytes_of_one_machine(spark, packed, plain_cluster, tmp_path):
    place = tmp_path / "a folder"
    for number in range(3):
        put(place / f"the corpus/{number}.parquet", texts(TEXTS[20 * number : 20 * number + 20]))
    sections = {"report": {"figures": "never"}}
    write_config(place / "a.yaml", "the corpus", **sections)
    python = {"spark.pyspark.python": "./environment/bin/python", "spark.pyspark.driver.python": sys.executable}
    more = {"spark.executor.extraJavaOptions": os.environ.get("SPARK_SUBMIT_OPTS", "")}
    more["spark.python.unix.domain.socket.enabled"] = "true"
    options = [word for key, value in (python | more).items() for word in ("--conf", f"{key}={value}")]
    arguments = ["--config", "a.yaml", "--output", "cluster"]
    archives = ["--archives", f"{packed.path}#environment"]
    done = submit("run_pipeline", arguments, place, plain_cluster.url, *archives, *options)
    assert done.returncode == 0, done.stdout + done.stderr
    write_config(place / "b.yaml", str(place / "the corpus"), **sections)
    run_jobs(load_config(place / "b.yaml"), Location.of(place / "local"))
    there, here = content_hashes(place / "cluster"), content_hashes(place / "local")
    assert there.pop("report") != here.pop("report")  # It tells the run's name.
    assert there == here
