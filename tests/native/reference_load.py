"""What the load monitor decides from whole windows, in plain Python: the definition the C core is held against."""

from __future__ import annotations

from dataclasses import dataclass, field

_FAR, _ONE = 511, 128


@dataclass
class Reference:
    """One wearer; `rule` is (prior, cap, allowance, limit, (usual, usual)) as in the header."""

    rule: tuple[int, int, int, int, tuple[int, int]]
    groups: tuple[tuple[int, ...], ...]
    baseline: list[list[int]] = field(default_factory=list)
    origin: list[int] = field(default_factory=list)
    total: int = 0

    def far(self, difference: list[int], group: int) -> int:
        prior, cap, _, _, usual = self.rule
        n = len(self.baseline)
        own = n * prior * usual[group]
        away = 0
        for i in self.groups[group]:
            before = [row[i] for row in self.baseline]
            own += n * sum(x * x for x in before) - sum(before) ** 2
            away += (n * difference[i] - sum(before)) ** 2
        spread = own // (n - 1 + prior) * (n + 1)
        while spread >= 1 << 24:
            spread, away = spread >> 1, away >> 1
        return (
            2 * cap if away // spread >= cap // (_ONE // 2) else away // spread * _ONE + away % spread * _ONE // spread
        )

    def judge(self, values: list[int]) -> int:
        _, cap, allowance, limit, _ = self.rule
        self.origin = self.origin or values
        difference = [min(_FAR, max(-_FAR, v - o)) for v, o in zip(values, self.origin, strict=True)]
        if len(self.baseline) < 3:
            self.baseline.append(difference)
            return -1
        far = sum(self.far(difference, group) for group in range(len(self.groups))) // len(self.groups)
        self.total = min(2 * limit, max(0, self.total + min(far, cap) - allowance))
        changed = self.total > limit
        if not changed and len(self.baseline) < 9:
            self.baseline.append(difference)
        return int(changed)
