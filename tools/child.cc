// SPDX-License-Identifier: MIT
#include "tools/child.h"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>

namespace goromdb::tools {

Result<int> in_child(const std::function<int()>& work) {
  std::fflush(nullptr);
  std::signal(SIGPIPE, SIG_DFL);
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) return fail_errno("start a process to read the file in");
  if (child == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);        // what it has begun to write goes
    if (::getppid() != parent) std::_Exit(1);  // it went before it could be watched
    const int status = work();
    std::exit(status);
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return fail_errno("wait for the process that reads the file");
  }
  if (WIFEXITED(status)) return WEXITSTATUS(status);
  const int signal = WTERMSIG(status);
  for (const int polite : {SIGPIPE, SIGINT, SIGTERM, SIGHUP, SIGQUIT}) {
    if (signal != polite) continue;
    std::signal(signal, SIG_DFL);
    std::raise(signal);
  }
  return fail(fmt::format("(signal {})", signal));
}

int read_in_child(const std::string& file, const std::function<int()>& work) {
  auto status = in_child(work);
  if (status) return *status;
  return report({fmt::format("{}: the reader died on this file {}", file, status.error().message)});
}

int read_in_child(const ReadOptions& options, const std::function<Result<void>(DataSet&)>& work) {
  return read_in_child(options.file, [&] {
    auto data = DataSet::open(options.storage, options.file);
    if (!data) return report(data.error());
    auto done = work(**data);
    return done ? 0 : report(done.error());
  });
}

}  // namespace goromdb::tools
