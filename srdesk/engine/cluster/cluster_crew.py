"""Scenes and folders enlarged by the workers of a cluster, to the same bytes as on one machine.

Steps of scenes are futures over the windows of a run on one machine. A few of them are under way for every worker, and
what is finished stays with its worker until its turn comes: the one writer holds a single step, however many workers
there are. What a lost worker had is made again by another one.
"""

from __future__ import annotations

import contextlib
import secrets
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec

from srdesk.engine.cluster.cluster import Cluster
from srdesk.engine.cluster.cluster_task import FileMark, Outcome, TaskFacts, can_see, do_file, do_step, mark_of
from srdesk.engine.control import Control
from srdesk.engine.files.file_job import FileFacts, Upscalers, enlarge_file, goes_from_disk_to_disk
from srdesk.engine.scenes.scene import plan_passes, plan_windows
from srdesk.engine.scenes.scene_extract import SceneExtract
from srdesk.engine.scenes.scene_step import MadeStep, SceneOrder, SceneStep
from srdesk.engine.trust import sidecar
from srdesk.errors import ImageReadError, ImageWriteError, OutputTakenError
from srdesk.imaging.atomic import atomic_write, write_errors
from srdesk.imaging.claim import claimed
from srdesk.imaging.decoder import Decoder
from srdesk.imaging.formats import regular_file

if TYPE_CHECKING:
    from distributed import Future

    from srdesk.imaging.scene.geotiff import GeoTiff

TASKS_PER_WORKER = 2
"""Tasks under way for every worker: the one it computes, and the next."""

MOST_SENT_BYTES = 256 * 2**20
"""A picture that workers do not see is sent whole, and its result, many times as large, sent back."""

_ResultT = TypeVar("_ResultT")


class WorkerTotals(msgspec.Struct):
    """What a worker did in all."""

    host: str
    """Name of the machine."""
    pid: int
    """Process on that machine."""
    threads: int
    """CPU threads that computed."""
    processor: str
    """Which instructions its kernels use, or the name of its GPU."""
    tasks: int = 0
    """Steps and files."""
    seconds: float = 0.0
    """Time of its tasks."""
    cpu_seconds: float = 0.0
    """Processor time of all its threads meanwhile."""


