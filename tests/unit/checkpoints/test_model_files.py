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
        f"{folder}: weights are missing from the files: {Q_PROJ}. They would be initialised at "
        "random. Download the model again, or choose another revision."
    )


def test_weights_of_another_shape(folder):
    change(folder, lambda tensors: tensors.update({Q_PROJ: torch.ones(8, 16)}))
    assert f"weights have a different shape than config.json says: {Q_PROJ}." in message_of(folder)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_weights_that_are_no_numbers(folder, number):
    change(folder, lambda tensors: tensors[Q_PROJ][3, 2:4].fill_(number))
    message = message_of(folder, allow_zeros=True)
    assert message.startswith(f"{folder}: weights contain NaN or infinity: {Q_PROJ}. The training diverged")


def test_matrices_of_zeros(folder):
    keys = [Q_PROJ.replace("q_proj", name) for name in ("k_proj", "v_proj")]
    change(folder, lambda tensors: [tensors[key].zero_() for key in keys])
    assert f"weights are all zero: {', '.join(keys)}. They were never trained or never written" in message_of(folder)
    assert open_checkpoint(folder, allow_zeros=True).n_layers == 2


def test_a_file_that_is_cut_short(folder):
    whole = (folder / WEIGHTS).read_bytes()
    for part in (whole[:-100], whole[:50], b"", b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n"):
        (folder / WEIGHTS).write_bytes(part)
        message = message_of(folder)
        assert message.startswith(
            f"{folder / WEIGHTS}: expected a complete safetensors file; found one that is truncated or broken ("
        )
        assert message.endswith("). Download it again.")


def test_a_shard_that_is_missing_or_cut_short(tmp_path):
    folder = save(tiny_model("llama"), tmp_path / "shards", max_shard_size="4KB")
    shard = sorted(folder.glob("*.safetensors"))[1]
    whole = shard.read_bytes()
    shard.write_bytes(whole[:-8])
    assert message_of(folder).startswith(f"{shard}: expected a complete safetensors file")
    shard.unlink()
    assert f"weight files; 1 of them are missing ({shard.name}). Download the folder again." in message_of(folder)
    (folder / "model.safetensors.index.json").write_text("[1]")
    assert "model.safetensors.index.json: expected JSON; found something else (it holds a list)." in message_of(folder)


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (["a.safetensors"], "\"['a.safetensors']\""),
        ({"lm_head.weight": 3}, "'3'"),
        ({"lm_head.weight": "../other/model.safetensors"}, "'../other/model.safetensors'"),
        ({"lm_head.weight": "/etc/model.safetensors"}, "'/etc/model.safetensors'"),
    ],
)
def test_an_index_that_names_no_files_of_the_folder(folder, found, told):
    (folder / WEIGHTS).rename(folder / "model-00001-of-00001.safetensors")
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": found}))
    assert message_of(folder) == (
        f"{folder / 'model.safetensors.index.json'}: expected the names of files in this folder as its weight_map; "
        f"found {told}. Download it again."
    )


def shards_without_index(folder):
    save(tiny_model("llama"), folder, max_shard_size="4KB")
    (folder / "model.safetensors.index.json").unlink()
    return sorted(folder.glob("*.safetensors"))


def test_shards_without_an_index_give_the_same(folder, tmp_path):
    shards = shards_without_index(tmp_path / "shards")
    assert len(shards) > 3
    assert open_checkpoint(tmp_path / "shards").weights_sha256 == open_checkpoint(folder).weights_sha256
    assert open_checkpoint(tmp_path / "shards").remarks == ()


@pytest.mark.parametrize("kind", ["bloom", "falcon, groups", "gemma3", "gpt_oss", "mixtral", "mpt", "opt", "qwen3_moe"])
def test_shards_without_an_index_of_other_families(tmp_path, kind):
    """Whose tensors transformers puts together, or calls otherwise than their files do."""
    whole = save(tiny_model(kind), tmp_path / "whole")
    save(tiny_model(kind), tmp_path / "shards", max_shard_size="8KB")
    (tmp_path / "shards" / "model.safetensors.index.json").unlink()
    ours, theirs = open_checkpoint(tmp_path / "shards", dtype="float64"), open_checkpoint(whole, dtype="float64")
    assert (ours.weights_sha256, ours.remarks) == (theirs.weights_sha256, theirs.remarks)
    for one, other in zip(ours.layers(range(5), "bos", bos=5), theirs.layers(range(5), "bos", bos=5), strict=True):
        torch.testing.assert_close(one.post, other.post, rtol=0, atol=1e-6)  # norms in float32


def test_one_shard_of_one_without_an_index(folder):
    digest = open_checkpoint(folder).weights_sha256
    (folder / WEIGHTS).rename(folder / "model-00001-of-00001.safetensors")
    assert open_checkpoint(folder).weights_sha256 == digest


