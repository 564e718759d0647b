// SPDX-License-Identifier: MIT
// Rows of NDJSON.
#pragma once

#include <simdjson.h>

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "tools/entry.h"
#include "tools/fields.h"
#include "tools/line_input.h"

namespace goromdb::tools {

// An object a line; an empty line is no row. Strings are decoded, other values are their JSON text,
// numbers as they are written. NAME_b64 has the base64 of bytes that are no text. The key and the
// namespace are strings or numbers; a namespace or flags of null are none. Other members may be
// anything that is JSON; a member that is asked for may come once.
class NdjsonSource : public Source {
 public:
  NdjsonSource(LineInput input, Fields fields);
  Result<bool> next(Entry& entry) override;
  uint64_t row() const override { return input_.line(); }
  uint64_t done() const override { return input_.done(); }
  uint64_t total() const override { return input_.total(); }

 private:
  enum Role : size_t { kKey, kValue, kNs, kFlags, kRoles };

  struct Value {
    char first = '\0';  // of its JSON text; 0: not there
    std::string_view text;
  };
  struct Member {
    std::string name, name_b64;
    Value plain, base64;  // of this row
    std::string bytes;    // out of base64
  };

  // Of the line, into members_. parse() throws a simdjson_error.
  void read(std::string_view line);
  void parse(std::string_view line);
  void forget();
  void take(std::string_view name, const Value& value);
  std::string_view text_of(simdjson::ondemand::value value, unsigned depth);

  Result<void> fill(Entry& entry, std::string_view line);
  // From this row's members. Where one is missing that must be there, `option` names another.
  Result<void> fill_bytes(std::string_view& bytes, Role role, bool must, const char* option);
  Result<void> fill_name(std::string_view& name, Role role, bool must, const char* option);
  Result<void> fill_flags(uint32_t& flags) const;
  tl::unexpected<Error> missing(const Member& member, const char* option) const;
  tl::unexpected<Error> wrong(std::string_view what) const { return input_.wrong(row(), what); }

  LineInput input_;
  const Fields fields_;
  simdjson::ondemand::parser parser_;
  std::array<Member, kRoles> members_;
  bool twice_ = false;                   // a member came twice
  std::vector<std::string_view> names_;  // of this row's members
};

}  // namespace goromdb::tools