class ClusterCrew:
    """Workers that make steps of scenes, and enlarge files (`srdesk.engine.scenes.scene_step.SceneCrew`).

    For any number of threads.

    Args:
        cluster: the workers.
    """

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._upscalers = Upscalers()
        self._lock = threading.Lock()
        self._scene_turn = threading.Lock()
        self._totals: dict[str, WorkerTotals] = {}
        self._asking = threading.Lock()
        self._is_shared: dict[tuple[Path, Path], bool] = {}

    @property
    def workers(self) -> int:
        """How many workers there are."""
        return self._cluster.workers

    def totals(self) -> dict[str, WorkerTotals]:
        """Return what every worker did so far, by address."""
        with self._lock:
            return dict(self._totals)

    def make(self, order: SceneOrder, steps: Sequence[SceneStep], control: Control) -> Iterator[MadeStep]:
        """Yield the steps of a scene in order; see `srdesk.engine.scenes.scene_step.SceneCrew`."""
        from srdesk.imaging.scene.geotiff import open_geotiff

        control.start()
        order = replace(order, path=order.path.absolute())  # workers stand in other folders
        waiting: deque[tuple[SceneStep, Future[Outcome[MadeStep]]]] = deque()
        mark = mark_of(order.path)
        is_seen = all(self._cluster.ask(can_see, order.path, mark).values())
        total_px, done_px, rest = sum(step.lr_px for step in steps), 0, iter(steps)

        def report() -> None:
            shares = sum(step.lr_px * self._cluster.share_done(future) for step, future in waiting)
            control.report(done_px + int(shares), total_px)

        with contextlib.ExitStack() as stack:
            scene = None if is_seen else stack.enter_context(open_geotiff(order.path))
            stack.callback(_cancel, waiting)
            while True:
                while len(waiting) < max(1, TASKS_PER_WORKER * self._cluster.workers):
                    step = next(rest, None)
                    if step is None:
                        break
                    waiting.append((step, self._submit_step(order, mark, step, scene)))
                if not waiting:
                    return
                made = self._result(self._cluster.outcome(waiting[0][1], control.token, report), control)
                done_px += waiting.popleft()[0].lr_px
                report()
                yield made
                del made  # before the next one comes

    def enlarge_file(
        self, source: Path, output: Path, decoder: Decoder, control: Control, *, may_replace: bool = True
    ) -> FileFacts:
        """Enlarge a file as `file_job.enlarge_file` does: a scene step by step, anything else as a whole.

        Raises:
            SrDeskError: as there.
            ClusterError: the cluster is lost.
            Cancelled: the token of ``control`` was raised.
        """
        recipe = self._cluster.job.recipe
        if goes_from_disk_to_disk(source, output) and _has_steps(source, recipe.bands):
            with self._scene_turn:  # whose steps are enough for all workers
                control.token.check()
                # The model is loaded here as well: the result must fit its scale, and who cannot load it should know.
                model = partial(self._upscalers.ready, recipe)
                return enlarge_file(source, output, recipe, model, decoder, control, may_replace=may_replace, crew=self)
        mark = mark_of(source)
        content = None if self._has_in_common(source, mark, output) else _read(source, mark)
        control.start()
        where = source.absolute(), output.absolute()
        outcome, was_begun_before = self._outcome(control, do_file, *where, mark, content, may_replace)
        if was_begun_before and isinstance(outcome.error, OutputTakenError):
            # By the worker that is lost: it was killed between the writing and the telling.
            outcome, _ = self._outcome(control, do_file, *where, mark, content, True)
        made = self._result(outcome, control)
        if made.contents is not None:
            _write(source, output, made.contents, may_replace=may_replace)
        return made.facts

    def _outcome(
        self, control: Control, task: Callable[..., Outcome[_ResultT]], *arguments: object
    ) -> tuple[Outcome[_ResultT], bool]:
        """Let a worker do a task; return also whether a worker that is lost had begun it before."""
        future = self._cluster.submit(task, *arguments)

        def report() -> None:
            if share := self._cluster.share_done(future):  # those that wait for their turn say nothing
                control.report(int(share * 1000), 1000)

        try:
            outcome = self._cluster.outcome(future, control.token, report)
        finally:
            future.cancel()
        return outcome, self._cluster.was_begun_before(future)

    def _submit_step(
        self, order: SceneOrder, mark: FileMark, step: SceneStep, scene: GeoTiff | None
    ) -> Future[Outcome[MadeStep]]:
        extract = None if scene is None else SceneExtract.of(scene, step)
        return self._cluster.submit(do_step, order, mark, step, extract)

    def _result(self, outcome: Outcome[_ResultT], control: Control) -> _ResultT:
        """Return what came of a task, and pass on what was said.

        Raises:
            SrDeskError: nothing came of it.
        """
        self._count(outcome.facts)
        for notice in outcome.notices:
            control.notify(notice)
        if outcome.error is not None:
            raise outcome.error
        assert outcome.result is not None
        return outcome.result

    def _count(self, facts: TaskFacts) -> None:
        with self._lock:
            new = WorkerTotals(facts.host, facts.pid, facts.threads, facts.processor)
            totals = self._totals.setdefault(facts.worker, new)
            totals.tasks += 1
            totals.seconds += facts.seconds
            totals.cpu_seconds += facts.cpu_seconds

    def _has_in_common(self, source: Path, mark: FileMark, output: Path) -> bool:
        """Tell whether all workers see the folder of a file, and can write into that of its result."""
        folders = source.absolute().parent, output.absolute().parent
        with self._asking:  # which takes as long as the slowest worker
            if folders not in self._is_shared:
                sees_source = all(self._cluster.ask(can_see, source.absolute(), mark).values())
                self._is_shared[folders] = sees_source and self._is_common(folders[1])
            return self._is_shared[folders]

    def _is_common(self, folder: Path) -> bool:
        """Tell whether all workers see a file that is put into a folder.

        Raises:
            ImageWriteError: none can be put there.
        """
        probe = folder / f".srdesk-probe-{secrets.token_hex(8)}"
        try:
            with write_errors(probe):
                folder.mkdir(parents=True, exist_ok=True)
                probe.write_bytes(secrets.token_bytes(32))
            return all(self._cluster.ask(can_see, probe, mark_of(probe)).values())
        finally:
            with contextlib.suppress(OSError):  # of a folder that could not be made
                probe.unlink()


def _cancel(waiting: deque[tuple[SceneStep, Future[Outcome[MadeStep]]]]) -> None:
    for _, future in waiting:
        future.cancel()


def _has_steps(source: Path, colours: tuple[int, int, int] | None) -> bool:
    """Tell whether a scene has several steps, so that more than one worker can be at it.

    Raises:
        ImageError: it cannot be opened.
        ConfigError: it has no such bands.
    """
    from srdesk.imaging.scene.geotiff import open_geotiff

    with open_geotiff(source) as scene:
        return len(plan_windows(scene.height, scene.width, 4)) * len(plan_passes(scene, colours)) > 1


def _read(path: Path, mark: FileMark) -> bytes:
    """Return a file that is sent to a worker.

    Raises:
        ImageReadError: it cannot be read, or is too large to be sent.
    """
    if mark.size_bytes > MOST_SENT_BYTES:
        hint = "Mount its folder, and that of the results, under the same path on all machines."
        raise ImageReadError(path, "the workers do not see it, and it is too large to be sent", hint=hint)
    with regular_file(path) as stream:
        try:
            return stream.read()
        except OSError as error:
            raise ImageReadError(path, (error.strerror or "reading failed").lower()) from error


def _write(source: Path, output: Path, contents: dict[str, bytes], *, may_replace: bool) -> None:
    """Write what a worker sent: the result, and what stands beside it.

    Raises:
        ImageWriteError: it cannot be written.
        OutputTakenError: someone else has written it meanwhile.
    """
    with claimed(output, may_replace=may_replace):
        for name, content in contents.items():
            try:
                with atomic_write(output.with_name(name)) as stream:
                    stream.write(content)
            except OSError as error:
                raise ImageWriteError(output, (error.strerror or "writing failed").lower()) from error
        beside = sidecar.sidecar_path(output)
        if beside.name in contents:  # which names the file where the worker had it
            sidecar.write_sidecar(output, sidecar.moved(sidecar.read_sidecar(beside), source, output))
