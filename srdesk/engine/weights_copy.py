"""Copying weights under another name, which stands in the file itself. No torch."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec

from srdesk.engine.library import CARD_KEY, WeightsCard, open_weights, read_open_header
from srdesk.errors import WeightsError, WeightsFormatError
from srdesk.imaging.atomic import atomic_write

_ALIGNMENT_BYTES = 8
"""Tensors of a safetensors file begin at a multiple of this."""


def copy_weights(source: Path, target: Path, *, name: str) -> WeightsCard:
    """Copy a weights file to ``target``, called ``name`` from then on; checked on the way, and whole or not at all.

    Returns:
        The card of the copy.

    Raises:
        WeightsFormatError: ``source`` is not a sound weights file.
        WeightsError: ``target`` cannot be written.
    """
    with open_weights(source) as file:
        header = read_open_header(source, file)
        data = file.read()
    if hashlib.sha256(data).hexdigest() != header.card.sha256:
        raise WeightsFormatError(source, "its tensors are damaged (the checksum does not fit)")
    card = msgspec.structs.replace(header.card, name=name)
    metadata = {"__metadata__": {CARD_KEY: msgspec.json.encode(card).decode()}}
    text = msgspec.json.encode(metadata | dict(header.tensors))
    text += b" " * (-len(text) % _ALIGNMENT_BYTES)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(target) as stream:
            stream.write(len(text).to_bytes(8, "little") + text + data)
    except OSError as error:
        hint = "See that its folder can be written to and that there is free space."
        raise WeightsError(target, f"they cannot be written ({error.strerror})", hint=hint) from error
    return card
