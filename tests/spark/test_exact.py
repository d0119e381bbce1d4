"""Both jobs, from text to matrices, against loops over characters, tokens and positions."""

import json
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from leadterm import Run
from leadterm.corpus import read_sample
from leadterm.storage.formats.small_tables import FREQUENCIES, read_table
from support.jobs import make_config, run_both, write_files
from support.naive_corpus import naive_windows, naive_words
from support.naive_counts import count_windows, dense_entries, entries, fixed_point, same_exactly

Documents = list[list[int]]


def assert_exact(run: Run, tokens: list[str], documents: Documents, length: int, policy: str, bits: int = 32) -> None:
    """Compare everything that a run holds with what the loops make of the kept documents' ids."""
    windows = naive_windows(documents, length, policy)
    assert Counter(tuple(window.tolist()) for window in run.windows()) == Counter(tuple(w) for *_, w in windows)

    seen = Counter(token for _, place, window in windows for token in window[1 if place else 0 :])
    assert run.vocabulary["token_id"].to_pylist() == list(range(len(tokens)))
    assert run.vocabulary["token"].to_pylist() == tokens
    assert run.vocabulary["count"].to_pylist() == [seen[i] for i in range(len(tokens))]

    naive = count_windows([window for *_, window in windows], fixed_point(bits))
    assert run.n_positions == naive.n_positions
    assert same_exactly(entries(run.bigram_counts()), naive.bigram)
    weights, scale_bits = run.context_fixed_point()
    assert scale_bits == bits
    assert same_exactly(entries(weights), naive.context)
    table = read_table(run.location, run.manifest("frequencies"), FREQUENCIES)
    assert same_exactly(dense_entries(table["current"].to_pylist()), naive.current_frequency)
    assert same_exactly(dense_entries(table["context"].to_pylist()), naive.context_frequency)


def naive_vocabulary(texts: list[str], size: int) -> list[str]:
    """Return the most frequent words; equal counts in the order of their code points."""
    counts = Counter(word for text in texts for word in naive_words(text))
    return sorted(counts, key=lambda word: (-counts[word], word))[:size]


def random_texts(seed: int, n_texts: int) -> list[str]:
    """Return texts whose words have many equal counts, with odd spaces, capitals and letters of several scripts."""
    random = np.random.default_rng(seed)
    words = [
        "The",
        "the",
        "cat",
        "Σίσυφος",
        "ñ",
        "漢字",
        "𝐀",
        "don't",
        "1.5",
        "é",
        "e\u0301",
        "ﬁ",
        "Zz",
        "zz!",
        "a",
        "😀",
        "\uffff",
    ]
    spaces = [" ", "  ", "\n", "\u00a0", "\t"]
    texts = []
    for n_words in random.geometric(0.08, size=n_texts):
        chosen = random.choice(words, size=n_words, p=random.dirichlet(np.full(len(words), 0.4)))
        texts.append("".join(word + str(random.choice(spaces)) for word in chosen))
    return texts


def test_word_rule_that_drops_documents_with_other_words(spark, tmp_path):
    texts = [*random_texts(1, 150), "", " \n", "cat"]
    vocabulary = naive_vocabulary(texts, 14)
    ids = {word: index for index, word in enumerate(vocabulary)}
    documents = [[ids.get(word, -1) for word in naive_words(text)] for text in texts]
    kept = [document for document in documents if -1 not in document]
    assert 0.2 < len(kept) / len(documents) < 0.8

    write_files(tmp_path / "in", pa.array([*texts, None]), 3, row_group=20)
    config = make_config(
        tmp_path / "in",
        {"kind": "words", "vocabulary_size": 14},
        windows={"length": 7, "files": 2},
        counting={"rows_per_file": 3, "scale_bits": 21},
    )
    assert_exact(run_both(spark, config, tmp_path / "run"), vocabulary, kept, 7, "tile", bits=21)


def test_word_rule_that_replaces_other_words_on_nested_json(spark, tmp_path):
    texts = random_texts(2, 120)
    vocabulary = naive_vocabulary(texts, 9)
    ids = {word: index for index, word in enumerate(vocabulary)}
    documents = [[ids.get(word, 9) for word in naive_words(text)] for text in texts]
    lines = [json.dumps({"content": {"text": text}, "n": i}) for i, text in enumerate(texts)]
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jsonl").write_text("\n".join(lines[:50]) + "\n")
    (tmp_path / "in" / "b.jsonl").write_text("\n".join(lines[50:]))

    config = make_config(
        tmp_path / "in",
        {"kind": "words", "vocabulary_size": 9, "unknown": "replace"},
        corpus={"format": "json", "text_column": "content.text"},
        windows={"length": 5, "policy": "first"},
    )
    run = run_both(spark, config, tmp_path / "run")
    assert_exact(run, [*vocabulary, "<unk>"], documents, 5, "first")
    assert run.manifest("windows").counts["dropped"]["too_few_tokens"] == sum(len(words) < 6 for words in documents)


