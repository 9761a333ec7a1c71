"""`srdesk train`: the process around a run. Reserves stdout for events, listens on stdin, turns failures into events.

With ``--events`` the process is made to be watched by another program, such as the desk: one JSON object a line on
stdout (everything else goes to stderr); the lines ``pause``, ``resume`` and ``stop`` on stdin do what they say, and the
end of stdin ends the run with a checkpoint, so that no run outlives a desk that died unless it was told to (see
`srdesk.training.run.runs`). Without it, a person sees a progress bar and presses Ctrl-C.
"""

from __future__ import annotations

import contextlib
import datetime
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import BinaryIO

import msgspec

from srdesk.engine.control import CancelToken
from srdesk.engine.library import SCALE_SUFFIX
from srdesk.errors import Cancelled, ConfigError, DatasetError, SrDeskError, UnexpectedError, WeightsError
from srdesk.training import events
from srdesk.training.config import CONFIG_NAME, TrainConfig
from srdesk.training.journal import Journal
from srdesk.training.learning.memory import kept_memory, told_where_it_ends
from srdesk.training.recipe import write_recipe
from srdesk.training.run.requests import Requests, hear_lines, hearing_requests
from srdesk.training.run.run_table import run_table
from srdesk.training.run.runs import CHECKPOINT_NAME, MEASURED_NAME, TENSORBOARD_FOLDER, Run
from srdesk.training.runner_options import configuration, parse, with_start
from srdesk.training.tasks import Task, run_task, stop_at, task_of
from srdesk.training.tensorboard import TensorBoardLog


def main(
    argv: Sequence[str], *, runs_folder: Path, features_file: Path | None = None, weights_folders: Sequence[Path] = ()
) -> int:
    """Run the command line verb `train`; return the exit code.

    Args:
        argv: arguments after the verb.
        runs_folder: where run folders are made unless ``--run`` names one.
        features_file: the VGG features that come with the program.
        weights_folders: where weights to start from are looked up that are called by their name.

    Raises:
        SrDeskError: what `srdesk.training.trainer.train` raises, after an event has told it.
    """
    options = parse(argv)
    if options.list:
        sys.stdout.write(run_table(runs_folder))
        return 0
    if options.recipe:
        recipe = write_recipe(Run(options.run), options.recipe)
        sys.stdout.writelines(f"{file}\n" for file in recipe.files)
        sys.stderr.writelines(f"{doubt}\n" for doubt in recipe.doubts)
        return 0
    if _is_assistant():
        return _assist(features_file)
    wire = _reserve_stdout() if options.events else None
    requests = Requests(CancelToken())
    with contextlib.ExitStack() as stack:
        stack.callback(_stop_on_signals(requests.token))
        journal = stack.enter_context(contextlib.closing(Journal(wire, requests)))
        try:
            if (task := task_of(options, features_file=features_file, weights_folders=weights_folders)) is not None:
                return _do(task, requests.token, journal)
            config = configuration(options)
            if options.run is None or not (options.run / CONFIG_NAME).exists():
                config = _with_all_there(config, options.run, weights_folders)  # a mistyped name leaves no run behind
            run = stack.enter_context(_held_run(config, options.run, runs_folder))
            stack.enter_context(hearing_requests(requests, run))
            board = TensorBoardLog(run.folder / TENSORBOARD_FOLDER) if config.tensorboard else None
            journal.open(run, total_steps=config.steps, board=board)
            if wire is not None:
                _hear_stdin(requests, run)
            config = _with_all_there(config, run.folder, weights_folders)
            if not (run.folder / CHECKPOINT_NAME).exists():  # else it is not sure yet that the checkpoint goes with it
                run.store(config)
            return _train(config, run, requests, journal, features_file)
        except SrDeskError as error:
            journal.tell(_failed(error))
            raise
        except Exception as error:
            journal.tell(_failed(UnexpectedError(f"Something unexpected went wrong: {error!r}.")))
            raise


@contextlib.contextmanager
def _held_run(config: TrainConfig, folder: Path | None, runs_folder: Path) -> Iterator[Run]:
    """Make the run folder, be its only trainer, and give it a configuration if it has none, before others see events.

    Raises:
        RunInUseError: another trainer is at work in the run folder.
        TrainingError: the run folder cannot be written to, or is no run folder.
    """
    run = Run(folder or runs_folder / f"{datetime.datetime.now():%Y-%m-%d_%H-%M-%S}_{config.weights_name}")
    run.make_folder()
    with run.hold():
        if not (run.folder / CONFIG_NAME).exists():
            run.store(config)
        yield run


