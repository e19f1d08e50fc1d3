"""The gate: what a policy file demands of a bundle, judged and reported to CI."""

from edgepack.gate.judge import Check, judge, require_all, unanswered
from edgepack.gate.policy import Budget, Policy, find_policy, read_policy

__all__ = ["Budget", "Check", "Policy", "find_policy", "judge", "read_policy", "require_all", "unanswered"]
