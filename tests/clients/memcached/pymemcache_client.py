# SPDX-License-Identifier: MIT
"""The steps of ../README.md with pymemcache."""

import pymemcache
from steps import ADDRESS, UTF8, line_of_input, step

KEY = UTF8.encode()  # a key of other letters than ASCII's is given as bytes

client = pymemcache.Client(ADDRESS, timeout=20)
step("version", pymemcache.__version__)
step("hit", lambda: client.get("hoge"))
step("write", lambda: client.set("hoge", b"a\r\nb", noreply=False))
step("again", lambda: client.get("hoge"))
line_of_input()
step("delete", lambda: client.delete("hoge", noreply=False))
step("then", lambda: client.get("hoge"))
line_of_input()
step("miss", lambda: client.get("nothing"))
step("utf8", lambda: client.get(KEY))
found = client.get_many(["hoge", "nothing", KEY])
step("many", [found.get(key) for key in ("hoge", "nothing", KEY)])
step("binary", lambda: client.get("binary"))
step("mib", lambda: client.get("mib"))
step("16mib", lambda: client.get("16mib"))
step("before", lambda: client.get("marker"))
line_of_input()
step("after", lambda: client.get("marker"))
client.quit()
