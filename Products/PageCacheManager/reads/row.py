"""The values of a catalog record, which notes the values that are read."""
from typing import Any


class Row(tuple):  # type: ignore[type-arg]
    """The values of a record; `noted` has the positions that were read.

    None in `noted` stands for all positions.
    """

    noted: set[int | None]

    def __getitem__(self, key: Any) -> Any:
        self.noted.add(key if isinstance(key, int) else None)
        return tuple.__getitem__(self, key)

    def __reduce__(self) -> Any:
        self.noted.add(None)
        return tuple, (tuple.__add__(self, ()),)


def _noting_all(name: str) -> Any:
    plain = getattr(tuple, name)

    def method(self: Row, *args: Any) -> Any:
        self.noted.add(None)
        return plain(self, *args)
    return method


for _name in (
        '__iter__', '__eq__', '__ne__', '__lt__', '__le__', '__gt__',
        '__ge__', '__contains__', '__add__', '__mul__', '__rmul__',
        '__hash__', '__repr__', 'index', 'count'):
    setattr(Row, _name, _noting_all(_name))
