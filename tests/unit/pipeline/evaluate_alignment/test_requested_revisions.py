"""Revisions that are scored: those that can be opened and have the run's tokenizer; those trained on the run."""

import json
from pathlib import Path

import pytest
from huggingface_hub import constants

from leadterm.config import AlignmentSection, parse_section
from leadterm.errors import InputError, RunError
from leadterm.pipeline.evaluate_alignment import check_vocabularies, named_revisions
from leadterm.pipeline.evaluate_alignment.requested_revisions import Wanted
from leadterm.storage import Location, Manifest
from leadterm.storage.read_products import list_file, write_manifest
from support.tiny_models import TOKENS, save, save_tokenizer, tiny_model


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


def model(folder: Path, tokens: tuple[str, ...] | None = TOKENS) -> Path:
    """A model that can be opened, with a tokenizer or without."""
    save(tiny_model("llama", 1), folder)
    for path in folder.glob("tokenizer*"):
        path.unlink()
    if tokens is not None:
        save_tokenizer(folder, tokens)
    return folder


def check(*checkpoints: dict[str, object], tokens: tuple[str, ...] = TOKENS) -> None:
    check_vocabularies(named_revisions(parse_section(AlignmentSection, {"checkpoints": list(checkpoints)})), tokens)


def test_checkpoints_with_the_tokenizer_of_the_run(tmp_path):
    one, revisions = model(tmp_path / "one"), model(tmp_path / "many" / "step1").parent
    model(revisions / "step2", None)  # Only the first is looked at; of this one it is told when it is opened.
    check({"source": str(one)}, {"source": str(revisions), "revisions": "all"})


OTHER = (*TOKENS[:3], "other", *TOKENS[4:])


@pytest.mark.parametrize(
    ("theirs", "says"),
    [
        (
            OTHER,
            "alignment.checkpoints: its name at '.*': its tokenizer differs from the run's: token 3 is 'other' there, "
            "'t3'",
        ),
        (TOKENS[:-1], "its tokenizer differs from the run's: it has 52 tokens, the run 53; token 52 is"),
        (None, "expected a folder with a tokenizer.json; found no tokenizer"),
    ],
)
@pytest.mark.parametrize("is_one_of_many", [False, True])
def test_checkpoints_with_another_tokenizer(tmp_path, theirs, says, is_one_of_many):
    good, place = model(tmp_path / "good"), tmp_path / "models"
    model(place / "step8" if is_one_of_many else place, theirs)
    given = {"source": str(place), "name": "its name"} | ({"revisions": ["step8"]} if is_one_of_many else {})
    with pytest.raises(InputError, match=says):
        check({"source": str(good)}, given)


def test_a_hub_that_is_out_of_reach_is_no_reason_yet(tmp_path, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    check({"source": "someone/tiny", "revisions": ["step1"]})


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
