"""How far an import is, on a terminal; nothing where nobody looks."""

from collections.abc import Iterator
from typing import IO, TextIO

PIECE = 256 * 1024
WIDTH = 40


class Bar:
    """A bar of what is done out of a whole, in bytes or rows."""

    def __init__(self, screen: TextIO, whole: int) -> None:
        self.screen = screen
        self.whole = max(1, whole)
        self._shown = -1

    def show(self, done: int) -> None:
        percent = 100 * min(done, self.whole) // self.whole
        if percent != self._shown:
            filled = WIDTH * percent // 100
            bar = "█" * filled + "░" * (WIDTH - filled)
            self.screen.write(f"\r{bar} {percent:3d} %")
            self.screen.flush()
            self._shown = percent

    def end(self) -> None:
        self.show(self.whole)
        self.screen.write("\n")


def bar_on(screen: TextIO, whole: int) -> Bar | None:
    """None where the screen is no terminal."""
    return Bar(screen, whole) if screen.isatty() else None


def pieces_with_bar(stream: IO[bytes], size: int, screen: TextIO) -> Iterator[bytes]:
    """The file piece by piece, with a bar on the terminal if there is one."""
    bar = bar_on(screen, size)
    while piece := stream.read(PIECE):
        yield piece
        if bar is not None:
            bar.show(stream.tell())
    if bar is not None:
        bar.end()
