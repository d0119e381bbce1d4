"""What tests of several folders share: one Spark session, started by the first test that asks for it."""

import gc
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from leadterm.storage import Location
from support.quick_spark import QUICK
from support.shared import shared_folder

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# Before anything imports torch: on matrices this small its threads mostly wait, for each other and for other processes.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("LEADTERM_FUZZ_SEED", str(random.randrange(10**6)))  # The processes of one run share it.


def pytest_report_header() -> str:
    """Say which files the fuzzed corpora consist of."""
    return f"LEADTERM_FUZZ_SEED={os.environ['LEADTERM_FUZZ_SEED']}"


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Import without searching for garbage, and keep the million imported objects out of later searches."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what uses the session, so that ``make test-fast`` leaves it out wherever it stands."""
    for item in items:
        if "spark" in getattr(item, "fixturenames", ()):
            item.add_marker("spark")


@pytest.fixture
def two_threads() -> Iterator[None]:
    """Let torch compute with two threads, as on a user's machine, where that might matter to the result."""
    import torch  # noqa: PLC0415  # tests without it do not pay for importing it

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def whole_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with every product, made without Spark; whoever changes it puts it back."""
    from support.whole_runs import whole_run  # noqa: PLC0415  # brings PyTorch

    folder = tmp_path_factory.mktemp("runs") / "run"
    whole_run(folder)
    return folder


@pytest.fixture(scope="session")
def published_folder(whole_folder: Path) -> Path:
    """A copy of it, published with everything that can be said of it, and its text."""
    from leadterm.publish.publish_run import publish_run  # noqa: PLC0415  # brings PyTorch
    from support.published import SECTION  # noqa: PLC0415

    folder = whole_folder.parent / "published"
    publish_run(Location.of(whole_folder), Location.of(folder), SECTION, windows=True)
    return folder


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[SparkSession]":
    """A local session with two task slots, through the function that the jobs use."""
    from leadterm.spark.session import start_session  # noqa: PLC0415  # tests without Spark do not pay for importing it

    scratch = tmp_path_factory.mktemp("spark")
    properties = {
        "spark.master": "local[2]",
        "spark.driver.memory": "2g",
        "spark.local.dir": scratch,
        "spark.sql.warehouse.dir": scratch / "warehouse",
        **QUICK,
    }
    session = start_session("leadterm tests", properties)
    yield session
    session.stop()


@pytest.fixture(scope="session")
def small_run(spark: "SparkSession", tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of some chapters of the sample with every product, made once for all processes. Not to be changed."""
    from support.small_run import make_small_run  # noqa: PLC0415  # as above

    with shared_folder(tmp_path_factory, "small-run") as folder:
        return make_small_run(spark, folder)
