"""Coarse levels of scenes that have none of their own, in files of the cache folder: built once, read ever after.

A file is a head, one byte for each tile that says whether it is there, and the tiles, all of one size. What is there
stays there, so that a pyramid whose building was broken off is built on. It is a cache and no document: damaged files
are built anew, and the ones that were not used for longest go when the folder is full.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from srdesk.gui.scene.patch import Patch
from srdesk.gui.scene.source import SceneSource, level_size
from srdesk.imaging.image import Box

TILE_PX = 128
"""Rows and columns of a tile: those that are painted one by one."""

SUFFIX = ".pyramid"
LARGEST_FILE_BYTES = 400 * 2**20
"""Scenes whose levels would take more begin with a coarser one."""

LARGEST_FOLDER_BYTES = 4 * 2**30
_LARGEST_SHARE_OF_FREE = 0.1
_FINEST_LEVEL = 2
_LEVELS_ABOVE_OWN = 2
"""Levels that are read from the finer one of the file itself: 16 pixels for one are quick enough."""

_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Plan:
    """Which levels are kept and where their tiles are."""

    first_level: int
    """The finest level that is kept."""
    grids: tuple[tuple[int, int], ...]
    """Rows and columns of tiles of every kept level."""
    tile_bytes: int

    @property
    def tiles(self) -> int:
        """All tiles."""
        return sum(rows * columns for rows, columns in self.grids)

    def number(self, level: int, row: int, column: int) -> int:
        """Return the place of a tile among all of them."""
        before = sum(rows * columns for rows, columns in self.grids[: level - self.first_level])
        return before + row * self.grids[level - self.first_level][1] + column


def plan_store(source: SceneSource, level_count: int, largest_bytes: int = LARGEST_FILE_BYTES) -> Plan | None:
    """Return which levels of a scene are worth keeping, None if it can be read quickly as it is.

    Args:
        source: the scene.
        level_count: levels that are shown.
        largest_bytes: what they may take on the disk.
    """
    tile_bytes = TILE_PX * TILE_PX * (source.channels * source.dtype.itemsize + source.has_holes)
    first = max(_FINEST_LEVEL, source.own_level + _LEVELS_ABOVE_OWN + 1 if source.own_level else _FINEST_LEVEL)
    for first_level in range(first, level_count):
        sizes = (level_size(source.height, source.width, level) for level in range(first_level, level_count))
        plan = Plan(first_level, tuple((-(-h // TILE_PX), -(-w // TILE_PX)) for h, w in sizes), tile_bytes)
        if plan.tiles * tile_bytes <= largest_bytes:
            return plan
    return None


class StoreFolder:
    """The folder of all of them.

    Args:
        folder: made when it is needed.
        largest_bytes: what all files together may take.
    """

    def __init__(self, folder: Path, largest_bytes: int = LARGEST_FOLDER_BYTES) -> None:
        self.folder = folder
        self._largest_bytes = largest_bytes

    @property
    def size_bytes(self) -> int:
        """What the files take on the disk."""
        return sum(status.st_size for _, status in self._files())

    def clear(self) -> None:
        """Remove everything that can be built again; scenes that are open keep what they have."""
        for path, _ in self._files():
            with contextlib.suppress(OSError):
                path.unlink()

    def room_bytes(self) -> int:
        """Return what one more pyramid may take, so that no disk is filled by what can be computed."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            free_bytes = shutil.disk_usage(self.folder).free
        except OSError:
            return 0
        return min(LARGEST_FILE_BYTES, self._largest_bytes, int(free_bytes * _LARGEST_SHARE_OF_FREE))

    def open(self, path: Path, bands: tuple[int, ...], plan: Plan, source: SceneSource) -> Store | None:
        """Return the file of a scene, a new one if there is none; None if none can be written."""
        try:
            status = path.stat()
            name = (str(path.absolute()), status.st_size, status.st_mtime_ns, bands, msgspec.to_builtins(plan), _FORMAT)
            file = self.folder / (hashlib.sha256(repr(name).encode()).hexdigest()[:32] + SUFFIX)
            self._make_room(file, plan.tiles * plan.tile_bytes)
            return Store(file, plan, source)
        except OSError:
            return None

    def _make_room(self, file: Path, needed_bytes: int) -> None:
        others = sorted(
            ((path, status) for path, status in self._files() if path != file), key=lambda item: item[1].st_mtime_ns
        )
        taken_bytes = needed_bytes + sum(status.st_size for _, status in others)
        for path, status in others:
            if taken_bytes <= self._largest_bytes:
                break
            path.unlink(missing_ok=True)
            taken_bytes -= status.st_size

    def _files(self) -> list[tuple[Path, os.stat_result]]:
        found = []
        with contextlib.suppress(OSError):
            for path in self.folder.glob(f"*{SUFFIX}"):
                with contextlib.suppress(OSError):  # another desk may have removed it
                    found.append((path, path.stat()))
        return found


