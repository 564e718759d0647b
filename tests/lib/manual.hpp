// SPDX-License-Identifier: MIT
// What the tests of a plugin's README and manual page share: the text in the plugin's room, and how
// a list or the options stand in a manual page.
#pragma once

#include <doctest/doctest.h>
#include <goromdb/plugin.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

namespace goromdb::test {

// The text of a file in the room whose tests/ folder has `test`, a __FILE__, which is relative to
// the build's folder: the tests run there.
inline std::string text_of(const char* test, const char* name) {
  const auto path = std::filesystem::path(test).parent_path() / ".." / name;
  std::ifstream file(path);
  INFO(path.string());
  REQUIRE_MESSAGE(file, "run this in the build's folder");
  return {std::istreambuf_iterator<char>(file), {}};
}

// Whole lines; ends with a newline where it is to end there.
inline void check_holds(const std::string& text, const std::string& lines) {
  INFO("the text is to hold this:\n", lines);
  CHECK(text.find("\n" + lines) != std::string::npos);
}

// Markdown's text as roff: code in bold, with hyphens that can be searched for.
inline std::string as_roff(std::string_view text) {
  std::string copy;
  bool code = false;
  for (const char c : text) {
    if (c == '`') {
      code = !code;
      copy += code ? "\\fB" : "\\fR";
    } else {
      copy += c == '-' ? "\\-" : std::string(1, c);
    }
  }
  return copy;
}

inline std::string page_entry(std::string_view name, std::string_view text) {
  return ".TP\n.B " + as_roff(name) + "\n" + as_roff(text) + "\n";
}

// A plugin's options as its manual page has them.
inline std::string page_options(const goromdb_plugin& plugin) {
  std::string entries;
  for (uint32_t i = 0; i < plugin.option_count; ++i) {
    const goromdb_option& option = plugin.options[i];
    std::string text = option.help;
    if (option.type == GOROMDB_OPT_ENUM) {
      text += " (";
      for (const char* c = option.choices; *c != '\0'; ++c)
        text += *c == '|' ? ", " : std::string(1, *c);
      text += ")";
    }
    text += ".";
    if (option.def != nullptr) text += " Default: " + std::string(option.def) + ".";
    entries += page_entry(option.name, text);
  }
  return entries;
}

}  // namespace goromdb::test
