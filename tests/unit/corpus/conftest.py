"""A small byte-level BPE, trained offline, whose file carries the padding and truncation that real ones carry."""

import pytest
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors, trainers

TEXTS = ["The cat sat on the mat.", "A dog and a cat, on the mat!", "Ünïcödé — 12 and 345."]


@pytest.fixture(scope="session")
def tiny_bpe() -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=300, initial_alphabet=alphabet, special_tokens=["<s>"], show_progress=False
    )
    tokenizer.train_from_iterator(TEXTS * 3, trainer)
    tokenizer.add_special_tokens([AddedToken("<pad>", special=True)])
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
    tokenizer.enable_padding(length=64, pad_token="<pad>", pad_id=tokenizer.token_to_id("<pad>"))
    tokenizer.enable_truncation(4)
    return tokenizer


@pytest.fixture(scope="session")
def tiny_json(tiny_bpe) -> str:
    return tiny_bpe.to_str()
