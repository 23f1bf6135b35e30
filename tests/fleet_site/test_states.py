"""The life of a device as a state machine: whatever is done in whatever order, only allowed steps happen."""

from __future__ import annotations

import secrets
import shutil
import tempfile
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from jikimi.fleet import registry
from jikimi.fleet.errors import RegistryError
from jikimi.fleet.registry import Description, admission, states
from jikimi.fleet.site import Site
from tests.fleet_site.conftest import ON_FREE_PORTS


def _public() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    return key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


_PUBLIC = _public()
_STEPS = {
    "active": registry.activate,
    "revoked": registry.revoke,
    "wiped": registry.mark_wiped,
    "retired": registry.retire,
}


class Life(RuleBasedStateMachine):
    """Boards are enrolled and devices moved; `model` holds what must be so."""

    boards = Bundle("boards")

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.mkdtemp()
        self.site = Site.init(Path(self._folder) / "plant", settings=ON_FREE_PORTS)
        self.model: dict[str, str] = {}  # device: state
        self.lives: dict[str, str] = {}  # board: device
        self.generation: dict[str, int] = {}

    def teardown(self) -> None:
        shutil.rmtree(self._folder)

    @rule(target=boards)
    def new_board(self) -> str:
        return secrets.token_hex(6)

    @rule(board=boards)
    def enrol(self, board: str) -> None:
        before = self.lives.get(board)
        device = registry.enrol(self.site, board, Description("tag", f"Tag {board}", "floor"), _PUBLIC).device
        if before is None:
            assert device not in self.model, "an id is never used twice"
        else:
            assert device == before
        self.lives[board] = device
        self.generation[device] = self.generation.get(device, 0) + 1
        self.model[device] = states.ENROLLED

    @rule(board=boards, to=st.sampled_from(sorted(_STEPS)))
    def step(self, board: str, to: str) -> None:
        device = self.lives.get(board)
        if device is None:
            return
        old = self.model[device]
        if to == old or to in states.ALLOWED[old]:
            _STEPS[to](self.site, device)
            self.model[device] = to
            if to == states.RETIRED:
                del self.lives[board]
        else:
            with pytest.raises(RegistryError, match=f"is {old} and cannot become {to}"):
                _STEPS[to](self.site, device)

    @invariant()
    def the_registry_says_what_was_done(self) -> None:
        assert {device.device: device.state for device in registry.devices(self.site)} == self.model

    @invariant()
    def only_active_devices_are_admitted_and_only_with_their_newest_key(self) -> None:
        expected = {
            device: (self.generation[device],) for device, state in self.model.items() if state == states.ACTIVE
        }
        assert admission.admitted(self.site) == expected

    @invariant()
    def a_board_has_one_device_at_most(self) -> None:
        for board, device in self.lives.items():
            known = registry.on_board(self.site, board)
            assert known is not None
            assert known.device == device


Life.TestCase.settings = settings(max_examples=8, stateful_step_count=12, deadline=None)
TestLife = Life.TestCase


def test_every_state_can_be_left_for_good_except_the_last():
    assert set(states.ALLOWED) == set(states.STATES)
    for state, following in states.ALLOWED.items():
        assert following <= set(states.STATES)
        assert (states.RETIRED in following) == (state != states.RETIRED)
