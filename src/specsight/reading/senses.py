"""Tokens with several senses → the one that their neighbours ask for.

In: tokens with limits. Out: tokens in one sense each, without words that have no task.
"""

from __future__ import annotations

from collections.abc import Sequence

from specsight.reading.tokens import Token


def in_context(tokens: Sequence[Token]) -> list[Token]:
    """Tokens with several senses in the one that their neighbours ask for; words without a task are left out."""
    found: list[Token] = []
    measured = any(token.kind in ("limit", "anysize") for token in tokens)
    for k, token in enumerate(tokens):
        before = found[-1] if found else None
        after = tokens[k + 1] if k + 1 < len(tokens) else None
        token = _in_sense(token, before, after)
        if token.text == "one" and before is not None and before.kind in ("onlyone", "compare"):
            token = token.be("block")
        if token.kind == "generic" and _predicated(found):
            token = token.be("pred", "reject")
        if token.kind == "particle":
            if not any(one.kind == "pred" for one in found):
                found.append(token.be("block"))
            continue
        if token.kind in ("who", "pronoun", "noise", "there be"):
            continue
        if token.kind == "size":
            if not measured:
                found.append(token.be("block"))
            continue
        if token.kind == "neither":
            if token.text != "neither":
                continue
            token = token.be("no")
        found.append(token)
    return found


def _predicated(found: Sequence[Token]) -> bool:
    """Whether a noun for defects stands as a predicate: "is a defect", "are no defects"."""
    k = len(found)
    while k and found[k - 1].kind in ("not", "no"):
        k -= 1
    return bool(k) and found[k - 1].kind == "be"


def _in_sense(token: Token, before: Token | None, after: Token | None) -> Token:
    if len(token.senses) < 2:
        return token
    kinds = {kind for kind, _ in token.senses}
    next_kind = after.kind if after else ""
    past = before is not None and before.kind in ("hasbeen", "have")
    passive = before is not None and before.kind in ("be", "must", "may")
    if passive and token.text in ("found", "observed", "seen", "noticed", "encountered"):
        return token.be("pred", "present")
    if token.text == "there":
        must = after is not None and after.may_be("must")
        stands = must or next_kind in ("be", "may") or (before is not None and before.kind in ("be", "must"))
        return token if stands else token.be("there")
    if token.text == "all":
        return token.be("all" if next_kind in ("but", "except", "") else "noise")
    if "observed" in kinds:
        return token.be("observed") if past else token
    if token.kind == "pred" and "be" in kinds:
        return token.be("be") if next_kind in ("pred", "free", "not", "generic", "no", "limit") else token
    if "limitto" in {value for _, value in token.senses} and "limit" in {value for _, value in token.senses}:
        verb = next_kind in ("pred", "part") or (after is not None and after.text == "to")
        return token.be("pred", "limitto" if verb else "limit")
    if token.may_be("pred", "known"):
        return token.be("pred", "known") if next_kind in ("colon", "naming") else token.be("rest")
    if token.kind == "compare" and "prep" in kinds:
        return token.be("prep")
    if token.kind == "compare" and "outside" in kinds:
        return token.be("outside")
    if token.kind == "compare" and "if" in kinds:
        return token.be("if")
    if token.kind == "pred" and "product" in kinds:
        return token.be("product")
    if token.text in ("failure", "finding", "findings"):
        return token if before is not None and before.kind == "be" else token.be("generic")
    if token.text in ("regarding", "concerning", "restricted to", "confined to", "limited to"):
        is_verb = before is not None and before.kind in ("be", "not", "must")
        return token.be("pred", "limitto") if is_verb else token.be("prep")
    if token.text in ("none", "no one") and next_kind not in ("except", "but"):
        return token.be("none")
    if token.text in ("maximum", "max", "max.", "limits", "limit"):
        return token.be("pred", "limit")
    if token.text in ("excluding", "leaving out"):
        return token.be("except") if before is not None else token
    if token.text in ("being", "should"):
        if token.text == "should" and (before is None or before.kind == "conj"):
            return token
        return token.be("be" if token.text == "being" else "must")
    return token
