// SPDX-License-Identifier: MIT
#include "core/files/loader.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <sstream>

#include "core/base/step.h"
#include "core/files/holder.h"
#include "core/files/private_file.h"

namespace goromdb {
namespace {

constexpr size_t kShortFileLimit = 4096;
constexpr const char* kTaken = ".taken";

// Gives a file back its name. When another has come to bear that, the newest of the two wins, and
// ours is the older: it goes. Whatever else keeps it from its name, it stays where it is.
void give_back(const std::string& from, const std::string& to) {
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return;
  if (errno == EINVAL) {  // this file system cannot, as some network ones: two steps do the same
    if (::link(from.c_str(), to.c_str()) == 0) errno = EEXIST;
  }
  if (errno == EEXIST) ::unlink(from.c_str());
}

}  // namespace

void give_back_taken(const std::string& path) { give_back(path + kTaken, path); }

Result<bool> remove_if_same(const std::string& path, const FileIdentity& identity) {
  // Between a look and an unlink another file could come; under a name of our own it cannot.
  const auto aside = path + kTaken;
  // Where it is not there an earlier try may have got as far as this.
  if (::rename(path.c_str(), aside.c_str()) != 0 && errno != ENOENT) {
    return fail_errno(fmt::format("remove {}", path));
  }
  auto state = look_at(aside);
  if (!state) {
    give_back(aside, path);
    return tl::unexpected(state.error());
  }
  if (*state && (*state)->identity == identity) {
    if (::unlink(aside.c_str()) != 0) return fail_errno(fmt::format("remove {}", aside));
    if (auto synced = sync_folder(parent_folder(path)); !synced)
      return tl::unexpected(synced.error());
    return true;
  }
  give_back(aside, path);
  return false;
}

Loader::Loader(std::string basedir) : basedir_(std::move(basedir)) {}

std::string Loader::slot_name(int slot) { return slot == 0 ? "data00" : "data01"; }
std::string Loader::data_path(int slot) const { return folder(slot) + "/data.db"; }

Result<void> Loader::lock() {
  std::pair<uint64_t, uint64_t> folders[kSlots];
  for (int slot = 0; slot < kSlots; ++slot) {
    if (auto made = make_folders(folder(slot)); !made) return made;
    auto state = look_at(folder(slot));
    if (!state) return tl::unexpected(state.error());
    if (!*state || !S_ISDIR((*state)->mode)) {
      return fail(fmt::format(
          "{} must be a folder of its own, not a link; put a folder in its place", folder(slot)));
    }
    folders[slot] = {(*state)->identity.device, (*state)->identity.inode};
  }
  // As by a bind mount: clearing the one slot would clear the other, which is served.
  if (folders[0] == folders[1]) {
    return fail(
        fmt::format("{} and {} are the same folder; give each slot its own", folder(0), folder(1)));
  }
  lock_ = Fd(::open(basedir_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!lock_) return fail_errno(fmt::format("open the folder {}", basedir_));
  // `goromdb publish` asks for the lock now and then, for an instant; a guard's process has it
  // until it is another program, also when the server that began it was killed just then.
  constexpr int kTries = 100;
  constexpr useconds_t kPauseUs = 10'000;
  int failed = 0;
  for (int i = 0; i < kTries; ++i) {
    failed = ::flock(lock_.get(), LOCK_EX | LOCK_NB);
    if (failed == 0 || errno != EWOULDBLOCK) break;
    ::usleep(kPauseUs);
  }
  if (failed != 0) {
    if (errno != EWOULDBLOCK) return fail_errno(fmt::format("lock {}", basedir_));
    return fail(fmt::format("{} is in use by {}; stop it or use another basedir", basedir_,
                            holder_of_lock(lock_)));
  }
  return {};
}

Result<Loader::Decided> Loader::decided_in(const GroupRecord& group) {
  Decided decided;
  if (group.path.empty()) return decided;
  const auto record = find_pairs(group.path);
  if (!record) return tl::unexpected(record.error());
  if (const auto own = record->find(group.member); own != record->end()) {
    std::istringstream(own->second) >> decided.generation >> decided.checksum;
  }
  return decided;
}

// The config may have changed since the record was written: the group, its order, a name.
Result<Loader::Decided> Loader::newest_decided(const GroupRecord& group) const {
  auto newest = decided_in(group);
  for (int slot = 0; slot < kSlots && newest; ++slot) {
    const auto note = find_note(note_path(slot));
    if (!note || !*note) continue;  // one that cannot be read keeps the other from nothing
    if ((*note)->generation <= pointed_generation_) continue;
    const auto decided = decided_in((*note)->group);
    if (!decided) return decided;
    const bool is_this =
        decided->generation == (*note)->generation && decided->checksum == (*note)->checksum;
    if (is_this && decided->generation > newest->generation) newest = decided;
  }
  return newest;
}

Result<std::vector<Loader::Found>> Loader::recover(const GroupRecord& group) {
  auto found_pointer = find_pairs(pointer_path());
  if (!found_pointer) return tl::unexpected(found_pointer.error());
  auto& pointer = *found_pointer;
  pointed_generation_ = number_in(pointer, "generation");
  const auto decided = newest_decided(group);
  if (!decided) return tl::unexpected(decided.error());
  if (decided->generation > pointed_generation_) {
    pointed_generation_ = decided->generation;
    pointer["slot"].clear();  // what that holds is older
    for (int slot = 0; slot < kSlots; ++slot) {
      auto note = find_pairs(note_path(slot));
      if (!note) return tl::unexpected(note.error());
      const auto data = look_at(data_path(slot));
      if (!data) return tl::unexpected(data.error());
      if (*data && number_in(*note, "generation") == decided->generation &&
          (*note)["checksum"] == decided->checksum) {
        pointer["slot"] = slot_name(slot);
      }
    }
  }

  struct Filled {
    Found found;
    int64_t ctime_ns;
    bool noted;
  };
  std::vector<Filled> filled;
  for (int slot = 0; slot < kSlots; ++slot) {
    ::unlink((data_path(slot) + ".tmp").c_str());
    ::unlink((note_path(slot) + ".tmp").c_str());
    auto state = look_at(data_path(slot));
    if (!state) return tl::unexpected(state.error());
    if (!*state) {
      (void)remove_durably(note_path(slot));
      continue;
    }
    const auto read = find_note(note_path(slot));
    if (!read) {
      // It does not keep the other one from being served.
      if (!pointer["slot"].empty() && pointer["slot"] != slot_name(slot)) continue;
      return tl::unexpected(read.error());
    }
    const auto& note = *read;
    // A pointer from before what lies there now adopted something else.
    const bool adopted =
        pointer["slot"] == slot_name(slot) && (!note || note->generation == pointed_generation_);
    Filled each{{slot, note.value_or(SlotNote{}), adopted}, (*state)->ctime_ns, note.has_value()};
    if (!note) {  // the Go program's, or one that the operator put there
      each.found.note.size = (*state)->identity.size;
      each.found.note.mtime_ns = (*state)->identity.mtime_ns;
      each.found.note.generation = each.found.adopted ? pointed_generation_ : 0;
    }
    filled.push_back(each);
  }
  ::unlink((pointer_path() + ".tmp").c_str());

  std::sort(filled.begin(), filled.end(), [](const Filled& a, const Filled& b) {
    auto rank = [](const Filled& f) {
      return std::make_tuple(f.found.adopted, f.found.note.generation, f.ctime_ns);
    };
    return rank(a) > rank(b);
  });
  std::vector<Found> found;
  for (auto& each : filled) found.push_back(std::move(each.found));
  return found;
}

Result<SlotNote> Loader::take(const Candidate& candidate, const std::string& hex, int slot,
                              uint64_t generation, const Progress& progress) {
  unfinished_.reset();
  moved_.reset();
  if (auto cleared = clear(slot); !cleared) return tl::unexpected(cleared.error());
  SlotNote note;
  note.generation = generation;
  note.checksum = checksum_text(candidate.kind, hex);
  note.size = candidate.data.size;
  note.mtime_ns = candidate.data.mtime_ns;
  note.data_mtime_ns = candidate.data.mtime_ns;
  note.source = candidate.file;
  note.by_hand = candidate.by_hand;
  if (auto written = write_note(note_path(slot), note); !written)
    return tl::unexpected(written.error());
  step("noted");

  const auto data = data_path(slot);
  const auto another = changed(fmt::format("{} changed after it was hashed", candidate.file));
  auto before = look_at(candidate.file);
  if (!before) return tl::unexpected(before.error());
  if (!*before || !candidate.still(**before)) return another;
  bool copied = false;
  if (::rename(candidate.file.c_str(), data.c_str()) == 0) {
    auto moved = look_at(data);
    if (!moved || !*moved || (*moved)->identity != candidate.data) {
      // Another file came, or this one was written to, after it was hashed: give it back to be
      // hashed again, unless a newer one is there already.
      give_back(data, candidate.file);
      return another;
    }
  } else if (errno == EXDEV) {
    auto done = copy_in(candidate, hex, slot, note, progress);
    if (!done) {
      ::unlink((data + ".tmp").c_str());
      return tl::unexpected(done.error());
    }
    copied = true;
  } else {
    return fail_errno(fmt::format("move {} to {}", candidate.file, data));
  }
  make_read_only(data);
  if (auto moved = look_at(data); moved && *moved) note.ctime_ns = (*moved)->ctime_ns;
  unfinished_ = Unfinished{slot, candidate, copied};
  moved_ = Found{slot, note};
  if (auto finished = finish_take(); !finished) return tl::unexpected(finished.error());
  return note;
}

Result<void> Loader::finish_take() {
  const auto [slot, candidate, copied] = *unfinished_;
  if (auto synced = sync_folder(folder(slot)); !synced) return synced;
  if (copied) {
    auto removed = remove_if_same(candidate.file, candidate.data);
    if (!removed) return tl::unexpected(removed.error());
  } else if (auto synced = sync_folder(parent_folder(candidate.file)); !synced) {
    return synced;
  }
  step("moved");
  if (candidate.kind != SumKind::kNone) {
    auto removed = remove_if_same(sum_path(candidate.file, candidate.kind), candidate.sum);
    if (!removed) return tl::unexpected(removed.error());
  }
  unfinished_.reset();
  step("sum_removed");
  return {};
}

Result<void> Loader::copy_in(const Candidate& candidate, const std::string& hex, int slot,
                             SlotNote& note, const Progress& progress) {
  const auto data = data_path(slot), temporary = data + ".tmp";
  auto from = open_regular(candidate.file);
  if (!from) return tl::unexpected(from.error());
  {
    Fd to(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644));
    if (!to) return fail_errno(fmt::format("create {}", temporary));
    Digest digest(candidate.kind);
    uint64_t done = 0;
    auto copied = read_blocks(*from, candidate.file, [&](std::string_view block) -> Result<void> {
      digest.update(block);
      done += block.size();
      if (progress(done, static_cast<uint64_t>(candidate.data.size))) return cancelled();
      if (done > static_cast<uint64_t>(candidate.data.size)) {
        return changed(fmt::format("{} changed after it was hashed", candidate.file));
      }
      auto written = write_all(to, block, temporary);
      step("copying");
      return written;
    });
    if (!copied) return copied;
    if (digest.hex() != hex) {
      return changed(fmt::format("{} changed after it was hashed", candidate.file));
    }
    const timespec times[2] = {{0, UTIME_OMIT}, time_of(candidate.data.mtime_ns)};
    if (::futimens(to.get(), times) != 0) return fail_errno(fmt::format("date {}", temporary));
    // A file system with coarser times has rounded it.
    auto dated = look_at(to, temporary);
    if (!dated) return tl::unexpected(dated.error());
    if (std::exchange(note.mtime_ns, dated->identity.mtime_ns) != note.mtime_ns) {
      if (auto written = write_note(note_path(slot), note); !written) return written;
    }
    if (auto synced = sync_file(to, temporary); !synced) return synced;
  }
  step("copied");
  if (::rename(temporary.c_str(), data.c_str()) != 0) {
    return fail_errno(fmt::format("rename {} to {}", temporary, data));
  }
  return {};
}

Result<SlotNote> Loader::bring_back(const std::string& from, const SlotNote& kept, int slot,
                                    uint64_t generation) {
  unfinished_.reset();
  moved_.reset();
  if (auto cleared = clear(slot); !cleared) return tl::unexpected(cleared.error());
  auto note = kept;
  note.generation = generation;
  note.rolled_back_to = kept.generation;
  note.attempts = 0;
  note.adopted_at.clear();
  if (auto noted = write_note(note_path(slot), note); !noted) return tl::unexpected(noted.error());
  step("rollback_noted");
  if (::rename(from.c_str(), data_path(slot).c_str()) != 0) {
    return fail_errno(fmt::format("move {} to {}", from, data_path(slot)));
  }
  moved_ = Found{slot, note};
  auto synced =
      sync_folder(folder(slot)).and_then([&] { return sync_folder(parent_folder(from)); });
  if (!synced) return tl::unexpected(synced.error());
  step("rollback_moved");
  return note;
}

Result<void> Loader::point(int slot, uint64_t generation) {
  if (unfinished_ && unfinished_->slot == slot) {
    // The data's name has to outlast a crash; what stays in the drop folder is in nobody's way.
    if (auto synced = sync_folder(folder(slot)); !synced) return synced;
    (void)finish_take();
    unfinished_.reset();
  }
  const auto text = fmt::format("slot {}\ngeneration {}\n", slot_name(slot), generation);
  // A full disk must not keep a start from serving what `current` names already.
  if (auto now = read_small_file(pointer_path(), kShortFileLimit); now && *now == text) return {};
  return write_file_durably(pointer_path(), text);
}

Result<void> Loader::set_aside(int slot, const std::string& reason) {
  const auto rejected = data_path(slot) + ".rejected";
  if (::rename(data_path(slot).c_str(), rejected.c_str()) != 0 && errno != ENOENT) {
    return fail_errno(fmt::format("rename {} to {}", data_path(slot), rejected));
  }
  // It is out of the way; that its reason cannot be written is no reason to try it again.
  (void)write_file_durably(rejected + ".reason", reason + "\n");
  (void)remove_durably(note_path(slot));
  return {};
}

Result<void> Loader::clear(int slot) {
  return remove_durably(data_path(slot)).and_then([&] { return remove_durably(note_path(slot)); });
}

Result<void> Loader::count_attempts(int slot, SlotNote& note, int64_t attempts) {
  note.attempts = attempts;
  return write_note(note_path(slot), note);
}

Result<std::optional<SlotNote>> Loader::whole(int slot) const {
  auto state = look_at(data_path(slot));
  if (!state) return tl::unexpected(state.error());
  if (!*state) return std::nullopt;
  return find_note(note_path(slot));
}

std::optional<SlotNote> Loader::moved_into(int slot) const {
  return moved_ && moved_->slot == slot ? std::optional(moved_->note) : std::nullopt;
}

std::optional<SlotNote> Loader::left() const {
  auto current = read_pairs(pointer_path());
  for (int slot = 0; slot < kSlots; ++slot) {
    if (current["slot"] == slot_name(slot)) continue;
    const auto note = whole(slot).value_or(std::nullopt);
    if (note && note->generation < number_in(current, "generation") &&
        check_untouched(slot, *note)) {
      return note;
    }
  }
  return std::nullopt;
}

Result<void> Loader::check_untouched(int slot, const SlotNote& note) const {
  auto state = look_at(data_path(slot));
  if (!state) return tl::unexpected(state.error());
  if (!*state) return fail(fmt::format("open {}: it has gone", data_path(slot)));
  if (auto what = irregularity((*state)->mode); !what.empty()) {
    return reject(fmt::format("it is {}, not a regular file", what));
  }
  if ((*state)->identity.size != note.size || (*state)->identity.mtime_ns != note.mtime_ns ||
      (note.ctime_ns != 0 && (*state)->ctime_ns != note.ctime_ns)) {
    return reject("it was changed after it had been verified");
  }
  return {};
}

bool Loader::was_touched(int slot, const SlotNote& note) const {
  const auto state = look_at(data_path(slot));
  if (!state || !*state || note.ctime_ns == 0 || note.checksum.empty()) return false;
  const auto& identity = (*state)->identity;
  return identity.size == note.size && identity.mtime_ns == note.mtime_ns &&
         (*state)->ctime_ns != note.ctime_ns;
}

void Loader::doubt(SlotNote& note) {
  constexpr int64_t kNoTime = -1;  // of no file
  note.data_mtime_ns = note.data_time_ns();
  note.mtime_ns = kNoTime;
  note.ctime_ns = 0;
}

Result<void> Loader::check_restored(int slot, SlotNote& note, const Progress& progress) {
  auto untouched = check_untouched(slot, note);
  if (untouched || untouched.error().kind != Error::Kind::kRejected) return untouched;
  return check_content(slot, note, progress);
}

Result<void> Loader::check_content(int slot, SlotNote& note, const Progress& progress) {
  const auto path = data_path(slot);
  auto untouched = check_untouched(slot, note);
  if (!untouched && untouched.error().kind != Error::Kind::kRejected) return untouched;
  auto fd = open_regular(path);
  if (!fd) return tl::unexpected(fd.error());
  auto state = look_at(*fd, path);
  if (!state) return tl::unexpected(state.error());
  if (state->identity.size != note.size || note.checksum.empty()) return untouched;
  Digest digest(note.checksum.starts_with("sha256:") ? SumKind::kSha256 : SumKind::kMd5);
  uint64_t done = 0;
  auto read = read_blocks(*fd, path, [&](std::string_view block) -> Result<void> {
    digest.update(block);
    done += block.size();
    return progress(done, static_cast<uint64_t>(note.size)) ? cancelled() : Result<void>{};
  });
  if (!read) return read;
  if (!note.checksum.ends_with(fmt::format(":{}", digest.hex()))) {
    if (!untouched) return untouched;
    return reject(
        fmt::format("its content is not what had been verified: its sum is {} now, was {}",
                    digest.hex(), note.checksum));
  }
  if (untouched) return {};
  note.data_mtime_ns = note.data_time_ns();
  note.mtime_ns = state->identity.mtime_ns;
  (void)write_note(note_path(slot), note);  // else the next start hashes it again
  return {};
}

void Loader::drop_stale_sum(const std::string& file, SumKind kind, const SlotNote& note) {
  const auto path = sum_path(file, kind);
  for (const auto& each : {path, file}) {  // taken aside in the instant of the crash
    give_back_taken(each);
  }
  if (kind == SumKind::kNone) return;
  auto data = look_at(file);
  auto sum = look_at(path);
  if (!data || *data || !sum || !*sum) return;
  auto content = read_small_file(path, kShortFileLimit);
  if (!content) return;
  auto hex = parse_sum(*content, kind);
  if (hex && note.checksum == fmt::format("{}:{}", name_of(kind), *hex)) {
    (void)remove_if_same(path, (*sum)->identity);
  }
}

}  // namespace goromdb
