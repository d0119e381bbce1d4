"""A revision that was trained on the run is the one that was trained."""

import pytest

from leadterm.errors import RunError
from leadterm.evaluation.wanted import Wanted
from leadterm.store import Location, Manifest
from leadterm.store.products import list_file, write_manifest


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json"])
def test_a_changed_file_of_a_revision_is_named_and_those_of_others_do_not_matter(tmp_path, name):
    folder = Location.of(tmp_path) / "pretrained"
    names = [f"step{step}/{one}" for step in (1, 2) for one in ("config.json", "model.safetensors", "tokenizer.json")]
    for one in names:
        (folder / one).write_bytes(one.encode())
    files = tuple(list_file(folder, one) for one in names)
    write_manifest(folder, Manifest("pretrained", {}, {}, {}, files))
    (folder / "step2" / name).write_bytes(b"other")
    revisions = [Wanted("pretrained", "pretrained", f"step{step}", step, False, is_own=True) for step in (1, 2)]
    revisions[0].verify_files(Location.of(tmp_path))
    with pytest.raises(RunError, match=rf"^{tmp_path}/pretrained/step2/{name} is damaged: its SHA-256 is "):
        revisions[1].verify_files(Location.of(tmp_path))
