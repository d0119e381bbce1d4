"""What files of this folder share: a real cluster, and a run for checkpoints to be scored against."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support.cluster import Cluster, running_cluster
from support.shared import shared_folder

if TYPE_CHECKING:
    from support.alignment_runs import Case


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Run a standalone cluster of two workers with one core each."""
    with running_cluster(tmp_path_factory.mktemp("cluster")) as running:
        yield running


@pytest.fixture(scope="session")
def counted_case(spark, tmp_path_factory: pytest.TempPathFactory) -> "Case":
    """A run over random text, counted once for all processes of the tests."""
    from support.alignment_runs import count_random_text  # noqa: PLC0415  # brings transformers

    with shared_folder(tmp_path_factory, "alignment") as folder:
        return count_random_text(spark, folder)


@pytest.fixture
def case(counted_case: "Case", tmp_path: Path) -> "Case":
    """A copy of the run, without scores."""
    return counted_case.copied(tmp_path / "run")


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A folder of three revisions."""
    from support.alignment_runs import save_models  # noqa: PLC0415  # brings transformers

    return save_models(tmp_path / "models", {f"step{step}": ("gpt_neox", step) for step in (1, 2, 4)})
