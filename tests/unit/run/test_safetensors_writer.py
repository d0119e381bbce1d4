"""Safetensors files written block by block, against the library that others read them with."""

import numpy as np
import pytest
import safetensors.numpy
from safetensors import safe_open

from leadterm.errors import MachineError
from leadterm.run.safetensors_writer import tensor_file
from leadterm.storage import Location

METADATA = {"format": "pt"}
"""One entry: the library writes several in an order that changes."""


def blocks_of(dtype: str) -> dict[str, list[np.ndarray]]:
    random = np.random.default_rng(2)
    matrix, vector = random.normal(size=(7, 3)).astype(dtype), random.normal(size=5).astype(dtype)
    return {"a": [matrix[:2], np.asfortranarray(matrix[2:6]), matrix[6:]], "b": [vector]}


def write(place, blocks, dtype, metadata=METADATA) -> None:
    whole = {name: np.concatenate(parts).shape for name, parts in blocks.items()}
    with tensor_file(Location.of(place), whole, dtype, metadata) as file:
        for parts in blocks.values():
            for part in parts:
                file.append(part)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_bytes_are_those_of_the_library(tmp_path, dtype):
    blocks = blocks_of(dtype)
    write(tmp_path / "ours", blocks, dtype)
    whole = {name: np.concatenate(parts) for name, parts in blocks.items()}
    safetensors.numpy.save_file(whole, tmp_path / "theirs", METADATA)
    assert (tmp_path / "ours").read_bytes() == (tmp_path / "theirs").read_bytes()


@pytest.mark.parametrize("text", ["", "x", "xy", 'ä "quoted" \\ \n', "☃" * 7])
def test_any_metadata_comes_back_and_tensors_stay_aligned(tmp_path, text):
    metadata = {"format": "pt", "one": text, "two": text * 2}
    write(tmp_path / "file", blocks_of("float64"), "float64", metadata)
    with safe_open(tmp_path / "file", "np") as file:
        assert file.metadata() == metadata
        assert np.array_equal(file.get_tensor("b"), blocks_of("float64")["b"][0])
    assert int.from_bytes((tmp_path / "file").read_bytes()[:8], "little") % 8 == 0


def test_numbers_are_converted_to_the_type_of_the_file(tmp_path):
    write(tmp_path / "file", blocks_of("float64"), "float32")
    found = safetensors.numpy.load_file(tmp_path / "file")["a"]
    assert found.dtype == np.float32
    assert np.array_equal(found, np.concatenate(blocks_of("float64")["a"]).astype(np.float32))


@pytest.mark.parametrize("rows", [1, 3])
def test_a_header_that_promises_other_numbers_is_a_defect(tmp_path, rows):
    (tmp_path / "file").write_bytes(b"before")
    shapes = {"a": (2, 4)}
    with (
        pytest.raises(ValueError, match=rf"file: {rows * 32} bytes of tensors, its header says 64"),
        tensor_file(Location.of(tmp_path / "file"), shapes, "float64", METADATA) as file,
    ):
        file.append(np.zeros((rows, 4)))
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("file", b"before")]


def test_a_file_appears_whole_or_not_at_all(tmp_path):
    place = tmp_path / "new" / "file"
    with pytest.raises(KeyboardInterrupt), tensor_file(Location.of(place), {"a": (2, 4)}, "float64", METADATA) as file:
        file.append(np.zeros((1, 4)))
        assert not place.exists()
        raise KeyboardInterrupt
    assert list(place.parent.iterdir()) == []


def test_an_object_store(tmp_path):
    place = Location.of("memory://bucket/folder/file")
    with tensor_file(place, {"a": (4,)}, "float64", METADATA) as file:
        file.append(np.arange(4.0))
    (tmp_path / "copy").write_bytes(place.read_bytes())
    assert safetensors.numpy.load_file(tmp_path / "copy")["a"].tolist() == [0, 1, 2, 3]
    assert Location.of("memory://bucket/folder").names() == ["file"]
    place.remove()


def test_a_place_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(MachineError, match=r"cannot write .*file/weights: .* Choose a place that you can write to"):
        write(tmp_path / "file" / "weights", blocks_of("float64"), "float64")
    (tmp_path / "folder").mkdir()
    with pytest.raises(MachineError, match=r"cannot write .*folder: "):
        write(tmp_path / "folder", blocks_of("float64"), "float64")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]
