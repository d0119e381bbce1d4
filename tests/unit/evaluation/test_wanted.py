"""Which revisions are scored: those that can be opened; one that was trained on the run is what was trained."""

import json

import pytest

from leadterm.config import AlignmentSection
from leadterm.errors import InputError, RunError
from leadterm.evaluation.wanted import Wanted, named_revisions
from leadterm.store import Location, Manifest
from leadterm.store.products import list_file, write_manifest
from support.tiny_models import save, tiny_model


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


def section_of(folder) -> AlignmentSection:
    return AlignmentSection.model_validate({"checkpoints": [{"source": str(folder), "revisions": "all"}]})


def another_family(folder) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "model_type": "mamba"}))


def an_adapter(folder) -> None:
    (folder / "adapter_config.json").write_text("{}")


def no_weights(folder) -> None:
    (folder / "model.safetensors").unlink()


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (another_family, "found a model of type 'mamba'"),
        (an_adapter, "found an adapter (adapter_config.json)"),
        (no_weights, "found no weights"),
    ],
)
def test_what_no_revision_could_be_opened_of_is_refused_before_anything_is_counted(tmp_path, change, found):
    for step in (1, 2):
        save(tiny_model("llama", step), tmp_path / f"step{step}")
    change(tmp_path / "step1")
    assert [one.revision for one in named_revisions(section_of(tmp_path))] == ["step1", "step2"], "the other is scored"
    change(tmp_path / "step2")
    with pytest.raises(InputError) as caught:
        named_revisions(section_of(tmp_path))
    assert str(caught.value).startswith(f"{tmp_path} at revision 'step1': expected ") and found in str(caught.value)
    assert str(caught.value).endswith(" None of its 2 revisions can be read.")
