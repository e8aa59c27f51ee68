# SPDX-License-Identifier: BSD-2-Clause
"""What may become of a frame, told by exceptions, as each ends what the model has to look at."""


class Passed(Exception):
    """The kernel gets the frame as it came."""


class Dropped(Exception):
    """The frame is dropped and counted under a reason."""


class Refused(Exception):
    """The frame is dropped as no_backend, and answered: the answer."""


class Answered(Exception):
    """The frame is dropped for a reason, and its sender is told: the reason, the answer."""


class Unjudged(Exception):
    """The documents leave it open, or it depends on what the model does not know."""


class Part(Exception):
    """A fragment, of which the model says only that it is left alone where it is for nobody here:
    tests/packet/ has tables of what becomes of others."""


class Wrong(Exception):
    """What the balancer did is not what it had to do. expected: the bytes, where the model knows them."""

    def __init__(self, why, expected=None):
        super().__init__(why)
        self.expected = expected
