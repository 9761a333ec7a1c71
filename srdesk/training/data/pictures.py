"""Which pictures a run has: in folders and archives, without duplicates, split into those trained on and held out.

Listing an archive costs its directory and a few probed members: COCO's 82,783 pictures take a second. What is wrong
with a single one of them shows when it is first decoded.
"""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from srdesk.engine.control import CancelToken
from srdesk.errors import ArchiveError, CheckpointError, DatasetError, ImageError, UnsupportedImageError
from srdesk.imaging.atomic import atomic_write
from srdesk.imaging.formats import (
    FILE_SYSTEM_NOTE,
    SUFFIXES,
    open_stored,
    open_stored_bytes,
    probe_image,
    probe_image_bytes,
)
from srdesk.imaging.stored import StoredImage
from srdesk.training.config import CONFIG_NAME, TrainConfig
from srdesk.training.data.archive import Archive, Member, content_digest
from srdesk.training.run.runs import EVENTS_NAME, MEASURED_NAME, RUN_PARTS

SCALE = 4
"""HR pixels per LR pixel along each side."""

SPLIT_SALT = b"srdesk validation split 1"
"""Makes the split independent of other uses of the same hashes."""

PROBED_MEMBERS = 64
"""Members of an archive whose headers are read; the others are taken to be as large as these on average."""

ONLY_ONE = (
    "There is only 1 picture, which is both learnt from and measured: the figures say nothing about other pictures. "
    "Add some."
)
"""What is said of a run without a picture to hold out."""

LEARNT_FROM = (
    "None of the pictures that were held out is left: the one that is measured now was probably learnt from before, so "
    "that its figures may look too good. Add some."
)
"""What is said of a run that goes on without its held-out pictures, and has no others to hold out."""


class TooSmallError(UnsupportedImageError):
    """The picture is smaller than an HR crop."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One HR picture, in a folder or in an archive."""

    path: Path
    """The file; of a member of an archive that of the archive and the member's name after it."""
    digest: str
    """Identity of the content, 64 hexadecimal digits: SHA-256 of a file's bytes, `Member.digest` of a member."""
    area_px: float
    """Pixels; of a member of an archive, the mean of some of them."""
    member: Member | None = None
    """What to read, if the picture lies in an archive."""
    shorter_px: int = 0
    """Its shorter side; of a member of an archive, that of another one near it; 0: not known."""

    def read_rgb8(self) -> NDArray[np.uint8]:
        """Return the picture as `(H, W, 3)` 8-bit RGB; safe from any thread.

        Raises:
            ImageError: it cannot be read, or not any more.
        """
        if self.member is None:
            return read_rgb8(self.path)
        return _as_rgb8(open_stored_bytes(self.member.read(), self.path))


@dataclass(frozen=True, slots=True)
class Split:
    """The pictures of a run."""

    training: tuple[Picture, ...]
    """Pictures that crops are taken from."""
    validation: tuple[Picture, ...]
    """Pictures that are never trained on; the first are those to be measured."""
    skipped: tuple[tuple[Path, str], ...]
    """Files that were left out, and why."""
    notices: tuple[str, ...] = ()
    """Sentences that the person should read."""


def find_pictures(config: TrainConfig, token: CancelToken | None = None, *, measured: Collection[str] = ()) -> Split:
    """List the pictures of all data folders and archives, without duplicates, split by content hash.

    The split depends on each picture's content alone: a validation picture stays one when the folder grows or is moved.
    Of two pictures with the same content, one in a folder wins over one in an archive.

    Args:
        config: names the folders and archives, and how large a picture has to be.
        token: looked at before each file, since reading a hundred thousand takes minutes.
        measured: digests of the pictures that the run measured before; they stay held out, and are all that is
            returned for validation unless some of them are gone.

    Raises:
        Cancelled: someone asked to stop.
        DatasetError: a folder or archive cannot be used, or there is no picture that is large enough.
    """
    token = token or CancelToken()
    smallest_px = config.crop_px * SCALE
    folders, archives = open_sources(config.data)
    members = [member for archive in archives for member in archive.members]
    search = _Search(smallest_px, token, frozenset(member.size_bytes for member in members))
    for path in picture_files(folders):
        search.add_file(path)
    for archive in archives:
        search.add_archive(archive)
    ordered = sorted(search.found.values(), key=lambda picture: picture.digest)
    held_out = [picture for picture in ordered if picture.digest in measured] + [
        picture
        for picture in ordered
        if picture.digest not in measured and is_held_out(picture.digest, config.validation_share)
    ]
    validation, was_learnt_from = search.confirmed(held_out, config.validation_pictures), False
    training = _without(ordered, held_out)
    if not validation:
        # A handful of pictures may all fall on one side; a run without any measure would be blind.
        usable = search.confirmed(training, 1)
        validation, training = usable[:1], usable[1:]
        was_learnt_from = bool(measured)
    if not training:
        validation, training = validation[:1], validation[1:] or validation[:1]
    if not training:
        reason = f"it holds no readable picture of at least {smallest_px} pixels a side"
        raise DatasetError(config.data[0], reason, hint=_hint(folders))
    if measured:
        validation = validation[: len(measured)]  # more of them would change the mean as much as others would
    lost = len(measured) - sum(picture.digest in measured for picture in validation)
    notices = [*_notices(config, training, validation, lost), *([LEARNT_FROM] if was_learnt_from else [])]
    return Split(training, validation, tuple(search.skipped), tuple(notices))


