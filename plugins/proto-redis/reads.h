// SPDX-License-Identifier: MIT
// The rows' functions that turn arguments into a request: each adds one, or an error where redis
// refuses the arguments before it looks for the key.
#pragma once

#include "call.h"

namespace goromdb::redis {

void read_bitcount(Call& call);
void read_bitfield(Call& call);
void read_bitpos(Call& call);
void read_dbsize(Call& call);
void read_field(Call& call);
void read_fields(Call& call);
void read_foreign_scan(Call& call);
void read_geodist(Call& call);
void read_getbit(Call& call);
void read_getex(Call& call);
void read_hash(Call& call);
void read_hash_count(Call& call);
void read_hash_scan(Call& call);
void read_integers_2_3(Call& call);
void read_intercard(Call& call);
void read_key(Call& call);
void read_keys(Call& call);
void read_keys_of_all(Call& call);
void read_lcs(Call& call);
void read_lex_range(Call& call);
void read_lpos(Call& call);
void read_memory_usage(Call& call);
void read_numbered_keys(Call& call);
void read_quit(Call& call);
void read_random_fields(Call& call);
void read_random_key(Call& call);
void read_random_member(Call& call);
void read_range(Call& call);
void read_scan(Call& call);
void read_score_range(Call& call);
void read_select(Call& call);
void read_sorted_range(Call& call);
void read_stream_range(Call& call);
void read_strings(Call& call);
void read_xpending(Call& call);
void read_xread(Call& call);

}  // namespace goromdb::redis
