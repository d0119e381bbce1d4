"""Small random language models of every family, built offline from configurations, and saved as real ones are."""

from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers
from torch import nn
from transformers import AutoModelForCausalLM
from transformers.utils import logging

VOCABULARY_SIZE, D_MODEL, N_LAYERS, N_HEADS, BOS = 53, 16, 2, 4, 5
TOKENS = tuple(f"t{index}" for index in range(VOCABULARY_SIZE))
_SPECIAL = {"bos_token_id": BOS, "eos_token_id": 1, "pad_token_id": None}
_USUAL = {
    "vocab_size": VOCABULARY_SIZE,
    "hidden_size": D_MODEL,
    "intermediate_size": 24,
    "num_hidden_layers": N_LAYERS,
    "num_attention_heads": N_HEADS,
    "max_position_embeddings": 32,
    **_SPECIAL,
}
_GROUPED = {**_USUAL, "num_key_value_heads": 2}
_WIDE = {**_GROUPED, "head_dim": 8}
_GPT = {"vocab_size": VOCABULARY_SIZE, "n_embd": D_MODEL, "n_layer": N_LAYERS, "n_head": N_HEADS, "n_positions": 32}
_GPT |= _SPECIAL
_EXPERTS = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 24}
_LOCAL_EXPERTS = {"num_local_experts": 4, "num_experts_per_tok": 2}
_FALCON = {**_USUAL, "ffn_hidden_size": 24, "bias": True}
_OPT = {**_USUAL, "ffn_dim": 24, "word_embed_proj_dim": D_MODEL}

