"""Every error that SR Desk reports to a person: what happened in one sentence, and what to do about it.

The command line and the desk print the same words because both read ``str(error)`` and ``error.hint`` from here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any


class SrDeskError(Exception):
    """A failure that a person can read: ``str()`` is one plain sentence, ``hint`` the remedy."""

    exit_code = 1
    """Exit status of the command line when this error ends it."""

    default_hint = ""
    """Remedy for errors of this class that were not given one of their own."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = self.default_hint if hint is None else hint

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[Any, ...]:
        # With all that it knows: what was given to a constructor cannot be told from the sentence that it made.
        return _restored, (type(self), self.args, self.__dict__)


def _restored(kind: type[SrDeskError], arguments: tuple[object, ...], state: dict[str, object]) -> SrDeskError:
    error = kind.__new__(kind, *arguments)
    error.__dict__.update(state)
    return error


class ImageError(SrDeskError):
    """Something about one image file."""

    def __init__(self, path: Path | str, reason: str, *, hint: str | None = None) -> None:
        self.path = Path(path)
        self.reason = reason
        super().__init__(self._sentence(), hint=hint)

    @property
    def shown_name(self) -> str:
        """The file name on one line: line breaks, undecodable bytes and hidden signs are marked."""
        return "".join(sign if sign.isprintable() else "�" for sign in self.path.name or str(self.path))

    def _sentence(self) -> str:
        return f"“{self.shown_name}”: {self.reason}."


class ImageReadError(ImageError):
    """The file is missing, unreadable or damaged."""

    default_hint = "Check that the file exists, is complete and can be read, then open it again."

    def _sentence(self) -> str:
        return f"“{self.shown_name}” cannot be opened: {self.reason}."


class UnsupportedImageError(ImageError):
    """The file is of a kind, size or pixel type that is not handled."""

    default_hint = "Open a PNG, JPEG, WebP, TIFF or FITS image, or convert the file to one of these."

    def _sentence(self) -> str:
        return f"“{self.shown_name}” is not supported: {self.reason}."


class ImageWriteError(ImageError):
    """The output cannot be written; nothing half-written is left behind."""

    default_hint = "Choose a folder that you can write to and that has enough free space."

    def _sentence(self) -> str:
        return f"“{self.shown_name}” cannot be written: {self.reason}."


class OutputTakenError(ImageWriteError):
    """Someone else is writing the output, or was faster."""

    default_hint = "Wait until the other one is done, or choose another name for the output."


class QueueError(SrDeskError):
    """What a queue remembers of itself cannot be read or written."""

    default_hint = "See that its folder is there, writable and has free space."

    def __init__(self, path: Path | str, reason: str, *, hint: str | None = None) -> None:
        self.path = Path(path)
        self.reason = reason
        super().__init__(f"The list of files in “{self.path}” cannot be used: {reason}.", hint=hint)


class QueueTakenError(QueueError):
    """Another program is working through the queue."""

    default_hint = "Wait until it is done."

    def __init__(self, path: Path | str, *, hint: str | None = None) -> None:
        super().__init__(path, "another program is working through this queue", hint=hint)


class SidecarError(SrDeskError):
    """The record of how a result was made cannot be used, or what it names is not there or no longer the same."""

    default_hint = "Name the file whose name ends in “.srdesk.json”, which lies beside the result."

    def __init__(self, path: Path | str, reason: str, *, hint: str | None = None) -> None:
        self.path = Path(path)
        self.reason = reason
        super().__init__(f"The record “{self.path.name}” cannot be used: {reason}.", hint=hint)


class WeightsError(SrDeskError):
    """Something about one weights file."""

    default_hint = "Choose another weights file; `srdesk models` lists the usable ones."

    def __init__(self, path: Path | str, reason: str, *, hint: str | None = None) -> None:
        self.path = Path(path)
        self.reason = reason
        super().__init__(f"The weights “{self.path.name}” cannot be used: {reason}.", hint=hint)


class WeightsFormatError(WeightsError):
    """The file is not a readable weights file, is damaged, or could run code."""


class WeightsMismatchError(WeightsError):
    """The file is sound but does not fit the model that it names."""


