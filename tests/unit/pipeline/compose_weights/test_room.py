"""Arrays of a strip lie side by side in memory that is used again."""

import numpy as np

from leadterm.pipeline.compose_weights.room import LINE, Room


def test_arrays_begin_at_cache_lines_and_do_not_overlap():
    room = Room(8 * 30 + 4 * 7)
    room.clear()
    arrays = room.take(np.float64, 5, 4), room.take(np.int32, 7), room.take(np.float64, 0), room.take(np.float64, 10)
    for k, array in enumerate(arrays):
        assert array.ctypes.data % LINE == 0
        array[...] = k
    assert all((array == k).all() for k, array in enumerate(arrays))
    assert [array.shape for array in arrays] == [(5, 4), (7,), (0,), (10,)]


def test_a_room_that_is_cleared_gives_the_same_memory_again():
    room = Room(80)
    places = []
    for _ in range(3):
        room.clear()
        places.append(room.take(np.float64, 10).ctypes.data)
    assert len(set(places)) == 1
