"""Where parts lie on pictures that bring no part map: found from the outlined picture of the specification.

In: a specification with outlines and good parts. Out: a `PartFinder`; then, picture by picture, its part map, or a note
why there is none. A part map that a sample brings stands.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from specsight import images
from specsight.detectors import Detector, View, create_detector
from specsight.errors import SpecsightError, UnreadableFile
from specsight.images.rotation import rotated
from specsight.parts import PartFinder, UsualAreas, outlined, overlay, part_map, part_names
from specsight.progress import track
from specsight.records import RGB, Picture, Sample
from specsight.specification import Reference, Specification

NOT_LOOKED_FOR = "parts are found by their colours, which this picture lacks"
GOOD_PICTURES = 12
"""Good pictures that are looked at to learn how well pictures of the product agree with the reference."""
AGREES = 0.6
"""Half of the good pictures that agree with the reference this well lie as it does."""
STEP = 15
"""Degrees between turned references, which are tried where good pictures do not."""
TURNED = 0.1
"""By how much half of the good pictures must agree better with turned references: the more there are, the better one
of them agrees with anything."""
SHAPE_DIFFERS = 0.02
"""Share by which the sides of the reference may be in another proportion than the specification says."""


def learn_parts(
    detector: Detector, specification: Specification | None, good: Sequence[Sample], bits: int | None
) -> PartFinder | None:
    """The finder of the parts that a specification outlines; None where it outlines none.

    `detector` is fitted, `good` are samples of good parts. Raises SpecsightError where the reference picture is
    missing, has another shape than the specification says, or lacks the depth that the detector needs.
    """
    if specification is None or specification.reference is None:
        return None
    references, pictures_outlined, used = [], [], set[Path]()
    for number, (reference, _) in enumerate(outlined(specification)):
        sample = _reference(reference.picture, specification.product, good, bits)
        picture = _read(sample, detector)
        _check_shape(reference, picture)
        outlines = part_map(specification, picture.size, number)
        references.append((_view(detector, picture), outlines))
        pictures_outlined.append(replace(picture, parts=outlines))
        used.add(sample.image)
    others = [one for one in good if one.image not in used]
    step = max(1, len(others) // GOOD_PICTURES)
    pictures = [p for p in (_readable(one, detector) for one in others[::step][:GOOD_PICTURES]) if p]
    views = [_view(detector, one) for one in pictures]
    names, circular = part_names(specification), picture.circular
    finder = PartFinder.learn(references, names, views, circular)
    upright = _agreement(finder, views)
    if upright >= AGREES or circular:
        return finder
    turned = PartFinder.learn([*references, *_turned(detector, pictures_outlined)], names, views, circular)
    return turned if _agreement(turned, views) > upright + TURNED else finder


def _agreement(finder: PartFinder, views: Sequence[View]) -> float:
    """What half of the good pictures agree with an outlined one by; without any, they are taken to."""
    return statistics.median(finder.find(view).agreement for view in views) if views else 1.0


def _turned(detector: Detector, outlined: Sequence[Picture]) -> Iterator[tuple[View, NDArray[np.uint8]]]:
    """The outlined pictures turned about their middles, and their part maps with them."""
    for picture in outlined:
        for angle in range(STEP, 360, STEP):
            turned = rotated(picture, angle)
            assert turned.parts is not None
            yield _view(detector, turned), turned.parts


def with_parts(
    finder: PartFinder | None, detector: Detector, sample: Sample, picture: Picture, view: View
) -> tuple[Sample, Picture]:
    """The sample and its picture with the part map that is found, or with a note why none is; `view` is what `detector`
    saw of the picture."""
    if finder is None or picture.parts is not None:
        return sample, picture
    if RGB in picture.absent:
        return sample, replace(picture, notes=(*picture.notes, NOT_LOOKED_FOR))
    found = finder.find(grid_view(detector, picture, view), picture.circular)
    if found.parts is None:
        return sample, replace(picture, notes=(*picture.notes, found.note))
    return replace(sample, part_names=finder.names), replace(picture, parts=found.parts)


def _reference(path: str, product: str, good: Sequence[Sample], bits: int | None) -> Sample:
    """The sample of the reference: one of the good samples, with its depth, where it is among them."""
    file = Path(path)
    if not file.is_file():
        raise SpecsightError(
            f"there is no reference picture '{path}', on which the specification outlines parts: a relative path "
            "begins at the folder of the YAML file"
        )
    same = (one for one in good if one.image.name == file.name and one.image.resolve() == file.resolve())
    circular = bool(good) and all(one.circular for one in good)
    return next(same, Sample(file.stem, file, product, label="good", circular=circular, bits=bits))


def _read(sample: Sample, detector: Detector) -> Picture:
    try:
        return images.load_picture(sample, detector.needs.depth, uses=detector.needs.uses)
    except UnreadableFile as error:
        raise SpecsightError(f"the reference picture, on which parts are outlined: {error}") from error


def _readable(sample: Sample, detector: Detector) -> Picture | None:
    """A good picture; None for one that cannot be read, which is said where it is learned from."""
    try:
        return images.load_picture(sample, detector.needs.depth, uses=detector.needs.uses)
    except UnreadableFile:
        return None


def _check_shape(reference: Reference, picture: Picture) -> None:
    width, height = reference.size
    (own_height, own_width) = picture.size
    if abs(own_width * height / (own_height * width) - 1) > SHAPE_DIFFERS:
        raise SpecsightError(
            f"the reference picture '{reference.picture}' is {own_width} x {own_height}, and its "
            f"outlines were drawn on {width} x {height}: name the picture that they were drawn on"
        )


def _view(detector: Detector, picture: Picture) -> View:
    (view,) = detector.look([picture])
    return grid_view(detector, picture, view)


def grid_view(detector: Detector, picture: Picture, view: View) -> View:
    """What `detector` saw of a picture; for one that keeps no grid of features, what one that compares patches sees
    through the same encoder."""
    if view.cells:
        return view
    (view,) = create_detector("patchcore", encoder=detector.get_encoder()).look([picture])
    return view


@dataclass(frozen=True)
class Overlay:
    """A picture with the parts that are found on it drawn over."""

    name: str
    png: bytes
    """Empty for a picture that cannot be read."""
    found: bool
    """Whether its parts were found."""
    note: str = ""
    """Why they were not, or what of them is unusual."""


class Overlays:
    """Pictures with the parts that are found on them drawn over, for a person to check before a model is fitted."""

    def __init__(self, specification: Specification, encoder: str, device: str) -> None:
        self._detector = create_detector("patchcore", encoder=encoder, device=device)
        finder = learn_parts(self._detector, specification, (), None)
        if finder is None:
            raise SpecsightError(f"the specification of '{specification.product}' outlines no part")
        self._finder = finder
        references = [Path(reference.picture) for reference, _ in outlined(specification)]
        self._areas = self._usual_areas(references)

    def of_folder(self, folder: Path) -> Iterator[Overlay]:
        """For each picture in a folder and those below it: its overlay, with a note where its parts were not found, it
        cannot be read, or a part covers much less or more than on good pictures: those that lie in one folder with the
        outlined ones. Raises SpecsightError for a folder without pictures."""
        pictures = sorted(p for p in folder.rglob("*") if p.suffix.lower() in images.IMAGE_SUFFIXES)
        if not pictures:
            raise SpecsightError(f"there is no picture in '{folder}'")
        for path in track(pictures, "Finding parts"):
            name = "_".join(path.relative_to(folder).with_suffix(".png").parts)
            try:
                picture = images.load_picture(Sample(path.stem, path, ""))
            except UnreadableFile as error:
                yield Overlay(name, b"", False, str(error))
                continue
            found = self._finder.find(_view(self._detector, picture))
            note = found.note
            if found.parts is not None:
                note = self._areas.note(found.parts, self._finder.names)
            drawn = overlay(picture.rgb, found.parts, self._finder.names, note)
            yield Overlay(name, drawn, found.parts is not None, note)

    def _usual_areas(self, references: Sequence[Path]) -> UsualAreas:
        folders = dict.fromkeys(path.parent for path in references)
        beside = sorted(
            p for one in folders for p in one.iterdir() if p.suffix.lower() in images.IMAGE_SUFFIXES
        )
        maps = []
        for path in beside[:: max(1, len(beside) // GOOD_PICTURES)][:GOOD_PICTURES]:
            picture = _readable(Sample(path.stem, path, ""), self._detector)
            found = self._finder.find(_view(self._detector, picture)) if picture else None
            if found and found.parts is not None:
                maps.append(found.parts)
        return UsualAreas.of(maps, list(self._finder.names))
