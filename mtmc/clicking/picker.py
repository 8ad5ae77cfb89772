"""What clicks and keys do to a list of picked points; knows nothing of windows."""

from __future__ import annotations

from collections.abc import Sequence

from .points import Picked, Place, parse_place
from .viewport import Viewport

ZOOM_STEP = 1.25
PAN_SHARE = 0.2
"""Part of the window that one key moves the image by."""

ENTER, BACKSPACE, ESCAPE = (10, 13), (8, 127), 27
HELP = "wheel, i, o: zoom   w a s d: move   u: undo   f: finish and save   q: leave without saving"


class PointPicker:
    """Collects pixels and their places.

    With a list of places each click takes the next of them. Without one a click waits for its
    place: typed as ``x, y`` or ``x, y name`` or, for a place that nobody measured, a name; or given
    by a click into a floor plan.

    Parameters
    ----------
    view : Viewport
        Of the window.
    places : sequence of Place
        To be clicked in this order; those that are already picked are left out.
    picked : sequence of Picked
        From before.
    """

    def __init__(
        self, view: Viewport, places: Sequence[Place] = (), picked: Sequence[Picked] = ()
    ) -> None:
        self.view = view
        self.picked = list(picked)
        self.waiting: tuple[float, float] | None = None
        self.typed = ""
        self.message = ""
        self.finished = False
        self.discarded = False
        self._listed = bool(places)
        known = {one.place.name or one.place.xy for one in picked}
        self._places = [place for place in places if (place.name or place.xy) not in known]
        self._history: list[Picked | Place] = []
        self._pointer = (view.window_size[0] / 2, view.window_size[1] / 2)

    @property
    def next_place(self) -> Place | None:
        """The place that the next click takes; None without a list, or at its end."""
        return self._places[0] if self._places else None

    @property
    def status(self) -> str:
        """What is expected now, for people."""
        count = f"{len(self.picked)} picked"
        if self.message:
            return self.message
        if self.waiting is not None:
            return f"x, y of this pixel in metres (or a name): {self.typed}_"
        if self.next_place is not None:
            return f"click {self.next_place}   (n: not visible here)   {count}"
        if self._listed:
            return f"all places are done, {count}: f saves"
        return f"click a place on the floor   {count}"

    def moved(self, x: float, y: float) -> None:
        """The pointer is at window pixel (x, y)."""
        self._pointer = (x, y)

    def click(self, x: float, y: float) -> None:
        """A click at window pixel (x, y): takes the next place, or waits for one."""
        self.message = ""
        u, v = self.view.to_image(x, y)
        width, height = self.view.image_size
        if not (-0.5 <= u <= width - 0.5 and -0.5 <= v <= height - 0.5):
            return
        if self._places:
            self._add(Picked((u, v), self._places.pop(0)))
        elif self._listed:
            self.message = "all places are done: f saves, u takes the last one back"
        else:
            self.waiting, self.typed = (u, v), ""

    def give_place(self, place: Place) -> None:
        """The place of the pixel that waits for one; without such a pixel nothing happens."""
        if self.waiting is not None:
            self._add(Picked(self.waiting, place))
            self.waiting, self.typed = None, ""

    def zoom(self, steps: float) -> None:
        """Nearer (positive) or farther, around the pointer."""
        self.view = self.view.zoomed(*self._pointer, ZOOM_STEP**steps)

    def key(self, code: int) -> None:
        """A key, as OpenCV's ``waitKey`` gives it; text goes to a pixel that waits for it."""
        self.message = ""
        if self.waiting is not None:
            self._type(code)
            return
        letter = chr(code) if 0 <= code < 128 else ""
        width, height = (PAN_SHARE * side for side in self.view.window_size)
        moves = {"w": (0, -height), "s": (0, height), "a": (-width, 0), "d": (width, 0)}
        if letter == "u":
            self.undo()
        elif letter == "n" and self._places:
            self._history.append(self._places.pop(0))
        elif letter in ("i", "o"):
            self.zoom(1.0 if letter == "i" else -1.0)
        elif letter in moves:
            self.view = self.view.panned(*moves[letter])
        elif letter == "f":
            self.finished = True
        elif letter == "q":
            self.finished = self.discarded = True

    def undo(self) -> None:
        """Take back the last point or the last place that was left out."""
        done = self._history.pop() if self._history else None
        if isinstance(done, Place):
            self._places.insert(0, done)
        elif self.picked:
            last = self.picked.pop()
            if self._listed:
                self._places.insert(0, last.place)

    def _add(self, one: Picked) -> None:
        known = {other.place.name: other.place.xy for other in self.picked if other.place.name}
        if one.place.name in known and known[one.place.name] != one.place.xy:
            self.message = f"{one.place.name!r} already has another position: not taken"
            return
        self.picked.append(one)
        self._history.append(one)

    def _type(self, code: int) -> None:
        if code == ESCAPE:
            self.waiting, self.typed = None, ""
        elif code in BACKSPACE:
            self.typed = self.typed[:-1]
        elif code in ENTER:
            try:
                self.give_place(parse_place(self.typed))
            except ValueError as error:
                self.message = str(error)
                self.typed = ""
        elif 32 <= code < 127:
            self.typed += chr(code)
