"""Rows flow through stations, on which several threads work at a time.

Layers that are computed one after the other, each by all threads, make every thread wait for the slowest at every
layer: 140 times for a strip. Here each station is a few layers that one thread computes for one strip, while other
threads are at other stations with other strips. Nobody waits for a layer, each core has its own data, and a thread that
loses its core for a while delays nothing but its own strip.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from typing import Protocol

import torch
from torch import Tensor

_FEWEST_PIECES = 4
"""Fewer pieces than this are computed one after the other, each by all threads."""

_FEWEST_AT_WORK = 2

_MOST_AT_WORK = 4
"""Threads that find work at a time: the heaviest station of SRResNet is a quarter of the whole."""

_MOST_WAITING = 3
"""Pieces that wait before a station; the one before it then pauses, which bounds memory."""

_MOST_FINISHED = 32
"""Pieces that wait to be taken away; they are smaller."""


class Station(Protocol):
    """Some layers of a network."""

    def push(self, rows: Tensor) -> Iterator[Tensor]:
        """Take the next `(n, W, C)` rows, and yield what is finished, `(m, W′, C′)`, in order."""


@dataclass(frozen=True, slots=True)
class Crew:
    """Who computes."""

    size: int
    """Stations at work at a time; with one alone everything happens on the calling thread."""
    threads_each: int
    """Threads that compute each of their layers."""

    @classmethod
    def of(cls, threads: int, pieces: int) -> Crew:
        """Return the crew that keeps most of so many threads busy with so many pieces."""
        if threads < _FEWEST_AT_WORK or pieces < _FEWEST_PIECES:
            return cls(1, threads)
        size = max(range(_FEWEST_AT_WORK, _MOST_AT_WORK + 1), key=lambda size: (threads // size * size, size))
        return cls(size, threads // size)


ALONE = Crew(1, 1)
"""One thread. Devices that compute on their own need no more."""


def flow(stations: Sequence[Station], inputs: Iterable[Tensor], crew: Crew) -> Generator[Tensor]:
    """Let rows flow through stations.

    Args:
        stations: what the rows pass, in order; each is at work on one piece at a time.
        inputs: rows for the first station; taken on the calling thread, a few ahead.
        crew: who computes.

    Yields:
        What the last station gives, in order.

    Whatever a station raises leaves the generator, after all others have stopped.
    """
    if crew.size > 1:
        yield from _Hall(stations).run(iter(inputs), crew)
        return
    rows: Iterable[Tensor] = inputs
    for station in stations:
        rows = chain.from_iterable(map(station.push, rows))
    yield from rows


class _Post:
    """A station, and the pieces that wait before it."""

    def __init__(self, station: Station, outbox: deque[Tensor], outbox_size: int) -> None:
        self.inbox: deque[Tensor] = deque()
        self.outbox = outbox
        self.is_at_work = False
        self._outbox_size = outbox_size
        self._station = station
        self._work: Iterator[Tensor] | None = None

    @property
    def has_work(self) -> bool:
        """Whether there is anything to be done now or after the step that is under way."""
        return self.is_at_work or self._work is not None or bool(self.inbox)

    @property
    def can_step(self) -> bool:
        """Whether a thread could do something here."""
        return self.has_work and not self.is_at_work and len(self.outbox) < self._outbox_size

    def step(self) -> Tensor | None:
        """Compute the next piece; None if more rows are needed for one."""
        while True:
            if self._work is None:
                if not self.inbox:
                    return None
                self._work = self._station.push(self.inbox.popleft())
            piece = next(self._work, None)
            if piece is not None:
                return piece
            self._work = None


class _Hall:
    """Where the crew works: every thread goes to the last station that has something to do."""

    def __init__(self, stations: Sequence[Station]) -> None:
        self._changed = threading.Condition()
        self._finished: deque[Tensor] = deque()
        self._posts: list[_Post] = []  # the last station first
        self._has_all_rows = False
        self._is_stopped = False
        outbox, size = self._finished, _MOST_FINISHED
        for station in reversed(stations):
            self._posts.append(_Post(station, outbox, size))
            outbox, size = self._posts[-1].inbox, _MOST_WAITING

    def run(self, inputs: Iterator[Tensor], crew: Crew) -> Generator[Tensor]:
        """Feed the first station and yield what the last one gives."""
        with ThreadPoolExecutor(
            crew.size,
            thread_name_prefix="srdesk-station",
            initializer=torch.set_num_threads,  # holds for the thread that calls it
            initargs=(crew.threads_each,),
        ) as pool:
            threads = [pool.submit(self._work) for _ in range(crew.size)]
            try:
                while self._goes_on():
                    yield from self._exchange(inputs)
            finally:
                with self._changed:
                    self._is_stopped = True
                    self._changed.notify_all()
            for thread in threads:
                thread.result()

    def _exchange(self, inputs: Iterator[Tensor]) -> Iterator[Tensor]:
        """Wait for something to do, bring the next rows, and take away what is finished."""
        first = self._posts[-1]
        with self._changed:
            self._changed.wait_for(lambda: self._finished or self._wants_rows() or self._is_over())
            wants_rows = self._wants_rows()
        if wants_rows:
            rows = next(inputs, None)
            with self._changed:
                if rows is None:
                    self._has_all_rows = True
                else:
                    first.inbox.append(rows)
                self._changed.notify_all()
        while self._finished:
            with self._changed:
                piece = self._finished.popleft()
                self._changed.notify_all()
            yield piece

    def _wants_rows(self) -> bool:
        return not self._has_all_rows and len(self._posts[-1].inbox) < _MOST_WAITING

    def _goes_on(self) -> bool:
        with self._changed:
            return not self._is_over()

    def _is_over(self) -> bool:
        """Tell whether nothing is left to do; to be asked with ``_changed`` held, or a last piece is overlooked."""
        is_done = self._has_all_rows and not self._finished and not any(post.has_work for post in self._posts)
        return is_done or self._is_stopped

    def _work(self) -> None:
        """Go from station to station until everything is over; the life of a thread of the crew."""
        with torch.inference_mode():
            while (post := self._next_post()) is not None:
                piece, is_sound = None, False
                try:
                    piece = post.step()
                    is_sound = True
                finally:
                    self._leave(post, piece, is_sound=is_sound)

    def _next_post(self) -> _Post | None:
        with self._changed:
            while not self._is_over():
                for post in self._posts:
                    if post.can_step:
                        post.is_at_work = True
                        return post
                self._changed.wait()
        return None

    def _leave(self, post: _Post, piece: Tensor | None, *, is_sound: bool) -> None:
        with self._changed:
            post.is_at_work = False
            if piece is not None:
                post.outbox.append(piece)
            if not is_sound:
                self._is_stopped = True
            self._changed.notify_all()
