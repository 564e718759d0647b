// SPDX-License-Identifier: MIT
// A hook for tests: makes each step of a reload reachable from outside.
#pragma once

namespace goromdb {

// Does nothing unless the environment names a folder in GOROMDB_TEST_STEPS. Then, at the step
// `name`: where the folder holds `name.kill`, the process ends as by kill -9; where it holds
// `name.pause`, the calling thread writes `name.paused` and waits until `name.pause` has gone.
void step(const char* name);

}  // namespace goromdb
