// SPDX-License-Identifier: MIT
#include "tools/output_file.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "core/base/file.h"
#include "tests/unit/small_disk.hpp"
#include "tests/unit/temp_folder.hpp"

using namespace goromdb;
using namespace goromdb::tools;
using test::contains;
using test::message_of;
using test::SmallDisk;
using test::TempFolder;

namespace {

// Of "hello\n".
const std::string kMd5 = "b1946ac92492d2347c6235b4d2611184";
const std::string kSha256 = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";
const std::vector<SumKind> kBoth = {SumKind::kMd5, SumKind::kSha256};

// As a builder makes it; with permissions that are not those of the output.
void make(const OutputFile& output, const std::string& content = "hello\n") {
  Fd fd(::open(output.temporary().c_str(), O_WRONLY | O_CREAT | O_EXCL, 0600));
  REQUIRE(fd);
  REQUIRE(write_all(fd, content, output.temporary()).has_value());
}

OutputFile started(const std::string& path, bool force = false) {
  auto output = OutputFile::start(path, force);
  REQUIRE_MESSAGE(output.has_value(), message_of(output));
  return std::move(*output);
}

std::vector<std::string> names_in(const TempFolder& folder) {
  std::vector<std::string> names;
  for (const auto& each : std::filesystem::directory_iterator(folder.path())) {
    names.push_back(each.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}
using Names = std::vector<std::string>;

// What happens at a signal, for a scope: doctest has handlers of its own.
class Disposition {
 public:
  Disposition(int number, void (*handler)(int))
      : number_(number), previous_(::signal(number, handler)) {}
  ~Disposition() { ::signal(number_, previous_); }
  Disposition(const Disposition&) = delete;
  Disposition& operator=(const Disposition&) = delete;

  static std::string now(int number) {
    struct sigaction action;
    REQUIRE(::sigaction(number, nullptr, &action) == 0);
    if (action.sa_handler == SIG_DFL) return "default";
    return action.sa_handler == SIG_IGN ? "ignored" : "handled";
  }

 private:
  const int number_;
  void (*const previous_)(int);
};

pid_t dead_process() {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(0);
  REQUIRE(::waitpid(pid, nullptr, 0) == pid);
  return pid;
}

}  // namespace

TEST_CASE("the output appears with commit, its sums as md5sum and sha256sum write them") {
  const std::pair<std::vector<SumKind>, Names> cases[] = {
      {{}, {"words.db"}},
      {{SumKind::kNone}, {"words.db"}},
      {{SumKind::kMd5}, {"words.db", "words.db.md5"}},
      {{SumKind::kSha256}, {"words.db", "words.db.sha256"}},
      {kBoth, {"words.db", "words.db.md5", "words.db.sha256"}},
  };
  for (const auto& [sums, names] : cases) {
    TempFolder folder;
    auto output = started(folder / "words.db");
    CHECK(names_in(folder).empty());
    CHECK(contains(output.temporary(), folder / ".words.db."));
    make(output);
    CHECK_FALSE(folder.has("words.db"));
    auto done = output.commit(sums);
    REQUIRE_MESSAGE(done.has_value(), message_of(done));
    CHECK(names_in(folder) == names);
    CHECK(folder.read("words.db") == "hello\n");
    if (folder.has("words.db.md5")) CHECK(folder.read("words.db.md5") == kMd5 + "  words.db\n");
    if (folder.has("words.db.sha256")) {
      CHECK(folder.read("words.db.sha256") == kSha256 + "  words.db\n");
    }
  }
}

TEST_CASE("a sum escapes a name as md5sum does") {
  const std::pair<std::string, std::string> cases[] = {
      {"a name *(1)", kMd5 + "  a name *(1)\n"},
      {"a\\b", "\\" + kMd5 + "  a\\\\b\n"},
      {"a\nb\r", "\\" + kMd5 + "  a\\nb\\r\n"},
  };
  for (const auto& [name, line] : cases) {
    TempFolder folder;
    auto output = started(folder / name);
    make(output);
    REQUIRE(output.commit({SumKind::kMd5}).has_value());
    CHECK(folder.read(name + ".md5") == line);
    CHECK(parse_sum(line, SumKind::kMd5).value_or("") == kMd5);
  }
}

TEST_CASE("the output is readable by all that the umask allows") {
  for (const auto& [mask, mode] : {std::pair<mode_t, mode_t>{022, 0644}, {027, 0640}, {0, 0644}}) {
    TempFolder folder;
    const mode_t previous = ::umask(mask);
    auto output = started(folder / "words.db");
    make(output);
    const auto done = output.commit({SumKind::kMd5});
    CHECK(::umask(previous) == mask);
    REQUIRE(done.has_value());
    for (const char* name : {"words.db", "words.db.md5"}) {
      struct stat st;
      REQUIRE(::stat((folder / name).c_str(), &st) == 0);
      CHECK((st.st_mode & 07777) == mode);
    }
  }
}

TEST_CASE("an output that exists is refused without force and replaced with it") {
  TempFolder folder;
  const auto path = folder.write("words.db", "old");
  auto refused = OutputFile::start(path, false);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().kind == Error::Kind::kRejected);
  CHECK(refused.error().message == path + " exists; --force replaces it");

  auto output = started(path, true);
  make(output);
  CHECK(folder.read("words.db") == "old");
  REQUIRE(output.commit(kBoth).has_value());
  CHECK(folder.read("words.db") == "hello\n");
}

TEST_CASE("an output that another one made meanwhile is refused without force") {
  TempFolder folder;
  {
    auto output = started(folder / "words.db");
    make(output);
    folder.write("words.db", "the other's");
    folder.write("words.db.sha256", "the other's sum");
    auto done = output.commit({SumKind::kMd5});
    REQUIRE_FALSE(done.has_value());
    CHECK(done.error().kind == Error::Kind::kRejected);
    CHECK(done.error().message == folder / "words.db exists; --force replaces it");
  }
  CHECK(folder.read("words.db") == "the other's");
  CHECK(names_in(folder) == Names{"words.db", "words.db.sha256"});
}

TEST_CASE("sums of other kinds go when their data is replaced") {
  const std::pair<std::vector<SumKind>, Names> cases[] = {
      {{}, {"words.db"}},
      {{SumKind::kMd5}, {"words.db", "words.db.md5"}},
      {{SumKind::kSha256}, {"words.db", "words.db.sha256"}},
  };
  for (const auto& [sums, names] : cases) {
    TempFolder folder;
    for (const char* name : {"words.db", "words.db.md5", "words.db.sha256"}) {
      folder.write(name, "old");
    }
    auto output = started(folder / "words.db", true);
    make(output);
    CHECK(names_in(folder).size() == 4);
    REQUIRE(output.commit(sums).has_value());
    CHECK(names_in(folder) == names);
    for (const auto& name : names) CHECK(folder.read(name) != "old");
  }
}

TEST_CASE("what is no file is refused as an output, with force as well") {
  TempFolder folder;
  std::filesystem::create_directory(folder / "folder");
  REQUIRE(::mkfifo((folder / "fifo").c_str(), 0600) == 0);
  std::filesystem::create_symlink(folder.write("target", ""), folder / "link");
  std::filesystem::create_directories(folder / "summed.md5");
  const std::string advice = ", not a regular file; name another output";
  const std::pair<std::string, std::string> cases[] = {
      {folder / "folder", folder / "folder is a folder" + advice},
      {folder / "folder/.", folder / "folder/. is a folder" + advice},
      {folder / "fifo", folder / "fifo is a fifo" + advice},
      {folder / "link", folder / "link is a symbolic link" + advice},
      {folder / "summed", folder / "summed.md5 is a folder" + advice},
      {folder / "new/", "\"" + folder / "new/" + "\" is no name of a file"},
      {"", "\"\" is no name of a file"},
  };
  for (const auto& [path, message] : cases) {
    if (path.ends_with("new/")) std::filesystem::create_directory(path);
    auto refused = OutputFile::start(path, true);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().kind == Error::Kind::kRejected);
    CHECK(refused.error().message == message);
  }
}