class Store:
    """The kept levels of one scene. For one thread at a time.

    Raises:
        OSError: the file cannot be written.
    """

    def __init__(self, path: Path, plan: Plan, source: SceneSource) -> None:
        self.plan = plan
        self._shape = (TILE_PX, TILE_PX, source.channels)
        self._dtype, self._has_holes = source.dtype, source.has_holes
        self._sizes = {
            level: level_size(source.height, source.width, level)
            for level in range(plan.first_level, plan.first_level + len(plan.grids))
        }
        path.touch()  # so that it is there, and counts as used
        self._file = path.open("r+b", buffering=0)
        self._has = bytearray(self._file.read(plan.tiles).ljust(plan.tiles, b"\0"))

    @property
    def missing(self) -> int:
        """How many tiles are not there yet."""
        return self._has.count(0)

    def has(self, level: int, row: int, column: int) -> bool:
        """Whether a tile is there."""
        return bool(self._has[self.plan.number(level, row, column)])

    def read(self, level: int, row: int, column: int) -> Patch:
        """Return a tile that is there.

        Raises:
            OSError: the disk cannot be read.
        """
        number = self.plan.number(level, row, column)
        self._file.seek(self._at(number))
        raw = self._file.read(self.plan.tile_bytes)
        if len(raw) < self.plan.tile_bytes:
            raise OSError("the file was cut off")
        box = self.box(level, row, column)
        whole = np.frombuffer(raw, self._dtype, TILE_PX * TILE_PX * self._shape[2]).reshape(self._shape)
        numbers = whole[: box.height, : box.width]
        if not self._has_holes:
            return Patch(numbers, None)
        is_data = np.frombuffer(raw, np.bool_, TILE_PX * TILE_PX, whole.nbytes).reshape(TILE_PX, TILE_PX)
        return Patch(numbers, is_data[: box.height, : box.width])

    def write(self, level: int, row: int, column: int, tile: Patch) -> None:
        """Keep a tile.

        Raises:
            OSError: the disk is full, or cannot be written.
        """
        number = self.plan.number(level, row, column)
        height, width = tile.numbers.shape[:2]
        numbers = np.zeros(self._shape, self._dtype)
        numbers[:height, :width] = tile.numbers
        raw = numbers.tobytes()
        if tile.is_data is not None:
            is_data = np.zeros((TILE_PX, TILE_PX), np.bool_)
            is_data[:height, :width] = tile.is_data
            raw += is_data.tobytes()
        for place, content in ((self._at(number), raw), (number, b"\1")):
            self._file.seek(place)
            if self._file.write(content) < len(content):
                raise OSError("the disk is full")
        self._has[number] = 1

    def box(self, level: int, row: int, column: int) -> Box:
        """Return where a tile lies in its level."""
        return Box(row * TILE_PX, column * TILE_PX, TILE_PX, TILE_PX).clipped(*self._sizes[level])

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _at(self, number: int) -> int:
        return -(-self.plan.tiles // 4096) * 4096 + number * self.plan.tile_bytes
