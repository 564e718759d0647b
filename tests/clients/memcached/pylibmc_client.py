# SPDX-License-Identifier: MIT
"""The steps of ../README.md with pylibmc; `binary` behind the address chooses that protocol."""

import sys

import pylibmc
from steps import ADDRESS, UTF8, line_of_input, step

KEYS = ["hoge", "nothing", UTF8]

client = pylibmc.Client(["%s:%d" % ADDRESS], binary="binary" in sys.argv)
if "writes" in sys.argv:
    client.behaviors = {"cas": True}
    step("set", lambda: client.set("hoge", b"x"))
    step("add", lambda: client.add("hoge", b"x"))
    step("add_missing", lambda: client.add("nothing", b"x"))
    step("replace", lambda: client.replace("hoge", b"x"))
    step("append", lambda: client.append("hoge", b"x"))
    step("prepend", lambda: client.prepend("hoge", b"x"))
    step("cas", lambda: client.cas("hoge", b"x", client.gets("hoge")[1]))
    step("delete", lambda: client.delete("hoge"))
    step("incr", lambda: client.incr("hoge"))
    step("decr", lambda: client.decr("hoge"))
    step("again", lambda: client.get("hoge"))
    line_of_input()
    sys.exit()
if "noreply" in sys.argv:
    client.behaviors = {"_noreply": True}
    for _ in range(3):
        client.set("hoge", b"x")
        client.append("hoge", b"x")
        client.delete("hoge")
        client.incr("hoge")
        client.decr("hoge")
        client.flush_all()
    step("again", lambda: client.get("hoge"))
    line_of_input()
    sys.exit()
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
