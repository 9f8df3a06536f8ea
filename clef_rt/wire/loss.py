"""How many observations never arrived, by the numbers that the frames carry."""

from __future__ import annotations

from collections import Counter

from clef_rt.frame import Observation

__all__ = ["LossCount"]


class LossCount:
    """Counts by camera the observations that were published, or should have been, and never came.

    A gap in `seq` is frames that were decoded since the last observation. Those the analyzer had no time for are
    reckoned in `dropped`; the rest of the gap was lost on the way: at the publisher's mailbox or a high-water mark.
    """

    def __init__(self) -> None:
        self._last: dict[str, tuple[int, int]] = {}
        self._lost: Counter[str] = Counter()
        self._unsettled: Counter[str] = Counter()

    def add(self, observation: Observation, *, skipped: int = 0) -> None:
        """Take an observation into account, in the order of arrival.

        Args:
            observation: what came.
            skipped: observations that came between the last one and this and were passed over unread.
        """
        seq, dropped = observation.seq, observation.dropped
        last_seq, last_dropped = self._last.get(observation.camera, (seq - 1 - skipped, dropped))
        # A number that goes back is a publisher that began anew, not a loss.
        if seq > last_seq and dropped >= last_dropped:
            self._unsettled[observation.camera] += max(0, seq - last_seq - 1 - skipped - (dropped - last_dropped))
        self._last[observation.camera] = seq, dropped

    def settle(self, camera: str) -> None:
        """The camera's publisher is the same as before, so the gaps until now were losses."""
        self._lost[camera] += self._unsettled.pop(camera, 0)

    def restart(self, camera: str) -> None:
        """Forget where a camera's numbers were; its publisher is another one now.

        Its first observations may have come before the hello that tells so: a gap since the last hello was none.
        """
        self._last.pop(camera, None)
        self._unsettled.pop(camera, None)

    @property
    def lost(self) -> dict[str, int]:
        """Lost observations by camera; a camera without a loss is absent."""
        return dict(self._lost + self._unsettled)
