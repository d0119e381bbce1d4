"""What was finished is not done again, whatever it was; what is not whole is not taken for finished."""

import os
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadterm.counting import RowGroups, TaskMemory
from leadterm.errors import LeadtermError
from leadterm.pipeline.aggregation.coverage import Cover, disjoint
from leadterm.pipeline.aggregation.partial_sums import PartialsMerger, PartialsWriter, reported_sums
from leadterm.pipeline.aggregation.partial_sums_file import Sums, finished_sums, partials_file
from leadterm.pipeline.aggregation.row_groups import RowGroup
from leadterm.pipeline.aggregation.task import MatrixWriter
from leadterm.pipeline.count_cooccurrences.task import WindowsCounter
from leadterm.storage import FileEntry, Location
from leadterm.storage.formats.windows_files import SCHEMA, WindowsFiles, windows_file
from leadterm.storage.integrity.verified_reader import Written
from leadterm.storage.read_products import PARTS
from leadterm.storage.staged.part_reports import REPORT_SUFFIX
from support.random_windows import random_windows

NUMBERS = st.sets(st.integers(0, 30), min_size=1)


@given(st.lists(NUMBERS, max_size=6))
def test_covers_are_sets_of_numbers(sets):
    covers = [Cover.of(numbers) for numbers in sets]
    for cover, numbers in zip(covers, sets, strict=True):
        assert len(cover) == len(numbers)
        assert Cover.from_text(cover.text) == cover
        spanned = [number for first, stop in cover.spans for number in range(first, stop)]
        assert spanned == sorted(numbers)
    assert len({cover.name for cover in covers}) == len({frozenset(numbers) for numbers in sets})
    together = set().union(*sets)
    if sum(map(len, sets)) > len(together):
        with pytest.raises(LeadtermError, match="was counted twice"):
            Cover.union(covers)
    elif sets:
        assert Cover.union(covers) == Cover.of(together)


@given(st.lists(NUMBERS, max_size=8), st.integers(1, 25))
def test_chosen_covers_share_nothing_and_leave_the_rest(sets, n_groups):
    chosen, rest = disjoint([Cover.of(numbers) for numbers in sets], n_groups)
    numbers = [number for cover in chosen for first, stop in cover.spans for number in range(first, stop)]
    assert sorted([*numbers, *rest.tolist()]) == list(range(n_groups))
    fitting = [numbers for numbers in sets if max(numbers) < n_groups]
    assert max(map(len, chosen), default=0) == max(map(len, fitting), default=0)


@pytest.mark.parametrize("spans", [(), ((0, 4),), ((0, 5), (6, 7)), ((1, 6),), ((0, 7),)])
def test_the_books_ask_for_every_row_group(spans):
    Cover(((0, 6),)).require_all(6)
    Cover(()).require_all(0)
    with pytest.raises(LeadtermError, match="consistency check failed: of 6 row groups of the windows, those that"):
        Cover(spans).require_all(6)


@pytest.mark.parametrize("text", ["", "3", "3-2", "-1-2", "1-2,", "a-b"])
def test_what_names_no_row_groups_is_refused(text):
    with pytest.raises(ValueError, match=r"row groups|invalid literal|values to unpack"):
        Cover.from_text(text)


