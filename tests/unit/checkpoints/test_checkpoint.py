"""An opened checkpoint: what it says of itself, from which containers, and what it refuses."""

import weakref

import gguf
import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from leadterm.checkpoints import free_memory as memory
from leadterm.checkpoints import load_model as loading
from leadterm.checkpoints import open_checkpoint
from leadterm.errors import InputError, MachineError
from support.tiny_models import (
    BOS,
    D_MODEL,
    N_HEADS,
    N_LAYERS,
    TOKENS,
    VOCABULARY_SIZE,
    blocks_of,
    save,
    save_tokenizer,
    tiny_model,
)


def message_of(kind, action, *args, **kwargs) -> str:
    with pytest.raises(kind) as caught:
        action(*args, **kwargs)
    return str(caught.value)


def streams(checkpoint, tokens=range(VOCABULARY_SIZE), *args, **kwargs):
    return [
        (layer.pre, layer.mid, layer.post, layer.query, layer.key)
        for layer in checkpoint.layers(tokens, *args, **kwargs)
    ]


def assert_same(one, other, **tolerance):
    for ours, theirs in zip(one, other, strict=True):
        for part, expected in zip(ours, theirs, strict=True):
            torch.testing.assert_close(part, expected, **tolerance)


def test_what_it_says_of_itself(saved, capfd):
    with open_checkpoint(saved) as checkpoint:
        assert (checkpoint.name, checkpoint.revision, checkpoint.step) == (str(saved), "step512", 512)
        assert (checkpoint.n_layers, checkpoint.n_heads, checkpoint.d_model) == (N_LAYERS, N_HEADS, D_MODEL)
        assert checkpoint.vocabulary_size == VOCABULARY_SIZE and checkpoint.tokens == TOKENS
        assert checkpoint.remarks == ()
        layer = next(iter(checkpoint.layers([3, 7, 3])))
        assert layer.pre.shape == (3, D_MODEL) and layer.pre.dtype == torch.float32 and not layer.post.requires_grad
        assert torch.equal(layer.post[0], layer.post[2])
    assert capfd.readouterr() == ("", "")


def test_shards_give_the_same(saved, tmp_path):
    shards = save(tiny_model("llama"), tmp_path / "shards", max_shard_size="4KB")
    assert len(list(shards.glob("*.safetensors"))) > 3
    whole, sharded = open_checkpoint(saved), open_checkpoint(shards)
    assert sharded.weights_sha256 == whole.weights_sha256
    assert_same(streams(sharded), streams(whole), rtol=0, atol=0)


def test_the_fingerprint_tells_revisions_apart(saved, tmp_path):
    model = tiny_model("llama")
    model.model.layers[1].mlp.up_proj.weight[3, 4] += 1e-6
    other = open_checkpoint(save(model, tmp_path / "other"))
    assert other.weights_sha256 != open_checkpoint(saved).weights_sha256


def test_the_batch_does_not_matter(saved):
    checkpoint = open_checkpoint(saved, dtype="float64")
    for probe in ("alone", "bos"):  # norms are computed in float32: 2^-24 of values below 10
        assert_same(streams(checkpoint, probe=probe, batch=7), streams(checkpoint, probe=probe), rtol=0, atol=1e-5)


def test_what_the_reader_lets_go_of_is_released(saved):
    """While the second block runs, nothing of the first layer is kept but its output."""
    checkpoint = open_checkpoint(saved)
    layers = checkpoint.layers(range(VOCABULARY_SIZE))
    layer = next(layers)
    held = [weakref.ref(layer.pre), weakref.ref(layer.mid)]
    kept = weakref.ref(layer.post)
    del layer
    seen = []
    blocks_of(checkpoint._model)[1].register_forward_pre_hook(
        lambda _module, _args: seen.append((kept() is None, *(reference() is None for reference in held)))
    )
    next(layers)
    assert seen == [(False, True, True)]


def test_a_model_after_a_bos_token(saved):
    checkpoint = open_checkpoint(saved)
    assert_same(streams(checkpoint, probe="bos", bos=BOS), streams(checkpoint, probe="bos"), rtol=0, atol=0)
    assert not torch.allclose(streams(checkpoint, probe="bos", bos=9)[0][1], streams(checkpoint, probe="bos")[0][1])
    assert "expected token ids from 0 to 52, one at least; found 53 to 53." in message_of(
        InputError, checkpoint.layers, [1], "bos", bos=53
    )
    checkpoint._model.config.bos_token_id = None
    assert message_of(InputError, checkpoint.layers, [1], "bos").endswith(
        "config.json does not name a BOS token. Give its id, or feed each token alone."
    )
    assert message_of(InputError, checkpoint.layers, [1], "eos") == "there is no probe 'eos'; choose 'alone' or 'bos'"


@pytest.mark.parametrize(("tokens", "found"), [([], "none"), ([2, -1], "-1 to 2"), ([VOCABULARY_SIZE], "53 to 53")])
def test_tokens_that_the_model_lacks(saved, tokens, found):
    message = message_of(InputError, open_checkpoint(saved).layers, tokens)
    assert f"expected token ids from 0 to 52, one at least; found {found}. Choose tokens" in message


