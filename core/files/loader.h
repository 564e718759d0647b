// SPDX-License-Identifier: MIT
// A store on disk: data00/ and data01/, moves into them and what a crash leaves. Pure file-system
// logic; one database's worker thread; every call may block on the disk.
//
//   basedir/current               the slot that is served and its generation
//   basedir/data0N/data.db        a whole, verified data file
//   basedir/data0N/data.db.note   what is known of it; written before it comes
//   basedir/data0N/data.db.tmp    an unfinished copy from another file system
//   basedir/kept/, basedir/refused    see kept.h and refusals.h
//   basedir/data0N/data.db.rejected, data.db.rejected.reason    what did not open, and why
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/files/candidate.h"
#include "core/files/slot_note.h"

namespace goromdb {

class Loader {
 public:
  static constexpr int kSlots = 2;

  explicit Loader(std::string basedir);

  // Makes the folders and locks the store (flock on basedir) until the Loader goes. Failure names
  // the process that has it.
  Result<void> lock();

  struct Found {
    int slot = 0;
    SlotNote note;
    bool adopted = false;  // `current` points at it
  };
  // What a start finds, in the order in which to try it: the adopted one, then by generation,
  // newest first; without notes the one whose inode changed last. Clears what a crash left half
  // done, where it can: what stays is in nobody's way.
  // Where a group's record has something younger than `current`, that is the adopted one: `group`'s
  // record, or the one that the note of what is younger names. Nothing is adopted where it lies in
  // no slot any more.
  Result<std::vector<Found>> recover(const GroupRecord& group = {});

  // Moves the verified candidate into `slot` and removes its sum file. What lies in the slot is
  // what was hashed, or the call fails and the candidate is where it was. Where it fails behind the
  // move, what is left to do is done when the slot is pointed at.
  Result<SlotNote> take(const Candidate& candidate, const std::string& hex, int slot,
                        uint64_t generation, const Progress& progress);

  // Moves a data set that had been served, `from` with the manifest `kept`, into `slot`, as a new
  // generation. A failure left it where it was, or in the slot.
  Result<SlotNote> bring_back(const std::string& from, const SlotNote& kept, int slot,
                              uint64_t generation);

  // The generation that `current`, or a group's record, named when recover() looked; 0: none.
  uint64_t pointed_generation() const { return pointed_generation_; }
  // Makes `slot` the one that a restart serves.
  Result<void> point(int slot, uint64_t generation);
  // Renames the slot's data to data.db.rejected, with the reason beside it.
  Result<void> set_aside(int slot, const std::string& reason);
  // Removes the slot's data and note.
  Result<void> clear(int slot);
  // Notes how often it has been tried to open the slot's data, before it is tried: a file that
  // kills its reader is not tried for ever. Of what has been adopted, how many starts have not been
  // ended by a stop, the present one among them.
  Result<void> count_attempts(int slot, SlotNote& note, int64_t attempts);
  // What is known of the slot's data is written down.
  Result<void> note(int slot, const SlotNote& note) { return write_note(note_path(slot), note); }
  // The note of a slot that holds a whole data file. A failure says nothing of what it holds.
  Result<std::optional<SlotNote>> whole(int slot) const;
  // The note of what the latest take() or bring_back() has moved into the slot, also where it
  // failed behind that.
  std::optional<SlotNote> moved_into(int slot) const;
  // The generation before the one that `current` names, as long as its file lies in its slot, whole
  // and untouched: until no slow client reads it. Tools that only look may ask, too.
  std::optional<SlotNote> left() const;
  // Where the slot's file is no longer the one that was taken.
  Result<void> check_untouched(int slot, const SlotNote& note) const;
  // The same for a file that an earlier process left: where only the time differs (a store that was
  // restored from a backup, a `touch`) the checksum decides, and the note is brought up to date.
  Result<void> check_restored(int slot, SlotNote& note, const Progress& progress);
  // Where its content has another sum than its note says; without a sum, as check_untouched().
  // Where only the time differs the note is brought up to date.
  Result<void> check_content(int slot, SlotNote& note, const Progress& progress);
  // Whether it has a sum and nothing but its inode's time is another than when it was moved in:
  // what hard links and chmod do, and who writes and sets the time back.
  bool was_touched(int slot, const SlotNote& note) const;
  // From now on check_restored() of such a file compares its sum.
  static void doubt(SlotNote& note);
  // After a recovery: the sum file of a data file that was taken before the crash goes, too.
  void drop_stale_sum(const std::string& file, SumKind kind, const SlotNote& note);

  std::string data_path(int slot) const;
  static std::string slot_name(int slot);

 private:
  std::string note_path(int slot) const { return data_path(slot) + ".note"; }
  std::string pointer_path() const { return join_path(basedir_, "current"); }
  std::string folder(int slot) const { return join_path(basedir_, slot_name(slot)); }
  Result<void> copy_in(const Candidate& candidate, const std::string& hex, int slot, SlotNote& note,
                       const Progress& progress);

  struct Decided {
    uint64_t generation = 0;
    std::string checksum{};
  };
  static Result<Decided> decided_in(const GroupRecord& group);
  Result<Decided> newest_decided(const GroupRecord& group) const;

  // What follows the move of `unfinished_`: its name lasts, and what is left of the drop goes.
  Result<void> finish_take();

  struct Unfinished {
    int slot = 0;
    Candidate candidate;
    bool copied = false;  // the candidate is still in the drop folder
  };

  std::string basedir_;
  Fd lock_;
  std::optional<Unfinished> unfinished_;
  std::optional<Found> moved_;
  uint64_t pointed_generation_ = 0;
};

// Gives a file back its name, which remove_if_same() had taken aside when a crash came.
void give_back_taken(const std::string& path);

// Removes `path` if it still is the file `identity`; a file that has come in its place stays.
Result<bool> remove_if_same(const std::string& path, const FileIdentity& identity);

}  // namespace goromdb
