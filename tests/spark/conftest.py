"""A real cluster for the tests of this folder that ask for one."""

from collections.abc import Iterator

import pytest

from support.cluster import Cluster, running_cluster


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Run a standalone cluster of two workers with one core each."""
    with running_cluster(tmp_path_factory.mktemp("cluster")) as running:
        yield running