def test_the_vocabulary(saved, folder):
    checkpoint = open_checkpoint(saved)
    assert checkpoint.check_vocabulary(TOKENS) == []
    assert (
        "its tokenizer differs from the run's: token 1 is 't1' there, 'x' in the run. Encode the corpus"
        in message_of(InputError, checkpoint.check_vocabulary, ["t0", "x", *TOKENS[2:]])
    )
    assert checkpoint.check_vocabulary(TOKENS[:-1]) == [
        "its tokenizer has tokens that the run's lacks and that no text of the run contains: 't52' (id 52)"
    ]
    assert (
        "differs from the run's: it has 53 tokens, the run 54; token 53 is 'more' in the run but missing there."
        in message_of(InputError, checkpoint.check_vocabulary, (*TOKENS, "more"))
    )
    save_tokenizer(folder, (*TOKENS, "more"))
    other = open_checkpoint(folder)
    assert len(other.check_vocabulary(TOKENS)) == 1, "a token that the model has no embedding for is never fed"
    assert other.tokenizer_sha256 != checkpoint.tokenizer_sha256
    assert "its tokenizer has 54 tokens, and the model embeddings for only 53" in message_of(
        InputError, other.check_vocabulary, (*TOKENS, "more")
    )
    (folder / "tokenizer.json").unlink()
    message = message_of(InputError, open_checkpoint(folder).check_vocabulary, TOKENS)
    assert "expected a folder with a tokenizer.json; found no tokenizer." in message


def test_remarks(tmp_path):
    folder = save(tiny_model("qwen3"), tmp_path)
    tensors = load_file(folder / "model.safetensors")
    save_file({**tensors, "model.more": torch.ones(2)}, folder / "model.safetensors", metadata={"format": "pt"})
    unexpected, normalised = open_checkpoint(folder).remarks
    assert unexpected == "its files contain tensors that the model does not use: model.more"
    assert normalised.startswith("queries and keys are normalised after W_Q and W_K")


def test_queries_that_are_clipped(tmp_path):
    model = tiny_model("olmo")
    model.config.clip_qkv = 8.0
    (remark,) = open_checkpoint(save(model, tmp_path)).remarks
    assert remark.startswith("queries and keys are clipped after W_Q and W_K")


def test_queries_that_mpt_clips(tmp_path):
    model = tiny_model("mpt")
    model.config.attn_config.clip_qkv = 6.0
    (remark,) = open_checkpoint(save(model, tmp_path)).remarks
    assert remark.startswith("queries and keys are clipped after W_Q and W_K")


def test_the_bos_token_of_a_nested_config(tmp_path):
    checkpoint = open_checkpoint(save(tiny_model("gemma3"), tmp_path))
    assert_same(streams(checkpoint, probe="bos", bos=BOS), streams(checkpoint, probe="bos"), rtol=0, atol=0)
    assert (checkpoint.n_layers, checkpoint.n_heads, checkpoint.d_model) == (N_LAYERS, N_HEADS, D_MODEL)


def test_a_gguf_file(saved, tmp_path, capfd):
    path = write_gguf(tiny_model("llama"), tmp_path / "tiny.gguf")
    checkpoint = open_checkpoint(path)
    assert (checkpoint.revision, checkpoint.n_layers) == ("tiny", N_LAYERS)
    assert capfd.readouterr() == ("", "")
    assert_same(streams(checkpoint), streams(open_checkpoint(saved)), rtol=0, atol=1e-5)


def test_a_gguf_file_cut_short(saved, tmp_path):
    path = write_gguf(tiny_model("llama"), tmp_path / "tiny.gguf")
    path.write_bytes(path.read_bytes()[:-5000])
    assert message_of(InputError, open_checkpoint, path).startswith(f"{path}: transformers cannot load this model (")


def write_gguf(model, path):
    """As llama.cpp converts a Llama: other names, and the rows of each head of W_Q and W_K in another order."""
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(32)
    writer.add_embedding_length(D_MODEL)
    writer.add_block_count(N_LAYERS)
    writer.add_feed_forward_length(24)
    writer.add_head_count(N_HEADS)
    writer.add_head_count_kv(2)
    writer.add_layer_norm_rms_eps(model.config.rms_norm_eps)
    writer.add_rope_dimension_count(D_MODEL // N_HEADS)
    writer.add_vocab_size(VOCABULARY_SIZE)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(list(TOKENS))
    writer.add_token_merges([])
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, N_LAYERS)
    for name, weight in model.state_dict().items():
        array = weight.numpy()
        for projection, heads in (("q_proj", N_HEADS), ("k_proj", 2)):
            if projection in name:
                array = array.reshape(heads, 2, -1, D_MODEL).swapaxes(1, 2).reshape(-1, D_MODEL)
        writer.add_tensor(names.get_name(name, (".weight",)), np.ascontiguousarray(array))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def test_packages_that_are_missing(saved, monkeypatch):
    monkeypatch.setattr(loading, "find_spec", lambda name: None)
    assert message_of(InputError, open_checkpoint, saved) == (
        f"{saved}: opening a checkpoint needs packages that are not installed: transformers. "
        "Install them with: pip install 'leadterm[checkpoints]'"
    )


def test_too_little_memory(saved, monkeypatch):
    checkpoint = open_checkpoint(saved)
    n_bytes = 4 * sum(weight.numel() for weight in tiny_model("llama").parameters())
    monkeypatch.setattr(memory, "available_memory", lambda: n_bytes - 1)
    message = message_of(MachineError, open_checkpoint, saved)
    assert message.startswith(f"{saved}: the model as float32 takes 0.0 GiB of memory on 'cpu', and 0.0 GiB are free.")
    monkeypatch.setattr(memory, "available_memory", lambda: n_bytes)
    open_checkpoint(saved)
    monkeypatch.setattr(memory, "available_memory", lambda: 4 * 6 * 7 * D_MODEL - 1)
    next(checkpoint.layers(range(6)))
    assert "what a layer makes of 7 tokens takes" in message_of(MachineError, checkpoint.layers, range(7))
