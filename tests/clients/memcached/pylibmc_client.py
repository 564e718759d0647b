# SPDX-License-Identifier: MIT
"""The steps of ../README.md with pylibmc; a third argument, `binary`, chooses that protocol."""

import sys

import pylibmc
from steps import ADDRESS, UTF8, line_of_input, step

KEYS = ["hoge", "nothing", UTF8]

client = pylibmc.Client(["%s:%d" % ADDRESS], binary="binary" in sys.argv)
step("version", pylibmc.__version__)
step("hit", lambda: client.get("hoge"))
step("write", lambda: client.set("hoge", b"a\r\nb"))
step("again", lambda: client.get("hoge"))
line_of_input()
step("delete", lambda: client.delete("hoge"))
step("then", lambda: client.get("hoge"))
line_of_input()
step("miss", lambda: client.get("nothing"))
step("utf8", lambda: client.get(UTF8))
found = client.get_multi(KEYS)
step("many", [found.get(key) for key in KEYS])
step("binary", lambda: client.get("binary"))
step("mib", lambda: client.get("mib"))
step("16mib", lambda: client.get("16mib"))
step("before", lambda: client.get("marker"))
line_of_input()
step("after", lambda: client.get("marker"))
client.disconnect_all()
