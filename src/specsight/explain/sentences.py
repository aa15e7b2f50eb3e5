"""Findings → sentences that can be checked against the map: every number and place in them comes from a finding."""

from __future__ import annotations

from collections.abc import Sequence

from specsight.records import Finding, Verdict

LISTED = 5
"""Findings told one by one; the rest is counted."""


def state(verdict: Verdict | None, score: float, threshold: float | None, findings: Sequence[Finding]) -> str:
    """The verdict and what it rests on, in words."""
    regions = _regions(findings)
    if verdict is None or threshold is None:
        return f"Score {score:.3f}; no verdict, for no threshold was calibrated."
    if verdict == "reject":
        because = f"Rejected: score {score:.3f} is above the threshold {threshold:.3f}."
        return f"{because} {regions or 'No single region of the map stands out.'}"
    because = f"Accepted: score {score:.3f} is not above the threshold {threshold:.3f}."
    return f"{because} Observed without effect on the verdict: {regions}" if regions else because


def describe(finding: Finding) -> str:
    """One finding in words, such as "cut on the tread, top left, 6.2 mm long, major"."""
    words = [finding.type or "anomaly"]
    if finding.part:
        words[0] += f" on the {finding.part}"
    words.append(finding.place)
    if finding.length_mm is not None:
        words.append(f"{finding.length_mm:.1f} mm long")
    else:
        words.append(f"{finding.length_px:.0f} px long")
    if finding.severity:
        words.append(finding.severity)
    return ", ".join(words)


def _regions(findings: Sequence[Finding]) -> str:
    if not findings:
        return ""
    told = "; ".join(describe(f) for f in findings[:LISTED])
    rest = len(findings) - LISTED
    more = f"; and {rest} smaller one{'s' if rest > 1 else ''}" if rest > 0 else ""
    return f"{len(findings)} region{'s' if len(findings) > 1 else ''}: {told}{more}."
