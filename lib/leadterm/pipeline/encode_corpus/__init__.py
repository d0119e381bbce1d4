"""The job encode_corpus: documents become windows of token ids and a vocabulary."""
