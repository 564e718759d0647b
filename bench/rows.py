# SPDX-License-Identifier: MIT
"""The data sets of the benchmark: rows as JSON for `goromdb build`, and as cdbmake has them for loadgen.

A row's key is a package's name and its value the package's short description, from Debian's package indices
as apt has them. When those are too few, they are repeated as `name~2`, `2 description` and so on.
"""

import json
import re
import subprocess


def packages():
    """(name, short description) of each package that apt knows, once, in apt's order."""
    index = subprocess.run(["apt-cache", "dumpavail"], capture_output=True, check=True).stdout
    text = index.decode("utf-8", "replace")
    found = {}
    for stanza in text.split("\n\n"):
        name = re.search(r"^Package: (\S+)", stanza, re.M)
        description = re.search(r"^Description(?:-en)?: (.+)", stanza, re.M)
        if name and description:
            found[name.group(1)] = description.group(1)
    if len(found) < 1000:
        raise SystemExit("script/bench: apt knows fewer than 1000 packages; run apt-get update")
    return list(found.items())


def real(count, mark=""):
    """`count` rows. `mark` stands before each value: another data set with the same keys."""
    base = packages()
    for i in range(count):
        name, description = base[i % len(base)]
        again = i // len(base) + 1
        if again == 1:
            yield name, mark + description
        else:
            yield f"{name}~{again}", f"{mark}{again} {description}"


def synthetic(count, value_bytes=54):
    """`count` rows of the real ones' size: keys of 14 bytes, values that tell their key."""
    fill = "." * max(0, value_bytes - 15)
    for i in range(count):
        yield f"key:{i:010}", f"{i:014}:{fill}"[:value_bytes]


def large(count, value_bytes):
    """`count` values of so many bytes."""
    for i in range(count):
        piece = f"{i:08}:"
        yield f"large:{i:08}", (piece * (value_bytes // len(piece) + 1))[:value_bytes]


def write(rows, json_path, cdbmake_path):
    """Both files, row by row; the second one is there whole or not at all, and then the first one is whole."""
    encode = json.JSONEncoder(ensure_ascii=False).encode
    part = cdbmake_path.with_name(f"{cdbmake_path.name}.part")
    with open(json_path, "wb", 1 << 20) as as_json, open(part, "wb", 1 << 20) as as_rows:
        before = "{"
        for key, value in rows:
            as_json.write(f"{before}\n{encode(key)}:{encode(value)}".encode())
            before = ","
            k, v = key.encode(), value.encode()
            as_rows.write(b"+%d,%d:%b->%b\n" % (len(k), len(v), k, v))
        as_json.write(b"\n}\n")
        as_rows.write(b"\n")
    part.rename(cdbmake_path)


def files(folder, name, rows):
    """(JSON file, rows) in the folder, made when they are not there yet."""
    folder.mkdir(parents=True, exist_ok=True)
    as_json, as_rows = folder / f"{name}.json", folder / f"{name}.rows"
    if not as_rows.exists():
        write(rows, as_json, as_rows)
    return as_json, as_rows


def synthetic_files(folder, name, count, value_bytes):
    """The same of synthetic()."""
    return files(folder, name, synthetic(count, value_bytes))


def build(program, storage, as_json, file):
    """Has goromdb make a storage's data file of a JSON file."""
    command = [program, "build", "--storage", storage, "--input", as_json, "--output", file]
    subprocess.run(command, check=True, capture_output=True)
