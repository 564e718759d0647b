# SPDX-License-Identifier: MIT
"""The house's own rules: who includes whom, what core may name, which compilers the public header suits."""

import re
import subprocess

import pytest

from harness import INCLUDE, REPO

HEADER = INCLUDE / "goromdb" / "plugin.h"
SOURCES = {".cc", ".h", ".hpp", ".c"}


def sources(*rooms):
    files = [path for room in rooms for path in (REPO / room).rglob("*") if path.suffix in SOURCES]
    assert files
    return files


def including(files, pattern):
    wanted = re.compile(rf'^\s*#\s*include\s*[<"]{pattern}', re.MULTILINE)
    return [path for path in files if wanted.search(path.read_text())]


def test_no_plugin_and_no_public_header_includes_core():
    assert including(sources("plugins", "include", "examples"), r"(\.\./)*core/") == []


def test_core_includes_no_plugin():
    assert including(sources("core"), r"(\.\./)*plugins/") == []


def test_a_room_of_core_includes_those_above_it_and_no_other():
    rooms = ["base", "files", "plugin", "generation", "guard", "reload", "request"]
    assert {path.name for path in (REPO / "core").iterdir() if path.is_dir()} == set(rooms)
    wrong = []
    for path in sources("core"):
        own = rooms.index(path.parent.name) if path.parent.name in rooms else len(rooms)
        for name in re.findall(r'^#include "(.*)"', path.read_text(), re.MULTILINE):
            house, *room = name.split("/")[:-1] or [""]
            if name == "core/version.h" or (path.name == "cli.cc" and house == "tools"):
                continue
            known = rooms.index(room[0]) if room else len(rooms)
            if house != "core" or known > own:
                wrong.append(f"{path.relative_to(REPO)} includes {name}")
    assert wrong == []


def test_only_the_command_line_knows_the_tools():
    assert [path.name for path in including(sources("core"), r"(\.\./)*tools/")] == ["cli.cc"]
    assert including(sources("tools"), r"(\.\./)*plugins/") == []
    assert including(sources("plugins", "include", "examples"), r"(\.\./)*tools/") == []


def test_core_names_no_plugin_but_in_the_defaults_of_the_flags():
    names = "|".join(
        path.name.split("-", 1)[1] for path in (REPO / "plugins").iterdir() if path.is_dir()
    )
    lines = [
        line.strip()
        for path in sources("core")
        for line in path.read_text().splitlines()
        if re.search(rf'"({names})"', line)
        and not line.strip().startswith("//")
        and "LogFormat::" not in line  # the log has a format of that name, too
    ]
    assert lines == [
        'std::string addr = ":11211", proto = "memcached", handler = "simple", storage = "json";'
    ]


@pytest.mark.parametrize("standard", ["c99", "c11", "c17", "c++11", "c++20"])
def test_the_public_header_suits_every_standard(standard, tmp_path):
    language = "c++" if "+" in standard else "c"
    source = tmp_path / "alone.c"
    source.write_text(f'#include "{HEADER}"\n')
    command = ["cc", "-fsyntax-only", "-x", language, f"-std={standard}"]
    command += ["-pedantic", "-Wall", "-Wextra", "-Werror", str(source)]
    subprocess.run(command, check=True)


def test_the_public_header_needs_nothing_but_sizes_and_integers():
    included = re.findall(r"^\s*#\s*include\s*(\S+)", HEADER.read_text(), re.MULTILINE)
    assert included == ["<stddef.h>", "<stdint.h>"]


# Sizes and places of the frozen records on 64-bit machines (docs/abi.md, TYP-2).
LAYOUT = """
#include <goromdb/plugin.h>
#define AT(type, member, at) _Static_assert(offsetof(type, member) == at, #type "." #member)
#define SIZE(type, size) _Static_assert(sizeof(type) == size, #type)
SIZE(goromdb_slice, 16);
SIZE(goromdb_key, 16);
AT(goromdb_key, len, 8);
AT(goromdb_key, ns, 12);
SIZE(goromdb_value, 32);
AT(goromdb_value, flags, 12);
AT(goromdb_value, version, 16);
AT(goromdb_value, status, 24);
SIZE(goromdb_option_value, 32);
AT(goromdb_option_value, str, 8);
SIZE(goromdb_request, 64);
AT(goromdb_request, first_key, 8);
AT(goromdb_request, tag, 16);
AT(goromdb_request, arg, 32);
AT(goromdb_request, database, 48);
SIZE(goromdb_out, 32);
AT(goromdb_out, grow, 16);
SIZE(goromdb_error, 512);
AT(goromdb_error, msg, 8);
AT(goromdb_plugin, struct_size, 8);
AT(goromdb_plugin, kind, 14);
"""


def test_the_frozen_records_lie_as_they_are_documented(tmp_path):
    source = tmp_path / "layout.c"
    source.write_text(LAYOUT)
    command = ["cc", "-std=c11", "-fsyntax-only", f"-I{INCLUDE}", str(source)]
    subprocess.run(command, check=True)