def pictures_of_run(config: TrainConfig, folder: Path, token: CancelToken | None = None) -> Split:
    """List the pictures as `find_pictures` does, those first that the run in ``folder`` measured when it began.

    New pictures in the data folders would otherwise push some of the measured ones out, whose number is limited, and
    the figures before and after could not be compared.

    Raises:
        CheckpointError: the list of measured pictures is damaged, or cannot be written.
        Cancelled, DatasetError: as `find_pictures`.
    """
    path = folder / MEASURED_NAME
    try:
        measured = msgspec.json.decode(path.read_bytes(), type=tuple[str, ...]) if path.exists() else ()
        split = find_pictures(config, token, measured=measured)
        if not measured:
            folder.mkdir(parents=True, exist_ok=True)
            keep_measured(split, config, folder)
    except msgspec.MsgspecError as error:
        raise CheckpointError(path, "it is damaged") from error
    except OSError as error:
        raise CheckpointError(path, f"{error.strerror}") from error
    return split


def keep_measured(split: Split, config: TrainConfig, folder: Path) -> None:
    """Write down which pictures the run in ``folder`` measures from now on.

    Raises:
        OSError: the list cannot be written.
    """
    digests = [picture.digest for picture in split.validation[: config.validation_pictures]]
    with atomic_write(folder / MEASURED_NAME) as stream:
        stream.write(msgspec.json.encode(digests))


def open_sources(data: Sequence[str]) -> tuple[list[Path], list[Archive]]:
    """Tell folders from archives, and read the directories of the archives.

    Raises:
        DatasetError: one of them is missing, or cannot be used.
    """
    folders: list[Path] = []
    archives: list[Archive] = []
    for name in data:
        path = Path(name)
        if path.is_dir():
            folders.append(path)
        elif path.exists():
            archives.append(Archive(path))
        else:
            raise DatasetError(path, "it does not exist or is not a folder")
    return folders, archives


def picture_files(folders: Iterable[Path]) -> Iterator[Path]:
    """Yield the files in the folders and below whose names are those of pictures, folder by folder in order.

    Hidden folders below are passed over, and run folders: the pictures that these keep show what other runs held out.
    """
    for folder in folders:
        yield from sorted(path for path in _files_below(folder) if path.suffix.lower() in SUFFIXES and path.is_file())


def _files_below(folder: Path) -> Iterator[Path]:
    for place, below, names in os.walk(folder):
        if {CONFIG_NAME, EVENTS_NAME}.issubset(names):
            if Path(place) != folder:
                below.clear()
                continue
            # Somebody's pictures may lie beside a run that was put into their folder.
            below[:] = [name for name in below if name not in RUN_PARTS]
        below[:] = [name for name in below if not name.startswith(".")]
        yield from (Path(place, name) for name in names if not name.startswith(FILE_SYSTEM_NOTE))


def file_digest(content: bytes) -> str:
    """Return the identity of a file's content."""
    return hashlib.sha256(content).hexdigest()


def is_held_out(digest: str, share: float) -> bool:
    """Return whether the picture with this digest is one of the ``share`` that is never trained on."""
    salted = hashlib.sha256(SPLIT_SALT + bytes.fromhex(digest)).digest()
    return int.from_bytes(salted[:8], "big") < share * 2**64


def check_size(path: Path, height: int, width: int, smallest_px: int) -> None:
    """Make sure that a picture is as large as an HR crop.

    Raises:
        TooSmallError: it is not.
    """
    if min(height, width) < smallest_px:
        size = f"{width} × {height} pixels"
        raise TooSmallError(path, f"its {size} are fewer than the {smallest_px} × {smallest_px} of a crop")


def factor_that_fits(factor: float, shorter_px: int, crop_px: int) -> float:
    """Return the smallest factor, not below the wanted one, that leaves a picture as large as a crop.

    Args:
        factor: what the picture should be reduced by.
        shorter_px: its shorter side, at least ``crop_px``.
        crop_px: side of an HR crop.
    """
    return factor if round(shorter_px * factor) >= crop_px else crop_px / shorter_px


def unfit_factors(config: TrainConfig, shorter_px: Sequence[int], *, is_estimate: bool = False) -> Iterator[str]:
    """Yield a sentence if some pictures are too small to be reduced as the configuration says.

    Args:
        config: names the factors and the size of a crop.
        shorter_px: the shorter side of each picture.
        is_estimate: whether the sides are only likely.
    """
    crop_px = config.crop_px * SCALE
    parts: list[str] = []
    for factor in sorted(set(config.hr_scales)):
        if small := sum(factor_that_fits(factor, side_px, crop_px) != factor for side_px in shorter_px):
            count = f"about {small}" if is_estimate else f"{small}"
            parts.append(f"{count} {'not' if parts else 'cannot be reduced'} by {factor:g}")
    if parts:
        listed = " and ".join(part for part in (", ".join(parts[:-1]), parts[-1]) if part)
        yield (
            f"Of {len(shorter_px)} pictures, {listed}: they are too small, and are reduced as far as a crop of "
            f"{crop_px} × {crop_px} pixels fits in."
        )