TEST_CASE("a missing folder is a failure that names it") {
  TempFolder folder;
  auto refused = OutputFile::start(folder / "missing/words.db", false);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().kind == Error::Kind::kFailure);
  CHECK(refused.error().message ==
        "cannot make words.db in the folder " + folder / "missing: No such file or directory");
}

TEST_CASE("without commit nothing is left, and the old output stays") {
  TempFolder folder;
  folder.write("words.db", "old");
  folder.write("words.db.md5", "old sum");
  {
    auto output = started(folder / "words.db", true);
    make(output);
    CHECK(names_in(folder).size() == 3);
  }
  CHECK(names_in(folder) == Names{"words.db", "words.db.md5"});
  CHECK(folder.read("words.db") == "old");
}

TEST_CASE("a commit of what was never made fails and changes nothing") {
  TempFolder folder;
  folder.write("words.db", "old");
  folder.write("words.db.sha256", "old sum");
  auto output = started(folder / "words.db", true);
  auto done = output.commit({SumKind::kMd5});
  CHECK(message_of(done) == "cannot open " + output.temporary() + ": No such file or directory");
  CHECK(names_in(folder) == Names{"words.db", "words.db.sha256"});
}

TEST_CASE(
    "leftovers of dead processes are removed, those of living ones and other files are kept") {
  TempFolder folder;
  const pid_t dead = dead_process(), alive = ::getppid();
  const auto leftover = [](const std::string& name, pid_t pid, const std::string& rest) {
    return fmt::format(".{}.{}{}", name, pid, rest);
  };
  Names kept = {
      leftover("words.db", alive, "-0123abcd.tmp"),  leftover("words.db", dead, "-0123abc.tmp"),
      leftover("words.db", dead, "-0123ABCD.tmp"),   leftover("words.db", dead, "-0123abcd.tmp2"),
      leftover("words.db", dead, "-0123abcd"),       leftover("words.db", dead, ".tmp"),
      leftover("words.db", -dead, "-0123abcd.tmp"),  leftover("other.db", dead, "-0123abcd.tmp"),
      leftover("words.db.2", dead, "-0123abcd.tmp"), ".words.db.tmp",
      ".words.db.99999999999999999999-0123abcd.tmp", "words.db.md5",
  };
  const Names removed = {
      leftover("words.db", dead, "-0123abcd.tmp"), leftover("words.db", dead, "-0123abcd.md5.tmp"),
      leftover("words.db", dead, "-0123abcd.sha256.tmp"),
      leftover("words.db", ::getpid(), "-0123abcd.tmp"),  // of one that had the same pid before
  };
  for (const auto& names : {kept, removed}) {
    for (const auto& name : names) folder.write(name, "leftover");
  }
  auto first = started(folder / "words.db");
  make(first);
  auto second = started(folder / "words.db");
  CHECK(first.temporary() != second.temporary());
  kept.push_back(std::filesystem::path(first.temporary()).filename().string());
  std::sort(kept.begin(), kept.end());
  CHECK(names_in(folder) == kept);
}

