"""How the blocks of each family of models are built: where attention reads, what it multiplies by, and where it writes.

Every family maps a residual stream through blocks. What differs is the names of a block's modules, how W_Q and W_K lie
in its tensors, and where the residual stream between attention and MLP can be seen.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from leadterm.checkpoints.nearest_family import message_of_unknown
from leadterm.checkpoints.projections import Projections, interleaved, separate, stacked
from leadterm.checkpoints.variants import refuse_variant
from leadterm.errors import InputError


@dataclass(frozen=True)
class Family:
    """The anatomy of a block. Modules are named by their path in it.

    Attributes
    ----------
    middle
        The module whose *input* is the residual stream between attention and MLP; None where there is none, because
        both read the block's input. There ``mid`` is the block's input + the attention's output.
    attention
        The module whose output attention adds.
    norm
        What attention reads the residual stream through; None where it reads it as it is.
    holder
        The module that holds the projections; the attention itself where that is None.
    projections
        How it is taken apart.
    blocks
        The list of blocks, in the model of text.
    gain_offset
        What is added to the weight of `norm` before it multiplies.
    text
        The model of text, in the model without its head; empty where that is the same.
    output
        The projection that attention ends with, in the module that holds the projections.
    last_norm
        What the unembedding reads the residual stream through, in the model of text; None where it is read as it is.
    """

    middle: str | None = "post_attention_layernorm"
    attention: str = "self_attn"
    norm: str | None = "input_layernorm"
    holder: str | None = None
    projections: Projections = separate
    blocks: str = "layers"
    gain_offset: float = 0.0
    text: str = ""
    output: str = "o_proj"
    last_norm: str | None = "norm"


_LLAMA = Family()
_COHERE = Family(middle=None)
_BLOOM = Family(
    attention="self_attention",
    projections=interleaved("query_key_value"),
    blocks="h",
    output="dense",
    last_norm="ln_f",
)
_GPT2 = Family("ln_2", "attn", "ln_1", projections=stacked("c_attn"), blocks="h", output="c_proj", last_norm="ln_f")
_GEMMA2 = Family("pre_feedforward_layernorm", gain_offset=1.0)
_OLMO2 = Family("mlp", norm=None)

FAMILIES: dict[str, Family] = {
    "arcee": _LLAMA,
    "bloom": _BLOOM,
    "cohere": _COHERE,
    "cohere2": _COHERE,
    "exaone4": _OLMO2,
    "falcon": _BLOOM,
    "gemma": Family(gain_offset=1.0),
    "gemma2": _GEMMA2,
    "gemma3": replace(_GEMMA2, text="language_model"),
    "gemma3_text": _GEMMA2,
    "glm": _LLAMA,
    "glm4": _LLAMA,
    "gpt2": _GPT2,
    "gpt_bigcode": replace(_GPT2, projections=interleaved("c_attn")),
    "gpt_neo": replace(_GPT2, holder="attn.attention", projections=separate, output="out_proj"),
    "gpt_neox": Family(
        attention="attention",
        projections=interleaved("query_key_value"),
        output="dense",
        last_norm="final_layer_norm",
    ),
    "gpt_oss": _LLAMA,
    "gptj": replace(_GPT2, middle=None, projections=separate, output="out_proj"),
    "granite": _LLAMA,
    "granitemoe": _LLAMA,
    "llama": _LLAMA,
    "mistral": _LLAMA,
    "mixtral": _LLAMA,
    "mpt": Family(
        "norm_2",
        "attn",
        "norm_1",
        projections=stacked("Wqkv"),
        blocks="blocks",
        output="out_proj",
        last_norm="norm_f",
    ),
    "nemotron": Family(gain_offset=1.0),
    "olmo": _LLAMA,
    "olmo2": _OLMO2,
    "olmo3": _OLMO2,
    "olmoe": _LLAMA,
    "opt": Family(
        "final_layer_norm",
        norm="self_attn_layer_norm",
        blocks="decoder.layers",
        output="out_proj",
        last_norm="decoder.final_layer_norm",
    ),
    "phi": Family(middle=None, output="dense", last_norm="final_layernorm"),
    "phi3": Family(projections=stacked("qkv_proj")),
    "qwen2": _LLAMA,
    "qwen2_moe": _LLAMA,
    "qwen3": _LLAMA,
    "qwen3_moe": _LLAMA,
    "seed_oss": _LLAMA,
    "smollm3": _LLAMA,
    "stablelm": _LLAMA,
    "starcoder2": _LLAMA,
}
"""By ``model_type`` of a model's config.json. Tests build one of each and compare it with the model's own forward."""


def check_family(config: Mapping[str, Any], source: str) -> None:
    """Refuse the config.json of a model whose family is not known, before anything else is made of it.

    Raises
    ------
    InputError
        Says why its family cannot be read, or which known one is the nearest, and what to do.
    """
    if config.get("model_type") not in FAMILIES:
        raise InputError(message_of_unknown(config, source, list(FAMILIES)))


def family_of(config: Any, source: str) -> Family:
    """Look up the family of a configuration, and adapt it to what that says of the blocks.

    Raises
    ------
    InputError
        If the family is not known, or the model is a variant of it that cannot be described.
    """
    check_family({"model_type": config.model_type}, source)
    refuse_variant(config, source)
    family = FAMILIES[config.model_type]
    if getattr(config, "use_parallel_residual", False) or _is_parallel_falcon(config):
        family = replace(family, middle=None)
    if getattr(config, "new_decoder_architecture", False) and config.num_ln_in_parallel_attn in (None, 2):
        family = replace(family, norm="ln_attn")  # Falcon-40B; Falcon2-11B has one norm for both
    if not getattr(config, "do_layer_norm_before", True):  # OPT-350m
        family = replace(family, middle="self_attn_layer_norm", norm=None, last_norm=None)
    return family


def _is_parallel_falcon(config: Any) -> bool:
    """Say whether attention and MLP of a Falcon are in parallel."""
    return config.model_type == "falcon" and bool(config.parallel_attn or config.new_decoder_architecture)
