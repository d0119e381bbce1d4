"""How much a counting task may take at once, from the memory it is given."""

from dataclasses import dataclass

from leadterm.errors import ConfigError

BYTES_PER_TOKEN = 16
"""Of a unit: the token (4), a position and its window's start (8), the file it came from (4)."""
BYTES_PER_ENTRY = 12
"""Of an output batch: column (4) and value (8), in the kernel's arrays, from which they are written."""
BYTES_PER_VOCABULARY_ENTRY = 64
"""Scratch row (8), group bounds (16), keys and offsets of a batch (16), both frequencies (16); slack (8)."""
BYTES_PER_ROW_OF_SCORES = 96
"""What attention keeps besides: where the rows lie (24), one written out (8) and one noted (4), the scores of tokens
without one (8), a scale (8), marks (2), the groups of a block (32); slack (10)."""
PLACES_PER_POSITION = 8
"""A block of attention has a position for this many places at most, so that what is kept for each is bounded too."""
BYTES_PER_PLACE = 10
"""Of a block of attention: a score or a mean (8), and its share of what is kept for a position (16, of 8 places)."""
LARGEST_UNIT = 2**30
"""Tokens: positions are int32."""
LARGEST_BATCH = 2**19
"""Entries: 6 MB, which stay near the core until they are packed."""


@dataclass(frozen=True)
class TaskMemory:
    """What a task may hold at once.

    Attributes
    ----------
    unit_tokens
        Tokens counted together before rows are emitted.
    batch_entries
        Nonzeros of one emitted batch.
    block_places
        Scores that are looked up together, one for each pair of a position and a token of its context, and their mean
        for each position; 0 where none are.
    """

    unit_tokens: int
    batch_entries: int
    block_places: int = 0

    def held(self, vocabulary_size: int) -> int:
        """Say how many bytes all of it takes. Where there is a block, it is made after positions were sorted anew."""
        held = self.unit_tokens * BYTES_PER_TOKEN + self.batch_entries * BYTES_PER_ENTRY
        held += self.block_places * BYTES_PER_PLACE + vocabulary_size * BYTES_PER_VOCABULARY_ENTRY
        return held + (vocabulary_size * BYTES_PER_ROW_OF_SCORES if self.block_places else 0)


def places_of(pairs: float, positions: float) -> float:
    """Say how many places of blocks some positions with this many pairs take."""
    return max(pairs + positions, PLACES_PER_POSITION * positions)


def plan_memory(memory_bytes: int, vocabulary_size: int, window_length: int, *, attention: bool = False) -> TaskMemory:
    """Divide a task's memory: an eighth at most for output batches, the rest for the unit of windows.

    With ``attention``, half of it goes to the block of scores that are looked up together.

    Raises
    ------
    ConfigError
        If a single window and a single full row would not fit.
    """
    batch = max(vocabulary_size, min(LARGEST_BATCH, memory_bytes // 8 // BYTES_PER_ENTRY))
    places = max(window_length + 1, memory_bytes // 2 // BYTES_PER_PLACE) if attention else 0
    fixed = TaskMemory(0, batch, places).held(vocabulary_size)
    unit = min(LARGEST_UNIT, (memory_bytes - fixed) // BYTES_PER_TOKEN)
    if unit <= window_length:
        needed = fixed + (window_length + 1) * BYTES_PER_TOKEN
        raise ConfigError(
            f"counting.memory_per_task is {memory_bytes:,} bytes; a vocabulary of {vocabulary_size:,} tokens needs at "
            f"least {needed:,}. Raise counting.memory_per_task."
        )
    return TaskMemory(unit, batch, places)
