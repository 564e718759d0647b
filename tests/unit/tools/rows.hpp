// SPDX-License-Identifier: MIT
// Rows of text, read and written down: "key=value", before it "namespace/", behind it " #flags",
// and " @line".
#pragma once

#include <doctest/doctest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "core/base/file.h"
#include "core/base/units.h"
#include "tools/rows.h"

namespace goromdb::test {

using Rows = std::vector<std::string>;

inline Fd open_text(const std::string& text) {
  Fd fd(::memfd_create("rows", MFD_CLOEXEC));
  REQUIRE(fd);
  REQUIRE(write_all(fd, text, "rows"));
  REQUIRE(::lseek(fd.get(), 0, SEEK_SET) == 0);
  return fd;
}

// The last one is the error's message, if there is one.
inline Rows read_rows(tools::Source& source) {
  Rows rows;
  for (;;) {
    tools::Entry entry;
    const auto more = source.next(entry);
    if (!more) rows.push_back(more.error().message);
    if (!more || !*more) return rows;
    std::string row = entry.ns.empty() ? "" : std::string(entry.ns) + "/";
    row.append(entry.key).append("=").append(entry.value);
    if (entry.flags != 0) row += " #" + std::to_string(entry.flags);
    rows.push_back(row + " @" + std::to_string(source.row()));
  }
}

inline Rows read_rows(tools::RowFormat format, const std::string& text, tools::Fields fields = {},
                      tools::InputLimits limits = {}) {
  auto source = tools::open_rows(format, open_text(text), "rows", text.size(), fields, limits);
  REQUIRE(source);
  return read_rows(**source);
}

struct RowCase {
  std::string text;
  Rows wanted;
};

}  // namespace goromdb::test

template <>
struct doctest::StringMaker<goromdb::test::Rows> {
  static String convert(const goromdb::test::Rows& rows) {
    return goromdb::join(rows, "\n").c_str();
  }
};

namespace goromdb::test {

inline void check_rows(tools::RowFormat format, const std::vector<RowCase>& cases,
                       const tools::Fields& fields) {
  for (const auto& each : cases) {
    CAPTURE(each.text);
    CHECK(read_rows(format, each.text, fields) == each.wanted);
  }
}

}  // namespace goromdb::test
