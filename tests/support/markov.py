"""Documents in which some tokens follow each other more often than others, as in a text."""

import numpy as np


def markov_documents(
    random: np.random.Generator, n_documents: int, size: int, lengths: tuple[int, int], evenness: float
) -> list[list[int]]:
    """Draw documents from a chain whose rows are Dirichlet; the less even, the fewer tokens follow a token."""
    chain = random.dirichlet(np.full(size, evenness), size=size)
    return [_walk(random, chain, int(random.integers(*lengths))) for _ in range(n_documents)]


def _walk(random: np.random.Generator, chain: np.ndarray, length: int) -> list[int]:
    """Draw one document of this many tokens, at least one."""
    tokens = [int(random.integers(len(chain)))]
    while len(tokens) < length:
        tokens.append(int(random.choice(len(chain), p=chain[tokens[-1]])))
    return tokens
