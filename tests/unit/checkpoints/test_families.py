"""What is read out of a model of each family, against the model's own forward, run on whole sequences."""

from contextlib import contextmanager

import pytest
import torch
from torch import nn
from torch.overrides import TorchFunctionMode
from transformers import AttentionInterface

from leadterm.checkpoints import open_checkpoint
from leadterm.checkpoints.families import FAMILIES
from support.tiny_models import BOS, CONFIGS, D_MODEL, N_HEADS, N_LAYERS, VOCABULARY_SIZE, blocks_of, save, tiny_model

# Families compute norms and softmax in float32 even where all else is float64: 2^-24 of values of about 10, some
# hundred times through two layers.
CLOSE = {"rtol": 1e-4, "atol": 1e-4}
SUBTRACT_THE_MEAN = (
    *("bloom", "cohere", "cohere2", "falcon", "gpt2", "gpt_bigcode", "gpt_neo", "gpt_neox", "gptj", "mpt", "nemotron"),
    *("olmo", "opt", "phi", "stablelm", "starcoder2"),
)
NORMALISE_NOTHING_BEFORE = ("exaone4", "olmo2", "olmo3", "opt, normalised after")
# What gives what the MLP adds, where that is not the block's module "mlp".
ADDED_BY_THE_MLP = {
    "bloom": "mlp.dense_4h_to_h",
    "granitemoe": "block_sparse_moe",
    "mpt": "ffn.down_proj",
    "opt": "fc2",
}


@pytest.fixture(scope="module", params=CONFIGS)
def opened(request, tmp_path_factory):
    """A model as transformers built it, and as it is opened here from the folder that it was saved in."""
    model = tiny_model(request.param)
    folder = save(model, tmp_path_factory.mktemp("model"))
    return model.double(), open_checkpoint(folder, dtype="float64"), request.param


@contextmanager
def hooked(module: nn.Module, hook):
    handle = module.register_forward_hook(hook)
    try:
        yield
    finally:
        handle.remove()


def sequences(probe: str) -> torch.Tensor:
    tokens = torch.arange(VOCABULARY_SIZE)
    return tokens[:, None] if probe == "alone" else torch.stack([torch.full_like(tokens, BOS), tokens], 1)


def first(output):
    return output[0] if isinstance(output, tuple) else output


def nothing_like(output):
    return (torch.zeros_like(output[0]), *output[1:]) if isinstance(output, tuple) else torch.zeros_like(output)


def output_of(model: nn.Module, number: int, ids: torch.Tensor) -> torch.Tensor:
    """The residual stream of the last tokens after a block."""
    seen = []
    with hooked(blocks_of(model)[number], lambda _module, _args, output: seen.append(first(output)[:, -1])):
        model(input_ids=ids, use_cache=False)
    return seen[0]


def test_every_family_is_tried():
    assert {kind.split(",")[0] for kind in CONFIGS} == set(FAMILIES)


@pytest.mark.parametrize("probe", ["alone", "bos"])
def test_the_residual_stream(opened, probe):
    model, checkpoint, kind = opened
    ids = sequences(probe)
    pre = model(input_ids=ids, output_hidden_states=True, use_cache=False).hidden_states[0][:, -1]
    for number, layer in enumerate(checkpoint.layers(range(VOCABULARY_SIZE), probe, batch=20)):
        assert layer.number == number
        torch.testing.assert_close(layer.pre, pre, **CLOSE)
        block = blocks_of(model)[number]
        # A layer whose MLP gives nothing puts out its input and what attention adds: what mid is meant to be.
        adds = block.get_submodule(ADDED_BY_THE_MLP.get(kind.split(",")[0], "mlp"))
        with hooked(adds, lambda _module, _args, output: nothing_like(output)):
            mid = layer.mid
            if kind == "opt, normalised after":
                mid = block.final_layer_norm(block.self_attn_layer_norm(mid))
            torch.testing.assert_close(mid, output_of(model, number, ids), **CLOSE)
        pre = output_of(model, number, ids)
        torch.testing.assert_close(layer.post, pre, **CLOSE)
        assert not layer.mid.isclose(layer.pre, rtol=0.01).all() and not layer.mid.isclose(layer.post, rtol=0.01).all()
    assert number == N_LAYERS - 1


