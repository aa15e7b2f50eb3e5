"""What is known of types: set's names → canonical types, what a user adds, and the order of wrong answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from specsight.datasets import deep_pcb, real_iad, visa_types
from specsight.errors import SpecsightError
from specsight.ontology import Ontology, load_ontology, read_ontology, save_ontology
from specsight.runs.licences import PUBLIC
from specsight.specification import Specification, parse_specification
from specsight.synthetic.tyres.catalogue import MODELS
from specsight.synthetic.tyres.product import specification as tyre_specification

SHIPPED = load_ontology()
MVTEC = load_ontology("mvtec_ad")
OCCURRING = [
    (product.names[0].replace("*", " touring tread").replace("?????", "00041"), raw)
    for product in SHIPPED.products
    for types in product.types
    for raw in types.raw
]
"""(product, name of the set) of everything that shipped sets have."""


VISA_VALUES = [
    (product, value)
    for product in (
        *(f"pcb{n}" for n in range(1, 5)),
        "candle",
        "capsules",
        "cashew",
        "chewinggum",
        "fryum",
        "macaroni1",
        "macaroni2",
        "pipe_fryum",
    )
    for value in range(1, 10)
    if visa_types.type_name(product, value) is not None
]


@pytest.mark.parametrize(
    ("raw", "product", "canonical", "superclass"),
    [
        ("broken_large", "bottle", "large break", "breakage"),
        ("contamination", "bottle", "contamination", "contamination"),
        ("thread_top", "screw", "thread damage at the tip", "surface damage"),
        ("pill_type", "pill", "wrong part type", "assembly error"),
        ("corner or edge breakage", "cashew", "edge breakage", "breakage"),
        ("missing", "pcb4", "missing component", "missing material"),
        ("parts_mismatch", "connector", "mismatched parts", "assembly error"),
        ("QS", "usb_adaptor", "missing part", "missing material"),
        ("Blowhole", "magnetic_tile", "blowhole", "cavity"),
        ("uneven", "magnetic_tile", "uneven surface", "surface finish"),
        ("mousebite", "group00041", "mouse bite", "missing material"),
        ("short", "group92000", "short circuit", "excess material"),
        ("blister", "tyre touring sidewall", "blister", "deformation"),
        ("air bubble", "tyre winter tread", "blister", "deformation"),
        ("air bubble", "my product", "bubble", "deformation"),
        ("Scratches", "my product", "scratch", "surface damage"),
        ("anomaly", "my product", "defect", "unspecified"),
    ],
)
def test_a_set_s_name_has_a_canonical_type(raw: str, product: str, canonical: str, superclass: str) -> None:
    entry = SHIPPED.find(raw, product)
    assert entry is not None
    assert (entry.name, entry.superclass) == (canonical, superclass)


def test_the_73_types_of_mvtec_ad_differ_within_each_product() -> None:
    products = PUBLIC["mvtec_ad"].products
    raws = [(product, raw) for product, raw in OCCURRING if product in products]
    raws = [(product, raw) for product, raw in raws if _name(MVTEC, raw, product) is not None]
    names = {(product, _name(MVTEC, raw, product)) for product, raw in raws}
    assert {product for product, _ in names} == products
    assert len(names) == 73


def test_a_toothbrush_is_that_of_the_layout() -> None:
    assert _name(MVTEC, "defective", "toothbrush") == "defect"
    assert not MVTEC.valid("toothbrush")
    assert len(load_ontology("real_iad").valid("toothbrush")) == 8


def test_unknown_names_and_types_of_other_products_are_not_found() -> None:
    assert SHIPPED.find("gremlin", "bottle") is None
    assert SHIPPED.find("chunk-out", "my product") is None, "a type of the tyre line alone"


def test_everything_is_said_of_every_type() -> None:
    for entry in SHIPPED.types.values():
        assert entry.superclass in SHIPPED.superclasses
        assert entry.looks.endswith(".")
        if entry.generic:
            continue
        assert len(entry.causes) == 3, entry.name
        assert entry.consequence.endswith("."), entry.name
        assert entry.action.endswith("."), entry.name


def test_every_name_of_a_shipped_set_means_one_type() -> None:
    for product, raw in OCCURRING:
        assert SHIPPED.find(raw, product) is not None, (product, raw)


def test_the_sets_own_tables_are_known() -> None:
    for name in deep_pcb.TYPES.values():
        entry = SHIPPED.find(name, "group00041")
        assert entry is not None
        assert entry in SHIPPED.valid("group00041")
    for name in (*real_iad.TYPES, *real_iad.TYPES.values()):
        entry = SHIPPED.find(name, "toy")
        assert entry is not None
        assert entry in SHIPPED.valid("toy")
    for product, value in VISA_VALUES:
        named = visa_types.type_name(product, value)
        assert named is not None
        entry = SHIPPED.find(named, product)
        assert entry is not None
        assert entry.generic == (named == "other")
    specification = Specification.model_validate(tyre_specification(MODELS["touring"]))
    specified = SHIPPED.with_specification(specification, "tyre touring bead")
    for defect in specification.defects:
        assert _name(SHIPPED, defect.name, "tyre touring bead") == defect.name
        known = specified.find(defect.name, "tyre touring bead")
        assert known == SHIPPED.find(defect.name, "tyre touring bead"), "what is known of tyres stays known"
        for phrase in (defect.name, *defect.phrases):
            assert _name(specified, phrase, "tyre touring bead") == defect.name
    assert len(specified.valid("tyre touring bead")) == len(SHIPPED.valid("tyre touring bead"))


def test_names_are_compared_as_types() -> None:
    assert SHIPPED.same("broken_small", "small breakage", "bottle")
    assert not SHIPPED.same("broken_small", "broken_large", "bottle")
    assert SHIPPED.same_superclass("broken_small", "broken_large", "bottle")
    assert SHIPPED.same("gremlin", "a Gremlin", "bottle")
    assert not SHIPPED.same_superclass("anomaly", "combined", "bottle"), "nothing is said by either"


OWN = """
superclasses:
  wear: what use takes away