class Place:
    """A folder with windows of one file each, and a staging folder in which they are counted without Spark."""

    def __init__(self, folder: Path, corpus) -> None:
        self.corpus, self.folder = corpus, folder
        self.groups: list[RowGroup] = []
        files = {}
        (folder / PARTS).mkdir()
        for number, window in enumerate(corpus.windows):
            with windows_file(Location.of(folder / f"{number:03d}")) as (file, sink):
                tokens = pa.array([window], pa.list_(pa.int32()))
                file.append(pa.table([pa.array([0]), pa.array([0], pa.int32()), tokens], schema=SCHEMA))
            self.groups.append(RowGroup(number, f"{number:03d}", 0, len(window)))
            files[f"{number:03d}"] = Written.of(FileEntry(f"{number:03d}", sink.n_bytes, sink.sha256, file.details))
        self.windows = WindowsFiles(str(folder), corpus.size, len(corpus.weights), files)
        self.division = RowGroups(3, 2)
        matrices = ((statistic, block) for statistic in (0, 1) for block in range(-(-corpus.size // 3)))
        self.blocks = (*matrices, (2, 0), (3, 0))
        self.partials = PartialsWriter(str(folder), self.division)

    def count(self, numbers, unit_tokens: int = 1) -> list[Sums]:
        """Count some row groups as a task does."""
        memory = TaskMemory(unit_tokens, self.corpus.capacity)
        length = len(self.corpus.weights)
        counter = WindowsCounter(
            windows=self.windows,
            length=length,
            memory=memory,
            partials=self.partials,
            vocabulary_size=self.corpus.size,
            scale_bits=8,
        )
        dealt = pa.RecordBatch.from_pylist([self.groups[number]._asdict() for number in numbers])
        reports = list(counter(iter([dealt])))
        return reported_sums(pa.Table.from_batches(reports))

    def merge(self, sums: list[Sums]) -> dict[str, bytes]:
        """Merge files of partial sums as a task does: the matrix files and vectors by name."""
        dealt = pa.RecordBatch.from_pylist([{"statistic": one, "block": block} for one, block in self.blocks])
        places = tuple(one.place for one in sums)
        writer = MatrixWriter(str(self.folder), self.corpus.size, 8, self.division, partials=places)
        rows = [row for batch in writer(iter([dealt])) for row in batch.to_pylist()]
        return {f"{row['product']} {row['name']}": row["vector"] or Path(row["place"]).read_bytes() for row in rows}

    @property
    def parts(self) -> Location:
        return Location.of(self.folder / PARTS)


@st.composite
def cases(draw):
    corpus = draw(random_windows())
    n_groups = len(corpus.windows)
    kept = draw(st.sets(st.integers(0, max(0, n_groups - 1)))) if n_groups else set()
    return corpus, kept, draw(st.integers(1, 20)), draw(st.booleans())


@given(cases())
@settings(max_examples=25, deadline=None)
def test_any_finished_units_are_gone_on_from_to_the_same_bytes(case):
    corpus, kept, unit_tokens, adds_up = case
    n_groups = len(corpus.windows)
    if not n_groups:
        return
    with TemporaryDirectory() as one, TemporaryDirectory() as two:
        whole = Place(Path(one), corpus)
        expected = whole.merge(whole.count(range(n_groups)))
        resumed = Place(Path(two), corpus)
        if kept:
            before = resumed.count(sorted(kept), unit_tokens)
            if adds_up:  # A round of adding up was finished, but what it added was not deleted.
                merger = PartialsMerger(resumed.partials, resumed.blocks, corpus.size, signed=False)
                list(merger(iter([pa.RecordBatch.from_pylist([{"place": sums.place} for sums in before])])))
        found = {sums.cover: sums for sums in finished_sums(resumed.parts)}
        chosen, rest = disjoint(found, n_groups)
        assert set(rest.tolist()) == set(range(n_groups)) - kept
        sums = [found[cover] for cover in chosen] + (resumed.count(rest.tolist()) if len(rest) else [])
        Cover.union(one.cover for one in sums).require_all(n_groups)
        assert resumed.merge(sums) == expected
        assert resumed.merge(sums) == expected  # All blocks are there already.


@pytest.fixture
def place(tmp_path) -> Place:
    random = np.random.default_rng(3)

    class Corpus:
        size, capacity, weights = 9, 20, np.zeros(7)
        windows = [random.integers(0, 9, size=8).tolist() for _ in range(4)]  # noqa: RUF012  # read only

    return Place(tmp_path, Corpus())


def test_a_file_of_partial_sums_that_ends_early_is_not_finished(place):
    [sums] = place.count([0, 1], unit_tokens=100)
    path = Path(sums.place)
    whole = path.read_bytes()
    assert finished_sums(place.parts) == [sums]
    for length in reversed(range(len(whole))):
        os.truncate(path, length)  # To write it anew, thousands of times, takes a disk many seconds.
        assert finished_sums(place.parts) == [], length
    path.write_bytes(whole)
    path.rename(path.with_name(Cover.of([2]).name))
    assert finished_sums(place.parts) == [], "a file that sums others than its name says"


def test_a_unit_is_counted_again_where_its_file_is_not_whole(place):
    [sums] = place.count([0, 1], unit_tokens=100)
    path = Path(sums.place)
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    assert place.count([0, 1], unit_tokens=100) == [sums]
    assert path.read_bytes() == whole


def test_a_unit_that_is_finished_is_not_read_again(place):
    """So an attempt after a failure, or a speculative one, does what is left."""
    before = place.count([0, 1, 2])
    for number in (0, 1, 2):
        (place.folder / place.groups[number].file).unlink()
    assert place.count([0, 1, 2]) == before
    with pytest.raises(LeadtermError, match="damaged or missing"):
        place.count([0, 1], unit_tokens=100)
    assert sorted(sums.cover.text for sums in finished_sums(place.parts)) == ["0-0", "1-1", "2-2"]


def test_a_file_has_its_name_when_it_is_whole(place):
    """Also where two attempts write it at the same time."""
    cover, target = Cover.of([0]), place.parts / Cover.of([0]).name
    with partials_file(target, place.division, cover):
        assert [name[0] for name in place.parts.names()] == ["."]
        with partials_file(target, place.division, cover):
            pass
        assert Sums.at(target).cover == cover
        first = target.read_bytes()
    assert target.read_bytes() == first
    assert place.parts.names() == [cover.name]


def test_counting_that_fails_leaves_no_file_that_looks_finished(place):
    def failing():
        yield from ()
        raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        place.partials.write(Cover.of([0]), failing())
    assert place.parts.names() == []


@pytest.mark.parametrize(
    "damage", ["truncated", "changed", "missing", "no report", "half a report", "changed report", "other report"]
)
def test_a_merged_file_that_is_not_whole_is_merged_again(place, damage):
    sums = place.count(range(4))
    expected = place.merge(sums)
    path = Path(place.folder / PARTS / "context-00001")
    report = path.with_name(f"{path.name}{REPORT_SUFFIX}")
    data, told = path.read_bytes(), report.read_bytes()
    if damage in ("truncated", "missing"):
        path.write_bytes(data[:-1]) if damage == "truncated" else path.unlink()
    elif damage == "changed":
        path.write_bytes(data[:20] + bytes([data[20] ^ 1]) + data[21:])
    else:
        half = len(told) // 2
        changed = told[:half] + bytes([told[half] ^ 1]) + told[half + 1 :]
        others = {"no report": b"", "half a report": told[:half], "changed report": changed, "other report": b"[1]"}
        report.write_bytes(others[damage])
    assert place.merge(sums) == expected
    assert (path.read_bytes(), report.read_bytes()) == (data, told)


def test_a_finished_block_is_not_merged_again(place):
    sums = place.count(range(4))
    expected = place.merge(sums)
    for name in place.parts.names():
        if name.startswith("bigram"):
            continue
        (place.folder / PARTS / name).unlink() if not name.startswith("sums") else None
    empty = place.partials.write(Cover.of([9]), iter(()))["place"][0].as_py()
    found = place.merge([Sums(empty, 0, Cover.of([9]))])
    assert {name for name in found if name.startswith("bigram")} == {n for n in expected if n.startswith("bigram")}
