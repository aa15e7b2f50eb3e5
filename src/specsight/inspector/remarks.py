"""What a specification says that cannot act: one line each, for what is fitted and for what is inspected.

In: a specification, and the samples, the picture or the detector that it is used with. Out: lines for a person, which
name the value and the way out; none where everything acts.
"""

from __future__ import annotations

from collections.abc import Iterable

from specsight import images
from specsight.detectors import Detector
from specsight.detectors.text import word_doubts
from specsight.errors import UnreadableFile
from specsight.records import Picture, Sample
from specsight.specification import Specification

NO_SCALE = (
    "severity has limits in millimetres and the scale is unknown, so severity is unknown: "
    "give mm_per_px in the specification or the manifest"
)
NO_PARTS = (
    "the specification names parts, and without a part map they have no effect: outline them on a good picture with "
    "'specsight parts', or name part maps in a manifest"
)


def of_fit(
    specification: Specification | None, samples: Iterable[Sample], width: int | None, detector: Detector
) -> list[str]:
    """Lines about the good pictures that a model is fitted on, whose common width is `width` (None: they differ), and
    about words that its encoder cannot read."""
    if specification is None:
        return []
    samples = list(samples)
    read = detector.needs.text and not detector.needs.language_model
    lines = word_doubts(specification, detector.get_encoder()) if read else []
    if _limits_in_mm(specification) and samples and not all(_scaled(specification, s) for s in samples):
        lines.append(NO_SCALE)
    if (
        specification.parts
        and specification.reference is None
        and samples
        and not any(s.parts for s in samples)
    ):
        lines.append(NO_PARTS)
    if samples and width is None and _of_any_width(specification):
        lines.append(
            f"the good pictures differ in width, and mm_per_px = {specification.mm_per_px:g} is taken for every pixel "
            "of each: say with mm_per_px_at_width for which width it holds"
        )
    return lines


def of_picture(
    specification: Specification | None, sample: Sample, picture: Picture, width: int | None
) -> tuple[str, ...]:
    """Lines about one picture that is inspected; `width` is that of the pictures learned from, None where not known."""
    if specification is None:
        return ()
    lines = []
    if _limits_in_mm(specification) and not _scaled(specification, sample):
        lines.append(NO_SCALE)
    if specification.parts and specification.reference is None and picture.parts is None:
        lines.append(NO_PARTS)
    if _of_any_width(specification) and sample.mm_per_px is None and width not in (None, picture.size[1]):
        lines.append(
            f"{picture.size[1]} px wide, good pictures were {width}: mm_per_px = {specification.mm_per_px:g} is "
            "taken for its pixels all the same; say with mm_per_px_at_width for which width it holds"
        )
    return tuple(lines)


def common_width(samples: Iterable[Sample]) -> int | None:
    """The width in pixels that all readable pictures of the samples have; None where they differ, or there is none."""
    widths = set[int]()
    for sample in samples:
        try:
            widths.add(images.picture_width(sample.image))
        except UnreadableFile:
            continue
        if len(widths) > 1:
            return None
    return next(iter(widths), None)


def _limits_in_mm(specification: Specification) -> bool:
    rules = (specification.severity, *(defect.severity for defect in specification.defects))
    return any(step.up_to_mm is not None for rule in rules for step in rule)


def _scaled(specification: Specification, sample: Sample) -> bool:
    return (sample.mm_per_px or specification.mm_per_px) is not None


def _of_any_width(specification: Specification) -> bool:
    return specification.mm_per_px is not None and specification.mm_per_px_at_width is None
