from typing import Any

import pyarrow as pa
import pytest

from leadterm.config import CorpusSection
from leadterm.errors import InputError
from leadterm.pipeline.encode_corpus.inputs.source_list import join_sources, new_sources, refuse_copies, sources_hash


def files(*rows: tuple[str, str | None], **others: Any) -> pa.Table:
    """List files by path and hash; without a hash a file is known by its length and time of change."""
    rest = {"bytes": 9, "modified": None, "rows": 3, **others}
    schema = pa.schema(
        {"path": pa.string(), "bytes": pa.int64(), "sha256": pa.string(), "modified": pa.int64(), "rows": pa.int64()}
    )
    return pa.Table.from_pylist([{"path": f"file:///{path}", "sha256": sha, **rest} for path, sha in rows], schema)


def paths(table: pa.Table) -> list[str]:
    return [path.removeprefix("file:///") for path in table["path"].to_pylist()]


COUNTED = files(("a", "1"), ("b", "2"))


@pytest.fixture(autouse=True)
def there(monkeypatch) -> set[str]:
    """The files that lie where they were counted."""
    lying = {"/a", "/b"}
    monkeypatch.setattr(
        "leadterm.pipeline.encode_corpus.inputs.source_list.Location.exists", lambda place: place.path in lying
    )
    return lying


def test_files_that_are_counted_are_passed_over_unless_they_were_named():
    found = files(("a", "1"), ("b", "2"), ("c", "3"))
    assert paths(new_sources(found, COUNTED, named=False).fresh) == ["c"]
    assert paths(new_sources(found, None, named=True).fresh) == ["a", "b", "c"]
    with pytest.raises(InputError, match=r"^2 files cannot be added\. .*\n  /a is already counted\n  /b is already"):
        new_sources(found, COUNTED, named=True)


@pytest.mark.parametrize("named", [False, True])
def test_what_would_be_counted_twice_or_has_changed_is_named(named):
    with pytest.raises(InputError, match=r"1 file cannot be added\. .*\n  /d holds the same as /b$"):
        new_sources(files(("c", "3"), ("d", "2")), COUNTED, named=named)
    with pytest.raises(InputError, match=r"/d holds the same as /c"):
        new_sources(files(("c", "3"), ("d", "3")), COUNTED, named=named)
    with pytest.raises(InputError, match=r"/b has changed since it was counted"):
        new_sources(files(("b", "3")), COUNTED, named=named)
    with pytest.raises(InputError, match=r"^9 files .*(\n  /\d holds the same as /a){5}\n  and 4 more$"):
        new_sources(files(*((str(n), "1") for n in range(9))), COUNTED, named=named)


def test_files_without_documents_may_come_again():
    for nothing in ({"rows": 0}, {"rows": None, "bytes": 0}):
        counted = files(("a", "1"), **nothing)
        assert paths(new_sources(files(("a", "1"), ("b", "1"), ("c", "1"), **nothing), counted, named=False).fresh) == [
            "b",
            "c",
        ]
        assert paths(join_sources([counted, files(("b", "1"), **nothing)])) == ["a", "b"]


def test_files_without_a_hash_are_known_by_path_length_and_time_of_change():
    counted = files(("a", None), ("b", None), modified=7)
    assert paths(new_sources(files(("a", None), ("c", None), modified=7), counted, named=False).fresh) == ["c"]
    with pytest.raises(InputError, match=r"/a has changed since it was counted"):
        new_sources(files(("a", None), modified=8), counted, named=False)


def test_sources_of_runs_join_in_order_of_their_paths():
    other = files(("aa", "3"), ("c", "4"))
    joined = join_sources([other, COUNTED])
    assert joined.equals(files(("a", "1"), ("aa", "3"), ("b", "2"), ("c", "4")))
    assert sources_hash(joined, ordered=False) == sources_hash(pa.concat_tables([COUNTED, other]), ordered=False)
    with pytest.raises(
        InputError, match=r"1 file would be counted twice\. Merge runs over .*\n  /z holds the same as /a"
    ):
        join_sources([COUNTED, files(("z", "1"))])
    twice = files(("a", "1"), ("b", "1"))  # As one run over both counted them.
    assert paths(join_sources([twice, other])) == ["a", "aa", "b", "c"]


def test_a_file_that_lies_under_another_name_now_was_renamed(there):
    there.remove("/b")
    found = new_sources(files(("a", "1"), ("c", "2"), ("d", "3")), COUNTED, named=False)
    assert (paths(found.fresh), found.renamed) == (["d"], [("file:///b", "file:///c")])
    there.add("/b")
    with pytest.raises(InputError, match=r"/c holds the same as /b"):
        new_sources(files(("a", "1"), ("c", "2")), COUNTED, named=False)


def test_of_two_copies_of_a_file_that_is_gone_one_was_renamed(there):
    there.remove("/b")
    with pytest.raises(InputError, match=r"1 file cannot be added\. .*\n  /d holds the same as /b"):
        new_sources(files(("c", "2"), ("d", "2")), COUNTED, named=False)
    found = new_sources(files(("c", "2"), ("d", "2")), COUNTED, named=False, copies_count=True)
    assert (paths(found.fresh), [new for _, new in found.renamed]) == (["d"], ["file:///c"])


def test_a_folder_that_moved_is_passed_over_whole(there):
    there.clear()
    found = new_sources(files(("new/a", "1"), ("new/b", "2"), ("new/c", "3")), COUNTED, named=True)
    assert paths(found.fresh) == ["new/c"]
    assert found.renamed == [("file:///a", "file:///new/a"), ("file:///b", "file:///new/b")]


def test_copies_are_refused_unless_they_are_meant():
    section = CorpusSection(paths=("a",))
    refuse_copies(files(("a", "1"), ("b", "2")), section)
    refuse_copies(files(("a", "1"), ("b", "1"), rows=0), section)
    with pytest.raises(InputError, match=r"1 file would be counted twice\. Leave copies out.*\n  /b holds the same as"):
        refuse_copies(files(("a", "1"), ("b", "1")), section)
    refuse_copies(files(("a", "1"), ("b", "1")), section.model_copy(update={"copies": "count"}))
