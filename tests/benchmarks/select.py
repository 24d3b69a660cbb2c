"""The door to selecting.py, by the name that the benchmark is known under; see there.

The standard library has a module of this name: whoever finds this file instead, running a script of this folder,
is given the real one.
"""

from __future__ import annotations

import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from pathlib import Path

if __name__ == "__main__":
    from selecting import main

    main()
elif __name__ == "select":
    here = Path(__file__).resolve().parent
    spec = PathFinder.find_spec("select", [place for place in sys.path if Path(place or ".").resolve() != here])
    if spec is None or spec.loader is None:
        raise ImportError("the standard library's select is not found")
    sys.modules["select"] = real = module_from_spec(spec)
    spec.loader.exec_module(real)
