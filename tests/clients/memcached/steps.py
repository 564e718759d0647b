# SPDX-License-Identifier: MIT
"""What the Python programs print; ../README.md says how."""

import sys

ADDRESS = (sys.argv[1], int(sys.argv[2]))
UTF8 = "schlüssel"


def text(value):
    if value is None:
        return "nil"
    if isinstance(value, list):
        return ",".join(map(text, value))
    return "x" + value.hex() if isinstance(value, bytes) else str(value)


def step(name, ask):
    """`ask` is a value, or a function whose exception is told."""
    try:
        result = text(ask() if callable(ask) else ask)
    except Exception as error:  # pylint: disable=broad-except
        result = f"error {error}"
    print(name, result, flush=True)


def line_of_input():
    sys.stdin.readline()
