"""Documents to token windows: word rule, tokenizers, windows and the sample text; no Spark, no torch."""

from typing import TYPE_CHECKING

from leadterm.lazy_names import lazy_names

if TYPE_CHECKING:
    from leadterm.corpus.bpe_trainer import count_pieces, train_bpe
    from leadterm.corpus.hf_tokenizer import HuggingFaceTokenizer
    from leadterm.corpus.ragged import Ragged
    from leadterm.corpus.sample_corpus import read_sample, sample_model
    from leadterm.corpus.tokenizer_export import ids_file, word_file
    from leadterm.corpus.tokenizer_protocol import Encoded, Tokenizer, check_ids
    from leadterm.corpus.tokenizer_source import load_tokenizer
    from leadterm.corpus.windows import Windows, cut_windows
    from leadterm.corpus.word_rule import count_words, most_frequent, split_words
    from leadterm.corpus.word_tokenizer import UNK, WordTokenizer

__all__ = [
    "UNK",
    "Encoded",
    "HuggingFaceTokenizer",
    "Ragged",
    "Tokenizer",
    "Windows",
    "WordTokenizer",
    "check_ids",
    "count_pieces",
    "count_words",
    "cut_windows",
    "ids_file",
    "load_tokenizer",
    "most_frequent",
    "read_sample",
    "sample_model",
    "split_words",
    "train_bpe",
    "word_file",
]

__getattr__ = lazy_names(
    __name__,
    {
        "bpe_trainer": "count_pieces train_bpe",
        "windows": "Windows cut_windows",
        "hf_tokenizer": "HuggingFaceTokenizer",
        "tokenizer_source": "load_tokenizer",
        "ragged": "Ragged",
        "sample_corpus": "read_sample sample_model",
        "tokenizer_export": "ids_file word_file",
        "tokenizer_protocol": "Encoded Tokenizer check_ids",
        "word_rule": "count_words most_frequent split_words",
        "word_tokenizer": "UNK WordTokenizer",
    },
)
