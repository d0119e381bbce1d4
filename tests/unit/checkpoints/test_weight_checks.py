"""Weights that are missing from the files: fatal where a score reads them, a remark where none does."""

import pytest
import torch
from safetensors.torch import load_file, save_file

from leadterm.checkpoints import open_checkpoint
from leadterm.errors import InputError
from support.tiny_models import save, tiny_model

WEIGHTS = "model.safetensors"


def message_of(folder) -> str:
    with pytest.raises(InputError) as caught:
        open_checkpoint(folder)
    return str(caught.value)


def change(folder, action) -> None:
    """Write the weights of a folder again, after an action on its dictionary of tensors."""
    tensors = load_file(folder / WEIGHTS)
    action(tensors)
    save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})


def test_a_head_that_is_missing_is_said(folder):
    """No score reads it; what is drawn in its place must not enter the fingerprint."""
    whole = open_checkpoint(folder)
    change(folder, lambda tensors: tensors.pop("lm_head.weight"))
    found = [open_checkpoint(folder) for _ in range(2)]
    assert found[0].weights_sha256 == found[1].weights_sha256 != whole.weights_sha256
    assert found[0].remarks == (
        "missing from its files, or of a different shape than config.json says, but not used by any score: "
        "lm_head.weight",
    )
    for ours, theirs in zip(found[0].layers(range(5)), whole.layers(range(5)), strict=True):
        assert torch.equal(ours.post, theirs.post) and torch.equal(ours.query, theirs.query)


def test_a_head_of_another_shape_is_said(folder):
    change(folder, lambda tensors: tensors.update({"lm_head.weight": torch.ones(64, 16)}))
    assert open_checkpoint(folder).remarks[0].endswith("not used by any score: lm_head.weight")


def test_a_model_that_was_saved_without_its_head(tmp_path):
    """Its tensors have other names then, without the prefix of the model in the whole."""
    model = tiny_model("gpt_neox")
    folder = save(model.base_model, tmp_path / "base")
    assert not any(name.startswith("gpt_neox.") for name in load_file(folder / WEIGHTS))
    ours, theirs = open_checkpoint(folder), open_checkpoint(save(model, tmp_path / "whole"))
    assert ours.remarks[0].endswith(
        ("not used by any score: lm_head.weight", "not used by any score: embed_out.weight")
    )
    for one, other in zip(ours.layers(range(5)), theirs.layers(range(5)), strict=True):
        assert torch.equal(one.post, other.post)


def test_a_model_without_its_eyes(tmp_path):
    folder = save(tiny_model("gemma3"), tmp_path / "gemma3")
    whole = open_checkpoint(folder)
    kept = {name: tensor for name, tensor in load_file(folder / WEIGHTS).items() if "vision" not in name}
    save_file(kept, folder / WEIGHTS, metadata={"format": "pt"})
    found = open_checkpoint(folder)
    assert "not used by any score: model.vision_tower." in found.remarks[0]
    for ours, theirs in zip(found.layers(range(5)), whole.layers(range(5)), strict=True):
        assert torch.equal(ours.post, theirs.post)
    change(folder, lambda tensors: tensors.pop(next(name for name in tensors if "layers.1.mlp.up_proj" in name)))
    assert "weights are missing from the files: model.language_model.layers.1.mlp.up_proj.weight. They" in message_of(
        folder
    )


def test_embeddings_that_are_the_head_too(tmp_path):
    model = tiny_model("llama")
    model.config.tie_word_embeddings = True
    model.tie_weights()
    folder = save(model, tmp_path / "tied")
    assert "lm_head.weight" not in load_file(folder / WEIGHTS)
    assert open_checkpoint(folder).remarks == ()
    change(folder, lambda tensors: tensors.pop("model.embed_tokens.weight"))
    assert "weights are missing from the files: model.embed_tokens.weight" in message_of(folder)
