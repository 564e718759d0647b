// SPDX-License-Identifier: MIT
#include "core/base/sigbus.h"

#include <setjmp.h>
#include <ucontext.h>

#include <csignal>

namespace goromdb {
namespace {

struct Guarded {
  Guarded* outer;
  sigjmp_buf begin;
};

thread_local Guarded* innermost = nullptr;
thread_local uintptr_t left_at = 0;
struct sigaction before;  // what else would have been done

// Only for the thread that read the page: the kernel sends this signal to no other.
void on_sigbus(int number, siginfo_t* info, void* context) {
  if (info->si_code == BUS_ADRERR && innermost != nullptr) {
    left_at = reinterpret_cast<uintptr_t>(info->si_addr);
    // What is blocked while this runs (with the thread sanitizer, everything) the jump does not
    // bring back.
    pthread_sigmask(SIG_SETMASK, &static_cast<ucontext_t*>(context)->uc_sigmask, nullptr);
    siglongjmp(innermost->begin, 1);
  }
  if (info->si_code <= 0) {  // somebody sent it
    std::signal(number, SIG_DFL);
    std::raise(number);
    return;
  }
  if ((before.sa_flags & SA_SIGINFO) != 0) return before.sa_sigaction(number, info, context);
  std::signal(number, SIG_DFL);  // the instruction is run again
}

}  // namespace

void handle_sigbus() {
  struct sigaction action {};
  action.sa_sigaction = on_sigbus;
  action.sa_flags = SA_SIGINFO;
  sigemptyset(&action.sa_mask);
  sigaction(SIGBUS, &action, &before);
}

bool run_guarded(void (*fn)(void*), void* arg) {
  struct Scope {
    Scope() { guarded.outer = innermost; }
    ~Scope() { innermost = guarded.outer; }
    Guarded guarded;
  } scope;
  if (sigsetjmp(scope.guarded.begin, 0) != 0) return false;
  innermost = &scope.guarded;
  fn(arg);
  left_at = 0;
  return true;
}

uintptr_t lost_address() { return left_at; }

}  // namespace goromdb