CONFIGS: dict[str, tuple[str, dict[str, Any]]] = {
    "arcee": ("ArceeConfig", {**_GROUPED, "attention_bias": True}),
    "bloom": (
        "BloomConfig",
        {**_SPECIAL, "vocab_size": VOCABULARY_SIZE, "hidden_size": D_MODEL, "n_layer": N_LAYERS, "n_head": N_HEADS},
    ),
    "cohere": ("CohereConfig", _GROUPED),
    "cohere2": ("Cohere2Config", _GROUPED),
    "exaone4": ("Exaone4Config", {**_GROUPED, "pad_token_id": 2}),
    "falcon": ("FalconConfig", _FALCON),
    "falcon, groups": ("FalconConfig", {**_FALCON, "new_decoder_architecture": True, "num_kv_heads": 2}),
    "falcon, groups and one norm": (
        "FalconConfig",
        {**_FALCON, "new_decoder_architecture": True, "num_kv_heads": 2, "num_ln_in_parallel_attn": 1},
    ),
    "falcon, one after the other": ("FalconConfig", {**_FALCON, "parallel_attn": False}),
    "falcon, with biases by distance": (
        "FalconConfig",
        {**_FALCON, "alibi": True, "multi_query": False, "parallel_attn": False},
    ),
    "gemma": ("GemmaConfig", _WIDE),
    "gemma2": ("Gemma2Config", _WIDE),
    "gemma3": (
        "Gemma3Config",
        {
            "text_config": _WIDE,
            "vision_config": {
                "hidden_size": 8,
                "intermediate_size": 8,
                "num_hidden_layers": 1,
                "num_attention_heads": 1,
                "image_size": 28,
                "patch_size": 14,
            },
            "mm_tokens_per_image": 1,
        },
    ),
    "gemma3_text": ("Gemma3TextConfig", _WIDE),
    "glm": ("GlmConfig", {**_WIDE, "attention_bias": True}),
    "glm4": ("Glm4Config", _WIDE),
    "gpt2": ("GPT2Config", _GPT),
    "gpt_bigcode": ("GPTBigCodeConfig", _GPT),
    "gpt_bigcode, a key for each query": ("GPTBigCodeConfig", {**_GPT, "multi_query": False}),
    "gpt_neo": (
        "GPTNeoConfig",
        {
            **_SPECIAL,
            "vocab_size": VOCABULARY_SIZE,
            "hidden_size": D_MODEL,
            "num_layers": N_LAYERS,
            "num_heads": N_HEADS,
            "max_position_embeddings": 32,
            "attention_types": [[["global", "local"], 1]],
        },
    ),
    "gpt_neox": ("GPTNeoXConfig", _USUAL),
    "gpt_neox, one after the other": ("GPTNeoXConfig", {**_USUAL, "use_parallel_residual": False}),
    "gpt_oss": (
        "GptOssConfig",
        {**_WIDE, **_LOCAL_EXPERTS, "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0}},
    ),
    "gptj": ("GPTJConfig", {**_GPT, "rotary_dim": 2}),
    "granite": ("GraniteConfig", {**_GROUPED, "residual_multiplier": 0.5, "embedding_multiplier": 2.0}),
    "granitemoe": ("GraniteMoeConfig", {**_GROUPED, **_LOCAL_EXPERTS, "residual_multiplier": 0.5}),
    "llama": ("LlamaConfig", _GROUPED),
    "mistral": ("MistralConfig", {**_GROUPED, "sliding_window": 1}),
    "mixtral": ("MixtralConfig", {**_GROUPED, **_LOCAL_EXPERTS}),
    "mpt": (
        "MptConfig",
        {
            **_SPECIAL,
            "vocab_size": VOCABULARY_SIZE,
            "d_model": D_MODEL,
            "n_layers": N_LAYERS,
            "n_heads": N_HEADS,
            "max_seq_len": 32,
        },
    ),
    "nemotron": ("NemotronConfig", {**_GROUPED, "attention_bias": True}),
    "olmo": ("OlmoConfig", _GROUPED),
    "olmo2": ("Olmo2Config", _GROUPED),
    "olmo3": ("Olmo3Config", _GROUPED),
    "olmoe": ("OlmoeConfig", {**_GROUPED, "num_experts": 4, "num_experts_per_tok": 2}),
    "opt": ("OPTConfig", _OPT),
    "opt, normalised after": ("OPTConfig", {**_OPT, "do_layer_norm_before": False, "word_embed_proj_dim": 8}),
    "phi": ("PhiConfig", _USUAL),
    "phi3": ("Phi3Config", {**_GROUPED, "pad_token_id": 2}),
    "qwen2": ("Qwen2Config", _GROUPED),
    "qwen2_moe": ("Qwen2MoeConfig", {**_GROUPED, **_EXPERTS, "shared_expert_intermediate_size": 24}),
    "qwen3": ("Qwen3Config", _WIDE),
    "qwen3_moe": ("Qwen3MoeConfig", {**_WIDE, **_EXPERTS}),
    "seed_oss": ("SeedOssConfig", _WIDE),
    "smollm3": ("SmolLM3Config", _GROUPED),
    "stablelm": ("StableLmConfig", {**_GROUPED, "use_qkv_bias": True, "partial_rotary_factor": 0.5}),
    "stablelm, in parallel": (
        "StableLmConfig",
        {**_GROUPED, "partial_rotary_factor": 0.5, "use_parallel_residual": True},
    ),
    "starcoder2": ("Starcoder2Config", _GROUPED),
}


def tiny_model(kind: str, seed: int = 0) -> nn.Module:
    """Draw a model of a kind. Every weight is drawn, biases and norms too, so that none is without effect."""
    name, settings = CONFIGS[kind]
    config = getattr(transformers, name)(**settings)
    with torch.random.fork_rng():  # vectors are drawn around what the model begins with, which may be drawn too
        torch.manual_seed(seed)
        model = AutoModelForCausalLM.from_config(config, attn_implementation="eager").eval().requires_grad_(False)
    model.set_experts_implementation("eager")  # the fast ones know no float64
    generator = torch.Generator().manual_seed(seed)
    for weight in model.parameters():
        weight.copy_(0.4 * torch.randn(weight.shape, generator=generator) + (0 if weight.dim() > 1 else weight))
    return model


def save(model: nn.Module, folder: Path, **options: Any) -> Path:
    """Save a model, without the bar that transformers draws."""
    logging.disable_progress_bar()
    try:
        model.save_pretrained(folder, **options)
    finally:
        logging.enable_progress_bar()
    return folder


def save_tokenizer(folder: Path, tokens: tuple[str, ...] = TOKENS) -> None:
    """Write a tokenizer.json with these tokens, which a text separates by spaces."""
    vocabulary = {token: index for index, token in enumerate(tokens)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=tokens[0]))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.save(str(folder / "tokenizer.json"))


def blocks_of(model: nn.Module) -> nn.ModuleList:
    """Find the blocks, knowing no names: the list of modules as long as the model has layers."""
    return next(part for part in model.modules() if isinstance(part, nn.ModuleList) and len(part) == N_LAYERS)
