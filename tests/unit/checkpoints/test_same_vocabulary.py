"""Tokens that a checkpoint has beside the run's are told; one that differs is refused, the first by name."""

import pytest

from leadterm.checkpoints.same_vocabulary import check_same_vocabulary
from leadterm.errors import InputError

RUN = ["a", "b", "<no token 2>", "d"]
TOLD = "its tokenizer has tokens that the run's lacks and that no text of the run contains: "


@pytest.mark.parametrize(
    ("checkpoint", "told"),
    [
        (RUN, None),
        ([*RUN, "[PAD]"], "'[PAD]' (id 4)"),
        ([*RUN, "[PAD]", "<|user|>"], "'[PAD]' (id 4), '<|user|>' (id 5)"),
        (["a", "b", "[PAD]", "d"], "'[PAD]' (id 2)"),
        ([*RUN, "<no token 4>", "<no token 5>", "[PAD]"], "'[PAD]' (id 6)"),
        ([*RUN, *map(str, range(4, 12))], ", ".join(f"'{n}' (id {n})" for n in range(4, 9)) + " and 3 more"),
    ],
)
def test_what_no_text_of_the_run_has_does_not_matter(checkpoint, told):
    assert check_same_vocabulary(RUN, checkpoint, "m") == ([] if told is None else [TOLD + told])


@pytest.mark.parametrize(
    ("checkpoint", "found"),
    [
        (["[PAD]", *RUN], "token 0 is '[PAD]' there, 'a' in the run."),
        (["a", "[PAD]", "<no token 2>", "d", "e"], "token 1 is '[PAD]' there, 'b' in the run."),
        (["a", "b", "c", "D", "e"], "token 3 is 'D' there, 'd' in the run."),
        (["a", "b", "c", "<no token 3>", "e"], "token 3 is '<no token 3>' there, 'd' in the run."),
        (RUN[:3], "it has 3 tokens, the run 4; token 3 is 'd' in the run but missing there."),
        (["a"], "it has 1 tokens, the run 4; token 1 is 'b' in the run but missing there."),
        (["A"], "token 0 is 'A' there, 'a' in the run."),
        ([], "it has 0 tokens, the run 4; token 0 is 'a' in the run but missing there."),
    ],
)
def test_the_first_id_that_differs_is_named(checkpoint, found):
    with pytest.raises(InputError) as caught:
        check_same_vocabulary(RUN, checkpoint, "m")
    assert str(caught.value) == (
        f"m: its tokenizer differs from the run's: {found} Encode the corpus with this model's tokenizer, or choose "
        "the model whose tokenizer the run used."
    )