def _with_all_there(config: TrainConfig, folder: Path | None, weights_folders: Sequence[Path]) -> TrainConfig:
    """Return the configuration with the path of the weights to start from, after a look at the pictures.

    Raises:
        ConfigError, WeightsError: there are no such weights, or they cannot be read, and there is no checkpoint in the
            run folder from which to go on without them.
        DatasetError: a folder of pictures is not there.
    """
    has_begun = folder is not None and (folder / CHECKPOINT_NAME).exists()
    options = _options_of_run(config, folder) if folder is not None and has_begun else config.model_options
    try:
        config = with_start(config, weights_folders)
    except (ConfigError, WeightsError):
        if not has_begun:
            raise
        config = msgspec.structs.replace(config, start=_start_of_run(config, folder))
    if has_begun:
        # Its network is there already, whatever lies by now where its first weights lay.
        config = msgspec.structs.replace(config, model_options=options)
    for name in config.data:
        if not Path(name).exists():
            raise DatasetError(name, "it does not exist")
    return config


def _start_of_run(config: TrainConfig, folder: Path | None) -> str:
    """Return the start that is given, or for a name that leads nowhere any more the file to which it led the run."""
    with contextlib.suppress(ConfigError):
        before = Run(folder).config().start if folder is not None else ""
        if Path(before).stem in (config.start, f"{config.start}{SCALE_SUFFIX}"):
            return before
    return config.start


def _options_of_run(config: TrainConfig, folder: Path) -> dict[str, int | tuple[int, ...]]:
    """Return the options that are given for the network of a run, or else those that it was made with."""
    with contextlib.suppress(ConfigError):
        return config.model_options or Run(folder).config().model_options
    return config.model_options


def _do(task: Task, token: CancelToken, journal: Journal) -> int:
    journal.open_for_task()
    if journal.is_watched:
        threading.Thread(target=stop_at, args=(sys.stdin, token), name="stdin", daemon=True).start()
    is_done = run_task(task, journal.tell, token)
    return 0 if is_done or journal.is_watched else Cancelled.exit_code


def _train(config: TrainConfig, run: Run, requests: Requests, journal: Journal, features_file: Path | None) -> int:
    # Imported here: a wrong option is answered without waiting for torch.
    from srdesk.training.learning import parallel
    from srdesk.training.trainer import train

    was_stopped = False
    with told_where_it_ends(), kept_memory(), parallel.joined() if _has_company() else contextlib.nullcontext():
        parallel.shared(msgspec.json.encode(config))
        parallel.shared(run.measured())
        for event in train(config, run.folder, requests.token, features_file=features_file, requests=requests):
            journal.tell(event)
            if isinstance(event, events.Started):
                run.store(config)
            was_stopped = isinstance(event, events.Finished) and event.reason == "stopped"
    journal.check()
    # Whoever starts several processes would take 130 for a failure, and start them again.
    is_told = journal.is_watched or _has_company()
    return Cancelled.exit_code if was_stopped and not is_told else 0


def _has_company() -> bool:
    """Tell whether `torchrun` started this process as one of several."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1


def _is_assistant() -> bool:
    """Tell whether another of these processes holds the run and tells what happens."""
    return _has_company() and os.environ["RANK"] != "0"


def _assist(features_file: Path | None) -> int:
    """Take a share of the work of a run that the main process holds, perhaps on another machine."""
    from srdesk.training.learning import parallel
    from srdesk.training.trainer import train

    token = CancelToken()
    with contextlib.ExitStack() as stack:
        stack.callback(_stop_on_signals(token))
        stack.enter_context(told_where_it_ends())
        stack.enter_context(kept_memory())
        stack.enter_context(parallel.joined())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="srdesk-")))
        config = msgspec.json.decode(parallel.shared(b""), type=TrainConfig)
        if measured := parallel.shared(b""):
            (folder / MEASURED_NAME).write_bytes(measured)
        for _ in train(config, folder, token, features_file=features_file):
            pass
    return 0


def _failed(error: SrDeskError) -> events.Failed:
    return events.Failed(kind=type(error).__name__, message=str(error), hint=error.hint)


def _reserve_stdout() -> BinaryIO:
    """Keep stdout for events: whatever a library prints lands on stderr."""
    wire = os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=0)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return wire


def _hear_stdin(requests: Requests, run: Run) -> None:
    threading.Thread(target=hear_lines, args=(requests, run, sys.stdin), name="stdin", daemon=True).start()


def _stop_on_signals(token: CancelToken) -> Callable[[], None]:
    """Let Ctrl-C and a polite kill end the run with a checkpoint; return what puts the handlers back."""
    if threading.current_thread() is not threading.main_thread():
        return lambda: None

    def stop(number: int, frame: FrameType | None) -> None:
        if token.is_cancelled:
            raise KeyboardInterrupt
        token.cancel()

    previous = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}

    def restore() -> None:
        for number, handler in previous.items():
            signal.signal(number, handler)

    return restore
