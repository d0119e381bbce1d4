"""Damaged and wrong folders of models: each is refused before or while it is loaded, with what to do."""

import json
import pickle

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import BertConfig, BertForMaskedLM

from leadterm.checkpoints import open_checkpoint
from leadterm.errors import InputError
from support.tiny_models import save, tiny_model

WEIGHTS = "model.safetensors"
Q_PROJ = "model.layers.1.self_attn.q_proj.weight"


def message_of(folder, **options) -> str:
    with pytest.raises(InputError) as caught:
        open_checkpoint(folder, **options)
    return str(caught.value)


def change(folder, action) -> None:
    """Write the weights of a folder again, after an action on its dictionary of tensors."""
    tensors = load_file(folder / WEIGHTS)
    action(tensors)
    save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})


def test_weights_that_are_missing(folder):
    change(folder, lambda tensors: tensors.pop(Q_PROJ))
    assert message_of(folder) == (
        f"{folder}: weights are missing from the files: {Q_PROJ}. They would be drawn at random. "
        "Download the model again, or choose another revision."
    )


def test_weights_of_another_shape(folder):
    change(folder, lambda tensors: tensors.update({Q_PROJ: torch.ones(8, 16)}))
    assert f"weights have another shape than config.json says: {Q_PROJ}." in message_of(folder)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_weights_that_are_no_numbers(folder, number):
    change(folder, lambda tensors: tensors[Q_PROJ][3, 2:4].fill_(number))
    message = message_of(folder, allow_zeros=True)
    assert message.startswith(f"{folder}: weights hold NaN or infinity: {Q_PROJ}. The training diverged")


def test_matrices_of_zeros(folder):
    keys = [Q_PROJ.replace("q_proj", name) for name in ("k_proj", "v_proj")]
    change(folder, lambda tensors: [tensors[key].zero_() for key in keys])
    assert f"weights are 0 throughout: {', '.join(keys)}. They were never trained or never written" in message_of(
        folder
    )
    assert open_checkpoint(folder, allow_zeros=True).n_layers == 2


def test_a_file_that_is_cut_short(folder):
    whole = (folder / WEIGHTS).read_bytes()
    for part in (whole[:-100], whole[:50], b"", b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n"):
        (folder / WEIGHTS).write_bytes(part)
        message = message_of(folder)
        assert message.startswith(
            f"{folder / WEIGHTS}: expected a whole safetensors file; found one that is cut short or broken ("
        )
        assert message.endswith("). Download it again.")


def test_a_shard_that_is_missing_or_cut_short(tmp_path):
    folder = save(tiny_model("llama"), tmp_path / "shards", max_shard_size="4KB")
    shard = sorted(folder.glob("*.safetensors"))[1]
    whole = shard.read_bytes()
    shard.write_bytes(whole[:-8])
    assert message_of(folder).startswith(f"{shard}: expected a whole safetensors file")
    shard.unlink()
    assert f"files of weights; 1 of them are missing ({shard.name}). Download the folder again." in message_of(folder)
    (folder / "model.safetensors.index.json").write_text("[1]")
    assert "model.safetensors.index.json: expected JSON; found something else (it holds a list)." in message_of(folder)


def test_a_pickle_is_refused_and_not_loaded(folder):
    class Trap:
        def __reduce__(self):
            return (pytest.fail, ("the pickle was loaded",))

    (folder / WEIGHTS).unlink()
    assert "found no weights. On the hub, choose a revision that has safetensors, not only a" in message_of(folder)
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Trap()))
    message = message_of(folder)
    assert (
        "expected model.safetensors, or shards with model.safetensors.index.json; found weights in a pickle." in message
    )
    assert message.endswith("(pytorch_model.bin)")


def test_an_encoder(tmp_path):
    config = BertConfig(vocab_size=9, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8)
    message = message_of(save(BertForMaskedLM(config), tmp_path / "bert"))
    assert "expected a decoder of a family that leadterm knows" in message and "found a model of type 'bert'" in message


@pytest.mark.parametrize(
    ("key", "value", "found"),
    [
        ("use_bidirectional_attention", True, "an encoder, whose attention sees what follows"),
        ("is_encoder_decoder", True, "an encoder with a decoder"),
        ("quantization_config", {"quant_method": "gptq", "bits": 4}, "quantised weights, of which W_Q and W_K cannot"),
    ],
)
def test_models_of_other_kinds(folder, key, value, found):
    rewrite(folder, **{key: value})
    message = message_of(folder)
    assert f"expected a decoder with plain weights; found {found}" in message
    assert message.endswith(f"(config.json, {key}). Choose a causal language model in float32, bfloat16 or float16.")


def test_code_from_outside_is_never_run(folder):
    (folder / "own.py").write_text("raise SystemExit('it was run')")
    rewrite(folder, model_type="own", auto_map={"AutoConfig": "own.Config", "AutoModelForCausalLM": "own.Model"})
    assert f"{folder}: transformers cannot load this model (" in message_of(folder)


def test_a_config_that_is_broken(folder):
    (folder / "config.json").write_text("{")
    assert f"{folder}: transformers cannot load this model (" in message_of(folder)


def rewrite(folder, **changes) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **changes}))


@pytest.mark.parametrize("names", [["config.json"], ["tokenizer.json"], ["config.json", "tokenizer.json"]])
def test_a_byte_order_mark_changes_nothing(folder, names):
    plain = open_checkpoint(folder)
    for name in names:
        (folder / name).write_bytes(b"\xef\xbb\xbf" + (folder / name).read_bytes())
    marked = open_checkpoint(folder)
    assert (marked.tokens, marked.n_layers) == (plain.tokens, plain.n_layers)
    ids = torch.arange(5)
    for ours, theirs in zip(marked.layers(ids), plain.layers(ids), strict=True):
        assert torch.equal(ours.post, theirs.post)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_a_config_in_another_encoding_is_named(folder, encoding):
    place = folder / "config.json"
    place.write_bytes(place.read_text(encoding="utf-8").encode(encoding))
    message = message_of(folder)
    assert message.startswith(f"{place}: expected JSON; found something else (it is {encoding[:6].upper()}")
    assert "save it as UTF-8, for example with: iconv -f " in message
