"""What has to be sent, heaviest first: a queue of numbered things in sixteen levels, constant work for each."""

from __future__ import annotations

from typing import Final, final

LEVELS: Final = 16
TOP: Final = LEVELS - 1


def level_of(count: int) -> int:
    """The level of a count: how many binary digits it has, at most `TOP` less one, which is kept for what is urgent."""
    return min(count.bit_length(), TOP - 1)


@final
class Heaviest:
    """Things wait at the highest level that they were put at; one that rises is put again, and its older place is
    passed over by whoever takes it out (`levels` of the owner says where it really is).

    Each level holds at most `longest`; what finds no room is refused, and has to be put again later.
    """

    __slots__ = ("_longest", "_queues", "refused")

    def __init__(self, longest: int) -> None:
        self._longest: Final = longest
        self._queues: Final[list[list[int]]] = [[] for _ in range(LEVELS)]
        self.refused = 0
        """How often something found no room."""

    def __len__(self) -> int:
        """How many places are taken, those that are to be passed over included."""
        return sum([len(queue) for queue in self._queues])

    def put(self, thing: int, level: int) -> bool:
        """Have `thing` wait at `level`; False when that is full."""
        queue = self._queues[level]
        if len(queue) >= self._longest:
            self.refused += 1
            return False
        queue.append(thing)
        return True

    def take(self, levels: bytearray, most: int) -> list[int]:
        """At most `most` things from the highest level down, oldest first; their `levels` become 0."""
        taken: list[int] = []
        for level in range(TOP, 0, -1):
            queue = self._queues[level]
            used = 0
            for thing in queue:
                if len(taken) >= most:
                    break
                used += 1
                if levels[thing] == level:
                    levels[thing] = 0
                    taken.append(thing)
            if used == len(queue):
                queue.clear()
            else:
                del queue[:used]
            if len(taken) >= most:
                break
        return taken
