// SPDX-License-Identifier: MIT
#include "core/files/kept.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <set>
#include <string_view>

#include "core/base/file.h"
#include "core/base/step.h"

namespace goromdb {
namespace {

constexpr std::string_view kFile = ".db", kManifest = ".db.note", kUnfinished = ".db.note.tmp";

// Of "GENERATION.db" and the suffix ".db"; nothing where the name is something else.
std::optional<uint64_t> generation_of(std::string_view name, std::string_view suffix) {
  if (!name.ends_with(suffix)) return std::nullopt;
  name.remove_suffix(suffix.size());
  uint64_t generation = 0;
  auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), generation);
  if (error != std::errc() || end != name.data() + name.size()) return std::nullopt;
  return generation;
}

// Empty where there is no folder.
Result<std::vector<std::string>> names_in(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator each(folder, error), end; !error && each != end;
       each.increment(error)) {
    names.push_back(each->path().filename().string());
  }
  if (!error || error == std::errc::no_such_file_or_directory ||
      error == std::errc::not_a_directory) {
    return names;
  }
  return fail_errno(fmt::format("read the folder {}", folder), error.value());
}

// `kept` is in order, newest first.
std::vector<uint64_t> too_many(const std::vector<SlotNote>& kept, size_t count,
                               const std::string& served) {
  std::vector<uint64_t> gone;
  std::set<std::string> sums;
  std::optional<uint64_t> copy;
  size_t others = 0;
  for (const auto& each : kept) {
    const bool has_sum = !each.checksum.empty();
    if (has_sum && !sums.insert(each.checksum).second) {
      gone.push_back(each.generation);
    } else if (has_sum && each.checksum == served) {
      copy = each.generation;
    } else if (++others > count) {
      gone.push_back(each.generation);
    }
  }
  if (copy && others >= count) gone.push_back(*copy);
  return gone;
}

}  // namespace

KeptFiles::KeptFiles(const std::string& basedir) : folder_(join_path(basedir, "kept")) {}

std::string KeptFiles::path(uint64_t generation) const {
  return fmt::format("{}/{}{}", folder_, generation, kFile);
}

Result<std::vector<SlotNote>> KeptFiles::find() const {
  const auto names = names_in(folder_);
  if (!names) return tl::unexpected(names.error());
  std::vector<SlotNote> kept;
  std::optional<Error> trouble;
  for (const auto& name : *names) {
    auto generation = generation_of(name, kFile);
    if (!generation || fmt::format("{}{}", *generation, kFile) != name) continue;
    auto note = find_note(note_path(*generation));
    auto file = look_at(path(*generation));
    if (!note || !file) {
      trouble = note ? file.error() : note.error();
      continue;
    }
    if (!*note || (*note)->generation != *generation || !*file) continue;
    if (irregularity((*file)->mode).empty()) kept.push_back(**note);
  }
  if (kept.empty() && trouble) return tl::unexpected(*trouble);
  std::sort(kept.begin(), kept.end(),
            [](const auto& a, const auto& b) { return a.generation > b.generation; });
  return kept;
}

Result<void> KeptFiles::keep(const std::string& data, const SlotNote& note) const {
  auto folder = look_at(folder_);
  if (!folder) return tl::unexpected(folder.error());
  if (*folder && !S_ISDIR((*folder)->mode)) {
    const auto what = irregularity((*folder)->mode);
    return fail(fmt::format("{} must be a folder of its own, not {}; put a folder in its place",
                            folder_, what.empty() ? "a file" : what));
  }
  if (!*folder) {
    auto made = make_folders(folder_).and_then([&] { return sync_folder(parent_folder(folder_)); });
    if (!made) return made;
  }
  if (auto noted = write_note(note_path(note.generation), note); !noted) return noted;
  step("kept_noted");
  if (::rename(data.c_str(), path(note.generation).c_str()) != 0) {
    auto failed = fail_errno(fmt::format("move {} to {}", data, path(note.generation)));
    (void)forget(note.generation);
    return failed;
  }
  step("kept_moved");
  return sync_folder(folder_).and_then([&] { return sync_folder(parent_folder(data)); });
}

Result<void> KeptFiles::trim(size_t count, const std::string& served) const {
  for (const auto generation : too_many(list(), count, served)) {
    // The manifest goes last: what is half done shows.
    auto removed = remove_durably(path(generation));
    if (!removed) return removed;
    step("kept_trimmed");
    if (auto forgotten = forget(generation); !forgotten) return forgotten;
  }
  return tidy();
}

Result<void> KeptFiles::tidy() const {
  const auto names = names_in(folder_);
  if (!names) return tl::unexpected(names.error());
  for (const auto& name : *names) {
    auto generation = generation_of(name, kManifest);
    const bool unfinished = generation_of(name, kUnfinished).has_value();
    if (generation) {
      auto file = look_at(path(*generation));
      if (!file || *file) continue;
    } else if (!unfinished) {
      continue;
    }
    if (auto removed = remove_durably(folder_ + "/" + name); !removed) return removed;
  }
  return {};
}

Result<void> KeptFiles::forget(uint64_t generation) const {
  return remove_durably(note_path(generation));
}

}  // namespace goromdb
