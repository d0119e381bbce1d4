"""Documents to token windows: word rule, tokenizers, windows and the sample text; no Spark, no torch."""

from leadterm.corpus.bpe_trainer import count_pieces, train_bpe
from leadterm.corpus.cut_windows import Windows, cut_windows
from leadterm.corpus.hf_tokenizer import HuggingFaceTokenizer
from leadterm.corpus.load_tokenizer import load_tokenizer
from leadterm.corpus.ragged import Ragged
from leadterm.corpus.sample_corpus import read_sample, sample_model
from leadterm.corpus.tokenizer_export import ids_file, word_file
from leadterm.corpus.tokenizer_protocol import Encoded, Tokenizer, check_ids
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
