"""What the workers of a cluster do: steps of scenes, and whole files. Runs on machines that have the program as well.

Every worker computes one task at a time. It gets the weights once, as a file; what it reads and writes beside that are
files that it has in common with whoever sent the task, or else what came with it.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import importlib.metadata
import os
import platform
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

import msgspec
from distributed import Worker, WorkerPlugin, get_worker

from srdesk import __version__
from srdesk.engine.control import CancelToken, Control, Progress
from srdesk.engine.files.file_job import FileFacts, Upscalers, enlarge_file
from srdesk.engine.files.file_recipe import FileRecipe
from srdesk.engine.scenes.scene_extract import SceneExtract
from srdesk.engine.scenes.scene_step import MadeStep, SceneOrder, SceneStep, make_step
from srdesk.errors import ClusterError, OutOfMemoryError, SrDeskError
from srdesk.imaging.formats import regular_file
from srdesk.imaging.scene.bands import SceneBands
from srdesk.imaging.scene.tile_press import TilePress

if TYPE_CHECKING:
    from srdesk.imaging.decoder import Decoder

_ResultT = TypeVar("_ResultT")

_REPORTS_HZ = 2.0
"""How often a worker tells how far it is."""

_LAST_MOMENT_S = 0.4

_PIECES, _PIECE_BYTES = 64, 2**16
"""A file is told from another one by so many pieces of it; small ones are compared whole."""


@dataclass(frozen=True, slots=True)
class Introduction:
    """What a worker says of itself before it gets anything to do."""

    version: str
    """Of this program."""
    torch: str
    """Version of torch, without the name of its build."""
    tasks: int
    """How many tasks it does at a time."""


@dataclass(frozen=True, slots=True)
class FileMark:
    """By what a file is known on another machine."""

    size_bytes: int
    """Its length."""
    sha256: str
    """Of pieces spread over it; of all of it if it is small."""


@dataclass(frozen=True, slots=True)
class Job:
    """What all tasks of a command share."""

    name: str
    """Unlike that of any other."""
    recipe: FileRecipe
    """How everything is enlarged; the weights are meant by their name and checksum, wherever they lie."""
    weights_sha256: str
    """Checksum of the weights file; empty for the bicubic."""
    threads: int | None
    """CPU threads of a task; None for the worker's own choice."""
    version: str = __version__
    """Of the program that sent it."""


@dataclass(frozen=True, slots=True)
class TaskFacts:
    """Who did a task, and how."""

    worker: str
    """Address."""
    host: str
    """Name of the machine."""
    pid: int
    """Process on that machine."""
    threads: int
    """CPU threads that computed."""
    processor: str
    """Which instructions the kernels use, or the name of the GPU."""
    seconds: float
    """How long it took."""
    cpu_seconds: float
    """Processor time of all threads of the worker meanwhile."""


@dataclass(frozen=True, slots=True)
class Outcome(Generic[_ResultT]):
    """What became of a task."""

    facts: TaskFacts
    """Who did it."""
    result: _ResultT | None
    """What came of it; None after an error."""
    error: SrDeskError | None
    """Why nothing came of it, on any worker."""
    notices: tuple[str, ...]
    """Sentences for the person."""


@dataclass(frozen=True, slots=True)
class MadeFile:
    """A file that a worker has enlarged."""

    facts: FileFacts
    """What became of it."""
    contents: dict[str, bytes] | None
    """The files that it wrote, by name, if they are not where they shall be."""