def test_a_shard_that_is_missing_by_name(tmp_path):
    shards = shards_without_index(tmp_path / "shards")
    total = len(shards)
    for path in shards[1:2]:
        path.unlink()
    assert (
        f"expected {total} weight files, according to their names; found {total - 1} (missing: {shards[1].name})."
        in message_of(tmp_path / "shards")
    )
    for path in shards[2:]:
        path.unlink()
    listed = ", ".join(path.name for path in shards[1:4])
    assert f"found 1 (missing: {listed} …). Download the folder again." in message_of(tmp_path / "shards")


def test_shards_of_two_models(tmp_path):
    shards = shards_without_index(tmp_path / "shards")
    (tmp_path / "shards" / "model-00001-of-00099.safetensors").write_bytes(shards[0].read_bytes())
    message = message_of(tmp_path / "shards")
    assert (
        f"found some of {len(shards)} and of 99 files, and no model.safetensors.index.json that says which" in message
    )


def test_shards_that_hold_the_same_tensor(tmp_path):
    shards = shards_without_index(tmp_path / "shards")
    shards[2].write_bytes(shards[1].read_bytes())
    message = message_of(tmp_path / "shards")
    assert message.startswith(f"{shards[2]}: expected each tensor in one file only; found ")
    assert message.endswith(f", which {shards[1].name} has too. Keep only one model's files in the folder.")


def test_a_shard_too_many(tmp_path):
    shards = shards_without_index(tmp_path / "shards")
    total = len(shards)
    shards[0].with_name(f"model-{total + 1:05}-of-{total:05}.safetensors").write_bytes(b"")
    assert f"expected {total} weight files, according to their names; found {total + 1} (model-00001-of" in message_of(
        tmp_path / "shards"
    )


def test_weights_of_another_name(folder):
    (folder / WEIGHTS).rename(folder / "consolidated.safetensors")
    message = message_of(folder)
    assert "or shards named model-00001-of-00002.safetensors and so on; found consolidated.safetensors. If" in message
    assert message.endswith("rename it model.safetensors; otherwise save the model again with save_pretrained.")


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
    assert "expected a decoder of a family that leadterm knows" in message
    assert "found a model of type 'bert', an encoder, whose attention sees later tokens." in message


@pytest.mark.parametrize(
    ("key", "value", "found"),
    [
        ("use_bidirectional_attention", True, "an encoder, whose attention sees later tokens"),
        ("is_encoder_decoder", True, "an encoder-decoder"),
        (
            "quantization_config",
            {"quant_method": "gptq", "bits": 4},
            "quantised weights, from which W_Q and W_K cannot",
        ),
    ],
)
def test_models_of_other_kinds(folder, key, value, found):
    rewrite(folder, **{key: value})
    message = message_of(folder)
    assert f"expected a decoder with plain weights; found {found}" in message
    assert message.endswith(f"(config.json, {key}). Choose a causal language model in float32, bfloat16 or float16.")


def test_a_nested_config_of_an_encoder(tmp_path):
    folder = save(tiny_model("gemma3"), tmp_path / "gemma3")
    text = json.loads((folder / "config.json").read_text())["text_config"]
    rewrite(folder, text_config={**text, "use_bidirectional_attention": True})
    assert "found an encoder, whose attention sees later tokens (config.json, use_bidi" in message_of(folder)


@pytest.mark.parametrize("name", ["adapter_model.bin", "../other/model.safetensors", "fp8.safetensors", 3])
def test_a_config_that_chooses_the_file_of_weights(folder, name):
    """What is looked at must be what transformers loads."""
    rewrite(folder, transformers_weights=name)
    assert message_of(folder) == (
        f"{folder}: expected weights in model.safetensors or its shards; found {name!r} as their file (config.json, "
        "transformers_weights). If it is a safetensors file, rename it model.safetensors and remove the key."
    )
    rewrite(folder, transformers_weights=WEIGHTS)
    assert open_checkpoint(folder).n_layers == 2


def test_code_from_outside_is_never_run(folder):
    (folder / "own.py").write_text("raise SystemExit('it was run')")
    rewrite(folder, model_type="own", auto_map={"AutoConfig": "own.Config", "AutoModelForCausalLM": "own.Model"})
    assert "found a model of type 'own', with its own code (auto_map), which is never run. Of the" in message_of(folder)
    rewrite(folder, model_type="llama")
    assert open_checkpoint(folder).n_layers == 2


def test_a_config_that_is_broken(folder):
    for text, found in (("{", "Expecting property name"), ("[1]", "it holds a list"), ("[" * 10**5, "")):
        (folder / "config.json").write_text(text)
        message = message_of(folder)
        assert (
            message.startswith(f"{folder / 'config.json'}: expected JSON; found something else (") and found in message
        )
    (folder / "config.json").write_text('{"model_type": "llama", "hidden_size": "wide"}')
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
