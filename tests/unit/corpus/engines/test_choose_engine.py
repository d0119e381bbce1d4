"""The fast engine encodes only where its ids are the library's, and is taken only where that was proven."""

import json
import pickle
from importlib.metadata import version

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from leadterm.corpus import HuggingFaceTokenizer
from leadterm.corpus.engines import checked_tokenizer, fast_engine
from leadterm.corpus.engines import choose_engine as module
from leadterm.corpus.engines.checked_tokenizer import SAMPLE, CheckedTokenizer, in_sample
from leadterm.corpus.engines.choose_engine import choose_engine
from leadterm.corpus.engines.hard_texts import hard_texts
from leadterm.corpus.engines.supported_features import unsupported
from leadterm.corpus.ragged import Ragged
from leadterm.errors import InputError, LeadtermError, MachineError
from support.tokenizer_families import made

NAMED = f"fastokens {version('fastokens')}"
PIECES = (
    "it'll", "don't've", " x", "\u017f", "'\u017f'S", "<s>", "<tool>", "<too", "  ", "\n", "\r\n", "\t\t\t", "12",
    "中文", "e\u0301",
)  # fmt: skip
WORDS = st.sampled_from(PIECES)
TEXTS = st.lists(st.lists(WORDS | st.text(max_size=9), max_size=9).map("".join), max_size=12)
FAMILIES: dict[str, tuple[Tokenizer, CheckedTokenizer]] = {}


def test_every_family_is_proven_and_encoded_by_the_fast_engine(family):
    chosen = choose_engine(HuggingFaceTokenizer(family))
    assert (chosen.name, chosen.hard_texts > 9_000) == (NAMED, True), chosen.reason
    assert isinstance(chosen.tokenizer, CheckedTokenizer)


@settings(max_examples=60, deadline=None)
@given(texts=TEXTS, special=st.booleans())
def test_ids_are_those_of_the_library(family, texts, special):
    if (key := f"{family}{special}") not in FAMILIES:
        FAMILIES[key] = Tokenizer.from_str(family), CheckedTokenizer(family, special)
    library, checked = FAMILIES[key]
    encoded = checked.encode(texts)
    assert [row.tolist() for row in encoded.tokens] == [
        library.encode(text, add_special_tokens=special).ids for text in texts
    ]
    assert encoded.kept.all()


def test_many_texts_are_encoded_in_batches(gpt2, monkeypatch):
    monkeypatch.setattr("leadterm.corpus.hf_tokenizer.BATCH_CHARACTERS", 50)
    texts = [f"text {number} " * (number % 7) for number in range(300)]
    encoded = CheckedTokenizer(gpt2).encode(texts)
    expected = HuggingFaceTokenizer(gpt2).encode(texts).tokens
    assert encoded.tokens.offsets.tolist() == expected.offsets.tolist()
    assert encoded.tokens.values.tolist() == expected.values.tolist()
    assert encoded.checked.texts == in_sample(expected).sum() > 0
    assert CheckedTokenizer(gpt2).encode([]).tokens.offsets.tolist() == [0]


def test_the_sample_is_one_text_in_64_whatever_batch_it_is_in():
    rng = np.random.default_rng(0)
    lists = [rng.integers(0, 50_000, size).astype(np.int32) for size in rng.integers(0, 200, 64_000)]
    chosen = in_sample(Ragged.from_lists(lists))
    assert abs(chosen.mean() * SAMPLE - 1) < 4 / np.sqrt(64_000 / SAMPLE)  # four standard deviations
    assert np.array_equal(chosen[1000:2000], in_sample(Ragged.from_lists(lists[1000:2000])))


def test_a_text_beyond_a_limit_of_the_engine_is_encoded_by_the_library():
    digits, texts = made("digits"), ["before", " " * 1_200_000 + "x", "after"]
    encoded = CheckedTokenizer(digits).encode(texts)
    assert encoded.checked.refused == 1
    assert encoded.tokens.values.tolist() == HuggingFaceTokenizer(digits).encode(texts).tokens.values.tolist()


def test_a_difference_in_the_sample_ends_the_work(gpt2, monkeypatch):
    other = json.loads(gpt2)
    other["model"]["merges"] = other["model"]["merges"][:50]
    checked = CheckedTokenizer(gpt2)
    checked.engine = fast_engine.FastEngine(json.dumps(other))
    texts = [f"it'll rain {number}  and so on" for number in range(500)]
    with pytest.raises(LeadtermError) as raised:
        checked.encode(texts)
    said = str(raised.value)
    assert f"engine {NAMED} gives other ids than the tokenizers library, from token" in said
    assert "instead of [" in said
    assert "it'll rain" in said
    assert "Set tokenizer.engine to huggingface" in said


