"""Rollouts: a published release reaches devices stage by stage, and stops by itself when it does harm."""

from jikimi.fleet.rollout.database import (
    Row,
    abort_rollout,
    approve_rollout,
    devices_of,
    pause_rollout,
    resume_rollout,
    rollouts,
    start_rollout,
)
from jikimi.fleet.rollout.machine import Plan

__all__ = [
    "Plan",
    "Row",
    "abort_rollout",
    "approve_rollout",
    "devices_of",
    "pause_rollout",
    "resume_rollout",
    "rollouts",
    "start_rollout",
]
