#!/usr/bin/env python3
"""No function or variable is defined in two of our libraries.

A linker that finds one in the first library never looks at the second, so two functions of one name go unnoticed
until the order of the libraries changes, and then the other one is called.

  one_definition.py LIBRARY.a...      exit status 1 and the names if there are any; 77 without nm
"""
import collections
import shutil
import subprocess
import sys


def main() -> int:
    if shutil.which("nm") is None:
        print("nm is absent", file=sys.stderr)
        return 77
    libraries = collections.defaultdict(set)
    for library in sys.argv[1:]:
        lines = subprocess.run(["nm", "--defined-only", "--demangle", library], check=True, capture_output=True, text=True).stdout
        for line in lines.splitlines():
            fields = line.split(" ", 2)
            # Text, initialised, zeroed and read-only data of external linkage; weak ones may stand in many places.
            if len(fields) == 3 and fields[1] in "TDBR":
                libraries[fields[2]].add(library)
    if not libraries:
        print("no symbol in any library: this checks nothing", file=sys.stderr)
        return 1
    twice = {name: where for name, where in libraries.items() if len(where) > 1}
    for name, where in sorted(twice.items()):
        print(f"{name} is defined in {', '.join(sorted(where))}")
    return 1 if twice else 0


if __name__ == "__main__":
    sys.exit(main())