def test_of_a_long_text_the_part_that_differs_is_shown():
    ids = np.arange(10_000, dtype=np.int32)
    said = checked_tokenizer.difference("word " * 10_000 + "end", ids, np.append(ids[:-1], 7).astype(np.int32))
    assert "from token 9,999 of 10,000" in said
    assert "of 50,003 characters, near character" in said
    assert "end'" in said
    assert len(said) < 2_500
    assert "from token 2 of 3: [1, 2] instead of [1, 2, 3]" in checked_tokenizer.difference("abc", ids[1:3], ids[1:4])


def test_a_tokenizer_that_uses_something_else_goes_through_the_library(gpt2):
    fields = json.loads(gpt2) | {"normalizer": {"type": "NFKC"}}
    chosen = choose_engine(HuggingFaceTokenizer(json.dumps(fields)))
    assert chosen.name == "huggingface"
    assert chosen.reason.endswith("for what the tokenizer uses: normalizer NFKC")
    assert isinstance(chosen.tokenizer, HuggingFaceTokenizer)
    with pytest.raises(InputError, match=r"tokenizer.engine is fastokens: .*NFKC.* Set tokenizer.engine to auto"):
        choose_engine(HuggingFaceTokenizer(json.dumps(fields)), "fastokens")


def test_one_that_differs_on_a_hard_text_is_not_offered(gpt2, monkeypatch):
    tekken = (
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
        r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
        r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    )  # GPT-OSS's: what ignores case takes ſ for an s in one library and not in the other
    split = {"type": "Split", "pattern": {"Regex": tekken}, "behavior": "Isolated", "invert": False}
    bytes_ = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
    fields = json.loads(gpt2) | {"pre_tokenizer": {"type": "Sequence", "pretokenizers": [split, bytes_]}}
    tokenizer = HuggingFaceTokenizer(json.dumps(fields))
    assert any("Split by" in feature for feature in unsupported(tokenizer.to_json()))
    with pytest.raises(InputError, match=r"not proven for this tokenizer: .* gives other ids than .*\u017f"):
        choose_engine(tokenizer, "fastokens")
    monkeypatch.setattr(module, "unsupported", lambda _: [])
    chosen = choose_engine(tokenizer)
    assert (chosen.name, "not proven for this tokenizer" in chosen.reason) == ("huggingface", True)


def test_the_library_where_it_is_asked_for(gpt2):
    tokenizer = HuggingFaceTokenizer(gpt2)
    chosen = choose_engine(tokenizer, "huggingface")
    assert (chosen.tokenizer, chosen.name, chosen.hard_texts) == (tokenizer, "huggingface", 0)


def test_without_the_engine(gpt2, monkeypatch):
    monkeypatch.setattr(module, "installed_version", lambda: None)
    assert choose_engine(HuggingFaceTokenizer(gpt2)).name == "huggingface"
    with pytest.raises(MachineError, match=r"tokenizer.engine is fastokens, which is not installed. Install it with"):
        choose_engine(HuggingFaceTokenizer(gpt2), "fastokens")


@pytest.mark.parametrize(("found", "told"), [(None, "machine has none"), ("0.1.0", "machine has version 0.1.0")])
def test_an_executor_with_another_engine_than_the_driver_is_refused(gpt2, monkeypatch, found, told):
    travelling = pickle.dumps(CheckedTokenizer(gpt2))
    monkeypatch.setattr(checked_tokenizer, "installed_version", lambda: found)
    checked_tokenizer._made_once.cache_clear()
    with pytest.raises(MachineError, match=told):
        pickle.loads(travelling)


def test_it_travels_and_is_made_once(gpt2):
    travelling = pickle.dumps(CheckedTokenizer(gpt2, add_special_tokens=True))
    one, other = pickle.loads(travelling), pickle.loads(travelling)
    assert one is other
    assert one.add_special_tokens
    assert one.tokens == HuggingFaceTokenizer(gpt2).tokens
    assert one.vocabulary_size == HuggingFaceTokenizer(gpt2).vocabulary_size


def test_hard_texts_hold_what_they_promise(gpt2):
    texts = hard_texts(HuggingFaceTokenizer(gpt2))
    assert texts == hard_texts(HuggingFaceTokenizer(gpt2))
    together = "".join(texts)
    assert "" in texts
    assert {chr(code) for code in range(0x3400) if chr(code).isalpha()} <= set(together)
    assert all(chr(byte) in together for byte in range(256))
    assert all(" " * n in together for n in (1, 40, 300))
    assert all(token in texts for token in ("<s>", "<|end|>", "<tool>"))