def test_a_hugging_face_tokenizer(spark, tmp_path):
    texts = random_texts(3, 60)
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=330, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(texts[:30], trainer)
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    tokens = [tokenizer.id_to_token(i) for i in range(tokenizer.get_vocab_size())]
    documents = [tokenizer.encode(text).ids for text in texts]

    write_files(tmp_path / "in", pa.array(texts, pa.large_string()), 2)
    config = make_config(
        tmp_path / "in",
        {"kind": "huggingface", "source": str(tmp_path / "tokenizer.json")},
        windows={"length": 40},
        counting={"rows_per_file": 64},
    )
    run = run_both(spark, config, tmp_path / "run")
    assert_exact(run, tokens, documents, 40, "tile")
    stored = (tmp_path / "run" / "vocabulary" / "tokenizer.json").read_text()
    assert Tokenizer.from_str(stored).encode(texts[0]).ids == documents[0]


@pytest.mark.parametrize(("trained", "limit", "expected"), [(25, 40, 25), (50, 40, 40), (None, 40, 40)])
def test_a_tokenizer_trained_on_the_first_documents(spark, tmp_path, trained, limit, expected):
    texts = [text for text in random_texts(4, 100) if len(text) >= 9][:55]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=290, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(texts[:expected], trainer)  # the library's own way, which has the text in one place
    tokens = [tokenizer.id_to_token(i) for i in range(290)]

    # One that is too short stands before every other document, and does not count as one of the first.
    write_files(tmp_path / "in", pa.array([part for text in texts for part in ("zzzz", text)]), 4, row_group=7)
    config = make_config(
        tmp_path / "in",
        {"kind": "bpe", "vocabulary_size": 290, "training_documents": trained},
        corpus={"min_characters": 9, "max_documents": limit},
        windows={"length": 30},
        counting={"rows_per_file": 64},
    )
    run = run_both(spark, config, tmp_path / "run")
    assert_exact(run, tokens, [tokenizer.encode(text).ids for text in texts[:limit]], 30, "tile")


@pytest.mark.parametrize(
    ("kind", "length", "policy"), [(pa.int64(), 1, "tile"), (pa.uint16(), 300, "tile"), (pa.int32(), 12, "first")]
)
def test_a_column_of_ids(spark, tmp_path, kind, length, policy):
    random = np.random.default_rng(length)
    documents = [random.zipf(1.5, size=n).clip(max=70).tolist() for n in (0, 1, 2, 13, 12, 301, 302, 650, 40, 40)]
    documents[-1] = documents[-2]  # equal documents are all counted
    write_files(tmp_path / "in", pa.array(documents, pa.list_(kind)), 2, name="ids", row_group=3)
    config = make_config(
        tmp_path / "in",
        {"kind": "ids", "vocabulary_size": 75},
        corpus={"ids_column": "ids"},
        windows={"length": length, "policy": policy},
        counting={"rows_per_file": 10, "scale_bits": 40},
    )
    run = run_both(spark, config, tmp_path / "run")
    assert_exact(run, [str(i) for i in range(75)], documents, length, policy, bits=40)


def test_a_vocabulary_of_one(spark, tmp_path):
    write_files(tmp_path / "in", pa.array(["A a", "a " * 9, "b", "a b"]), 1)
    config = make_config(tmp_path / "in", {"kind": "words", "vocabulary_size": 1}, windows={"length": 4, "files": 1})
    run = run_both(spark, config, tmp_path / "run")
    assert_exact(run, ["a"], [[0, 0], [0] * 9], 4, "tile")


def test_chapters_of_the_sample(spark, tmp_path):
    texts = read_sample()["text"].to_pylist()[::12]
    vocabulary = naive_vocabulary(texts, 700)
    ids = {word: index for index, word in enumerate(vocabulary)}
    documents = [[ids.get(word, 700) for word in naive_words(text)] for text in texts]
    write_files(tmp_path / "in", pa.array(texts), 2)
    config = make_config(
        tmp_path / "in",
        {"kind": "words", "vocabulary_size": 700, "unknown": "replace"},
        windows={"length": 64},
        counting={"rows_per_file": 128},
    )
    run = run_both(spark, config, tmp_path / "run")
    assert run.n_positions > 70_000
    assert_exact(run, [*vocabulary, "<unk>"], documents, 64, "tile")
