"""How much memory is free: as the system says it, within the limit of a container."""

import pytest
import torch

from leadterm.checkpoints.free_memory import require_memory
from leadterm.errors import MachineError
from leadterm.machine_memory import available_memory


@pytest.fixture
def system(tmp_path):
    (tmp_path / "proc").mkdir()
    (tmp_path / "sys/fs/cgroup/memory").mkdir(parents=True)
    (tmp_path / "proc/meminfo").write_text("MemTotal:  90 kB\nMemFree: 5 kB\nMemAvailable:   80 kB\n")
    return tmp_path


def test_what_the_system_has_free(system):
    assert available_memory(system) == 80 * 1024


@pytest.mark.parametrize(
    "names", [("memory.max", "memory.current"), ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes")]
)
def test_the_limit_of_a_container(system, names):
    for name, content in zip(names, ("50000\n", "20000\n"), strict=True):
        (system / "sys/fs/cgroup" / name).write_text(content)
    assert available_memory(system) == 30_000


def test_a_container_without_a_limit(system):
    (system / "sys/fs/cgroup/memory.max").write_text("max\n")
    (system / "sys/fs/cgroup/memory.current").write_text("20000\n")
    assert available_memory(system) == 80 * 1024


def test_a_system_that_does_not_tell(tmp_path):
    assert available_memory(tmp_path) is None


def test_what_does_not_fit():
    require_memory(2**10, "this", torch.device("cpu"))
    with pytest.raises(MachineError) as caught:
        require_memory(2**60, "this", torch.device("cpu"))
    assert str(caught.value).startswith("this takes 1,073,741,824.0 GiB of memory on 'cpu', and ")
    assert str(caught.value).endswith(
        "Choose a smaller model or fewer tokens, run fewer at a time, or use a larger machine."
    )
