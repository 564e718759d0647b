// SPDX-License-Identifier: MIT
// Reading a page of a mapped file that is not there any more raises SIGBUS: the file was cut, or
// the disk cannot be read. Code that reads such memory runs guarded, and is left at that page.
#pragma once

#include <cstdint>
#include <memory>
#include <type_traits>

namespace goromdb {

// For the whole process, once, before other threads run. A SIGBUS outside of guarded code ends the
// process as it would have.
void handle_sigbus();

// Runs fn(arg). False: it came to a page that is not there and was left at that instruction.
// Nothing of it was unwound: no destructor ran, no lock was released. So guarded code is short, and
// holds nothing that others need when it reads mapped memory. May be nested: the innermost is left.
// Any thread.
bool run_guarded(void (*fn)(void*), void* arg);

// Where the page is that this thread's latest guarded code was left at; 0: it came to its end.
uintptr_t lost_address();

template <class Body>
bool survives(Body&& body) {
  using Plain = std::remove_reference_t<Body>;
  return run_guarded([](void* arg) { (*static_cast<Plain*>(arg))(); }, std::addressof(body));
}

}  // namespace goromdb