def read_rgb8(path: Path) -> NDArray[np.uint8]:
    """Return the picture in a file as `(H, W, 3)` 8-bit RGB.

    Raises:
        ImageError: the file cannot be read.
    """
    return _as_rgb8(open_stored(path))


def _as_rgb8(stored: StoredImage) -> NDArray[np.uint8]:
    if stored.numbers.dtype == np.uint8:
        pixels: NDArray[np.uint8] = stored.numbers.view(np.uint8)
    else:
        pixels = np.rint(stored.to_image().pixels * 255.0).astype(np.uint8)
    return pixels if pixels.shape[2] == 3 else np.repeat(pixels, 3, axis=2)


def _without(pictures: Iterable[Picture], others: Iterable[Picture]) -> tuple[Picture, ...]:
    left_out = {picture.digest for picture in others}
    return tuple(picture for picture in pictures if picture.digest not in left_out)


def _notices(
    config: TrainConfig, training: Sequence[Picture], validation: Sequence[Picture], lost: int
) -> Iterator[str]:
    if not set(training).isdisjoint(validation):
        yield ONLY_ONE
    known = [picture for picture in training if picture.shorter_px]
    is_estimate = any(picture.member is not None for picture in known)
    yield from unfit_factors(config, [picture.shorter_px for picture in known], is_estimate=is_estimate)
    if lost:
        yield (
            f"{lost} of the pictures that the run measured before are gone or cannot be read: its figures from here on "
            "cannot be compared with the earlier ones."
        )


def _hint(folders: Sequence[Path]) -> str | None:
    """Return the remedy for folders that hold nothing but archives, which are named one by one; None for others."""
    archive = next((path for folder in folders for path in sorted(folder.glob("*.zip"))), None)
    return None if archive is None else f"If the pictures are in “{archive.name}”, name that file itself."


class _Search:
    """Gathers the pictures of folders and archives."""

    def __init__(self, smallest_px: int, token: CancelToken, member_sizes: frozenset[int]) -> None:
        self.found: dict[str, Picture] = {}
        self.skipped: list[tuple[Path, str]] = []
        self._smallest_px = smallest_px
        self._token = token
        self._member_sizes = member_sizes
        self._in_folders: set[str] = set()

    def add_file(self, path: Path) -> None:
        """Look at the header and the content of a file."""
        self._token.check()
        try:
            probe = probe_image(path)
            check_size(path, probe.height, probe.width, self._smallest_px)
            content = path.read_bytes()
        except (ImageError, OSError) as error:
            self.skipped.append((path, str(error)))
            return
        digest = file_digest(content)
        shorter_px = min(probe.height, probe.width)
        self.found.setdefault(digest, Picture(path, digest, float(probe.height * probe.width), shorter_px=shorter_px))
        if len(content) in self._member_sizes:
            self._in_folders.add(content_digest(zlib.crc32(content), len(content)))

    def add_archive(self, archive: Archive) -> None:
        """Take the members of an archive as its directory names them."""
        self._token.check()
        sizes = self._some_sizes(archive)
        area_px = float(np.mean([height * width for height, width in sizes]))
        for place, member in enumerate(archive.members):
            digest = member.digest
            if digest not in self._in_folders:
                shorter_px = min(sizes[place * len(sizes) // len(archive.members)])
                self.found.setdefault(digest, Picture(member.path, digest, area_px, member, shorter_px))

    def confirmed(self, pictures: Sequence[Picture], count: int) -> tuple[Picture, ...]:
        """Return the pictures without those of the first that cannot be used, so that one of them at least can be.

        Of files only the header was read so far, of members of archives nothing: all first ones of these are decoded.
        """
        good: list[Picture] = []
        for picture in pictures:
            if not good or (len(good) < count and picture.member is not None):
                self._token.check()
                try:
                    height, width = picture.read_rgb8().shape[:2]
                    check_size(picture.path, height, width, self._smallest_px)
                except ImageError as error:
                    self.skipped.append((picture.path, str(error)))
                    continue
            good.append(picture)
        return tuple(good)

    def _some_sizes(self, archive: Archive) -> list[tuple[int, int]]:
        """Return height and width of some usable members, in order and evenly chosen."""
        count = len(archive.members)
        probed = sorted({count * place // PROBED_MEMBERS for place in range(PROBED_MEMBERS)} if count else ())
        sizes = []
        for member in (archive.members[place] for place in probed):
            try:
                probe = probe_image_bytes(member.read(), member.path)
                check_size(member.path, probe.height, probe.width, self._smallest_px)
                sizes.append((probe.height, probe.width))
            except ImageError:
                continue
        if not sizes:
            reason = f"none of {len(probed)} pictures in it is readable and has {self._smallest_px} pixels a side"
            raise ArchiveError(archive.path, reason)
        return sizes
