"""What errors say."""

import inspect
import pickle
from pathlib import Path

import pytest

from srdesk import errors
from srdesk.errors import (
    Cancelled,
    ConfigError,
    DatasetError,
    ImageError,
    ImageReadError,
    ImageWriteError,
    OutOfMemoryError,
    SrDeskError,
    UnsupportedImageError,
    WeightsError,
)

FAMILY = [
    member
    for _, member in inspect.getmembers(errors, inspect.isclass)
    if issubclass(member, SrDeskError) and member is not SrDeskError
]


def made(kind: type[SrDeskError]) -> SrDeskError:
    """Make an error of any kind with the arguments that its constructor wants."""
    wanted = [name for name in inspect.signature(kind).parameters if name != "hint"]
    return kind(*("something" for _ in wanted))


@pytest.mark.parametrize("kind", FAMILY)
def test_every_error_is_one_sentence_of_one_line(kind: type[SrDeskError]) -> None:
    said = str(made(kind))
    assert said
    assert "\n" not in said


@pytest.mark.parametrize("kind", [kind for kind in FAMILY if not kind.__subclasses__() and kind is not ConfigError])
def test_every_error_that_is_raised_has_a_remedy(kind: type[SrDeskError]) -> None:
    if kind.__name__ not in ("TrainingProcessError",):  # whoever raises it knows the log to look at
        assert made(kind).hint


@pytest.mark.parametrize("kind", FAMILY)
def test_a_remedy_of_ones_own_wins(kind: type[SrDeskError]) -> None:
    wanted = [name for name in inspect.signature(kind).parameters if name != "hint"]
    assert kind(*("something" for _ in wanted), hint="Do this.").hint == "Do this."


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ImageError("/a/b.png", "it is odd"), "“b.png”: it is odd."),
        (ImageReadError("/a/b.png", "it is empty"), "“b.png” cannot be opened: it is empty."),
        (ImageReadError(".", "it is a folder"), "“.” cannot be opened: it is a folder."),
        (UnsupportedImageError("/a/b.png", "it is SVG"), "“b.png” is not supported: it is SVG."),
        (ImageWriteError("/a/b.png", "the disk is full"), "“b.png” cannot be written: the disk is full."),
        (WeightsError("/a/b.safetensors", "it is cut"), "The weights “b.safetensors” cannot be used: it is cut."),
        (DatasetError("/a", "it is empty"), "The folder “/a” cannot be used: it is empty."),
        (ConfigError("size", "9x", "4x"), "size cannot be '9x'."),
    ],
)
def test_errors_name_what_they_are_about(error: SrDeskError, said: str) -> None:
    assert str(error) == said


def test_errors_carry_data_for_whoever_offers_a_remedy() -> None:
    assert ImageReadError("a.png", "it is empty").path == Path("a.png")
    assert ConfigError("size", "9x", "4x").allowed == "4x"


@pytest.mark.parametrize("kind", FAMILY)
def test_an_error_of_another_process_is_the_same_error(kind: type[SrDeskError]) -> None:
    error = made(kind)
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    assert type(copy) is kind
    assert (str(copy), copy.hint, vars(copy)) == (str(error), error.hint, vars(error))


def test_exit_codes_tell_memory_and_cancelling_from_other_endings() -> None:
    assert {kind.exit_code for kind in FAMILY if kind is not OutOfMemoryError} == {1}
    assert (OutOfMemoryError("x").exit_code, Cancelled.exit_code) == (3, 130)


def test_cancelling_is_no_error() -> None:
    assert not issubclass(Cancelled, SrDeskError)


@pytest.mark.parametrize(
    ("name", "shown"), [("a\nb.png", "a�b.png"), ("caf\udce9.png", "caf�.png"), ("ö.png", "ö.png")]
)
def test_a_file_name_never_breaks_the_line_or_the_encoding(name: str, shown: str) -> None:
    said = str(ImageReadError(f"/folder/{name}", "it is empty"))
    assert said == f"“{shown}” cannot be opened: it is empty."
    said.encode()
