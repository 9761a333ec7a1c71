"""Files beside a scene, of which GDAL reads some by itself: what is measured where, masks, overviews, metadata."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from srdesk.errors import ImageReadError
from srdesk.imaging.scene.probe import AUXILIARY_SUFFIX

_MOST_READ_BYTES = 2**20
_SCENE_SUFFIXES = (".tif", ".tiff")

_TABLES_OF_CLASSES = (b"<CategoryNames>", b'tableType="thematic"')
"""What in GDAL's auxiliary file says that numbers are those of classes."""


def check_beside(path: Path) -> None:
    """Make sure that nothing beside a scene keeps GDAL waiting for ever: it opens pipes as if they were files.

    Raises:
        ImageReadError: a pipe, a socket or a device has a name that GDAL could look for.
    """
    stem = path.stem.lower()
    with contextlib.suppress(OSError), os.scandir(path.parent) as entries:
        for entry in entries:
            if not _is_looked_for(entry.name.lower(), stem):
                continue
            if not (entry.is_file() or entry.is_dir()) and Path(entry.path).exists():
                name = "".join(sign if sign.isprintable() else "�" for sign in entry.name)
                raise ImageReadError(
                    path, f"“{name}”, which lies beside it, is no file", hint="Move that away, or the scene elsewhere."
                )


def has_classes_beside(path: Path) -> bool:
    """Tell whether a table beside a scene, GDAL's or Esri's, says which classes its numbers are."""
    if path.with_name(f"{path.name}.vat.dbf").is_file():
        return True
    auxiliary = path.with_name(f"{path.name}{AUXILIARY_SUFFIX}")
    if not auxiliary.is_file():
        return False
    with contextlib.suppress(OSError), auxiliary.open("rb") as stream:
        said = stream.read(_MOST_READ_BYTES)
        return any(sign in said for sign in _TABLES_OF_CLASSES)
    return False


def _is_looked_for(name: str, stem: str) -> bool:
    """Tell whether a name is the stem of a scene, both in lower case, with something behind it that is no scene."""
    if name == f"{stem.rpartition('_')[0]}_mtl.txt":  # the metadata of all bands of a Landsat scene
        return True
    return name.startswith(stem) and name[len(stem) :][:1] in ("", ".", "_", "-") and not name.endswith(_SCENE_SUFFIXES)
