"""Models of families that are not known: each is told why, or the nearest known one, and what to do."""

import json

import pytest

from leadterm.checkpoints import open_checkpoint
from leadterm.checkpoints.families import FAMILIES
from leadterm.errors import InputError
from support.tiny_models import save, tiny_model

EXPECTED = "expected a decoder of a family that leadterm knows; found"


def message_of(folder, **changes) -> str:
    config = json.loads((folder / "config.json").read_text())
    config = {key: value for key, value in {**config, **changes}.items() if value is not None}
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(InputError) as caught:
        open_checkpoint(folder)
    message = str(caught.value)
    assert message.startswith(f"{folder}: expected ")
    return message


@pytest.mark.parametrize(
    ("kind", "nearest"),
    [
        ("llamma", "'llama'"),
        ("ministral", "'mistral'"),
        ("gpt-neox", "'gpt_neox'"),
        ("GPTBigCode", "'gpt_bigcode'"),
        ("qwen4_moe", "'qwen"),
        ("chatglm", "'glm'"),
    ],
)
def test_the_nearest_is_named_with_the_next_step(folder, kind, nearest):
    message = message_of(folder, model_type=kind)
    assert f"{EXPECTED} a model of type {kind!r}. Of the {len(FAMILIES)} known families, the closest names are " in (
        message
    )
    assert message.split("closest names are ")[1].startswith(nearest)
    assert message.endswith(
        "Choose a model of a known family (leadterm.checkpoints.families.FAMILIES lists them); or describe this one "
        "there, as CONTRIBUTING.md says under 'a family of language models'."
    )


def test_nothing_is_near(folder):
    assert f"Of the {len(FAMILIES)} known families, none has a similar name. Choose" in message_of(
        folder, model_type="xyzzy"
    )


@pytest.mark.parametrize(
    ("kind", "why", "remedy"),
    [
        ("bert", "an encoder, whose attention sees later tokens", "Choose a decoder-only language model."),
        ("modernbert", "an encoder, whose attention sees later tokens", "Choose a decoder-only language model."),
        ("t5", "an encoder-decoder", "Choose a decoder-only language model."),
        ("mamba", "a model without attention, which has no W_Q and W_K", "language model with attention."),
        ("jamba", "a model in which some layers are not attention", "language model with attention in every layer."),
        (
            "qwen3_next",
            "a model in which some layers are not attention",
            "language model with attention in every layer.",
        ),
        (
            "deepseek_v3",
            "a model with latent attention, whose keys are computed from a normalised",
            "language model without latent attention.",
        ),
        ("jetmoe", "a model whose heads are routed per token", "whose heads have one W_Q and one W_K."),
        ("gemma3n", "a model whose layers differ in structure", "whose layers all have the same structure."),
    ],
)
def test_what_could_not_be_described_is_refused_with_the_reason(folder, kind, why, remedy):
    message = message_of(folder, model_type=kind)
    assert f"{EXPECTED} a model of type {kind!r}, {why}" in message and message.endswith(remedy)
    assert kind not in FAMILIES


@pytest.mark.parametrize("key", ["text_config", "llm_config", "language_config"])
def test_a_model_of_images_around_a_known_one(folder, key):
    message = message_of(folder, model_type="llava", **{key: {"model_type": "llama"}})
    assert f"{EXPECTED} a model of type 'llava', a multimodal model around a language model of type" in message
    assert message.endswith("'llama'. Save its language model alone with save_pretrained, or choose a text model.")


def test_a_config_without_a_type(folder):
    for wrong in (None, 7):
        message = message_of(folder, model_type=wrong)
        assert (
            f"{EXPECTED} a config.json without a model_type, which would name it. Take config.json from where"
            in message
        )


def test_a_bloom_that_adds_to_what_its_norms_give(tmp_path):
    message = message_of(save(tiny_model("bloom"), tmp_path / "bloom"), apply_residual_connection_post_layernorm=True)
    assert message.endswith(
        "found blocks that add to the output of norms (config.json, apply_residual_connection_post_layernorm). Choose "
        "another BLOOM."
    )


@pytest.mark.parametrize(
    ("changes", "usual", "found"),
    [
        ({"attn_config": {"attn_type": "multiquery_attention"}}, "attn_type: 'multihead_attention'", "'multiquery_att"),
        ({"attn_config": {"qk_ln": True}}, "attn_config.qk_ln: False", "True"),
        ({"attn_config": {"alibi": False}}, "attn_config.alibi: True", "False"),
        ({"attn_config": {"alibi_bias_max": 16}}, "attn_config.alibi_bias_max: 8", "16"),
        ({"no_bias": False}, "no_bias: True", "False"),
    ],
)
def test_an_mpt_that_transformers_computes_otherwise(tmp_path, changes, usual, found):
    message = message_of(save(tiny_model("mpt"), tmp_path / "mpt"), **changes)
    assert f"{usual} in config.json, the only value that transformers implements; found {found}" in message
    assert message.endswith("Choose another MPT, or a copy saved as a model of another family.")
