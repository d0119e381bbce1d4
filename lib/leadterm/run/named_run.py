"""A run whose tokens are found by what people type."""

from functools import cached_property

from leadterm.catalog.products import Product
from leadterm.corpus.token_names import TokenNames
from leadterm.storage.stored_run import StoredRun


class NamedRun(StoredRun):
    """The products of a run, with the names of its tokens."""

    def token_id(self, token: str) -> int:
        """Look a token up.

        Parameters
        ----------
        token
            As the vocabulary spells it, which always wins; as the page shows it; or as text, such as ``" bread"``,
            where that is one token only. See `leadterm.corpus.token_names.TokenNames.find`.

        Raises
        ------
        InputError
            If it is not in the vocabulary; names tokens that are alike. If it may be one token or another; names them.
        """
        return self.names.find(token)

    @cached_property
    def names(self) -> TokenNames:
        """The tokens of the vocabulary, as people read and type them."""
        by_words = self.manifest(Product.VOCABULARY).settings.get("tokenizer", {}).get("kind") == "words"
        return TokenNames(self.vocabulary["token"].to_pylist(), word_rule=by_words)
