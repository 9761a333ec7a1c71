"""What a crew asks of its workers, with workers that are functions called here."""

from __future__ import annotations

import asyncio
import dataclasses
import pickle
import secrets
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

pytest.importorskip("distributed")

from srdesk.engine.batch.queue import Queue
from srdesk.engine.batch.queue_run import Ears
from srdesk.engine.cluster import cluster_crew, cluster_task
from srdesk.engine.cluster.cluster_crew import TASKS_PER_WORKER, ClusterCrew
from srdesk.engine.cluster.cluster_queue import run_queue_on
from srdesk.engine.cluster.cluster_task import FileMark, Job, Outcome, WeightsDelivery, can_see, do_file, mark_of
from srdesk.engine.control import CancelToken, Control
from srdesk.engine.files.file_job import FileFacts, Upscalers, enlarge_file
from srdesk.engine.files.file_recipe import FileRecipe
from srdesk.engine.library import WeightsCard
from srdesk.engine.scenes import scene as scenes
from srdesk.engine.weights import save_weights
from srdesk.errors import (
    Cancelled,
    ClusterError,
    ImageReadError,
    ImageWriteError,
    OutOfMemoryError,
    OutputTakenError,
    SrDeskError,
    UnexpectedError,
)
from srdesk.imaging.decoder import Decoder
from srdesk.models.srresnet import SRResNet, SRResNetConfig

MakeGeoTiff = Callable[..., Path]
RNG = np.random.default_rng(8)


class Worker:
    """Does tasks where it stands; in the place of one of Dask's."""

    address = "tcp://127.0.0.1:1"
    state = SimpleNamespace(nthreads=1)

    def __init__(self, folder: Path) -> None:
        self.local_directory = str(folder)
        self.reports: list[tuple[str, Any]] = []

    def log_event(self, topic: str, event: Any) -> None:
        self.reports.append((topic, event))


class Cluster:
    """Workers whose tasks are done when they are asked for, from copies of what is sent."""

    workers = 2

    def __init__(self, job: Job, *, sees: bool = True) -> None:
        self.job = job
        self.tasks: list[tuple[Any, ...]] = []
        self.most_waiting = 0
        self.breaks_with: Exception | None = None
        self.kills_a_worker = False
        self._sees, self._waiting = sees, 0

    def submit(self, task: Callable[..., Any], *arguments: Any) -> Any:
        self.tasks.append(arguments)
        self._waiting += 1
        self.most_waiting = max(self.most_waiting, self._waiting)
        job, sent = pickle.loads(pickle.dumps((self.job, arguments)))  # noqa: S301 - our own
        return SimpleNamespace(work=lambda: task(job, secrets.token_hex(4), *sent), cancel=lambda: None)

    def outcome(self, future: Any, token: CancelToken, meanwhile: Callable[[], None]) -> Any:
        token.check()
        meanwhile()
        self._waiting -= 1
        if self.breaks_with is not None:
            raise self.breaks_with
        if self.kills_a_worker:
            future.work()  # nobody hears of it
        return pickle.loads(pickle.dumps(future.work()))  # noqa: S301 - our own

    def ask(self, question: Callable[..., Any], *arguments: Any) -> dict[str, Any]:
        return {"a": question(*arguments), "b": self._sees and question(*arguments)}

    def share_done(self, future: Any) -> float:
        return 0.5

    def was_begun_before(self, future: Any) -> bool:
        return self.kills_a_worker


@pytest.fixture
def recipe(tmp_path: Path) -> FileRecipe:
    torch.manual_seed(3)
    config = {"channels": 8, "blocks": 1}
    path = tmp_path / "weights" / "tiny.safetensors"
    path.parent.mkdir()
    card = WeightsCard(name="tiny", architecture="srresnet", config=config)
    save_weights(path, SRResNet(SRResNetConfig(**config)), card)
    return FileRecipe(model="tiny", weights=path, device="cpu", sidecar=True)


@pytest.fixture
def worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    folder = tmp_path / "scratch"
    folder.mkdir()
    worker = Worker(folder)
    bench = cluster_task._Bench()
    monkeypatch.setattr(cluster_task, "get_worker", lambda: worker)
    monkeypatch.setattr(cluster_task, "_bench", bench)
    yield worker
    bench.decoder().close()