TEST_CASE("a long name is no obstacle") {
  TempFolder folder;
  const std::string name(240, 'n');
  auto output = started(folder / name);
  make(output);
  REQUIRE(output.commit(kBoth).has_value());
  CHECK(names_in(folder) == Names{name, name + ".md5", name + ".sha256"});
}

TEST_CASE("a signal that ends the process takes the temporary file with it") {
  for (int number : {SIGINT, SIGTERM, SIGHUP}) {
    CAPTURE(number);
    TempFolder folder;
    const Disposition ends(number, SIG_DFL);
    const pid_t child = ::fork();
    if (child == 0) {
      auto output = OutputFile::start(folder / "words.db", false);
      if (!output || !write_file_durably(output->temporary(), "half")) ::_exit(1);
      ::raise(number);
      ::_exit(2);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFSIGNALED(status));
    CHECK(WTERMSIG(status) == number);
    CHECK(names_in(folder).empty());
  }
}

TEST_CASE("a child that is ended leaves its parent's temporary file alone") {
  TempFolder folder;
  const Disposition ends(SIGTERM, SIG_DFL);
  auto output = started(folder / "words.db");
  make(output);
  const pid_t child = ::fork();
  if (child == 0) {
    ::raise(SIGTERM);
    ::_exit(2);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WIFSIGNALED(status));
  CHECK(output.commit({}).has_value());
}

TEST_CASE("signals are handled as long as there is an output, and an ignored one stays ignored") {
  TempFolder folder;
  const Disposition hang_up(SIGHUP, SIG_IGN), ends(SIGTERM, SIG_DFL);
  {
    auto first = started(folder / "words.db");
    {
      auto second = started(folder / "other.db");
      CHECK(Disposition::now(SIGTERM) == "handled");
    }
    CHECK(Disposition::now(SIGTERM) == "handled");
    CHECK(Disposition::now(SIGHUP) == "ignored");
  }
  CHECK(Disposition::now(SIGTERM) == "default");
  CHECK(Disposition::now(SIGHUP) == "ignored");
}

TEST_CASE("a disk without room for the sum leaves the old output as it was") {
  TempFolder folder;
  const SmallDisk disk(folder.path(), "size=64k");
  if (!disk) {
    MESSAGE("skipped: cannot mount a tmpfs here");
    return;
  }
  folder.write("words.db", "old");
  folder.write("words.db.sha256", "old sum");
  {
    auto output = started(folder / "words.db", true);
    make(output);
    {
      Fd fd(::open((folder / "filler").c_str(), O_WRONLY | O_CREAT, 0600));
      CHECK_FALSE(write_all(fd, std::string(1 << 20, 'f'), "filler").has_value());
    }
    auto done = output.commit({SumKind::kMd5});
    CHECK(contains(message_of(done), ".md5.tmp: No space left on device"));
  }
  CHECK(names_in(folder) == Names{"filler", "words.db", "words.db.sha256"});
  CHECK(folder.read("words.db") == "old");
  CHECK(folder.read("words.db.sha256") == "old sum");
}
