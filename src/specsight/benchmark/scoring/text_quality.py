"""Texts against reference texts: how alike they are, by well-kept implementations, and not whether they are true.

In: answers in words, each with one reference. Out: statistics by name, and BLEU, one number of the whole corpus. N-gram
scores go poorly with whether a defect was described rightly: they stand beside `grounding`, never alone.

Which words each counts (tokenisation), of the first `LONGEST` characters of an answer; an invalid one is empty:

- exact match, token F1: SQuAD's normalisation (lower case, no punctuation, no articles), split at white space;
- BLEU (sacrebleu, 0 to 100): its tokenizer 13a, letter case kept; the signature is printed;
- ROUGE-L (rouge-score, F): its own tokenizer (lower case, letters and digits), Porter stems;
- CIDEr-D (pycocoevalcap, 0 to 10): lower case, words of letters, digits and inner hyphens and apostrophes; document
  frequencies are those of the references of the same task. The implementation's own tokenizer, in Java, is not used;
- METEOR (nltk): the words of CIDEr; matches words, Porter stems and, where WordNet is on this machine, synonyms;
- similarity: cosine of MiniLM's sentence vectors (256 tokens at most), in [-1, 1]; of `MOST_ENCODED` answers at most.
"""

from __future__ import annotations

import hashlib
import re
import string
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specsight.benchmark.scoring.reading import Answered, Asked
from specsight.benchmark.scoring.resampling import Figure, Statistic, share
from specsight.benchmark.tasks import TASKS
from specsight.errors import MissingExtra, require

LONGEST = 4_000
"""Characters of an answer that are compared."""
EXTRA = "benchmark"
ARTICLES = re.compile(r"\b(a|an|the)\b")
WORD = re.compile(r"[^\W_]+(?:[-'’][^\W_]+)*")
STEMS_ALONE = "words and stems alone: WordNet is not on this machine (python -m nltk.downloader wordnet)"
FEW_REFERENCES = "all references are the same: no word tells one from another"
BATCH = 64
MOST_ENCODED = 1_000
"""Answers of a task whose sentences are encoded: some 10 ms each on a core, many times what all else takes."""


@dataclass(frozen=True)
class Measured:
    """What was measured of the answers in words."""

    statistics: Mapping[str, Statistic]
    whole: Mapping[str, Figure]
    """Numbers of a whole corpus, without an interval, and those that could not be measured."""
    variants: Mapping[str, str]
    """Name → under which definition it was measured."""


def text_quality(run: Answered, similarity: bool = True) -> Measured:
    """Of every task with free text: "text/TASK/NAME", NAME among exact, f1, bleu, rouge_l, cider, meteor, similarity.

    `similarity`: whether sentences are encoded, which takes longest; where the encoder is not installed, the figure
    says so. Raises MissingExtra where the libraries are not installed.
    """
    statistics: dict[str, Statistic] = {}
    whole: dict[str, Figure] = {}
    variants: dict[str, str] = {}
    for task in TASKS:
        asked = [one for one in run.plain if one.task == task and one.form == "text"]
        if not asked:
            continue
        answers, references = [spoken(one) for one in asked], [one.answer for one in asked]
        values: dict[str, Sequence[float] | NDArray[np.float64]] = {
            "exact": [exact_match(*pair) for pair in zip(answers, references)],
            "f1": [token_f1(*pair) for pair in zip(answers, references)],
            "rouge_l": rouge_l(answers, references),
            "meteor": meteor(answers, references),
        }
        score, signature = bleu(answers, references)
        whole[f"text/{task}/bleu"] = Figure(value=score, count=len(asked), variant=signature)
        if len(set(map(_key, references))) > 1:
            values["cider"] = cider(answers, references)
        else:
            whole[f"text/{task}/cider"] = Figure(value=None, count=len(asked), reason=FEW_REFERENCES)
        if similarity:
            drawn = _drawn(asked)
            if len(drawn) < len(asked):
                variants[f"text/{task}/similarity"] = (
                    f"of {len(drawn):,} of {len(asked):,} answers, drawn by their ids"
                )
            try:
                alike = similarities([spoken(one) for one in drawn], [one.answer for one in drawn])
                statistics[f"text/{task}/similarity"] = share(alike, run.members(drawn), len(run.objects))
            except MissingExtra as error:
                whole[f"text/{task}/similarity"] = Figure(value=None, count=len(asked), reason=str(error))
                variants.pop(f"text/{task}/similarity", None)
        if not _has_wordnet():
            variants[f"text/{task}/meteor"] = STEMS_ALONE
        members = run.members(asked)
        statistics |= {
            f"text/{task}/{name}": share(each, members, len(run.objects)) for name, each in values.items()
        }
    return Measured(statistics, whole, variants)


def _drawn(asked: Sequence[Asked]) -> list[Asked]:
    """`MOST_ENCODED` of the questions at most, the same of every run."""
    ranked = sorted(asked, key=lambda one: hashlib.sha256(one.item.encode()).digest())
    return ranked[:MOST_ENCODED]


