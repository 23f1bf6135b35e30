"""A function with its first arguments, to be called later."""


class Bound:
    """`function(*arguments, *more)`; unlike a function within a function it does not hold the module it was made in."""

    def __init__(self, function, *arguments):
        self._function = function
        self._arguments = arguments

    def __call__(self, *more):
        return self._function(*self._arguments, *more)
