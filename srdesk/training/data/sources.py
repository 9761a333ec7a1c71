"""Where the pictures of a run come from: in words for people, as a digest, and as its checkpoint has them. No torch."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path

import msgspec

from srdesk.errors import CheckpointError
from srdesk.imaging.naming import readable
from srdesk.training.data.pictures import Split
from srdesk.training.run.runs import CHECKPOINT_NAME

STATE_KEY = "srdesk_run_state"
"""Key in the metadata of a checkpoint under which the numbers of the run are stored as JSON."""


class StoredSources(msgspec.Struct, frozen=True):
    """What a checkpoint says of the pictures that its run learns from."""

    data_digest: str
    """As `digest_of_pictures` returns it."""
    data: str = ""
    """As `sources_of` returns it; empty in checkpoints of earlier versions."""
    data_earlier: tuple[str, ...] = ()
    """The same of earlier sessions that had other pictures."""


class _Header(msgspec.Struct):
    metadata: dict[str, str] = msgspec.field(name="__metadata__")


def digest_of_pictures(split: Split) -> str:
    """Return the SHA-256 of the training pictures' own digests."""
    return hashlib.sha256("".join(picture.digest for picture in split.training).encode()).hexdigest()


def sources_of(split: Split) -> str:
    """Return the folders and archives of the training pictures, and how many each has."""
    folders = Counter(readable(picture.path.parent.name) for picture in split.training)
    return ", ".join(
        f"{name} ({count} {'picture' if count == 1 else 'pictures'})" for name, count in sorted(folders.items())
    )


def stored_sources(folder: Path) -> StoredSources | None:
    """Return what the checkpoint of a run folder says of its pictures, None where there is no checkpoint.

    Raises:
        CheckpointError: the file is damaged.
    """
    path = folder / CHECKPOINT_NAME
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = msgspec.json.decode(file.read(min(length, path.stat().st_size)), type=_Header)
        return msgspec.json.decode(header.metadata[STATE_KEY], type=StoredSources)
    except FileNotFoundError:
        return None
    except (OSError, KeyError, msgspec.MsgspecError) as error:
        raise CheckpointError(path, "it is damaged") from error