def test_queries_and_keys(opened):
    """At position 0 nothing is rotated: what the attention is handed are the queries and keys themselves."""
    model, checkpoint, _ = opened
    handed = own_queries_and_keys(model)
    for layer, (queries, keys) in zip(checkpoint.layers(range(VOCABULARY_SIZE)), handed, strict=True):
        assert layer.query.shape == layer.key.shape == (N_HEADS, D_MODEL, queries.shape[-1])
        attention = getattr(blocks_of(model)[layer.number], "self_attn", None)
        for maps, biases, own, norm in (
            (layer.query, layer.query_bias, queries, getattr(attention, "q_norm", None)),
            (layer.key, layer.key_bias, keys, getattr(attention, "k_norm", None)),
        ):
            every = N_HEADS // own.shape[1]  # a key head serves this many query heads, which follow each other
            ours = torch.einsum("td,hde->the", layer.norm(layer.pre), maps) + biases[None]
            torch.testing.assert_close(ours, ours[:, ::every].repeat_interleave(every, 1), **CLOSE)
            torch.testing.assert_close(normalised(norm, ours[:, ::every]), own, **CLOSE)


def normalised(norm: nn.Module | None, vectors: torch.Tensor) -> torch.Tensor:
    """Through the model's own norm between W_Q and the scores: of a head's numbers, or (OLMo 2) of all heads'."""
    if norm is None:
        return vectors
    return norm(vectors) if norm.weight.numel() == vectors.shape[-1] else norm(vectors.flatten(1)).view_as(vectors)


def own_queries_and_keys(model: nn.Module) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """By layer, (tokens, heads, d_head) each: from what the model's attention computes its scores."""
    if any(hasattr(part, "_attn") for part in model.modules()):
        return handed_to_method(model)
    if model.config.model_type in ("bloom", "falcon", "mpt"):
        return multiplied(model)
    return handed_to_interface(model)


def handed_to_interface(model: nn.Module) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Of models that ask for their attention by name."""
    handed = []

    def record(module, query, key, value, *_args, scaling=None, **_kwargs):
        scale = query.shape[-1] ** 0.5 if model.config.model_type == "opt" else 1  # it scales queries, not scores
        handed.append((query[:, :, 0] * scale, key[:, :, 0]))
        key, value = (part.repeat_interleave(query.shape[1] // part.shape[1], 1) for part in (key, value))
        if hasattr(module, "sinks"):  # GPT-OSS: beside itself, a lone token may attend to nothing
            scores = (query * key).sum(-1, keepdim=True) * scaling
            value = value * torch.sigmoid(scores - module.sinks[:, None, None])
        return value.transpose(1, 2), None  # else it attends to itself alone

    AttentionInterface.register("record", record)
    model.set_attn_implementation("record")
    model(input_ids=sequences("alone"), use_cache=False)
    model.set_attn_implementation("eager")
    return handed


def handed_to_method(model: nn.Module) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Of GPT-J and GPT-Neo."""
    handed = []
    old_style = [part for part in model.modules() if hasattr(part, "_attn")]
    for part in old_style:
        own = part._attn
        part._attn = lambda query, key, *rest, own=own: (
            handed.append((query[:, :, 0], key[:, :, 0])) or own(query, key, *rest)
        )
    model(input_ids=sequences("alone"), use_cache=False)
    for part in old_style:
        del part._attn
    return handed


class Multiplied(TorchFunctionMode):
    """Keeps the first product of two stacks of matrices since `found` was emptied: queries · keysᵀ."""

    def __init__(self):
        super().__init__()
        self.found = []

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        pair = args[:2]
        if function.__name__ == "baddbmm":
            pair = kwargs["batch1"], kwargs["batch2"]
        elif function.__name__ not in ("matmul", "__matmul__"):
            pair = ()
        if pair and not self.found and min(part.dim() for part in pair) > 2:
            self.found.append(pair)
        return function(*args, **kwargs)


