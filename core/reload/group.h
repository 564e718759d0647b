// SPDX-License-Identifier: MIT
// Databases that change together. A manifest names the sum of each member's next data file; when
// all that have changed are verified and opened, they are adopted in one step, or none is. Main
// thread.
//
//   gathering -> preparing (the members' workers) -> recording (one worker) -> committing (workers)
//   -> adopting (loops) -> gathering
//
// What decides is the record, BASEDIR/current.group.NAME of the first member, "database generation
// checksum" lines that replace the ones before as a whole: a member's start serves what it says
// (Intake::recover).
#pragma once

#include <uv.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/base/config.h"
#include "core/base/log.h"
#include "core/reload/adoption.h"
#include "core/reload/group_manifest.h"
#include "core/reload/handler.h"

namespace goromdb {

class Group {
 public:
  // `members` in the order of the config. `adopt` gets all of them that change at once.
  Group(const GroupConfig& config, const std::vector<DatabaseConfig>& databases,
        std::vector<Handler*> members, uv_loop_t* main_loop, Adopt adopt);

  // What a member hands in to be adopted: alone at a start, with the others in a step.
  void adopt(std::vector<Adoption> adoptions);
  void stop();  // the handles are closed when the loop has run once more

 private:
  // A member that changes with the manifest.
  struct Change {
    Handler* handler;
    std::string checksum;
    std::optional<Error> trouble{};  // why it has not been prepared, or committed
    bool committed = false;
  };

  void look();
  std::optional<std::vector<Change>> changes_for(const std::vector<std::string>& sums);
  void see_drops();
  void refuse(const FileIdentity& manifest, const std::string& reason);
  Result<std::vector<std::string>> read_manifest(const FileState& state);
  void show(const std::string& trouble);
  void say_once(const std::string& message);
  bool settled(const FileIdentity& manifest);
  std::string what_is_missing(size_t member, const std::string& checksum) const;
  void prepare(const FileIdentity& manifest, std::vector<Change> changes);
  void on_prepared();
  void give_up(bool wait_for_poll);
  void try_again(void (*what)(uv_timer_t*), const std::string& why);
  void record();
  void write_record();
  void commit();
  void adopt_all();
  void end();

  const GroupConfig& config_;
  std::vector<Handler*> members_;
  std::vector<GroupMember> named_;  // as the manifest may name them
  int64_t poll_interval_ms_;
  Adopt adopt_;
  std::shared_ptr<spdlog::logger> log_;
  uv_loop_t* loop_;
  uv_timer_t settle_timer_, again_timer_;
  std::string said_, gave_up_for_;
  bool looked_ = false, looking_ = false;
  // The last manifest that was read, and what it says.
  std::optional<std::pair<FileIdentity, Result<std::vector<std::string>>>> read_;
  // A manifest that is not looked at again, unless one of these has a new drop.
  std::optional<FileIdentity> refused_;
  std::string refused_why_;  // empty: a member tells
  std::vector<Handler*> rejected_;
  std::optional<FileIdentity> seen_;                // a faulty one that may still be written
  uint64_t seen_since_ms_ = 0, not_before_ms_ = 0;  // of uv_now()

  // Of a step.
  bool in_step_ = false, stopped_ = false;
  uint64_t began_ms_ = 0;
  FileIdentity manifest_;
  std::vector<Change> changes_;
  std::string record_;  // what is to be written
  size_t at_work_ = 0;  // members that have not answered
  bool gathering_adoptions_ = false;
  std::vector<Adoption> adoptions_;
};

}  // namespace goromdb
