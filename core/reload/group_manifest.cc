// SPDX-License-Identifier: MIT
#include "core/reload/group_manifest.h"

#include <algorithm>
#include <sstream>

#include "core/base/file.h"

namespace goromdb {
namespace {

constexpr std::string_view kBlank = " \t\r";

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

// A database's name goes before a file's.
Result<size_t> find_member(const std::string& name, const std::vector<GroupMember>& members) {
  const auto by_name = std::find_if(members.begin(), members.end(),
                                    [&](const GroupMember& each) { return each.name == name; });
  if (by_name != members.end()) return static_cast<size_t>(by_name - members.begin());
  const auto file_name = name.substr(name.rfind('/') + 1);
  const auto has_file = [&](const GroupMember& each) { return each.file_name == file_name; };
  const auto by_file = std::find_if(members.begin(), members.end(), has_file);
  if (by_file == members.end()) {
    return reject(fmt::format("\"{}\" is no database of the group, nor the file of one", name));
  }
  if (std::count_if(members.begin(), members.end(), has_file) > 1) {
    return reject(fmt::format("{} is the file of more than one database; write a database's name",
                              file_name));
  }
  return static_cast<size_t>(by_file - members.begin());
}

}  // namespace

Result<std::vector<std::string>> parse_manifest(std::string_view content,
                                                const std::vector<GroupMember>& members) {
  std::vector<std::string> sums(members.size());
  std::istringstream lines{std::string(content)};
  size_t number = 0;
  for (std::string raw; std::getline(lines, raw);) {
    ++number;
    const auto line = trimmed(raw);
    if (line.empty()) continue;
    const auto in_line = [&](const Error& error) {
      return reject(fmt::format("line {}: {}", number, error.message));
    };
    const auto space = line.find_first_of(kBlank);
    auto name = space == std::string_view::npos ? std::string_view() : trimmed(line.substr(space));
    if (name.starts_with('*')) name.remove_prefix(1);  // md5sum --binary
    if (name.empty()) return in_line({"want a sum and a name, as md5sum writes them"});
    const auto member = find_member(std::string(name), members);
    if (!member) return in_line(member.error());
    const auto hex = parse_sum(line, members[*member].kind);
    if (!hex) return in_line(hex.error());
    if (!sums[*member].empty()) {
      return in_line({fmt::format("it names {} again", members[*member].name)});
    }
    sums[*member] = checksum_text(members[*member].kind, *hex);
  }
  for (size_t i = 0; i < members.size(); ++i) {
    if (sums[i].empty()) return reject(fmt::format("no sum of {} in it", members[i].name));
  }
  return sums;
}

}  // namespace goromdb
