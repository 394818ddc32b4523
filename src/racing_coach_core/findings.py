"""What a doctor found, the rig's or the daemon's."""

from dataclasses import dataclass, field
from enum import StrEnum


class Verdict(StrEnum):
    """How a finding is meant."""

    GOOD = "good"
    ADVICE = "advice"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    subject: str
    verdict: Verdict
    found: str
    remedy: str = ""


@dataclass(slots=True)
class Report:
    """Everything that was looked at."""

    findings: list[Finding] = field(default_factory=list)

    def good(self, subject: str, found: str) -> None:
        """As it should be."""
        self.findings.append(Finding(subject, Verdict.GOOD, found))

    def advice(self, subject: str, found: str, remedy: str) -> None:
        """Works, and could be better."""
        self.findings.append(Finding(subject, Verdict.ADVICE, found, remedy))

    def bad(self, subject: str, found: str, remedy: str) -> None:
        """Breaks a promise."""
        self.findings.append(Finding(subject, Verdict.BAD, found, remedy))

    @property
    def is_healthy(self) -> bool:
        """Whether nothing breaks a promise."""
        return all(finding.verdict is not Verdict.BAD for finding in self.findings)
