"""What is compared of a model, a layer at a time: the residual stream of each token, and the maps of each head.

A token that is fed alone needs no other token. So all tokens go through one block before any goes through the next, and
only the streams of one layer are in memory.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from leadterm.checkpoints.families import Family
from leadterm.checkpoints.projections import Heads, head_maps, output_maps

STREAMS_HELD = 6
"""Arrays (tokens, d_model) alive at most: the four of a layer that its reader still holds, and mid and post of the next
one while it is computed."""


@dataclass(frozen=True, eq=False)
class Layer:
    """One layer of a checkpoint, as it treats tokens that are fed alone, or after a BOS token.

    Attributes
    ----------
    number
        0 for the first.
    pre, mid, post
        (tokens, d_model): the layer's input; the input + what attention adds, without MLP; its output. The `post` of a
        layer is the `pre` of the next one, and shares its memory.
    query, key
        (heads, d_model, d_head): W_Q and W_K of each query head, as the checkpoint has them. In grouped-query attention
        a key head stands once for each query head that it serves. They may share memory with the model's weights.
    query_bias, key_bias
        (heads, d_head); zeros where the model has none.
    value, output
        (heads, d_model, d_head) and (heads, d_head, d_model): W_V and W_O of each query head. A token that attends to
        itself alone gets ``sum over h of (norm(pre) @ value[h] + value_bias[h]) @ output[h] + output_bias`` from
        attention, before the model normalises or scales that; gpt_oss, whose heads may attend to nothing, gets less.
    value_bias, output_bias
        (heads, d_head) and (d_model,); zeros where the model has none.
    is_parallel
        Whether the MLP reads `pre`, as attention does; otherwise it reads `mid`.
    gain
        (d_model,): the weight of the norm before attention; ones where there is none.
    norm
        What attention reads the residual stream through: ``norm(pre) @ query[h] + query_bias[h]`` are the model's own
        queries, before it normalises or rotates them.
    """

    number: int
    pre: Tensor
    mid: Tensor
    post: Tensor
    query: Tensor
    key: Tensor
    query_bias: Tensor
    key_bias: Tensor
    gain: Tensor
    norm: Callable[[Tensor], Tensor]
    value: Tensor
    output: Tensor
    value_bias: Tensor
    output_bias: Tensor
    is_parallel: bool

    @property
    def read(self) -> Tensor:
        """What attention reads of `pre`: ``norm(pre)``, (tokens, d_model)."""
        with torch.no_grad():
            return self.norm(self.pre)

    def folded(self) -> tuple[Tensor, Tensor]:
        """W_Q and W_K with the norm's gain taken in, (heads, d_model, d_head) each.

        They act on the residual stream divided by its root mean square (with LayerNorm, after its mean is subtracted).
        """
        gain = self.gain[:, None]
        return gain * self.query, gain * self.key


class _Reached(Exception):
    """The first block was called: what comes after it need not run."""


_Arguments = tuple[tuple[Any, ...], dict[str, Any]]


@dataclass(frozen=True, eq=False)
class _Call:
    """The arguments of a block, as the model gave them for one token and for two at once.

    Most are the same for any number of tokens. BLOOM's and Falcon's biases by distance have rows for each token.
    """

    one: _Arguments
    two: _Arguments

    def of(self, batch: int) -> _Arguments:
        """Give the arguments for this many tokens at once."""
        (args, kwargs), (args_of_two, kwargs_of_two) = self.one, self.two
        return (
            tuple(_repeated(value, of_two, batch) for value, of_two in zip(args, args_of_two, strict=True)),
            {name: _repeated(value, kwargs_of_two[name], batch) for name, value in kwargs.items()},
        )


class Blocks:
    """The blocks of a model, run one after the other on tokens that do not see each other.

    Parameters
    ----------
    model
        The model without its head, in evaluation mode.
    family
        How its blocks are built.
    heads
        Its attention heads.
    """

    def __init__(self, model: nn.Module, family: Family, heads: Heads) -> None:
        self._model, self._family, self._heads = model, family, heads
        blocks = model.get_submodule(family.blocks)
        self._blocks = list(blocks.children())

    def layers(self, tokens: Tensor, first: int | None, batch: int) -> Iterator[Layer]:
        """Run tokens through block after block; see `Checkpoint.layers`.

        Parameters
        ----------
        tokens
            int64 (tokens,).
        first
            The token that stands before each, or None.
        batch
            Tokens that go through a block at once.
        """
        before = [] if first is None else [first]
        calls = self._calls(torch.tensor([[*before, 0]], device=tokens.device))
        stream = torch.cat([self._embed(part, before)[:, -1] for part in torch.split(tokens, batch)])
        sink = self._embed(tokens[:1], before)[0, :-1]
        for number, block in enumerate(self._blocks):
            mid, post, sink = self._run(block, calls[number], stream, sink, batch)
            yield self._layer(number, block, stream, mid, post)
            stream = post
            del mid, post

    def _embed(self, tokens: Tensor, before: list[int]) -> Tensor:
        """What the first block is given, (tokens, 1 or 2, d_model)."""
        leading = tokens.new_tensor(before).expand(len(tokens), -1)
        found: list[Tensor] = []

        def stop(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            found.append(_hidden(args, kwargs))
            raise _Reached

        with _hooked(self._blocks[0].register_forward_pre_hook(stop, with_kwargs=True)), suppress(_Reached):
            self._forward(torch.cat([leading, tokens[:, None]], dim=1))
        return found[0]

    def _calls(self, ids: Tensor) -> list[_Call]:
        """With which arguments, beside the stream, the model calls each block: positions and masks, alike for all."""
        found: list[list[_Arguments]] = []

        def keep(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            found[-1].append((args[1:], {name: value for name, value in kwargs.items() if name != "hidden_states"}))

        with _hooked(*(block.register_forward_pre_hook(keep, with_kwargs=True) for block in self._blocks)):
            for batch in (1, 2):
                found.append([])
                self._forward(ids.expand(batch, -1))
        return [_Call(*pair) for pair in zip(*found, strict=True)]

    @torch.no_grad()
    def _forward(self, ids: Tensor) -> None:
        self._model(input_ids=ids, attention_mask=torch.ones_like(ids), use_cache=False)

    @torch.no_grad()
    def _run(
        self, block: nn.Module, call: _Call, stream: Tensor, sink: Tensor, batch: int
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Run one block; return mid and post (tokens, d_model), and post of what stands before each token."""
        mid, post = torch.empty_like(stream), torch.empty_like(stream)
        with self._middle(block) as seen:
            for start in range(0, len(stream), batch):
                part = slice(start, start + batch)
                tokens = stream[part, None]
                hidden = torch.cat([sink.expand(len(tokens), -1, -1), tokens], dim=1)
                args, kwargs = call.of(len(tokens))
                output = _first(block(hidden, *args, **kwargs))
                mid[part] = seen.pop().view_as(hidden)[:, -1]
                if self._family.middle is None:
                    mid[part] += stream[part]
                post[part] = output[:, -1]
        return mid, post, output[0, :-1]

    @contextmanager
    def _middle(self, block: nn.Module) -> Iterator[list[Tensor]]:
        """Keep what the family calls its middle: the input of a module, or else the output of attention."""
        seen: list[Tensor] = []
        if self._family.middle is None:
            module = block.get_submodule(self._family.attention)
            handle = module.register_forward_hook(lambda _module, _args, output: seen.append(_first(output)))
        else:
            module = block.get_submodule(self._family.middle)
            handle = module.register_forward_pre_hook(
                lambda _module, args, kwargs: seen.append(_hidden(args, kwargs)), with_kwargs=True
            )
        with _hooked(handle):
            yield seen

    def _layer(self, number: int, block: nn.Module, pre: Tensor, mid: Tensor, post: Tensor) -> Layer:
        family, heads = self._family, self._heads
        holder = block.get_submodule(family.holder or family.attention)
        queries, keys, values = family.projections(holder, heads)
        query, query_bias = head_maps(queries, heads.n_queries, heads)
        key, key_bias = head_maps(keys, heads.n_keys, heads)
        value, value_bias = head_maps(values, heads.n_keys, heads)
        output, output_bias = output_maps(holder.get_submodule(family.output), heads)
        norm = block.get_submodule(family.norm) if family.norm else nn.Identity()
        weight = getattr(norm, "weight", None)
        gain = torch.ones_like(pre[0]) if weight is None else weight + family.gain_offset
        attention = query, key, query_bias, key_bias, gain, norm, value, output, value_bias, output_bias
        return Layer(number, pre, mid, post, *attention, is_parallel=family.middle is None)


@contextmanager
def _hooked(*handles: torch.utils.hooks.RemovableHandle) -> Iterator[None]:
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _repeated(value: Any, of_two: Any, batch: int) -> Any:
    if isinstance(value, Tensor) and value.dim() and len(of_two) == 2 * len(value):
        return value.repeat(batch, *[1] * (value.dim() - 1))
    return value


def _hidden(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Tensor:
    hidden: Tensor = args[0] if args else kwargs["hidden_states"]
    return hidden


def _first(output: Any) -> Tensor:
    found: Tensor = output[0] if isinstance(output, tuple) else output
    return found