class WeightsDelivery(WorkerPlugin):
    """Puts a weights file on every worker, also on those that come later.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self._file_name = path.name
        self._content = path.read_bytes()
        self.sha256 = hashlib.sha256(self._content).hexdigest()

    @property
    def name(self) -> str:
        """Its name among the plugins of the cluster."""
        return f"srdesk-weights-{self.sha256}"

    def setup(self, worker: Worker) -> None:
        """Write the file into the folder of the worker, which is removed when it ends."""
        path = _weights_path(worker, self.sha256, self._file_name)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(self._content)


def introduce(dask_worker: Worker) -> Introduction:
    """Return what this worker is; Dask gives it by that name."""
    torch = importlib.metadata.version("torch").partition("+")[0]
    return Introduction(__version__, torch, dask_worker.state.nthreads)


def mark_of(path: Path) -> FileMark:
    """Return the mark of a file.

    Raises:
        ImageReadError: it cannot be opened.
    """
    with regular_file(path) as stream:
        size_bytes = stream.seek(0, os.SEEK_END)
        digest = hashlib.sha256()
        for number in range(_PIECES):
            stream.seek(max(0, size_bytes - _PIECE_BYTES) * number // (_PIECES - 1))
            digest.update(stream.read(_PIECE_BYTES))
    return FileMark(size_bytes, digest.hexdigest())


def can_see(path: Path, mark: FileMark) -> bool:
    """Tell whether there is a file with this mark, seen from here."""
    try:
        return mark_of(path) == mark
    except (SrDeskError, OSError):
        return False


async def stop(job_name: str) -> None:
    """Stop what this worker does for a job, and whatever it would begin; return when it has ended, or a moment later.

    What a task has half written it removes itself, if it is given the time.
    """
    _bench.token_of(job_name).cancel()
    give_up_s = time.monotonic() + _LAST_MOMENT_S
    while _bench.turn.locked() and time.monotonic() < give_up_s:
        await asyncio.sleep(0.01)


def do_step(
    job: Job, key: str, order: SceneOrder, mark: FileMark, step: SceneStep, extract: SceneExtract | None
) -> Outcome[MadeStep]:
    """Make a step of a scene.

    Args:
        job: what it belongs to.
        key: its name in reports.
        order: the scene.
        mark: that of the file.
        step: what to do.
        extract: what is needed of the file; None to read it from there.
    """

    def work(control: Control) -> MadeStep:
        tiles: list[tuple[int, bytes]] = []
        values = order.values[step.one]
        with contextlib.ExitStack() as stack:
            if extract is None:
                from srdesk.imaging.scene.geotiff import open_geotiff

                _check_seen(order.path, mark)
                bands = SceneBands(stack.enter_context(open_geotiff(order.path)), step.one.bands, values)
            else:
                bands = SceneBands(extract, step.one.bands, values)
            # A worker of one thread has but one.
            threads = (job.threads or 1) - 1
            press = TilePress(order.layout, lambda number, tile: tiles.append((number, tile)), threads=threads)
            stack.enter_context(press)
            facts = make_step(step, bands, _bench.upscalers.ready(_local_recipe(job)), press, control)
            press.flush()
        return MadeStep(tiles, facts)

    return _done(job, key, work)


def do_file(
    job: Job, key: str, source: Path, output: Path, mark: FileMark, content: bytes | None, may_replace: bool
) -> Outcome[MadeFile]:
    """Enlarge a file.

    Args:
        job: what it belongs to.
        key: its name in reports.
        source: the file.
        output: what it becomes.
        mark: that of the file.
        content: the file itself, whose result is sent back; None to read it and to write the result from here.
        may_replace: whether the output may exist.
    """

    def work(control: Control) -> MadeFile:
        recipe = _local_recipe(job)
        decoder, model = _bench.decoder(), lambda: _bench.upscalers.ready(recipe)
        if content is None:
            _check_seen(source, mark)
            return MadeFile(
                enlarge_file(source, output, recipe, model, decoder, control, may_replace=may_replace), None
            )
        with tempfile.TemporaryDirectory(dir=get_worker().local_directory) as folder:
            ours, result = Path(folder, "in", source.name), Path(folder, "out", output.name)
            ours.parent.mkdir()
            ours.write_bytes(content)
            facts = enlarge_file(ours, result, recipe, model, decoder, control)
            contents = {path.name: path.read_bytes() for path in result.parent.iterdir()}
        return MadeFile(replace(facts, source=source, output=output), contents)

    return _done(job, key, work)


class _Bench:
    """What a worker keeps from task to task."""

    def __init__(self) -> None:
        self.turn = threading.Lock()
        self.upscalers = Upscalers()
        self._tokens: dict[str, CancelToken] = {}
        self._decoder: Decoder | None = None

    def token_of(self, job_name: str) -> CancelToken:
        return self._tokens.setdefault(job_name, CancelToken())

    def decoder(self) -> Decoder:
        from srdesk.imaging.decoder import Decoder

        if self._decoder is None:
            self._decoder = Decoder()
        return self._decoder


_bench = _Bench()


def _done(job: Job, key: str, work: Callable[[Control], _ResultT]) -> Outcome[_ResultT]:
    """Do something, and say what became of it.

    An error that any worker would have is an outcome; one that another worker may not have is raised.
    """
    if job.version != __version__:
        raise ClusterError(f"The worker {get_worker().address} runs SR Desk {__version__} instead of {job.version}.")
    notices: list[str] = []
    token = _bench.token_of(job.name)
    control = Control(token, _reporter(job, key), notices.append, max_rate_hz=_REPORTS_HZ)
    result: _ResultT | None = None
    error: SrDeskError | None = None
    with _bench.turn, _measured(job) as facts:
        token.check()
        get_worker().log_event(job.name, [key, None])  # begun
        try:
            result = work(control)
        except (OutOfMemoryError, ClusterError):
            raise
        except SrDeskError as said:
            error = said
    return Outcome(facts(), result, error, tuple(notices))


@contextlib.contextmanager
def _measured(job: Job) -> Iterator[Callable[[], TaskFacts]]:
    """Compute with the threads of the job; the facts can be had at the end of the block."""
    import torch

    from srdesk.engine.device import compute_threads, resolve_device
    from srdesk.engine.trust.provenance import processor_name

    worker, processor = get_worker().address, processor_name(resolve_device(job.recipe.device).type)
    with compute_threads(job.threads):
        threads = torch.get_num_threads()
        started_s, cpu_started_s = time.perf_counter(), time.process_time()
        ended: list[float] = []
        try:
            yield lambda: TaskFacts(worker, platform.node(), os.getpid(), threads, processor, *ended)
        finally:
            ended += [time.perf_counter() - started_s, time.process_time() - cpu_started_s]


def _reporter(job: Job, key: str) -> Callable[[Progress], None]:
    worker = get_worker()
    return lambda progress: worker.log_event(job.name, [key, progress.fraction])


def _check_seen(path: Path, mark: FileMark) -> None:
    if not can_see(path, mark):
        address = get_worker().address
        hint = "Mount its folder under the same path on all machines, or on none: then its pixels are sent."
        raise ClusterError(f"The worker {address} does not see “{path}”, or another version of it.", hint=hint)


def _local_recipe(job: Job) -> FileRecipe:
    """Return the recipe of a job with the weights where this worker has them."""
    if job.recipe.weights is None:
        return job.recipe
    path = _weights_path(get_worker(), job.weights_sha256, job.recipe.weights.name)
    return msgspec.structs.replace(job.recipe, weights=path)


def _weights_path(worker: Worker, sha256: str, name: str) -> Path:
    return Path(worker.local_directory, f"srdesk-{sha256}", name)