@pytest.fixture
def job(recipe: FileRecipe, worker: Any) -> Job:
    """A job whose weights the worker has, and this machine has not any more under that name."""
    assert recipe.weights is not None
    delivery = WeightsDelivery(recipe.weights)
    delivery.setup(worker)
    return Job("job", recipe, delivery.sha256, 1)


@pytest.fixture
def scene(make_geotiff: MakeGeoTiff, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(scenes, "_WINDOW_ROWS_PX", 64)
    numbers = RNG.integers(1, 3000, (1, 500, 70), np.uint16)
    numbers[:, 90:140, 40:60] = 0
    return make_geotiff("scene.tif", numbers, nodata=0, compress="deflate")


def picture(path: Path) -> Path:
    path.parent.mkdir(exist_ok=True)
    Image.fromarray(RNG.integers(0, 256, (20, 30, 3), np.uint8)).save(path)
    return path


def alone(source: Path, output: Path, recipe: FileRecipe) -> bytes:
    with Decoder() as decoder:
        enlarge_file(source, output, recipe, lambda: Upscalers().ready(recipe), decoder, Control())
    return output.read_bytes()


@pytest.mark.parametrize("sees", [True, False])
def test_a_scene_is_made_step_by_step_in_the_bytes_of_one_machine(
    scene: Path,
    tmp_path: Path,
    recipe: FileRecipe,
    job: Job,
    worker: Worker,
    monkeypatch: pytest.MonkeyPatch,
    sees: bool,
) -> None:
    monkeypatch.chdir(tmp_path)
    cluster = Cluster(job, sees=sees)
    crew = ClusterCrew(cluster)  # type: ignore[arg-type]
    fractions: list[float] = []
    control = Control(on_progress=lambda progress: fractions.append(progress.fraction), max_rate_hz=1e9)
    with Decoder() as decoder:
        facts = crew.enlarge_file(Path(scene.name), Path("out.tif"), decoder, control)
    assert all(order.path == scene for order, *_ in cluster.tasks)
    assert (tmp_path / "out.tif").read_bytes() == alone(scene, tmp_path / "alone.tif", recipe)
    assert facts.windows == len(cluster.tasks) == 8
    assert cluster.most_waiting == TASKS_PER_WORKER * cluster.workers
    assert all((extract is None) == sees for *_, extract in cluster.tasks)
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    (total,) = crew.totals().values()
    assert (total.tasks, total.threads) == (8, 1)
    assert total.cpu_seconds > 0
    assert all(topic == "job" for topic, _ in worker.reports)
    assert sum(share is None for _, (_, share) in worker.reports) == 8


@pytest.mark.parametrize("sees", [True, False])
def test_a_picture_is_one_task_whose_result_is_sent_if_the_disks_are_others(
    tmp_path: Path, recipe: FileRecipe, job: Job, sees: bool
) -> None:
    cluster = Cluster(job, sees=sees)
    crew = ClusterCrew(cluster)  # type: ignore[arg-type]
    with Decoder() as decoder:
        for name in ("a.png", "b.png"):
            source = picture(tmp_path / "in" / name)
            facts = crew.enlarge_file(source, tmp_path / "out" / name, decoder, Control())
            assert (facts.source, facts.output) == (source, tmp_path / "out" / name)
            assert (tmp_path / "out" / name).read_bytes() == alone(source, tmp_path / "alone" / name, recipe)
    assert [content is None for *_, content, _ in cluster.tasks] == [sees, sees]
    names = ["a.png", "a.png.srdesk.json", "b.png", "b.png.srdesk.json"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == names
    assert '"name": "../in/b.png"' in (tmp_path / "out" / "b.png.srdesk.json").read_text()


def test_a_result_of_a_worker_that_was_killed_before_it_could_tell_is_not_taken_for_somebody_elses(
    tmp_path: Path, recipe: FileRecipe, job: Job
) -> None:
    source = picture(tmp_path / "in" / "a.png")
    cluster = Cluster(job)
    crew = ClusterCrew(cluster)  # type: ignore[arg-type]
    with Decoder() as decoder:
        cluster.kills_a_worker = True
        crew.enlarge_file(source, tmp_path / "out" / "a.png", decoder, Control(), may_replace=False)
        assert (tmp_path / "out" / "a.png").read_bytes() == alone(source, tmp_path / "alone" / "a.png", recipe)
        cluster.kills_a_worker = False
        with pytest.raises(OutputTakenError):
            crew.enlarge_file(source, tmp_path / "out" / "a.png", decoder, Control(), may_replace=False)


def test_a_picture_that_is_too_large_to_be_sent_is_named(
    tmp_path: Path, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = picture(tmp_path / "in" / "a.png")
    monkeypatch.setattr(cluster_crew, "MOST_SENT_BYTES", 100)
    crew = ClusterCrew(Cluster(job, sees=False))  # type: ignore[arg-type]
    with Decoder() as decoder, pytest.raises(ImageReadError, match="too large to be sent") as caught:
        crew.enlarge_file(source, tmp_path / "out" / "a.png", decoder, Control())
    assert "same path on all machines" in caught.value.hint


def test_a_bad_file_fails_alone_and_the_loss_of_the_cluster_ends_all(tmp_path: Path, job: Job) -> None:
    for name in ("a.png", "b.png", "c.png"):
        picture(tmp_path / "in" / name)
    (tmp_path / "in" / "b.png").write_bytes(b"no picture")
    cluster = Cluster(job)
    queue, ended = Queue(), []
    ears = Ears(on_ended=lambda item, outcome: ended.append(type(outcome)))
    options: dict[str, Any] = {"template": "{stem}{ext}", "on_collision": "overwrite"}
    queue.add([tmp_path / "in"], tmp_path / "out", job.recipe, **options)
    with Decoder() as decoder:
        crew = ClusterCrew(cluster)  # type: ignore[arg-type]
        run_queue_on(crew, queue, decoder, CancelToken(), ears=ears, explain=explained)
        assert [item.state for item in queue.items()] == ["done", "failed", "done"]
        assert [kind.__name__ for kind in ended if kind is not FileFacts] == ["UnsupportedImageError"]

        queue.add([tmp_path / "in" / "a.png", tmp_path / "in" / "c.png"], tmp_path / "later", job.recipe, **options)
        cluster.breaks_with = ClusterError("The scheduler of the cluster is lost.")
        with pytest.raises(ClusterError, match="lost"):
            run_queue_on(crew, queue, decoder, CancelToken(), ears=ears, explain=explained)
        assert [item.state for item in queue.items()[3:]] == ["waiting", "waiting"]

        cluster.breaks_with = RuntimeError("what nobody foresaw")
        run_queue_on(crew, queue, decoder, CancelToken(), ears=ears, explain=explained)
        assert [item.error for item in queue.items()[3:]] == ["what nobody foresaw"] * 2


def explained(error: Exception) -> SrDeskError:
    return UnexpectedError(str(error))


def test_a_cancelled_queue_waits_for_another_time(tmp_path: Path, job: Job) -> None:
    queue, token = Queue(), CancelToken()
    source = picture(tmp_path / "in" / "a.png")
    queue.add([source], tmp_path / "out", job.recipe, template="{stem}{ext}", on_collision="number")
    token.cancel()
    with Decoder() as decoder, pytest.raises(Cancelled):
        run_queue_on(ClusterCrew(Cluster(job)), queue, decoder, token, ears=Ears(), explain=explained)  # type: ignore[arg-type]
    assert [item.state for item in queue.items()] == ["waiting"]


def test_what_any_worker_would_say_is_an_outcome_and_want_of_memory_is_tried_elsewhere(
    tmp_path: Path, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = picture(tmp_path / "in" / "a.png")

    def failed(error: Exception) -> Outcome[Any]:
        def enlarge(*_: object, **__: object) -> None:
            raise error

        monkeypatch.setattr(cluster_task, "enlarge_file", enlarge)
        return do_file(job, "key", source, tmp_path / "a.png", mark_of(source), None, True)

    outcome = failed(ImageReadError(source, "it is damaged"))
    assert (outcome.result, str(outcome.error)) == (None, "“a.png” cannot be opened: it is damaged.")
    with pytest.raises(OutOfMemoryError):
        failed(OutOfMemoryError("There is not enough memory."))


def test_a_file_that_is_another_one_by_now_is_named(tmp_path: Path, job: Job) -> None:
    source = picture(tmp_path / "in" / "a.png")
    mark = mark_of(source)
    source.write_bytes(source.read_bytes() + b"!")
    with pytest.raises(ClusterError, match=r"does not see “.*a\.png”, or another version of it") as caught:
        do_file(job, "key", source, tmp_path / "a.png", mark, None, True)
    assert "under the same path" in caught.value.hint


def test_a_worker_of_another_version_is_found_out_even_if_it_comes_late(job: Job, worker: Any) -> None:
    other = dataclasses.replace(job, version="9.9.9")
    with pytest.raises(ClusterError, match=r"The worker tcp://127.0.0.1:1 runs SR Desk .* instead of 9\.9\.9"):
        do_file(other, "key", Path("a"), Path("b"), FileMark(0, ""), None, True)


def test_a_stopped_job_begins_nothing_more(scene: Path, job: Job, worker: Any) -> None:
    asyncio.run(cluster_task.stop(job.name))
    with pytest.raises(Cancelled):
        do_file(job, "key", scene, scene.with_name("o.tif"), mark_of(scene), None, True)
    assert not scene.with_name("o.tif").exists()


def test_a_file_is_told_from_another_one_of_its_length(tmp_path: Path) -> None:
    path = tmp_path / "a"
    content = bytearray(secrets.token_bytes(3_000_000))
    path.write_bytes(content)
    mark = mark_of(path)
    assert can_see(path, mark)
    content[1_234_567] ^= 1
    path.write_bytes(content)
    assert not can_see(path, mark)
    assert not can_see(tmp_path / "missing", mark)
    assert not can_see(tmp_path, mark)
    (tmp_path / "empty").touch()
    assert can_see(tmp_path / "empty", mark_of(tmp_path / "empty"))


def test_only_one_file_at_a_time_is_made_step_by_step(
    scene: Path, tmp_path: Path, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy, most = 0, 0
    lock = threading.Lock()

    def enlarge(*arguments: Any, **options: Any) -> None:
        nonlocal busy, most
        with lock:
            busy += 1
            most = max(most, busy)
        threading.Event().wait(0.02)
        with lock:
            busy -= 1

    monkeypatch.setattr(cluster_crew, "enlarge_file", enlarge)
    crew = ClusterCrew(Cluster(job))  # type: ignore[arg-type]
    with Decoder() as decoder, ThreadPoolExecutor(4) as pool:
        outputs = [tmp_path / f"{number}.tif" for number in range(4)]
        list(pool.map(lambda output: crew.enlarge_file(scene, output, decoder, Control()), outputs))
    assert most == 1


def test_a_disk_that_is_full_is_left_as_it_was(tmp_path: Path, job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    def fill(path: Path, _content: bytes) -> int:
        path.touch()
        raise OSError(28, "No space left on device")

    source, results = picture(tmp_path / "in.png"), tmp_path / "results"
    crew = ClusterCrew(Cluster(job))  # type: ignore[arg-type]
    with monkeypatch.context() as disk:
        disk.setattr(Path, "write_bytes", fill)
        with pytest.raises(ImageWriteError, match="no space left on device"), Decoder() as decoder:
            crew.enlarge_file(source, results / "out.png", decoder, Control())
    assert list(results.iterdir()) == []


def test_nobody_waits_for_what_the_workers_are_asked(tmp_path: Path, job: Job) -> None:
    cluster = Cluster(job)
    crew = ClusterCrew(cluster)  # type: ignore[arg-type]
    ask, answered = cluster.ask, []
    with ThreadPoolExecutor(1) as pool, Decoder() as decoder:

        def asked_meanwhile(question: Callable[..., Any], *arguments: Any) -> dict[str, Any]:
            answered.append(wait([pool.submit(crew.totals)], timeout=1).done)
            return ask(question, *arguments)

        cluster.ask = asked_meanwhile  # type: ignore[method-assign]
        crew.enlarge_file(picture(tmp_path / "in.png"), tmp_path / "out.png", decoder, Control())
    assert answered
    assert all(answered)
