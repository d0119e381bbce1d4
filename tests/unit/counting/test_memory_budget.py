import re

import pytest

from leadterm.counting import plan_memory
from leadterm.errors import ConfigError

MIB = 2**20


@pytest.mark.parametrize("memory", [64 * MIB, 512 * MIB, 2**30, 2**34, 2**40])
@pytest.mark.parametrize("vocabulary", [1, 5_000, 200_000])
@pytest.mark.parametrize("length", [1, 128, 65_536])
def test_a_plan_fits_the_kernels(memory, vocabulary, length):
    plan = plan_memory(memory, vocabulary, length)
    assert plan.batch_entries >= vocabulary  # a full row
    assert plan.unit_tokens > length  # a full window
    assert plan.unit_tokens < 2**31  # positions are int32
    # What the kernels allocate at least: a token, its place in the order and its window's start are int32; an entry
    # of a batch is int32 and int64; a scratch row and both frequency vectors are int64.
    assert 12 * plan.unit_tokens + 12 * plan.batch_entries + 24 * vocabulary <= memory


@pytest.mark.parametrize("memory", [128 * MIB, 2**30, 2**40])
@pytest.mark.parametrize("vocabulary", [1, 200_000])
@pytest.mark.parametrize("length", [1, 128, 65_536])
def test_a_plan_for_attention_has_room_for_a_block_too(memory, vocabulary, length):
    plan = plan_memory(memory, vocabulary, length, attention=True)
    assert plan.block_places > length  # a full position, and its mean
    # As above, and for a block the scores and 16 bytes of each position, at most an eighth as many. For each token
    # where its row lies (three numbers), three of float64, and the four bounds of its group in a block.
    block = 8 * plan.block_places + 16 * (plan.block_places // 8) + 80 * vocabulary
    assert 12 * plan.unit_tokens + 12 * plan.batch_entries + 24 * vocabulary + block <= memory
    assert 20 * plan.unit_tokens + 24 * vocabulary <= memory  # Positions are sorted twice, before there is a block.
    assert plan_memory(memory, vocabulary, length).block_places == 0


def test_more_memory_never_means_smaller_units():
    plans = [plan_memory(memory * MIB, 50_000, 128) for memory in (64, 100, 256, 1024, 10_000)]
    assert [plan.unit_tokens for plan in plans] == sorted(plan.unit_tokens for plan in plans)
    assert [plan.batch_entries for plan in plans] == sorted(plan.batch_entries for plan in plans)
    assert plans[0].unit_tokens < plans[-1].unit_tokens


@pytest.mark.parametrize(("vocabulary", "length"), [(10_000_000, 128), (1_000_000, 65_536), (5_000_000, 1)])
def test_too_little_memory_is_refused_with_what_is_needed(vocabulary, length):
    with pytest.raises(ConfigError, match=r"67,108,864 bytes; .*Raise counting.memory_per_task") as caught:
        plan_memory(64 * MIB, vocabulary, length)
    needed = int(re.search(r"at least ([\d,]+)\.", str(caught.value)).group(1).replace(",", ""))
    assert plan_memory(needed, vocabulary, length).unit_tokens > length
