"""What language models that point learn from, term by term, against the same computed cell by cell in numpy."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from specsight.recipes.language.conversations import ANYTHING, alike
from specsight.recipes.language.gallery import IGNORED, UNNAMED, Entry, Gallery, Spot
from specsight.recipes.language.recipe import BundledShape, LanguageRecipe

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
Values = NDArray[np.float64]
SIDE, CHANNELS, LAYERS = 6, (5, 7), ("stride8", "stride16")
ENTRIES = [
    Entry("tyre line", ("cut", "stain", "scratch"), (Spot("cut", "top left", "bead"), Spot("stain", "centre", "bead"))),
    Entry("scene", ("dent",), (Spot("dent", "left"),), certain=False),
    Entry("block", ()),
]  # fmt: skip


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Gallery:
    rng = np.random.default_rng(0)
    shard = tmp_path_factory.mktemp("gallery") / "made-0000"
    shard.mkdir()
    labels = np.zeros((len(ENTRIES), SIDE, SIDE), np.uint8)
    labels[0, 0, :3], labels[0, 3, 3:], labels[0, 5, 0] = (1, 1, IGNORED), (2, 3, 3), UNNAMED
    labels[1, 2, 2:4] = 1, IGNORED
    for layer, channels, side in zip(LAYERS, CHANNELS, (SIDE, SIDE // 2)):
        np.save(
            shard / f"{layer}.npy", rng.normal(size=(len(ENTRIES), channels, side, side)).astype(np.float16)
        )
    np.save(shard / "labels.npy", labels)
    (shard / "entries.jsonl").write_text("".join(f"{json.dumps(asdict(one))}\n" for one in ENTRIES))
    return Gallery.read(shard.parent, LAYERS)


@pytest.fixture(scope="module")
def task(gallery: Gallery) -> Any:
    from specsight.encoders import load_encoder
    from specsight.language.pointing.model import PointingModel, Shape
    from specsight.recipes.language.task import SpeakingTask
    from specsight.recipes.language.texts import texts
    from specsight.recipes.language.train import bundled_language

    torch.manual_seed(0)
    recipe = LanguageRecipe(
        bundled=BundledShape(pieces=500, width=32, layers=1, heads=2, key_heads=1, inner=48)
    )
    model = PointingModel(*bundled_language(recipe, texts(ENTRIES)), Shape(CHANNELS, 0, 16))
    return SpeakingTask("instruct", recipe.instruct, model, load_encoder("filters"), gallery, gallery)


@pytest.fixture(scope="module")
def batch(task: Any) -> Any:
    made = task._maker.batch(np.random.default_rng(3), [0, 1, 2, 0])
    assert made.packed.tokens.shape[0] == 4
    return made


def focal(margin: Values, truth: Values, known: NDArray[np.bool_]) -> float:
    total = 0.0
    for m, t, sure in zip(margin.ravel(), truth.ravel(), known.ravel()):
        right = 1 / (1 + np.exp(-m if t else m))
        total += sure * (1 - right) ** 2 * -np.log(right)
    return total / (0.01 * margin.size)


def dice(margin: Values, truth: Values, known: NDArray[np.bool_]) -> float:
    p, t = 1 / (1 + np.exp(-margin[known])), truth[known]
    return float(1 - (2 * (p * t).sum() + 1) / (p.sum() + t.sum() + 1))


def truth_of(labels: NDArray[np.uint8], entry: Entry, type_: str) -> tuple[Values, NDArray[np.bool_]]:
    """Cell by cell: whether it shows the type, and whether that is known."""
    truth, known = np.zeros(labels.shape), np.ones(labels.shape, bool)
    for place in np.ndindex(*labels.shape):
        label = int(labels[place])
        name = entry.types[label - 1] if 0 < label <= len(entry.types) else ""
        if type_ == ANYTHING:
            truth[place], known[place] = label not in (0, IGNORED), label != IGNORED
        else:
            truth[place] = name == type_
            shades = bool(name) and name != type_ and alike(name, type_)
            known[place] = label not in (IGNORED, UNNAMED) and not shades
    return truth, known


def test_each_loss_by_hand(task: Any, batch: Any) -> None:
    with torch.no_grad():
        total, losses = task.loss(batch, 0)
        seen, states = task._passed(batch)
        margins, defect = task._pointed(batch, seen, states)
        logits = task.model.logits(states).double().numpy()
        present = task.model.heads.present(defect, margins).double().numpy()
    of, maps = batch.pointers, margins.double().numpy()
    labels = batch.labels.numpy()
    rows = of.pictures.tolist()

    # Words: the tokens of answers and no others, each by the state before it.
    packed, told = batch.packed, []
    for row, place in np.argwhere(packed.targets.numpy() >= 0):
        one = logits[row, place]
        token = int(packed.tokens[row, place + 1])
        assert int(packed.targets[row, place]) == token
        assert packed.branches[row, place] == packed.branches[row, place + 1]
        told.append(np.log(np.exp(one - one.max()).sum()) + one.max() - one[token])
    assert losses["words"] == pytest.approx(np.mean(told), rel=1e-4)
    answers = {
        (row, int(packed.branches[row, place])) for row, place in np.argwhere(packed.targets.numpy() >= 0)
    }
    assert packed.targets.flatten().tolist().count(task.model.layout.end) == len(answers) > 0

    # Maps: each pointer's own type.
    truths = [truth_of(labels[row], ENTRIES[batch.numbers[row]], type_) for row, type_ in zip(rows, of.types)]
    assert losses["focal"] == pytest.approx(np.mean([focal(m, *t) for m, t in zip(maps, truths)]), rel=1e-4)
    shown = [dice(m, *t) for m, t in zip(maps, truths) if (t[0] * t[1]).any()]
    assert losses["dice"] == pytest.approx(np.mean(shown), rel=1e-4)

    # Presence: there, not there, or not known where a cell might be it.
    each = []
    for logit, (truth, known) in zip(present, truths):
        if (truth * known).any():
            each.append(np.logaddexp(0, -logit))
        elif known.all():
            each.append(np.logaddexp(0, logit))
    assert losses["presence"] == pytest.approx(np.mean(each), rel=1e-4)

    # Types against each other, but for those that shade into the one that is shown.
    by_picture = []
    for row, number in enumerate(batch.numbers):
        entry, own = ENTRIES[number], [k for k in range(*of.typed[row]) if of.types[k] != ANYTHING]
        cells = []
        for y, x in np.argwhere((labels[row] > 0) & (labels[row] <= len(entry.types))):
            name = entry.types[labels[row, y, x] - 1]
            against = [maps[k, y, x] for k in own if of.types[k] == name or not alike(of.types[k], name)]
            (right,) = [maps[k, y, x] for k in own if of.types[k] == name]
            cells.append(np.log(np.exp(against).sum()) - right)
        by_picture += [np.mean(cells)] if cells else []
    assert losses["typing"] == pytest.approx(np.mean(by_picture), rel=1e-4)

    # Suspicion: any defect, before any word.
    any_ = [truth_of(one, ENTRIES[n], ANYTHING) for one, n in zip(labels, batch.numbers)]
    suspicion = seen.suspicion.double().numpy()
    by_hand = np.mean([focal(m, *t) for m, t in zip(suspicion, any_)])
    by_hand += 0.5 * np.mean([dice(m, *t) for m, t in zip(suspicion, any_) if t[0].any()])
    assert losses["suspicion"] == pytest.approx(by_hand, rel=1e-4)
    weights = {"words": 1, "focal": 2, "dice": 0.5, "presence": 0.5, "typing": 0.5, "suspicion": 1}
    assert float(total) == pytest.approx(sum(weights[k] * losses[k] for k in weights), rel=1e-4)


def test_every_term_reaches_what_it_is_to_teach(task: Any, batch: Any) -> None:
    model = task.model
    parts = {"language": model.language, "eyes": model.eyes, "heads": model.heads}

    def reached(loss: Any) -> dict[str, bool]:
        model.zero_grad(set_to_none=True)
        loss.backward()
        return {
            name: any(p.grad is not None and bool(p.grad.any()) for p in part.parameters())
            for name, part in parts.items()
        }

    seen, states = task._passed(batch)
    assert reached(task._words_loss(batch, states)) == {"language": True, "eyes": True, "heads": True}
    seen, states = task._passed(batch)
    assert reached(task._suspicion_loss(batch, seen)) == {"language": False, "eyes": False, "heads": True}
    total, _ = task.loss(batch, 0)
    reached(total)
    unused = [name for name, one in model.named_parameters() if one.grad is None]
    assert unused == []
    assert {id(one) for module in task.modules.values() for one in module.parameters()} == {
        id(one) for one in model.parameters()
    }
    assert all(not grid.requires_grad for grid in batch.grids)


@pytest.mark.parametrize("tied", [False, True])
def test_of_a_language_model_that_is_there_already_only_adapters_and_new_rows_learn(
    gallery: Gallery, tmp_path: Path, tied: bool
) -> None:
    """One step of the whole loss: every weight of the checkpoint, and every row of a token that it had, stays."""
    pytest.importorskip("peft")
    import transformers

    from specsight.encoders import load_encoder
    from specsight.language.pointing.adapters import Lora, adapted, load_base
    from specsight.language.pointing.model import PointingModel, Shape
    from specsight.language.pointing.tokens import TOKENS
    from specsight.recipes.language.task import SpeakingTask
    from specsight.recipes.language.texts import texts
    from specsight.recipes.language.tokenizer import build_tokenizer

    torch.manual_seed(0)
    tokenizer = build_tokenizer(texts(ENTRIES), 500, 256)
    config = transformers.LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=1, tie_word_embeddings=tied, bos_token_id=None, eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )  # fmt: skip
    transformers.LlamaForCausalLM(config).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    base, tokenizer = load_base(tmp_path)
    language = adapted(base, tokenizer, Lora(rank=2, alpha=4))
    model = PointingModel(language, tokenizer, Shape(CHANNELS, 0, 16))
    task = SpeakingTask(
        "instruct", LanguageRecipe().instruct, model, load_encoder("filters"), gallery, gallery
    )
    learns = [name for name, one in language.named_parameters() if one.requires_grad]
    assert all("lora_" in name or "token" in name for name in learns)
    before = {name: one.detach().clone() for name, one in language.named_parameters()}
    every = torch.arange(len(tokenizer))
    with torch.no_grad():
        rows = language.get_input_embeddings()(every).clone()
        last = language.get_output_embeddings()(torch.eye(32)).T.clone()
    total, _ = task.loss(task._maker.batch(np.random.default_rng(3), [0, 1, 2]), 0)
    total.backward()
    with torch.no_grad():
        for module in task.modules.values():
            for one in module.parameters():
                if one.grad is not None:
                    one.sub_(0.1 * one.grad)
    after = dict(language.named_parameters())
    assert all(torch.equal(before[name], after[name]) for name in before if name not in learns)
    moved = {name for name in learns if not torch.equal(before[name], after[name])}
    assert any("lora_B" in name and "q_proj" in name for name in moved)
    assert any("lora_B" in name and "v_proj" in name for name in moved)
    new = set(tokenizer.convert_tokens_to_ids(list(TOKENS)))
    with torch.no_grad():
        found = [
            (language.get_input_embeddings()(every) != rows).any(1),
            (last != language.get_output_embeddings()(torch.eye(32)).T).any(1),
        ]
    for changed in found:
        assert set(changed.nonzero()[:, 0].tolist()) <= new
    assert found[0].any()
