"""The thread that reads tiles of all open scenes: what is seen now first, what is asked for no longer never.

While nothing is asked for it builds the levels that a file lacks, a tenth of a second at a time.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from typing import Protocol

from srdesk.errors import SrDeskError
from srdesk.gui.scene.patch import Patch
from srdesk.gui.scene.reader import SceneReader
from srdesk.gui.scene.tile_cache import TileCache
from srdesk.imaging.scene.gdal_session import gdal_session

log = logging.getLogger(__name__)

_TELL_EVERY_S = 0.03
"""How often it is said that tiles are there, while more are on their way."""

TileKey = tuple[int, int, int]
"""Level, row and column of a tile."""


class TileOwner(Protocol):
    """A scene whose tiles are read."""

    def open_reader(self) -> SceneReader:
        """Open its files; called on the thread, once.

        Raises:
            ImageError: the scene cannot be opened any more.
        """

    def void_tile(self, key: TileKey) -> Patch:
        """Return what is shown of a tile that cannot be read."""

    def tell(self, *, built: float | None = None, error: SrDeskError | None = None) -> None:
        """Take notice of new tiles; called on the thread.

        Args:
            built: share of the missing levels that is built by now, None if this is about something else.
            error: why the scene cannot be read.
        """


class TileThread:
    """Reads tiles into a cache. Started when it is first needed; to be closed.

    Args:
        cache: where tiles go.
    """

    def __init__(self, cache: TileCache) -> None:
        self.cache = cache
        self._turn = threading.Condition()
        self._asked: OrderedDict[tuple[TileOwner, TileKey], None] = OrderedDict()
        self._glanced: tuple[TileOwner, TileKey] | None = None
        self._left: list[TileOwner] = []
        self._readers: dict[TileOwner, SceneReader | None] = {}
        self._building: list[TileOwner] = []
        self._thread: threading.Thread | None = None
        self._is_ending = False
        self._told_s = 0.0

    def ask(self, owner: TileOwner, key: TileKey) -> None:
        """Have a tile read, after those that were asked for before."""
        with self._turn:
            self._asked[owner, key] = None
            self._wake()

    def ask_aside(self, owner: TileOwner, key: TileKey) -> None:
        """Have one tile read as soon as there is time; only the latest wish of this kind counts."""
        with self._turn:
            self._glanced = (owner, key)
            self._wake()

    def drop(self, owner: TileOwner) -> None:
        """Forget what was asked for of a scene, since something else is looked at."""
        with self._turn:
            for wish in [wish for wish in self._asked if wish[0] is owner]:
                del self._asked[wish]

    def leave(self, owner: TileOwner) -> None:
        """Let go of a scene: nothing is read of it any more, and its files are closed."""
        self.drop(owner)
        with self._turn:
            if self._glanced is not None and self._glanced[0] is owner:
                self._glanced = None
            self._left.append(owner)
            self._turn.notify()

    def close(self, patience_s: float) -> bool:
        """End the thread; tell whether it has ended in time."""
        with self._turn:
            self._is_ending = True
            self._turn.notify()
        if self._thread is None:
            return True
        self._thread.join(patience_s)
        return not self._thread.is_alive()

    def _wake(self) -> None:
        if self._thread is None and not self._is_ending:
            self._thread = threading.Thread(target=self._run, name="tiles", daemon=True)
            self._thread.start()
        self._turn.notify()

    def _run(self) -> None:
        with gdal_session():
            while self._do_one():
                pass
            for reader in self._readers.values():
                if reader is not None:
                    reader.close()

    def _do_one(self) -> bool:
        """Do the most urgent thing; tell whether to go on."""
        with self._turn:
            self._turn.wait_for(lambda: self._is_ending or self._left or self._asked or self._glanced or self._building)
            if self._is_ending:
                return False
            left, self._left = self._left, []
            wish = None
            if self._asked:
                wish = self._asked.popitem(last=False)[0]
            elif self._glanced is not None:
                wish, self._glanced = self._glanced, None
            has_more = bool(self._asked)
        for owner in left:
            self._close(owner)
        if wish is not None:
            self._read(*wish, has_more=has_more)
        elif self._building:
            self._build(self._building[-1])
        return True

    def _read(self, owner: TileOwner, key: TileKey, *, has_more: bool) -> None:
        if self.cache.get((owner, key)) is not None:
            return  # it was asked for again while it was read
        try:
            reader = self._reader(owner)
            tile = reader.read(*key) if reader is not None else owner.void_tile(key)
            if tile is None:
                return  # it is still to be built
        except (SrDeskError, OSError) as error:
            log.warning("tile %s cannot be read: %s", key, error)
            tile = owner.void_tile(key)
            owner.tell(error=error if isinstance(error, SrDeskError) else None)
        self.cache.put((owner, key), tile)
        now_s = time.monotonic()
        if not has_more or now_s - self._told_s > _TELL_EVERY_S:
            self._told_s = now_s
            owner.tell()

    def _build(self, owner: TileOwner) -> None:
        reader = self._readers.get(owner)
        share = None
        try:
            share = reader.build_on() if reader is not None else None
        except (SrDeskError, OSError) as error:
            log.warning("the pyramid cannot be built: %s", error)
            owner.tell(error=error if isinstance(error, SrDeskError) else None)
        if share is None:
            self._building.remove(owner)
        now_s = time.monotonic()
        if share is None or now_s - self._told_s > 4 * _TELL_EVERY_S:
            self._told_s = now_s
            owner.tell(built=1.0 if share is None else share)

    def _reader(self, owner: TileOwner) -> SceneReader | None:
        if owner not in self._readers:
            self._readers[owner] = None  # an error is said once
            self._readers[owner] = owner.open_reader()
            self._building.append(owner)
        return self._readers[owner]

    def _close(self, owner: TileOwner) -> None:
        reader = self._readers.pop(owner, None)
        if reader is not None:
            reader.close()
        if owner in self._building:
            self._building.remove(owner)