def multiplied(model: nn.Module) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Of BLOOM, Falcon and MPT, which multiply queries and keys in their own code."""
    handed, mode = [], Multiplied()

    def keep(_module, _args, _output):
        queries, keys = mode.found.pop()
        as_heads = (VOCABULARY_SIZE, -1, queries.shape[-1])
        handed.append((queries.reshape(as_heads), keys.transpose(-1, -2).reshape(as_heads)))

    name = FAMILIES[model.config.model_type].attention
    handles = [block.get_submodule(name).register_forward_hook(keep) for block in blocks_of(model)]
    with mode:
        model(input_ids=sequences("alone"), use_cache=False)
    for handle in handles:
        handle.remove()
    return handed


def test_the_gain_of_the_norm(opened):
    """With the gain folded in, W_Q and W_K act on the residual stream divided by its root mean square."""
    _, checkpoint, kind = opened
    for layer in checkpoint.layers(range(VOCABULARY_SIZE)):
        unit = layer.pre
        if kind in NORMALISE_NOTHING_BEFORE:  # they normalise nothing before attention
            assert layer.norm(unit) is unit
        else:
            unit = unit - unit.mean(-1, keepdim=True) if kind.split(",")[0] in SUBTRACT_THE_MEAN else unit
            unit = unit / unit.square().mean(-1, keepdim=True).sqrt()
        bias = getattr(layer.norm, "bias", None)
        plain = layer.norm(layer.pre) - (0 if bias is None else bias)
        for maps, folded in zip((layer.query, layer.key), layer.folded(), strict=True):
            torch.testing.assert_close(plain @ maps, unit @ folded, **CLOSE)


ADDS_THE_STREAM = ("bloom",)
"""Whose attention module adds its input to what it puts out."""


def test_values_and_outputs(opened):
    """A token alone attends to itself: what attention puts out are its values, mapped and summed over heads."""
    model, checkpoint, kind = opened
    for layer in checkpoint.layers(range(VOCABULARY_SIZE)):
        own = attention_output(model, layer.number, sequences("alone"))
        if kind.split(",")[0] in ADDS_THE_STREAM:
            own = own - layer.pre
        values = torch.einsum("td,hde->hte", layer.norm(layer.pre), layer.value) + layer.value_bias[:, None]
        by_head = torch.einsum("hte,hed->htd", values, layer.output)
        if kind == "gpt_oss":  # Heads may attend to a sink, which gives nothing.
            by_head = by_head * attended(model, layer)[:, :, None]
        torch.testing.assert_close(by_head.sum(0) + layer.output_bias, own, **CLOSE)
        assert layer.value.shape == layer.key.shape
        assert layer.output.shape == layer.value.transpose(1, 2).shape
        assert layer.is_parallel == (kind in PARALLEL)


PARALLEL = (
    *("cohere", "cohere2", "falcon", "falcon, groups", "falcon, groups and one norm", "gpt_neox", "gptj", "phi"),
    "stablelm, in parallel",
)


def attention_output(model: nn.Module, number: int, ids: torch.Tensor) -> torch.Tensor:
    """What the attention of a block puts out, of the last tokens; the module is known by its name in the block."""
    block, seen = blocks_of(model)[number], []
    name = next(
        name for name, _ in block.named_children() if name.endswith(("attn", "attention")) and "norm" not in name
    )
    with hooked(block.get_submodule(name), lambda _module, _args, output: seen.append(first(output)[:, -1])):
        model(input_ids=ids, use_cache=False)
    return seen[0]


def attended(model: nn.Module, layer) -> torch.Tensor:
    """How much each head of gpt_oss attends to the token itself, (heads, tokens): its sink is another logit."""
    queries = torch.einsum("td,hde->hte", layer.norm(layer.pre), layer.query) + layer.query_bias[:, None]
    keys = torch.einsum("td,hde->hte", layer.norm(layer.pre), layer.key) + layer.key_bias[:, None]
    scores = (queries * keys).sum(-1) / layer.query.shape[-1] ** 0.5
    return torch.sigmoid(scores - blocks_of(model)[layer.number].self_attn.sinks[:, None])


BENDS_LOGITS, SCALES_LOGITS = ("gemma2",), ("cohere", "cohere2", "granite", "granitemoe")


def test_the_unembedding(opened):
    """The last stream, normalised, times gain and unembedding gives the logits, but for a constant of each token."""
    model, checkpoint, kind = opened
    ids = torch.arange(VOCABULARY_SIZE)
    *_, last = checkpoint.layers(ids)
    columns = checkpoint.unembedding(ids) * checkpoint.last_norm.gain
    ours = checkpoint.last_norm.normalised(last.post) @ columns.T
    own = model(input_ids=sequences("alone"), use_cache=False).logits[:, -1]
    family = kind.split(",")[0]
    if family in BENDS_LOGITS:
        own = torch.atanh(own / 30) * 30
    if family in SCALES_LOGITS:
        own = own * ((ours - ours.mean(0)).norm() / (own - own.mean(0)).norm())
    # A bias of the norm or the head adds the same to a column of logits.
    torch.testing.assert_close(ours - ours.mean(0), own - own.mean(0), rtol=1e-3, atol=1e-3)
    assert checkpoint.last_norm.subtracts_mean == (family in SUBTRACT_THE_MEAN and kind != "opt, normalised after")
    assert checkpoint.is_tied == (model.get_output_embeddings().weight is model.get_input_embeddings().weight)
