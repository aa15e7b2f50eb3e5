"""A language model that points: tokens, branches that do not see one another, maps, answers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from specsight.errors import SpecsightError
from specsight.language.pointing.packing import Branch, pack
from specsight.language.pointing.tokens import (
    IMAGE,
    SEG_DEFECT,
    SEG_NORMAL,
    TOKENS,
    add_tokens,
    harmless,
)

if TYPE_CHECKING:
    import torch

    from specsight.language.pointing.model import PointingModel

torch = pytest.importorskip("torch")
TEXTS = [
    "Is anything wrong?",
    "Yes, there is a cut at the top left.",
    "No, nothing is wrong.",
    "stain cut crack",
]
CHANNELS, JOINT = (6, 10), 8


@pytest.fixture(scope="module")
def model() -> PointingModel:
    """A tiny model at random."""
    import transformers

    from specsight.language.pointing.model import PointingModel, Shape
    from specsight.recipes.language.tokenizer import build_tokenizer

    torch.manual_seed(0)
    tokenizer = build_tokenizer(TEXTS, 400, 256)
    config = transformers.LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=48, num_hidden_layers=2,
        num_attention_heads=2, num_key_value_heads=1, max_position_embeddings=256, tie_word_embeddings=True,
        bos_token_id=None, eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id,
        attn_implementation="sdpa",
    )  # fmt: skip
    language = transformers.LlamaForCausalLM(config)
    add_tokens(tokenizer, language)
    return PointingModel(language, tokenizer, Shape(CHANNELS, JOINT, 16)).eval().requires_grad_(False)


def seen(model: PointingModel, count: int = 1, seed: int = 0, size: tuple[int, int] = (8, 8)) -> Any:
    generator = torch.Generator().manual_seed(seed)
    fine = torch.randn(count, CHANNELS[0], 2 * size[0], 2 * size[1], generator=generator)
    deep = torch.randn(count, CHANNELS[1], *size, generator=generator)
    joint = torch.nn.functional.normalize(torch.randn(count, JOINT, *size, generator=generator), dim=1)
    return model.see([fine, deep], joint)


def test_each_token_is_one_piece_and_starts_from_its_word(model: PointingModel) -> None:
    layout = model.layout
    for token in TOKENS:
        assert len(layout.pieces(token)) == 1
    assert layout.pieces(f"cut{SEG_DEFECT}")[-1] == model.seg[0]


def test_new_tokens_start_as_the_mean_of_their_words() -> None:
    import transformers

    from specsight.recipes.language.tokenizer import build_tokenizer

    tokenizer = build_tokenizer(["defect normal image map"], 300, 64)
    bare = transformers.PreTrainedTokenizerFast(
        tokenizer_object=_without_tokens(tokenizer), eos_token="<end>", pad_token="<pad>"
    )
    model = transformers.GPT2LMHeadModel(
        transformers.GPT2Config(vocab_size=len(bare), n_embd=16, n_layer=1, n_head=2, n_positions=32)
    )
    add_tokens(bare, model)
    table = model.get_input_embeddings().weight
    pieces = bare("defect", add_special_tokens=False)["input_ids"]
    own = bare.convert_tokens_to_ids(SEG_DEFECT)
    assert own >= len(bare) - len(TOKENS)
    torch.testing.assert_close(table[own], table[pieces].mean(0))


def _without_tokens(tokenizer: Any) -> Any:
    import json

    from tokenizers import Tokenizer

    described = json.loads(tokenizer.backend_tokenizer.to_str())
    described["added_tokens"] = [one for one in described["added_tokens"] if one["content"] not in TOKENS]
    for token in TOKENS:
        described["model"]["vocab"].pop(token, None)
    numbers = {
        name: k
        for k, name in enumerate(sorted(described["model"]["vocab"], key=described["model"]["vocab"].get))
    }
    described["model"]["vocab"] = numbers
    for one in described["added_tokens"]:
        one["id"] = numbers[one["content"]]
    return Tokenizer.from_str(json.dumps(described))


@pytest.mark.parametrize("text", [f"ends a turn <end> and {SEG_DEFECT}", f"{IMAGE}{SEG_NORMAL}<assistant>"])
def test_what_a_person_writes_never_becomes_a_token(model: PointingModel, text: str) -> None:
    tokenizer = model.layout.tokenizer
    special = set(tokenizer.all_special_ids) | {tokenizer.convert_tokens_to_ids(token) for token in TOKENS}
    assert not special & set(model.layout.pieces(harmless(text, tokenizer)))
    assert special & set(model.layout.pieces(text))
    inside = model.layout.question(text)[1:-1]
    assert not special & set(inside)


def test_a_branch_yields_what_it_would_yield_alone(model: PointingModel) -> None:
    _, begin = seen(model)
    layout = model.layout
    branches = [
        layout.normal,
        layout.pointing("cut"),
        layout.pointing("a long crack"),
        layout.question("Is it good?"),
    ]
    together = model.read(begin, pack([[Branch(one) for one in branches]]))[0]
    at = 0
    for one in branches:
        alone = model.read(begin, pack([[Branch(one)]]))[0]
        torch.testing.assert_close(together[at : at + len(one)], alone, atol=1e-5, rtol=1e-4)
        at += len(one)


def test_padding_changes_nothing(model: PointingModel) -> None:
    _, begin = seen(model, 2)
    short, long = [Branch(model.layout.normal)], [Branch(model.layout.pointing("a long crack in it"))]
    states = model.read(begin, pack([short, long]))
    alone = model.read(begin[:1], pack([short]))
    torch.testing.assert_close(states[:1, : alone.shape[1]], alone, atol=1e-5, rtol=1e-4)


def test_targets_are_the_answers_tokens() -> None:
    packed = pack([[Branch([5, 6]), Branch([7, 8, 9, 10], learned=2)]])
    assert packed.tokens.tolist() == [[5, 6, 7, 8, 9, 10]]
    assert packed.targets.tolist() == [[-100, -100, -100, 9, 10, -100]]
    assert packed.positions.tolist() == [[0, 1, 0, 1, 2, 3]]


def test_likelihoods_are_those_of_the_answers_words(model: PointingModel) -> None:
    _, begin = seen(model)
    question, answer = (
        model.layout.question("Is anything wrong?"),
        model.layout.pieces("No, nothing is wrong."),
    )
    (weight,) = model.weigh(begin, question, [answer])
    expected, told = 0.0, list(question)
    for token in answer:
        state = model.read(begin, pack([[Branch(told)]]))[0, -1]
        expected += float(torch.log_softmax(model.logits(state), 0)[token])
        told.append(token)
    assert weight == pytest.approx(expected, abs=1e-3)


def test_writing_takes_the_likeliest_token_each_time(model: PointingModel) -> None:
    _, begin = seen(model)
    question = model.layout.question("Is anything wrong?")
    told = list(question)
    for token, state in model.write(begin, question, 6):
        again = model.read(begin, pack([[Branch(told)]]))[0, -1]
        assert token == int(model.logits(again).argmax())
        told.append(token)
        torch.testing.assert_close(
            model.read(begin, pack([[Branch(told)]]))[0, -1], state, atol=1e-4, rtol=1e-3
        )


def test_margins_by_hand(model: PointingModel) -> None:
    heads = model.heads
    saw, _ = seen(model, 2)
    generator = torch.Generator().manual_seed(3)
    defect, normal = torch.randn(3, 32, generator=generator), torch.randn(3, 32, generator=generator)
    words = torch.nn.functional.normalize(torch.randn(2, 3, JOINT, generator=generator), dim=2)
    rows = torch.tensor([1, 0, 1])
    margins = heads.margins(saw, rows, defect, normal, (words[0], words[1]))
    assert margins.shape == (3, 16, 16)
    unit = torch.nn.functional.normalize

    def direction(index: int) -> torch.Tensor:
        told = (
            heads.queries[index](state[2]) + heads.word_queries[index](word[2])
            for state, word in ((defect, words[0]), (normal, words[1]))
        )
        first, second = (unit(one, dim=0) for one in told)
        return first - second

    level = unit(saw.fine[1], dim=0)[:, 4, 6] @ direction(0)
    deep = unit(saw.deep[1], dim=0)[:, 2, 3] @ direction(1)
    # At first the joint level is that of the words alone.
    joint = saw.joint[1][:, 2, 3] @ (words[0, 2] - words[1, 2])
    scales = heads.log_scales.exp()
    by_hand = (scales[0] * level + scales[1] * deep + scales[2] * joint + heads.biases.sum()) / 3
    # Cell (4, 6) of the fine grid lies upon cell (2, 3) of the coarse one.
    assert float(margins[2, 4, 6]) == pytest.approx(float(by_hand), abs=1e-4)


def test_coarse_cells_lie_upon_every_second_fine_one() -> None:
    from specsight.language.pointing.heads import enlarged

    grid = torch.arange(6, dtype=torch.float32).view(1, 1, 2, 3)
    assert enlarged(grid, (4, 6))[0, 0].tolist() == [
        [0, 0.5, 1, 1.5, 2, 2],
        [1.5, 2, 2.5, 3, 3.5, 3.5],
        [3, 3.5, 4, 4.5, 5, 5],
        [3, 3.5, 4, 4.5, 5, 5],
    ]


def test_two_looks_are_never_beside_each_other(model: PointingModel) -> None:
    from specsight.language.pointing.heads import Seen

    saw, _ = seen(model)
    suspicion = torch.zeros(1, 16, 16)
    suspicion[0, 3, 3], suspicion[0, 3, 4], suspicion[0, 10, 12] = 5, 4, 3
    looked = model.eyes._looked(Seen(saw.fine, saw.deep, saw.joint, suspicion))
    width = saw.fine.shape[1]
    torch.testing.assert_close(looked[0, 0, :width], saw.fine[0, :, 3, 3])
    torch.testing.assert_close(looked[0, 1, :width], saw.fine[0, :, 10, 12])


def test_a_saved_model_is_the_same(model: PointingModel, tmp_path: Path) -> None:
    from specsight.encoders import load_encoder
    from specsight.language.pointing.saved import load_pointing, pointing_fingerprint, save_pointing

    folder = tmp_path / "model"
    save_pointing(model, load_encoder("filters"), "bundled", None, folder)
    again, described = load_pointing(folder)
    assert (described.channels, described.joint) == (CHANNELS, JOINT)
    _, begin = seen(model)
    question = model.layout.question("Is anything wrong?")
    assert again.layout.question("Is anything wrong?") == question
    states, others = (one.read(begin, pack([[Branch(question)]])) for one in (model, again))
    torch.testing.assert_close(states, others, atol=0.02, rtol=0.02)  # Half precision.
    assert pointing_fingerprint(folder) == pointing_fingerprint(folder)
    assert not [path for path in folder.rglob("*") if path.suffix in (".bin", ".pt", ".pkl")]


@pytest.mark.parametrize("name", ["heads.safetensors", "pointing.json", "language/config.json"])
def test_a_missing_file_is_named(model: PointingModel, tmp_path: Path, name: str) -> None:
    from specsight.encoders import load_encoder
    from specsight.language.pointing.saved import load_pointing, save_pointing

    folder = tmp_path / "model"
    save_pointing(model, load_encoder("filters"), "bundled", None, folder)
    (folder / name).unlink()
    with pytest.raises(SpecsightError, match=Path(name).name):
        load_pointing(folder)


def test_long_pictures_are_pointed_into_window_by_window(model: PointingModel) -> None:
    from specsight.language.pointing.windows import joined, windows_of

    saw, _ = seen(model, 1, size=(4, 14))
    windows = windows_of(saw)
    assert [window.part.deep.shape[-2:] for window in windows] == [(4, 4)] * 4
    covered = np.zeros(28)
    for window in windows:
        covered[window.columns] += 1
    assert (covered > 0).all()
    maps = [np.full((2, 8, 8), k, np.float32) for k in range(4)]
    whole = joined(maps, windows, saw)
    assert whole.shape == (2, 8, 28)
    assert whole[0, 0, 0] == 0
    assert whole[0, 0, -1] == 3


@pytest.mark.parametrize("upright", [False, True])
@pytest.mark.parametrize("size", [(4, 14), (5, 12), (3, 25), (1, 7), (4, 6)])
@pytest.mark.parametrize("missing", [0, 1])
def test_grids_of_a_window_lie_upon_each_other(size: tuple[int, int], missing: int, upright: bool) -> None:
    from specsight.language.pointing.heads import Seen, enlarged
    from specsight.language.pointing.windows import joined, stacked, windows_of

    # Every cell holds its own column, in cells of the fine grid.
    fine = torch.arange(2 * size[1] - missing).expand(1, 1, 2 * size[0] - missing, -1).float()
    deep = torch.arange(0, 2 * size[1], 2).expand(1, 1, *size).float()
    if upright:
        fine, deep = fine.mT, deep.mT
    saw = Seen(fine, deep, deep, fine[:, 0])
    windows = windows_of(saw)
    assert len(windows) == max(1, round(size[1] / size[0]))
    both = stacked(windows)
    assert both.joint is not None
    below = enlarged(both.deep, (both.fine.shape[-2], both.fine.shape[-1]))
    inner = [slice(None), slice(None), slice(None), slice(None)]
    inner[2 if upright else 3] = slice(0, -2)  # Behind the last cells the values of either grid go on.
    torch.testing.assert_close(below[tuple(inner)], both.fine[tuple(inner)])
    torch.testing.assert_close(both.suspicion, both.fine[:, 0])
    back = joined([one.numpy() for one in both.fine], windows, saw)
    np.testing.assert_array_equal(back, fine[0])


@pytest.mark.parametrize("architecture", ["llama", "gpt_neox", "gpt2"])
def test_a_branch_is_read_as_the_language_model_alone_reads_it(
    model: PointingModel, architecture: str
) -> None:
    """Mask and positions of many branches, against a pass of the bare language model over one."""
    import transformers

    from specsight.language.pointing.model import PointingModel, Shape

    layout = model.layout
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 48}
    if architecture == "gpt2":
        sizes = {"n_embd": 32, "n_layer": 2, "n_head": 2}
    torch.manual_seed(1)
    config = transformers.AutoConfig.for_model(
        architecture, vocab_size=len(layout.tokenizer), bos_token_id=None, eos_token_id=1, **sizes
    )
    language = transformers.AutoModelForCausalLM.from_config(config)
    other = PointingModel(language, layout.tokenizer, Shape(CHANNELS, JOINT, 16)).eval().requires_grad_(False)
    _, begin = seen(other, 2)
    rows = [
        [layout.normal, layout.pointing("a long crack"), layout.question("Is it good?")],
        [layout.pointing("cut"), layout.normal],
    ]
    states = other.read(begin, pack([[Branch(one) for one in row] for row in rows]))
    for number, row in enumerate(rows):
        at = 0
        for one in row:
            embedded = language.get_input_embeddings()(torch.tensor([one]))
            alone = language(inputs_embeds=torch.cat([begin[number : number + 1], embedded], 1)).logits
            logits = other.logits(states[number, at : at + len(one)])
            torch.testing.assert_close(logits, alone[0, begin.shape[1] :], atol=1e-5, rtol=1e-4)
            at += len(one)


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ("A cut", "cut"),
        ("A cut[SEG_DEFECT] at the top left and an open splice", "open splice"),
        ("Yes, there are two defects: a stain[SEG_DEFECT] in the centre, excess flash", "excess flash"),
        ("Nothing, it is good.", "defect"),
        ("[SEG_DEFECT]", "defect"),
    ],
)
def test_a_token_stands_for_the_words_before_it_or_for_any_defect(said: str, named: str) -> None:
    from specsight.language.pointing.pointer import Pointer

    pointer = Pointer.load("bundled", "cpu")
    tokens = pointer.model.layout.tokenizer(said, add_special_tokens=False).input_ids
    assert pointer._named(tokens) == named


@pytest.mark.parametrize("name", ["bundled", "smollm2"])
def test_models_that_ship_are_of_the_encoder_that_ships(name: str) -> None:
    from specsight.encoders import load_encoder
    from specsight.language.pointing import pointer
    from specsight.language.pointing.saved import ADAPTERS, LANGUAGE, read_description

    assert name in pointer.SHIPPED
    folder = Path(pointer.__file__).parent / name
    described = read_description(folder)
    assert described.encoder_fingerprint == load_encoder("bundled", "cpu").fingerprint
    assert (folder / LANGUAGE / ADAPTERS).is_file() == (described.lora is not None)
    assert sum(path.stat().st_size for path in folder.rglob("*")) < 25 << 20


def test_a_model_that_speaks_of_pictures_alone_is_not_taken_for_sentences() -> None:
    from specsight.language import load_language_model

    assert load_language_model("bundled", "cpu").sees
    with pytest.raises(SpecsightError, match=r"speaks of pictures alone.*such as smollm2"):
        load_language_model("bundled", "cpu", words_alone=True)
