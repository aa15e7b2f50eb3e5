"""Descriptions say what was measured and nothing else; captioners are named, and what they say is checked."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from specsight.benchmark.describing import describe, descriptions, load_captioner
from specsight.benchmark.describing.contract import Captioner, Example, Good, captioners
from specsight.benchmark.describing.describe import spread
from specsight.benchmark.describing.first_specification import first_specification, specification_text
from specsight.benchmark.describing.looks import looks_of, things_of
from specsight.benchmark.ingest import Membership
from specsight.benchmark.records import Description, Provenance, Sentence
from specsight.errors import SpecsightError
from specsight.records import Defect, Sample
from specsight.specification import Specification
from specsight.specification.terms import SeverityLevel
from specsight.specification.yaml import parse_specification


def disc(
    count: int = 1, radius: int = 40, colour: str = "#6b4224", size: tuple[int, int] = (200, 120)
) -> NDArray[np.uint8]:
    """`count` discs beside each other before white."""
    image = Image.new("RGB", size, "white")
    for k in range(count):
        x, y = (2 * k + 1) * size[0] // (2 * count), size[1] // 2
        ImageDraw.Draw(image).ellipse((x - radius, y - radius, x + radius, y + radius), colour)
    return np.asarray(image)


def stripes(angle: int, side: int = 128) -> NDArray[np.uint8]:
    """Lines at an angle from horizontal, counter-clockwise."""
    y, x = np.mgrid[:side, :side]
    turn = np.radians(angle)
    wave = np.sin((x * np.sin(turn) + y * np.cos(turn)) / 2)
    return np.repeat(np.uint8(127 + 120 * wave)[..., None], 3, axis=2)


def saved(folder: Path, pictures: list[NDArray[np.uint8]], product: str = "cap") -> list[Sample]:
    folder.mkdir(exist_ok=True)
    samples = []
    for k, rgb in enumerate(pictures):
        file = folder / f"{product}{k}.png"
        Image.fromarray(rgb).save(file)
        samples.append(Sample(f"{product}/{k}", file, product, "train", "good"))
    return samples


def said(description: Description, aspect: str) -> list[str]:
    return [one.text for one in description.sentences if one.aspect == aspect]


def test_a_disc_before_white_is_one_round_brown_thing(tmp_path: Path) -> None:
    description = describe("plastic_cap", saved(tmp_path, [disc()] * 3))
    assert said(description, "object") == ["The product is called plastic cap."]
    assert said(description, "colour") == ["It is mainly brown (100% of its area)."]
    assert said(description, "count") == ["One piece stands before an even background."]
    outline, symmetry = said(description, "geometry")
    assert outline == "Its outline is round and covers 21% of the picture."
    assert symmetry.startswith(
        "It looks the same mirrored left to right, mirrored top to bottom, after half a turn"
    )
    assert said(description, "texture") == ["Its surface is smooth."]
    assert {one.provenance.source for one in description.sentences} == {"dataset", "measured"}


@pytest.mark.parametrize(("colour", "name"), [("#111112", "black"), ("#bf2120", "red"), ("#244aae", "blue")])
def test_colours_are_named_with_their_shares(colour: str, name: str) -> None:
    looks = looks_of(disc(colour=colour))
    best = max(looks.colours, key=lambda key: looks.colours[key])
    assert best == name
    assert sum(looks.colours.values()) == pytest.approx(1)
    assert looks.colours[best] > 0.9


@pytest.mark.parametrize("count", [1, 2, 4])
def test_things_are_counted(count: int) -> None:
    looks = looks_of(disc(count, radius=20))
    assert looks.things == count
    assert (looks.outline is not None) == (count == 1)
    things = things_of(disc(count, radius=20))
    assert things is not None
    assert things.shape == (120, 200)
    assert things.sum() == pytest.approx(count * np.pi * 20.5**2, rel=0.05)


@pytest.mark.parametrize(
    ("angle", "way"),
    [
        (0, "across the picture"),
        (45, "upwards to the right"),
        (90, "up and down"),
        (135, "upwards to the left"),
    ],
)
def test_lines_have_a_direction(tmp_path: Path, angle: int, way: str) -> None:
    looks = looks_of(stripes(angle))
    assert looks.coherence > 0.9
    assert min(abs(looks.direction - angle), 180 - abs(looks.direction - angle)) < 3
    description = describe("sheet", saved(tmp_path, [stripes(angle)] * 2))
    assert said(description, "texture") == [
        f"Its surface is strongly textured, in larger patterns; most lines run {way}."
    ]
    assert said(description, "geometry")[0] == "It fills the whole picture."


def test_co_occurrences_of_noise_and_of_a_plain_picture() -> None:
    plain = looks_of(np.full((64, 64, 3), 100, np.uint8))
    assert (plain.contrast, plain.homogeneity, plain.energy) == (0, 1, 1)
    # Two levels k apart in a chessboard of single pixels: half of the four directions see k².
    board = np.where(np.indices((64, 64)).sum(0) % 2, 200, 40).astype(np.uint8)
    looks = looks_of(np.repeat(board[..., None], 3, axis=2))
    assert looks.contrast == pytest.approx((200 * 16 // 256 - 40 * 16 // 256) ** 2 / 2)
    assert looks.correlation == pytest.approx(0, abs=0.02)


def test_turned_and_mirrored_pictures_look_the_same() -> None:
    rng = np.random.default_rng(0)
    rgb = np.repeat(rng.integers(0, 256, (90, 90, 1), np.uint8), 3, axis=2)
    looks, mirrored = looks_of(rgb), looks_of(rgb[:, ::-1])
    assert mirrored.contrast == pytest.approx(looks.contrast)
    assert mirrored.edges == pytest.approx(looks.edges, rel=0.02)
    assert looks.symmetry["left-right"] == pytest.approx(mirrored.symmetry["left-right"], abs=1e-6)


def test_parts_and_requirements_are_named(tmp_path: Path) -> None:
    parts = np.zeros((120, 200), np.uint8)
    parts[:, :50], parts[:, 50:100] = 1, 2
    Image.fromarray(parts).save(tmp_path / "parts.png")
    samples = [
        replace(one, parts=tmp_path / "parts.png", part_names={1: "rim", 2: "lid"})
        for one in saved(tmp_path, [disc()] * 2)
    ]
    words = Specification.model_validate(
        {
            "product": "cap",
            "appearance": "A brown cap.",
            "mm_per_px": 0.1,
            "parts": [{"name": "rim", "description": "the edge", "critical": True}, {"name": "lid"}],
            "tolerances": [{"defect": "dent", "up_to_mm": 1.0}],
            "requirements": [{"feature": "label", "part": "lid", "text": "A label is on the lid."}],
        }
    )
    description = describe("cap", samples, words)
    assert "Pictures show the rim (25% of the picture) and the lid (25% of the picture)." in said(
        description, "parts"
    )
    assert "The rim: the edge." in said(description, "parts")
    assert said(description, "critical") == [
        "Defects on the rim are one level graver.",
        "A label is on the lid.",
    ]
    assert [gap.partition(":")[0] for gap in description.missing] == ["severity"]


def test_without_good_training_pictures_nothing_is_measured(tmp_path: Path) -> None:
    samples = saved(tmp_path, [disc()])
    (description,) = descriptions(samples, {samples[0].id: Membership("test", "x")})
    assert [one.aspect for one in description.sentences] == ["object"]
    assert description.missing[0] == "how a good part looks: there is no good training picture"


def test_only_training_pictures_are_looked_at(tmp_path: Path) -> None:
    samples = saved(tmp_path, [disc(), disc(colour="blue")])
    members = {samples[0].id: Membership("train", "a"), samples[1].id: Membership("test", "b")}
    (description,) = descriptions(samples, members)
    assert "blue" not in " ".join(one.text for one in description.sentences)


def test_examples_are_spread_over_objects() -> None:
    samples = [Sample(f"{k:02}", Path(f"{k}.png"), "cap", "train", "good") for k in range(40)]
    pairs = {s.id: str(int(s.id) // 2) for s in samples}
    assert len({pairs[s.id] for s in spread(samples, pairs, 10)}) == 10
    assert len(spread(samples, dict.fromkeys(pairs, "one"), 10)) == 10
    assert {s.id for s in spread(samples[:3], pairs, 10)} == {"00", "01", "02"}


def test_another_captioner_is_named_and_its_words_come_with_their_source(tmp_path: Path) -> None:
    class Praise(Captioner):
        def __init__(self, argument: str, device: str) -> None:
            self._argument = argument

        def sentences(self, good: Good) -> Iterator[Sentence]:
            yield Sentence(
                aspect="material", text=f"Made of {self._argument}.", provenance=Provenance(source="expert")
            )

    samples = saved(tmp_path, [disc()])
    description = describe("cap", samples, captioners=[Praise("tin", "cpu")])
    assert said(description, "material") == ["Made of tin."]
    assert "rules" in captioners
    with pytest.raises(SpecsightError, match="captioner"):
        load_captioner("prise")
    with pytest.raises(SpecsightError, match="takes no argument"):
        load_captioner("rules:x")


@dataclass(frozen=True)
class Known:
    name: str
    superclass: str | None = None
    phrases: tuple[str, ...] = ()
    severity: tuple[SeverityLevel, ...] = ()


class Types:
    def find(self, raw: str, product: str) -> Known | None:
        rule = (SeverityLevel(level="minor", up_to_mm=2.0), SeverityLevel(level="major"))
        return {
            "big_dent": Known("dent", "deformation", ("dint", "bruise"), rule),
            "bump": Known("bulge", "deformation", ("bruise",)),
        }.get(raw)


def test_a_first_specification_is_what_the_data_say_and_loads(tmp_path: Path) -> None:
    good = saved(tmp_path, [disc()] * 2)
    bad = [
        Sample(f"bad {raw}", tmp_path / "x.png", "cap", "test", "defective", (Defect(raw),))
        for raw in ("big_dent", "bump", "hair\nline")
    ]
    samples = [replace(one, mm_per_px=0.2) for one in [*good, *bad]]
    description = describe("cap", samples[:2])
    made = first_specification(samples, [description], Types())
    assert made.mm_per_px == 0.2
    assert [one.name for one in made.defects] == ["dent", "bulge", "hair line"]
    dent = made.defects[0]
    assert (dent.superclass, dent.phrases) == ("deformation", ("big dent", "dint"))
    assert made.severity_of("dent", 1.5, 0.1) == "minor"
    assert "round outline" in made.appearance
    assert not made.tolerances
    assert not made.requirements
    text = specification_text(made, [description])
    assert parse_specification(text) == made
    assert "[measured, silhouettes and symmetries of 2 good training pictures]" in text
    assert "# TO DO: tolerances" in text


def test_nothing_that_a_name_holds_leaves_its_comment() -> None:
    named = Sentence(
        aspect="object", text="a\nproduct: evil", provenance=Provenance(source="model", by="\x0by\u2028z")
    )
    text = specification_text(
        Specification(product="cap"), [Description(product="c\r\nap", sentences=(named,))]
    )
    assert all(line.startswith("# ") for line in text.splitlines()[:-1])
    assert parse_specification(text).product == "cap"


def test_several_products_need_a_name(tmp_path: Path) -> None:
    samples = [*saved(tmp_path, [disc()]), *saved(tmp_path, [disc()], "lid")]
    with pytest.raises(ValueError, match="2 products"):
        first_specification(samples, [])
    assert first_specification(samples, [], name="caps_and_lids").product == "caps and lids"


def examples(rgb: NDArray[np.uint8]) -> list[Example]:
    return [Example(Sample(str(k), Path("x.png"), "cap"), rgb, looks_of(rgb)) for k in range(3)]


class OneWord:
    """An encoder for which every picture shows one word, and texts the words that they hold."""

    reads, multiple, name, fingerprint = True, 8, "one word", "0123456789abcdef"

    def __init__(self, word: str, doubt: float = 0.0) -> None:
        self._word, self._doubt = word, doubt

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.array(
            [(1, 0) if self._word in text.split() else (self._doubt, 1) for text in texts], np.float32
        )

    def embed_patches(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        return np.tile(np.array([1, 0], np.float32).reshape(1, 2, 1, 1), (1, 1, 4, 4))


def words_of(encoder: OneWord, rgb: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    monkeypatch.setattr(
        "specsight.benchmark.describing.encoder_words.load_encoder", lambda name, device: encoder
    )
    sentences = list(load_captioner("encoder").sentences(Good("cap", examples(rgb))))
    assert all(
        one.provenance == Provenance(source="model", by="encoder one word 0123456789ab") for one in sentences
    )
    return {one.text: one.values for one in sentences}


def test_the_encoder_says_what_it_is_sure_of_and_measurements_allow(monkeypatch: pytest.MonkeyPatch) -> None:
    blue = disc(colour="#244aae")
    assert words_of(OneWord("blue"), blue, monkeypatch) == {
        "It looks blue.": {"colour": "blue", "share": 1.0, "margin": 1.0}
    }
    assert words_of(OneWord("red"), blue, monkeypatch) == {}
    assert words_of(OneWord("blue", doubt=50), blue, monkeypatch) == {}
    assert list(words_of(OneWord("rubber"), blue, monkeypatch)) == []
    assert list(words_of(OneWord("leather"), blue, monkeypatch)) == ["Its surface looks like leather."]
    assert list(words_of(OneWord("disc"), blue, monkeypatch)) == ["It has the shape of a disc."]
    assert list(words_of(OneWord("disc"), stripes(0), monkeypatch)) == []


def test_the_encoder_that_ships_has_such_words_and_one_that_does_not_read_is_refused() -> None:
    pytest.importorskip("torch")
    captioner = load_captioner("encoder", "cpu")
    for sentence in captioner.sentences(Good("cap", examples(disc()))):
        assert sentence.provenance.by.startswith("encoder bundled ")
    with pytest.raises(SpecsightError, match="filters"):
        load_captioner("encoder:filters", "cpu")


def test_a_checkpoint_captions_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("transformers")
    from tests.support.caption_checkpoints import save_captioner

    from specsight.benchmark.describing.checkpoint_captions import CheckpointCaptioner

    folder = save_captioner(tmp_path / "captioner")
    captioner = load_captioner(f"transformers:{folder}", "cpu")
    assert isinstance(captioner, CheckpointCaptioner)
    rgb = disc()
    first = captioner._caption(rgb)
    assert first == captioner._caption(rgb)
    assert first
    monkeypatch.setattr(captioner, "_caption", lambda rgb: " a brown  cap\n")
    (sentence,) = captioner.sentences(Good("cap", examples(rgb)))
    assert sentence.text == "A brown cap."
    assert sentence.provenance.source == "model"
    assert str(folder) in sentence.provenance.by
    assert sentence.values == {"share": 1.0}
    for untrue in ("a scratched cap", "a cap with a Crack in it", "", "x" * 400):
        monkeypatch.setattr(captioner, "_caption", lambda rgb, text=untrue: text)
        assert list(captioner.sentences(Good("cap", examples(rgb)))) == []
    with pytest.raises(SpecsightError, match="needs a checkpoint"):
        load_captioner("transformers")
    with pytest.raises(SpecsightError, match="no such folder"):
        load_captioner(f"transformers:{tmp_path / 'none'}")
