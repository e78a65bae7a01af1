"""Transformers as instances: every weight a named exact matrix, and back."""

from __future__ import annotations

from typing import Any

from lora_proofs.arithmetic.exact import EXACT
from lora_proofs.mathematics.instance import Instance
from lora_proofs.mathematics.transformer import Block, Head, TransformerModel, checked


def instance_of(model: TransformerModel) -> Instance:
    """The exact model with the fields block1, block2, ..., Wo; heads are fields of a block.

    >>> from lora_proofs.mathematics.transformer import identity_model
    >>> told = instance_of(identity_model(1, blocks=1))
    >>> list(told), told.block1.head1.Q
    (['block1', 'Wo'], ((Fraction(1, 1),),))
    """
    blocks: dict[str, Any] = {
        f"block{i}": _of_block(block) for i, block in enumerate(model.blocks, start=1)
    }
    return Instance(**blocks, Wo=model.Wo)


def _of_block(block: Block) -> Instance:
    heads: dict[str, Any] = {
        f"head{h}": Instance(Q=one.Q, K=one.K, V=one.V, O=one.O)
        for h, one in enumerate(block.heads, start=1)
    }
    return Instance(**heads, W1=block.W1, b1=block.b1, W2=block.W2, b2=block.b2)


def model_of(instance: Any) -> TransformerModel:
    """The exact model that ``instance_of`` wrote.

    >>> from lora_proofs.mathematics.transformer import identity_model
    >>> model_of(instance_of(identity_model(2, blocks=2, heads=3))).blocks[1].heads[2].V
    array([[1, 0],
           [0, 1]], dtype=object)
    """
    x = instance.lift(EXACT)
    blocks = tuple(_block(getattr(x, name)) for name in instance if name.startswith("block"))
    return checked(TransformerModel(blocks, x.Wo))


def _block(fields: Any) -> Block:
    heads = (one for name, one in vars(fields).items() if name.startswith("head"))
    return Block(
        tuple(Head(one.Q, one.K, one.V, one.O) for one in heads),
        fields.W1,
        fields.b1,
        fields.W2,
        fields.b2,
    )