def spoken(one: Asked) -> str:
    """What was answered; empty for an invalid answer."""
    return (one.given or "")[:LONGEST] if one.mark.valid else ""


def normalised(text: str) -> str:
    """As SQuAD compares answers (Rajpurkar et al., EMNLP 2016): lower case, without punctuation and articles."""
    bare = "".join(character for character in text.lower() if character not in string.punctuation)
    return " ".join(ARTICLES.sub(" ", bare).split())


def exact_match(answer: str, reference: str) -> bool:
    """Whether both are the same, normalised."""
    return normalised(answer) == normalised(reference)


def token_f1(answer: str, reference: str) -> float:
    """F1 of the words that both share, normalised; 1 where both are empty."""
    given, true = normalised(answer).split(), normalised(reference).split()
    if not given or not true:
        return float(given == true)
    shared = sum((Counter(given) & Counter(true)).values())
    return 2 * shared / (len(given) + len(true))


def bleu(answers: Sequence[str], references: Sequence[str]) -> tuple[float, str]:
    """Corpus BLEU of sacrebleu, 0 to 100, and its signature."""
    metric = require("sacrebleu", EXTRA).BLEU()
    score = metric.corpus_score(list(answers), [list(references)])
    return float(score.score), str(metric.get_signature())


def rouge_l(answers: Sequence[str], references: Sequence[str]) -> list[float]:
    """ROUGE-L's F of each answer, with Porter stems."""
    scorer = require("rouge_score.rouge_scorer", EXTRA).RougeScorer(["rougeL"], use_stemmer=True)

    @lru_cache(maxsize=100_000)
    def one(answer: str, reference: str) -> float:
        return float(scorer.score(reference, answer)["rougeL"].fmeasure)

    return [one(*pair) for pair in zip(answers, references)]


def cider(answers: Sequence[str], references: Sequence[str]) -> NDArray[np.float64]:
    """CIDEr-D of each answer, 0 to 10, (N,); the document frequency of an n-gram is that in `references`."""
    scorer = require("pycocoevalcap.cider.cider", EXTRA).Cider()
    given = {n: [" ".join(words(answer))] for n, answer in enumerate(answers)}
    true = {n: [" ".join(words(reference))] for n, reference in enumerate(references)}
    _, scores = scorer.compute_score(true, given)
    return np.asarray(scores, np.float64)


def meteor(answers: Sequence[str], references: Sequence[str]) -> list[float]:
    """METEOR of each answer (alpha 0.9, beta 3, gamma 0.5, as nltk has it).

    Without WordNet on this machine synonyms do not match: `STEMS_ALONE` says so beside the number.
    """
    score = require("nltk.translate.meteor_score", EXTRA).single_meteor_score
    options: dict[str, Any] = {} if _has_wordnet() else {"wordnet": _NoSynonyms()}

    @lru_cache(maxsize=100_000)
    def one(answer: str, reference: str) -> float:
        return float(score(words(reference), words(answer), **options))

    return [one(*pair) for pair in zip(answers, references)]


def similarities(
    answers: Sequence[str],
    references: Sequence[str],
    encode: Callable[[Sequence[str]], NDArray[np.float32]] | None = None,
) -> NDArray[np.float64]:
    """Cosine of the vectors of each answer and its reference, (N,); 0 for an empty answer.

    `encode`: sentences → unit vectors (N, D); None: MiniLM. Raises MissingExtra where it is not installed.
    """
    encode = encode or _minilm()
    texts = sorted(
        {text for text in (*answers, *references) if text.strip()}, key=lambda text: (len(text), text)
    )
    # Equal texts are encoded once, and lengths stand together: little is padded.
    vectors: dict[str, NDArray[np.float32]] = {}
    for first in range(0, len(texts), BATCH):
        some = texts[first : first + BATCH]
        vectors.update(zip(some, encode(some)))
    return np.array(
        [
            float(vectors[a] @ vectors[r]) if a in vectors and r in vectors else 0.0
            for a, r in zip(answers, references)
        ],
        np.float64,
    )


def words(text: str) -> list[str]:
    """Lower-case words of letters, digits and inner hyphens: what CIDEr and METEOR count."""
    return WORD.findall(text.lower())


class _NoSynonyms:
    """What nltk asks for synonyms where there is no WordNet."""

    def synsets(self, _word: str) -> Iterable[Any]:
        """None."""
        return ()


@lru_cache(maxsize=1)
def _has_wordnet() -> bool:
    try:
        return bool(require("nltk.corpus", EXTRA).wordnet.synsets("scratch"))
    except LookupError:
        return False


@lru_cache(maxsize=1)
def _minilm() -> Callable[[Sequence[str]], NDArray[np.float32]]:
    from specsight.language.sentences import SentenceEncoder, minilm_folder

    encoder = SentenceEncoder(minilm_folder())
    return lambda sentences: np.asarray(encoder(sentences, longest=256).numpy(), np.float32)


def _key(text: str) -> str:
    return " ".join(words(text))
