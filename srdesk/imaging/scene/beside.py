"""Files beside a scene, of which GDAL reads some by itself: what is measured where, masks, overviews, metadata."""

from __future__ import annotations

import contextlib
import functools
import os
from pathlib import Path

from srdesk.errors import ImageReadError

_SCENE_SUFFIXES = (".tif", ".tiff")


def check_beside(path: Path) -> None:
    """Make sure that nothing beside a scene keeps GDAL waiting for ever: it opens pipes as if they were files.

    Raises:
        ImageReadError: a pipe, a socket or a device has a name that GDAL could look for.
    """
    folder, stem = path.absolute().parent, path.stem.lower()
    with contextlib.suppress(OSError):
        for name in _pipes_in(folder, folder.stat().st_mtime_ns):
            if _is_looked_for(name.lower(), stem):
                spoken = "".join(sign if sign.isprintable() else "�" for sign in name)
                hint = "Move that away, or the scene elsewhere."
                raise ImageReadError(path, f"“{spoken}”, which lies beside it, is no file", hint=hint)


@functools.lru_cache(maxsize=16)
def _pipes_in(folder: Path, _modified_ns: int) -> tuple[str, ...]:
    """List what is neither file nor folder, of a folder that was last changed then: once for all scenes in it.

    Raises:
        OSError: the folder cannot be read.
    """
    with os.scandir(folder) as entries:
        odd = [entry for entry in entries if not (entry.is_file() or entry.is_dir())]
    return tuple(entry.name for entry in odd if Path(entry.path).exists())  # links may lead nowhere


def _is_looked_for(name: str, stem: str) -> bool:
    """Tell whether a name is the stem of a scene, both in lower case, with something behind it that is no scene."""
    if name == f"{stem.rpartition('_')[0]}_mtl.txt":  # the metadata of all bands of a Landsat scene
        return True
    return name.startswith(stem) and name[len(stem) :][:1] in ("", ".", "_", "-") and not name.endswith(_SCENE_SUFFIXES)
