// SPDX-License-Identifier: MIT
#include "tools/table_source.h"

#include <algorithm>
#include <set>

#include "core/base/units.h"
#include "tools/text.h"

namespace goromdb::tools {
namespace {

std::string counted_fields(size_t n) {
  return fmt::format("{} {}", n, n == 1 ? "field" : "fields");
}

// Of a file that is no table the header may be anything.
std::string short_list(const std::vector<std::string>& names) {
  constexpr size_t kMost = 200;
  auto text = join(names, ", ");
  if (text.size() > kMost) text = text.substr(0, kMost) + "...";
  return text;
}

}  // namespace

TableSource::TableSource(LineInput input, Fields fields)
    : input_(std::move(input)), fields_(std::move(fields)) {}

Result<bool> TableSource::next(Entry& entry) {
  auto more = next_row(cells_);
  if (more && names_.empty()) {
    if (!*more) {
      if (!fields_.header) return false;
      return input_.wrong(1, "the input is empty; begin it with a header, the columns' names");
    }
    if (auto named = name_columns(); !named) return tl::unexpected(named.error());
    if (fields_.header) more = next_row(cells_);
  }
  if (!more || !*more) return more;

  if (cells_.size() != names_.size()) {
    return wrong(fmt::format("the row has {}, the {} has {}; is a quote or a separator missing?",
                             counted_fields(cells_.size()), fields_.header ? "header" : "first row",
                             names_.size()));
  }
  entry = Entry{};
  entry.key = cells_[key_];
  if (ns_ != kNone) entry.ns = cells_[ns_];
  if (flags_ != kNone && !cells_[flags_].empty()) {
    const auto flags = parse_flags(cells_[flags_]);
    if (!flags) return wrong("the flags are not a number from 0 to 4294967295; correct them");
    entry.flags = *flags;
  }
  if (fields_.whole_row) {
    if (auto made = make_whole_row(); !made) return tl::unexpected(made.error());
    entry.value = whole_row_;
  } else {
    entry.value = cells_[value_];
  }
  return true;
}

Result<void> TableSource::name_columns() {
  if (fields_.header) {
    names_.assign(cells_.begin(), cells_.end());
  } else {
    for (size_t i = 1; i <= cells_.size(); ++i) names_.push_back(std::to_string(i));
  }
  if (auto chosen = choose_columns(); !chosen || !fields_.whole_row) return chosen;
  if (std::set<std::string_view>(names_.begin(), names_.end()).size() != names_.size()) {
    return wrong("two columns have the same name, so that a row is no JSON object; rename one");
  }
  for (const std::string& name : names_) {
    labels_.push_back(labels_.empty() ? "{" : ",");
    append_json_string(labels_.back(), name);
    labels_.back() += ':';
  }
  return {};
}

Result<void> TableSource::choose_columns() {
  struct Role {
    const char* option;
    std::string name;
    bool must;
    size_t& column;
  };
  const auto name_of = [](const std::string& asked, const char* usual) {
    return asked.empty() ? usual : asked;
  };
  const bool named = fields_.header;
  const Role roles[] = {
      {"--key-field", name_of(fields_.key, named ? "key" : "1"), true, key_},
      {"--value-field", name_of(fields_.value, named ? "value" : "2"), !fields_.whole_row, value_},
      {"--namespace-field", name_of(fields_.ns, "namespace"), !fields_.ns.empty(), ns_},
      {"--flags-field", name_of(fields_.flags, "flags"), !fields_.flags.empty(), flags_},
  };
  for (const Role& role : roles) {
    auto found = find_column(role.name);
    if (!found) return tl::unexpected(found.error());
    if (*found == kNone && role.must) {
      return wrong(fmt::format("no column \"{}\"; name one with {}: {}", role.name, role.option,
                               short_list(names_)));
    }
    role.column = *found;
  }
  return {};
}

Result<size_t> TableSource::find_column(const std::string& name) const {
  const auto found = std::find(names_.begin(), names_.end(), name);
  if (found == names_.end()) {
    const auto number = parse_integer(name).value_or(0);
    const bool there = number > 0 && static_cast<uint64_t>(number) <= names_.size();
    return there ? static_cast<size_t>(number - 1) : kNone;
  }
  if (std::find(found + 1, names_.end(), name) != names_.end()) {
    return wrong(fmt::format("two columns \"{}\"; rename one", name));
  }
  return static_cast<size_t>(found - names_.begin());
}

Result<void> TableSource::make_whole_row() {
  whole_row_.clear();
  for (size_t i = 0; i < cells_.size(); ++i) {
    whole_row_ += labels_[i];
    append_json_string(whole_row_, cells_[i]);
  }
  whole_row_ += '}';
  if (!is_utf8(whole_row_))
    return wrong("bytes that are not UTF-8, which JSON must be; convert it");
  return {};
}

}  // namespace goromdb::tools
