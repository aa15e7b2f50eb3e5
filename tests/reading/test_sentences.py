"""Sentences become clauses that keep their sentence; what is not understood is reported as unread."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from specsight.errors import SpecsightError
from specsight.reading import as_objects, read, read_instruction
from specsight.specification import (
    Clause,
    DefectType,
    Ignore,
    Instruction,
    Knowledge,
    Only,
    Part,
    Requirement,
    Scope,
    Specification,
    Tolerance,
    Unread,
    dump_yaml,
)

CAP = Specification(
    product="cap",
    parts=(Part(name="rim", phrases=("edge",)), Part(name="thread"), Part(name="face")),
    defects=(DefectType(name="hole in cap"),),
)


@pytest.mark.parametrize(
    ("sentence", "clauses"),
    [
        ("Inspect the rim only.", [Scope(parts=("rim",))]),
        ("Please inspect only the rim and the thread", [Scope(parts=("rim", "thread"))]),
        ("Only check the rim!", [Scope(parts=("rim",))]),
        ("Do not inspect the thread.", [Scope(parts=("thread",), exclude=True)]),
        ("Stains up to 2 mm are acceptable.", [Tolerance(defect="stains", up_to_mm=2)]),
        ("Stains up to 2,5 mm on the rim are fine.", [Tolerance(defect="stains", up_to_mm=2.5, part="rim")]),
        ("Scratches are acceptable up to 1 cm.", [Tolerance(defect="scratches", up_to_mm=10)]),
        ("Accept dents of up to 0.5 inches", [Tolerance(defect="dents", up_to_mm=12.7)]),
        ("Dust and fibres are tolerated.", [Ignore(defect="dust"), Ignore(defect="fibres")]),
        ("Ignore scratches and dust.", [Ignore(defect="scratches"), Ignore(defect="dust")]),
        ("Ignore the edge.", [Scope(parts=("rim",), exclude=True)]),
        ("Look for cracks only.", [Only(defect="cracks")]),
        ("Look only for cracks.", [Only(defect="cracks")]),
        ("A yellow dot is required.", [Requirement(feature="yellow dot")]),
        ("Two dots must be present on the rim.", [Requirement(feature="dots", count=2, part="rim")]),
        ("Known defects: open splice, blister.", [Knowledge(name="open splice"), Knowledge(name="blister")]),
        ("Watch out for open splices.", [Knowledge(name="open splices")]),
        ("Don\u2019t inspect the edge or the thread.", [Scope(parts=("rim", "thread"), exclude=True)]),
        ("Stains on the rim up to 2 mm are ok.", [Tolerance(defect="stains", up_to_mm=2, part="rim")]),
        ("Stains up to 2 mm in diameter are ok.", [Tolerance(defect="stains", up_to_mm=2)]),
        (
            "Stains on the rim and the thread are fine.",
            [Ignore(defect="stains", part="rim"), Ignore(defect="stains", part="thread")],
        ),
        ("Ignore any scratches and/or dust.", [Ignore(defect="scratches"), Ignore(defect="dust")]),
        ("Dust, fibres and lint are ok.", [Ignore(defect=name) for name in ("dust", "fibres", "lint")]),
        ("Hole in cap is acceptable.", [Ignore(defect="hole in cap")]),
        ("Look for dirt on the rim.", [Knowledge(name="dirt", part="rim")]),
        (
            "Watch for open splices on the thread and the rim.",
            [Knowledge(name="open splices", part=part) for part in ("thread", "rim")],
        ),
        ("Also report bulges on the thread.", [Knowledge(name="bulges", part="thread")]),
        ("Please note that new defect: rim tear.", [Knowledge(name="rim tear")]),
        ("ALSO LOOK FOR SPOTS AND BULGES.", [Knowledge(name="spots"), Knowledge(name="bulges")]),
        ("Also look for bulges near the thread.", [Knowledge(name="bulges")]),
        ("The lettering '205/55 R16' is required.", [Requirement(feature="lettering '205/55 R16'")]),
        ("Handle with care.", [Unread(text="Handle with care.")]),
    ],
)
def test_a_sentence_is_read_as(sentence: str, clauses: list[Clause]) -> None:
    expected = [clause.model_copy(update={"text": sentence}) for clause in clauses]
    assert sure(read(sentence, CAP)) == expected


def sure(instruction: Instruction) -> list[Clause]:
    """Clauses without how sure their reader was, and why it was not."""
    forgotten = {"confidence": 1.0}
    return [
        clause.model_copy(update=forgotten | ({"reason": ""} if isinstance(clause, Unread) else {}))
        for clause in instruction.clauses
    ]


@pytest.mark.parametrize(
    ("sentence", "reason"),
    [
        ("Stains up to 2 furlongs are acceptable.", "'2 furlongs' is no length"),
        ("Stains larger than 2 mm are acceptable.", ""),
        ("Ignore dust unless it is wet.", ""),
        ("Do not ignore dust.", ""),
        ("0 dots are required.", ""),
        ("-2 dots are required.", ""),
        ("At least two dots are required.", ""),
        ("A dot or a label must be present.", "of several features"),
        ("On black caps a dot is required.", "no part 'black caps'"),
        ("A dot is required?", "a question"),
        ("Scratches are acceptable?", "a question"),
        ("Some scratches are acceptable.", ""),
        ("Two scratches are acceptable.", ""),
        ("Small scratches are acceptable.", ""),
        ("During startup scratches are acceptable.", ""),
        ("Scratches are bad, stains are acceptable.", ""),
        ("I doubt that scratches are acceptable.", ""),
        ("Everything is acceptable.", ""),
        ("The rim is acceptable.", ""),
        ("Stains up to 1,000 mm are acceptable.", "two ways"),
        ("Stains up to 5 m are acceptable.", "check the unit"),
        ("Stains up to 3 kg are acceptable.", "'3 kg' is no length"),
        ("Stains up to -2 mm are acceptable.", "below zero"),
        ("Stains up to 2 mm² are acceptable.", "an area"),
        ("On holidays scratches are acceptable.", ""),
        ("Abroad, scratches are acceptable.", "'abroad' is no part"),
        ("Ignore scratches. This is wrong on the rim.", ""),
        ("Ignore all.", ""),
        ("Inspect the rim for cracks only.", ""),
        ("Inspect , only.", ""),
        ("Inspect the handle only.", "'handle' is no part of the product"),
        ("Look for cracks on the rim only.", ""),
        ("Inspect only the rim and ignore the rim.", "contradicts itself"),
        ("Scratches are acceptable and not acceptable.", "contradicts itself"),
        ("Ignore the rim, the thread and the face.", "leaves no part to inspect"),
        (f"Inspect {'a' * 300} only.", ""),
        (f"Stains up to {'9' * 400} mm are acceptable.", "check the unit"),
        (f"{'9' * 5000} dots are required.", "characters"),
    ],
)
def test_a_sentence_that_no_clause_can_hold_is_unread_with_the_reason(sentence: str, reason: str) -> None:
    (clause,) = read(sentence, CAP).clauses
    assert isinstance(clause, Unread)
    assert clause.text == sentence
    assert reason in clause.reason


def test_several_sentences_each_give_their_clause_and_keep_their_words() -> None:
    text = "Inspect the rim only. Stains up to 2.5 mm are acceptable; a dot is required\n- Look twice."
    instruction = read(text)
    assert instruction.text == text
    assert [clause.kind for clause in instruction.clauses] == ["scope", "tolerance", "requirement", "unread"]
    assert [clause.words for clause in instruction.unread] == ["Look twice."]


def test_a_sentence_may_go_on_behind_the_end_of_a_line() -> None:
    (clause,) = read("Stains up to 2 mm\non the rim are acceptable.", CAP).clauses
    assert (clause.kind, clause.text) == ("tolerance", "Stains up to 2 mm on the rim are acceptable.")
    assert [c.kind for c in read("Ignore dust.\nIgnore stains\nInspect the rim only").clauses] == [
        "scope",
        "ignore",
        "ignore",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "Do not\nignore scratches.",
        "Please do not\nIgnore scratches.",
        "When the light is on\nignore scratches.",
    ],
)
def test_the_rest_of_a_sentence_on_another_line_is_not_read_without_its_beginning(text: str) -> None:
    assert sure(read(text)) == [Unread(text=" ".join(text.split()))]


def test_a_list_under_a_line_that_is_not_understood_is_not_read_without_it() -> None:
    found = read("Never do this:\n- Ignore scratches.\n- Ignore dust.").clauses
    assert [clause.text for clause in found] == [
        "Never do this: Ignore scratches.",
        "Never do this: Ignore dust.",
    ]
    assert {clause.kind for clause in found} == {"unread"}


@given(st.text(max_size=300))
@example("what nobody understands " * 20)
def test_any_text_is_read_and_none_of_it_is_dropped(text: str) -> None:
    instruction = read(text)
    told = " ".join(clause.text for clause in instruction.clauses)
    for word in text.split():
        # Bullets, numbers of items and punctuation are no words.
        if sum(letter.isalpha() for letter in word) > 2:
            assert word.strip(";:#|>-") in told
    assert Instruction.model_validate(instruction.model_dump()) == instruction


def test_files_are_read_by_their_ending(tmp_path: Path) -> None:
    (tmp_path / "say.txt").write_text("Ignore dust.", "utf-8")
    assert read_instruction(str(tmp_path / "say.txt")).ignore[0].defect == "dust"
    (tmp_path / "say.yaml").write_text(dump_yaml(read("Inspect the rim only.")), "utf-8")
    assert read_instruction(str(tmp_path / "say.yaml")) == read("Inspect the rim only.")
    with pytest.raises(SpecsightError, match=r"cannot read .*absent\.md"):
        read_instruction(str(tmp_path / "absent.md"))
    assert read_instruction("Ignore dust.").ignore[0].defect == "dust"


def test_text_of_any_length_is_read_in_time() -> None:
    instruction = read("the " * 100_000)
    assert "everything after" in instruction.unread[-1].text


@pytest.mark.parametrize("ending", [".txt", ".yaml"])
def test_a_pipe_a_device_and_an_endless_file_are_refused_at_once(tmp_path: Path, ending: str) -> None:
    pipe, device, endless = (tmp_path / f"{name}{ending}" for name in ("pipe", "device", "endless"))
    os.mkfifo(pipe)
    device.symlink_to("/dev/zero")
    with endless.open("wb") as file:
        file.truncate(1 << 30)
    for path in (pipe, device):
        with pytest.raises(SpecsightError, match=rf"{path.name}' is a pipe or a device: give a file"):
            read_instruction(str(path))
    with pytest.raises(SpecsightError, match=r"endless.* has more than 262,144 bytes: shorten it"):
        read_instruction(str(endless))


def test_a_name_with_a_zero_byte_is_no_file() -> None:
    with pytest.raises(SpecsightError, match="zero byte"):
        read_instruction("a\0b.txt")


def test_words_that_are_no_unicode_are_unread() -> None:
    assert [clause.words for clause in read("Ignore \udcff.").clauses] == ["Ignore \ufffd."]


@pytest.mark.parametrize(
    ("sentence", "kind", "name"),
    [
        ("Stains are only cosmetic.", "ignore", "stains"),
        ("The rim is hidden once mounted, so do not inspect it.", "scope-out", "rim"),
        ("Stains simply are rejected.", "tolerance", "stains"),
        ("Concentrate on the rim.", "scope", "rim"),
        ("We have lately seen orange peel on the rim; please report it.", "knowledge", "orange peel"),
        ("A new kind of fault has appeared: flaking primer.", "knowledge", "flaking primer"),
    ],
)
def test_idioms_pronouns_and_reports_are_read(sentence: str, kind: str, name: str) -> None:
    (found,) = as_objects(read(sentence, CAP))
    assert found["kind"] == kind
    assert name in (found["defect"], found["part"])


def test_what_is_quoted_stays_as_it_was_written() -> None:
    (clause,) = read("The lettering '205/55 R16 91V' must be present on the rim.", CAP).clauses
    assert isinstance(clause, Requirement)
    assert clause.feature == "lettering '205/55 R16 91V'"


def test_an_absence_that_is_acceptable_is_the_type_of_what_is_missing() -> None:
    tyre = Specification(product="tyre", defects=(DefectType(name="missing balance dot"),))
    (clause,) = read("This batch leaves without a balance dot: its absence is acceptable.", tyre).clauses
    assert isinstance(clause, Ignore)
    assert clause.defect == "missing balance dot"


TYRE = Specification(
    product="tyre",
    mm_per_px=0.5,
    parts=(Part(name="tread"), Part(name="sidewall"), Part(name="bead")),
    defects=(DefectType(name="cut"), DefectType(name="stain"), DefectType(name="crack")),
)


@pytest.mark.parametrize(
    ("sentence", "feature", "part"),
    [
        ("Without the lettering '195/65 R15 91T' the tyre is rejected.", "lettering '195/65 R15 91T'", None),
        ("Without the lettering '195/65 R15 91T' no tyre is accepted.", "lettering '195/65 R15 91T'", None),
        ("Without a yellow balance dot the tyre must be rejected", "yellow balance dot", None),
        ("Without a yellow balance dot the wheel must be rejected.", "yellow balance dot", None),
        ("Without a barcode label every tyre fails.", "barcode label", None),
        ("If there is no yellow balance dot the tyre is rejected.", "yellow balance dot", None),
        ("Without a balance dot the sidewall is rejected.", "balance dot", "sidewall"),
        ("Without a heat number on the bead the tyre is not acceptable.", "heat number", "bead"),
        ("Without the tyre label, reject.", "tyre label", None),
    ],
)
def test_a_main_clause_is_no_part_of_the_feature(sentence: str, feature: str, part: str | None) -> None:
    (clause,) = read(sentence, TYRE).clauses
    assert isinstance(clause, Requirement)
    assert (clause.feature, clause.part) == (feature, part)


@pytest.mark.parametrize(
    "sentence",
    [
        "Known defects now include the zipper break: reject it.",
        "Known defects now also include zipper break.",
        "Original equipment: any zipper break is a defect.",
        "From today zipper break is a reject criterion.",
        "As of 1 May a zipper break is a rejection criterion.",
        "Effective immediately, any zipper break is rejectable.",
        "The defect catalogue has been extended by the zipper break.",
        "The zipper break has been added to the list of defects.",
        "New reject criterion: zipper break.",
        "As per drawing 12, the defect list now contains the zipper break, please.",
        "The list of defects now covers the zipper break; report it.",
        "A zipper break is a defect.",
    ],
)
def test_a_kind_that_is_added_to_the_defects_is_taught(sentence: str) -> None:
    (clause,) = read(sentence, TYRE).clauses
    assert isinstance(clause, Knowledge)
    assert (clause.name, clause.part) == ("zipper break", None)


@pytest.mark.parametrize(
    "sentence",
    [
        "A zipper break is not a defect.",
        "From today a zipper break is no longer a defect.",
        "Original equipment: no zipper break is a defect.",
        "Known defects no longer include the zipper break.",
        "The zipper break has been removed from the defect catalogue.",
        "A zipper break is not a reject criterion.",
    ],
)
def test_a_kind_that_is_taken_from_the_defects_does_not_count(sentence: str) -> None:
    (clause,) = read(sentence, TYRE).clauses
    assert isinstance(clause, Ignore)
    assert clause.defect == "zipper break"


@pytest.mark.parametrize(
    "sentence",
    [
        "Known defects now include the zipper break: do not reject it.",
        "From today zipper breaks over 3 mm are a reject criterion.",
        "From today only zipper breaks are a reject criterion.",
        "Known defects do not include the zipper break.",
    ],
)
def test_what_may_mean_either_is_not_taught(sentence: str) -> None:
    assert {clause.kind for clause in read(sentence, TYRE).clauses} == {"unread"}


def test_a_known_type_and_a_name_with_a_part_keep_their_meaning() -> None:
    (known,) = read("Known defects now include the cut: reject it.", TYRE).clauses
    assert isinstance(known, Tolerance)
    assert (known.defect, known.up_to_mm) == ("cut", 0)
    (named,) = read("Known defects now include bead kinks; report them.", TYRE).clauses
    assert isinstance(named, Knowledge)
    assert named.name == "bead kinks"


@pytest.mark.parametrize(
    "around",
    [
        "As per drawing 12, {}",
        "Please, as per drawing 12, {}",
        "As per drawing 12, {}, which the customer asked for.",
        "Hello team, please note: according to section 4.2 of the specification, {}, thank you.",
        "{}, which the customer asked for, please.",
        "{} (see drawing A-12/3), as agreed with the customer, thanks in advance.",
    ],
)
@pytest.mark.parametrize(
    "demand",
    [
        "stains up to 2 mm are acceptable",
        "inspect the tread only",
        "leave out the bead",
        "cracks are rejected",
    ],
)
def test_remarks_change_nothing_however_many_there_are(around: str, demand: str) -> None:
    bare = read(f"{demand.capitalize()}.", TYRE).clauses
    assert bare[0].kind != "unread"
    told = read(around.format(demand), TYRE).clauses
    assert [clause.model_copy(update={"text": ""}) for clause in told] == [
        clause.model_copy(update={"text": ""}) for clause in bare
    ]


TYRE = Specification(
    product="tyre",
    parts=tuple(Part(name=name) for name in ("tread", "shoulder", "sidewall", "lettering", "bead", "flange")),
    defects=(
        DefectType(name="stain", phrases=("dirt", "spot of dirt")),
        *(DefectType(name=name) for name in ("crack", "cut", "bulge", "demoulding mark")),
    ),
)
"""With a type that has a phrase of a wider kind: "dirt" is what contamination is called, too."""
INSPECTS = ("Inspect {}", "Check {}", "The inspection covers {}", "Please examine {}")
BUT_NOT = (", not {}", " but not {}", ", but not {}", "; {} is excluded", ", {} is not inspected")


@given(
    st.sampled_from(INSPECTS),
    st.lists(st.sampled_from([part.name for part in TYRE.parts]), min_size=2, max_size=4, unique=True),
    st.sampled_from(BUT_NOT),
    st.sampled_from(["", " only"]),
)
@example("The inspection covers {}", ["sidewall", "lettering", "flange", "shoulder"], "; {} is excluded", "")
@example("Inspect {}", ["sidewall", "lettering"], ", not {}", " only")
def test_nothing_of_a_scope_with_an_exclusion_vanishes(
    inspects: str, parts: list[str], but_not: str, only: str
) -> None:
    *named, last = (f"the {part}" for part in parts)
    whole = named[0] if len(named) == 1 else f"{', '.join(named[:-1])} and {named[-1]}"
    text = f"{inspects.format(whole)}{only}{but_not.format(last)}."
    clauses = read(text, TYRE).clauses
    if any(isinstance(clause, Unread) for clause in clauses):
        assert [clause.text for clause in clauses] == [text]
        return
    scopes = [clause for clause in clauses if isinstance(clause, Scope)]
    assert {name for scope in scopes if not scope.exclude for name in scope.parts} == set(parts[:-1])
    assert {name for scope in scopes if scope.exclude for name in scope.parts} == {parts[-1]}


@pytest.mark.parametrize(
    "sentence",
    [
        "The inspection covers the sidewall, the lettering and the flange; the shoulder is excluded.",
        "Inspect the sidewall, the lettering and the flange but not the shoulder.",
        "Check the sidewall, the lettering and the flange, not the shoulder.",
    ],
)
def test_a_scope_and_its_exclusion_are_both_read(sentence: str) -> None:
    assert sure(read(sentence, TYRE)) == [
        Scope(parts=("sidewall", "lettering", "flange"), text=sentence),
        Scope(parts=("shoulder",), exclude=True, text=sentence),
    ]


@pytest.mark.parametrize(
    "sentence",
    ["Check the sidewall thoroughly.", "Check the lettering too.", "Also inspect the bead closely."],
)
def test_emphasis_is_no_scope(sentence: str) -> None:
    (clause,) = read(sentence, TYRE).clauses
    assert isinstance(clause, Unread)


def test_emphasis_beside_a_restriction_is_a_scope_and_its_absence_is_named() -> None:
    (clause,) = read("Check the sidewall thoroughly.", TYRE).clauses
    assert isinstance(clause, Unread)
    assert "write 'only'" in clause.reason
    text = "Inspect only the sidewall thoroughly."
    assert sure(read(text, TYRE)) == [Scope(parts=("sidewall",), text=text)]


@pytest.mark.parametrize(
    "sentence", ["Dust is OK.", "Residue up to 3 mm is fine.", "An oil stain is acceptable."]
)
def test_nothing_is_accepted_by_the_name_of_another_kind(sentence: str) -> None:
    (clause,) = read(sentence, TYRE).clauses
    assert isinstance(clause, Unread)
    assert "'stain'" in clause.reason


def test_words_of_equal_meaning_accept_and_loose_ones_may_reject() -> None:
    (fissure,) = read("Fissures up to 2 mm are acceptable.", TYRE).clauses
    assert isinstance(fissure, Tolerance)
    assert (fissure.defect, fissure.up_to_mm) == ("crack", 2)
    (dust,) = read("Dust is rejected.", TYRE).clauses
    assert isinstance(dust, Tolerance)
    assert (dust.defect, dust.up_to_mm) == ("stain", 0)


@pytest.mark.parametrize(
    ("sentence", "feature"),
    [
        ("The lettering “SpecSight's Pro” is required.", 'lettering "SpecSight\'s Pro"'),
        ("The lettering ‘SpecSight Pro’ is required.", "lettering 'SpecSight Pro'"),
        ("The lettering ‘Driver’s Own’ is required.", "lettering 'Driver’s Own'"),
    ],
)
def test_quotes_of_every_kind_keep_what_they_hold(sentence: str, feature: str) -> None:
    (clause,) = read(sentence, TYRE).clauses
    assert isinstance(clause, Requirement)
    assert clause.feature == feature


@pytest.mark.parametrize(
    ("sentence", "name", "part"),
    [
        ("Glue residue counts as a defect.", "glue residue", None),
        ("A worm on the sidewall counts as a defect.", "worm", "sidewall"),
        ("A zipper on the bead is a defect.", "zipper", "bead"),
    ],
)
def test_what_counts_as_a_defect_is_taught(sentence: str, name: str, part: str | None) -> None:
    (clause,) = read(sentence, TYRE).clauses
    assert isinstance(clause, Knowledge)
    assert (clause.name, clause.part) == (name, part)


@pytest.mark.parametrize(
    "sentence",
    [
        "Stains up to 5 mm (not on the lettering) are acceptable.",
        "Stains up to 5 mm – not on the lettering – are acceptable.",
        "Stains up to 5 mm, not on the lettering, are acceptable.",
    ],
)
def test_an_exception_that_is_set_off_is_one(sentence: str) -> None:
    assert sure(read(sentence, TYRE)) == [
        Tolerance(defect="stain", up_to_mm=5, text=sentence),
        Tolerance(defect="stain", up_to_mm=0, part="lettering", text=sentence),
    ]


def test_figures_of_codes_are_no_lengths_and_numbers_of_documents_stay_whole() -> None:
    assert not any(
        "91v" in clause.reason for clause in unread("The size marking 205/55 R16 91V must be legible.")
    )
    assert [clause.text for clause in unread("Doc. QM-TY-017 Rev. C")] == ["Doc. QM-TY-017 Rev. C"]


def unread(text: str) -> list[Unread]:
    return [clause for clause in read(text, TYRE).clauses if isinstance(clause, Unread)]