types:
- name: bald spot
  superclass: wear
  synonyms: [bare spot]
  looks: A bare patch.
- name: scratch
  action: Send it to polishing.
products:
- names: [brush*]
  types:
  - {raw: [K7], type: bald spot, looks: A bare patch between the bristles.}
"""


def test_a_user_s_file_adds_and_changes(tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    file.write_text(OWN)
    ontology = load_ontology(extend=[file])
    found = ontology.find("K7", "brush 12")
    assert found is not None
    assert (found.name, found.superclass, found.looks) == (
        "bald spot",
        "wear",
        "A bare patch between the bristles.",
    )
    general = ontology.find("bare spot", "something else")
    assert general is not None
    assert general.looks == "A bare patch."
    scratch, shipped = ontology.find("scratch", "x"), SHIPPED.find("scratch", "x")
    assert scratch is not None
    assert shipped is not None
    assert scratch.action == "Send it to polishing."
    assert scratch.causes == shipped.causes
    assert ontology.find("K7", "bottle") is None


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("type: bald spot", "type: bold spot", 14, "unknown type 'bold spot': did you mean 'bald spot'"),
        ("superclass: wear", "superclass: ware", 6, "unknown superclass 'ware': did you mean 'wear'"),
        ("action: Send", "acton: Send", 10, "unknown key 'acton': did you mean 'action'"),
        ("looks: A bare patch.", "like: gremlin", 8, "unknown type 'gremlin'"),
        ("- name: scratch", "- name: bald spot", 9, "'bald spot' is defined twice"),
        ("raw: [K7]", "raw: []", 14, "give at least 1"),
        ("  superclass: wear\n", "", 5, "'bald spot' has no superclass"),
        ("superclass: wear", "attributes: {shape: blob}", 6, "'line', 'spot'"),
        ("types:\n- name: bald", "general: [bold spot]\ntypes:\n- name: bald", 4, "unknown type 'bold spot'"),
    ],
)
def test_a_mistake_is_one_line_with_its_place(
    tmp_path: Path, old: str, new: str, line: int, words: str
) -> None:
    assert OWN.count(old) >= 1
    file = tmp_path / "own.yaml"
    file.write_text(OWN.replace(old, new, 1))
    with pytest.raises(SpecsightError) as error:
        load_ontology(extend=[file])
    assert str(error.value).startswith(f"{file}, line {line}: ")
    assert words in str(error.value)


def test_the_layout_tells_products_of_one_name_apart(tmp_path: Path) -> None:
    file = tmp_path / "other.yaml"
    file.write_text("products:\n- names: [bottle]\n  types:\n  - {raw: [dirt], type: stain}\n")
    with_own = load_ontology("deep_pcb", [file])
    assert with_own.find("broken_large", "bottle") is None
    assert [entry.name for entry in with_own.valid("bottle")] == ["stain"], "a user's own file always counts"
    assert load_ontology("folder").find("broken_large", "bottle") is not None


def test_what_occurs_is_written_and_read_back(tmp_path: Path) -> None:
    products = ["bottle", "magnetic_tile"]
    part = SHIPPED.subset(products, ["scratch"])
    save_ontology(part, tmp_path / "a.yaml", "bench")
    save_ontology(SHIPPED.subset(products[::-1], ["scratch"]), tmp_path / "b.yaml", "bench")
    assert (tmp_path / "a.yaml").read_bytes() == (tmp_path / "b.yaml").read_bytes()
    read = read_ontology(tmp_path / "a.yaml")
    for product in products:
        assert [entry.name for entry in read.valid(product)] == [e.name for e in SHIPPED.valid(product)]
        for entry in SHIPPED.valid(product):
            found = read.find(entry.name, product)
            assert found is not None
            assert (found.causes, found.looks) == (entry.causes, entry.looks)
    for raw in ("broken_large", "contamination"):
        assert _name(read, raw, "bottle") == _name(SHIPPED, raw, "bottle")
    assert "scratch" in read.types
    assert "blister" not in read.types


def test_a_benchmark_s_own_file_knows_general_types_as_the_shipped_ones_do(tmp_path: Path) -> None:
    save_ontology(SHIPPED, tmp_path / "ontology.yaml", "bench")
    read = read_ontology(tmp_path / "ontology.yaml")
    assert read.general == SHIPPED.general
    for raw, product in (("hairline crack", "my product"), ("scratch", "bottle"), ("broken_large", "bottle")):
        assert _name(SHIPPED, raw, product) is not None
        assert _name(read, raw, product) == _name(SHIPPED, raw, product)
    assert read.same_superclass("scratch", "abrasion", "my product")
    assert read.find("chunk-out", "my product") is None, "a type of the tyre line alone"
    save_ontology(read, tmp_path / "again.yaml", "bench")
    assert (tmp_path / "again.yaml").read_bytes() == (tmp_path / "ontology.yaml").read_bytes()


def test_a_specification_s_names_are_canonical_on_its_product() -> None:
    specification = parse_specification(
        "product: bottle\n"
        "defects:\n"
        "- {name: chipped mouth, phrases: [broken small]}\n"
        "- {name: contamination}\n"
        "- {name: label askew, superclass: labelling}\n"
    )
    ontology = SHIPPED.with_specification(specification, "bottle")
    chipped = ontology.find("broken_small", "bottle")
    shipped = SHIPPED.find("broken_small", "bottle")
    assert chipped is not None
    assert shipped is not None
    assert (chipped.name, chipped.superclass, chipped.causes) == ("chipped mouth", "breakage", shipped.causes)
    assert _name(ontology, "broken_large", "bottle") == "large break"
    label = ontology.find("label askew", "bottle")
    assert label is not None
    assert label.superclass == "labelling"
    assert {"chipped mouth", "contamination", "label askew", "large break"} == {
        entry.name for entry in ontology.valid("bottle")
    }
    assert _name(ontology, "broken_small", "other") is None


def _name(ontology: Ontology, raw: str, product: str) -> str | None:
    entry = ontology.find(raw, product)
    return entry.name if entry else None