class ExportError(SrDeskError):
    """Weights cannot be written for other programs; nothing half-written is left behind."""

    default_hint = "Choose a folder that you can write to and that has enough free space."

    def __init__(self, path: Path | str, reason: str, *, hint: str | None = None) -> None:
        self.path = Path(path)
        self.reason = reason
        super().__init__(f"“{self.path.name}” cannot be written: {reason}.", hint=hint)


class ConfigError(SrDeskError):
    """A setting or option has a value that is not allowed."""

    def __init__(self, field: str, value: object, allowed: str, *, hint: str | None = None) -> None:
        self.field = field
        self.value = value
        self.allowed = allowed
        super().__init__(f"{field} cannot be {value!r}.", hint=f"Use {allowed}." if hint is None else hint)


class DatasetError(SrDeskError):
    """A folder of training or test pictures cannot be used."""

    default_hint = "Choose a folder with sharp PNG, JPEG, WebP or TIFF pictures."
    _noun = "folder"

    def __init__(self, folder: Path | str, reason: str, *, hint: str | None = None) -> None:
        self.folder = Path(folder)
        self.reason = reason
        super().__init__(f"The {self._noun} “{self.folder}” cannot be used: {reason}.", hint=hint)


class ArchiveError(DatasetError):
    """A zip file of pictures cannot be used; nothing of it was unpacked."""

    default_hint = "Fetch the archive again, or unpack it with a program that you trust and choose the folder instead."
    _noun = "archive"


class DownloadError(SrDeskError):
    """A file cannot be fetched; what has come of it is kept unless it is damaged."""

    default_hint = "Check the connection, and start the download again: it goes on where it stopped."

    def __init__(self, name: str, reason: str, *, hint: str | None = None) -> None:
        self.name = name
        self.reason = reason
        super().__init__(f"“{name}” cannot be downloaded: {reason}.", hint=hint)


class DeviceError(SrDeskError):
    """A computing device cannot do what was asked of it."""


class DeviceUnavailableError(DeviceError):
    """The device that was asked for is not in this machine, or torch cannot use it."""

    default_hint = "Choose the device “auto” or “cpu”."


class OutOfMemoryError(DeviceError):
    """Memory ran out even with the smallest window."""

    exit_code = 3
    default_hint = "Close other programs, choose a smaller window size, or enlarge a smaller part of the picture."


class NumericalError(DeviceError):
    """A network produced values that are not finite, even in float32."""

    default_hint = "Choose other weights, or the precision “fp32” on the device “cpu”."


class TrainingError(SrDeskError):
    """A training run cannot go on."""


class TrainingDivergedError(TrainingError):
    """The loss is no longer a finite number."""

    default_hint = "Begin a new run with a lower learning rate."


class CheckpointError(TrainingError):
    """A checkpoint is missing, damaged, or belongs to another configuration."""

    default_hint = "Choose the run folder of an earlier run, or start a new run in another folder."
    _trouble = "cannot be used"

    def __init__(self, path: Path | str, reason: str, *, hint: str | None = None) -> None:
        self.path = Path(path)
        super().__init__(f"The checkpoint “{self.path}” {self._trouble}: {reason}.", hint=hint)


class CheckpointWriteError(CheckpointError):
    """The new checkpoint cannot be written; the old one is as it was, and nothing half-written is left behind."""

    default_hint = "See that its folder is there, writable and has free space."
    _trouble = "cannot be written"


class RunInUseError(TrainingError):
    """Another trainer is at work in the run folder."""

    default_hint = "Wait until it has ended, stop it, or train in another run folder."

    def __init__(self, run: str, pid: int | None = None, *, hint: str | None = None) -> None:
        self.run = run
        self.pid = pid
        number = "" if pid is None else f" {pid}"
        super().__init__(f"The run “{run}” is already being trained by another process{number}.", hint=hint)


class TrainingProcessError(TrainingError):
    """The training process ended without saying why."""


class ClusterError(SrDeskError):
    """The machines that shall compute cannot be reached, do not fit, or are lost; what they had finished is kept."""

    default_hint = "See that scheduler and workers run; the same command goes on from what is finished."


class UnexpectedError(SrDeskError):
    """Anything else, wrapped at an outer edge so that a person still gets one sentence and a way to report it."""

    default_hint = "Please report this with the log file; nothing that was saved is affected."


class Cancelled(Exception):  # noqa: N818 - a wish that was granted, not an error
    """The person asked to stop. Not an error, and deliberately not an `SrDeskError`."""

    exit_code = 130
