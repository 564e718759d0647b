// SPDX-License-Identifier: MIT
// Where commands have their keys, as `COMMAND INFO` says it. Several commands share one.
#pragma once

#include "commands.h"

namespace goromdb::redis {

inline constexpr KeySpec kSpec1[] = {{.flags = "RW insert", .index = 1}};
inline constexpr KeySpec kSpec2[] = {{.flags = "RW access update", .index = 1}};
inline constexpr KeySpec kSpec3[] = {{.flags = "RO access", .index = 1}};
inline constexpr KeySpec kSpec4[] = {{.flags = "RW access delete", .index = 1}};
inline constexpr KeySpec kSpec5[] = {
    {.flags = "RW access update", .index = 1, .notes = "it may change when the key expires"}};
inline constexpr KeySpec kSpec6[] = {{.flags = "RO access", .index = 1, .last_key = 1}};
inline constexpr KeySpec kSpec7[] = {{.flags = "RO access", .index = 1, .last_key = -1}};
inline constexpr KeySpec kSpec8[] = {
    {.flags = "OW update", .index = 1, .last_key = -1, .key_step = 2}};
inline constexpr KeySpec kSpec9[] = {
    {.flags = "OW insert", .index = 1, .last_key = -1, .key_step = 2}};
inline constexpr KeySpec kSpec10[] = {{.flags = "OW update", .index = 1}};
inline constexpr KeySpec kSpec11[] = {
    {.flags = "RW access update variable_flags", .index = 1, .notes = "GET reads the key"}};
inline constexpr KeySpec kSpec12[] = {{.flags = "OW insert", .index = 1}};
inline constexpr KeySpec kSpec13[] = {{.flags = "RW update", .index = 1}};
inline constexpr KeySpec kSpec14[] = {{.flags = "RO", .index = 1}};
inline constexpr KeySpec kSpec15[] = {{.flags = "RW delete", .index = 1}};
inline constexpr KeySpec kSpec16[] = {{.flags = "RO access", .index = 1},
                                      {.flags = "OW update", .index = 2}};
inline constexpr KeySpec kSpec17[] = {{.flags = "RM delete", .index = 1, .last_key = -1}};
inline constexpr KeySpec kSpec18[] = {{.flags = "RO", .index = 1, .last_key = -1}};
inline constexpr KeySpec kSpec19[] = {
    {.flags = "RW access delete", .index = 3},
    {.flags = "RW access delete incomplete", .keyword = "KEYS", .start_from = -2, .last_key = -1}};
inline constexpr KeySpec kSpec20[] = {{.flags = "RO", .index = 2}};
inline constexpr KeySpec kSpec21[] = {{.flags = "RW access delete", .index = 1},
                                      {.flags = "OW update", .index = 2}};
inline constexpr KeySpec kSpec22[] = {{.flags = "RW access delete", .index = 1},
                                      {.flags = "OW insert", .index = 2}};
inline constexpr KeySpec kSpec23[] = {{.flags = "RO access", .index = 1},
                                      {.flags = "RO access",
                                       .begin_unknown = true,
                                       .find_unknown = true,
                                       .notes = "BY and GET: the names depend on what is sorted"},
                                      {.flags = "OW update",
                                       .begin_unknown = true,
                                       .find_unknown = true,
                                       .notes = "STORE may stand anywhere"}};
inline constexpr KeySpec kSpec24[] = {{.flags = "RO access", .index = 1},
                                      {.flags = "RO access",
                                       .begin_unknown = true,
                                       .find_unknown = true,
                                       .notes = "BY and GET: the names depend on what is sorted"}};
inline constexpr KeySpec kSpec25[] = {{.flags = "not_key", .index = 1}};
inline constexpr KeySpec kSpec26[] = {{.flags = "not_key", .index = 1, .last_key = -1}};
inline constexpr KeySpec kSpec27[] = {
    {.flags = "RW access update variable_flags", .index = 1, .notes = "it reads and writes"}};
inline constexpr KeySpec kSpec28[] = {{.flags = "OW update", .index = 2},
                                      {.flags = "RO access", .index = 3, .last_key = -1}};
inline constexpr KeySpec kSpec29[] = {{.flags = "RW access delete", .index = 1},
                                      {.flags = "RW insert", .index = 2}};
inline constexpr KeySpec kSpec30[] = {{.flags = "RW access delete",
                                       .index = 2,
                                       .keynum = true,
                                       .keynum_index = 0,
                                       .keynum_first = 1,
                                       .keynum_step = 1}};
inline constexpr KeySpec kSpec31[] = {{.flags = "RW access delete", .index = 1, .last_key = -2}};
inline constexpr KeySpec kSpec32[] = {{.flags = "RW access delete",
                                       .index = 1,
                                       .keynum = true,
                                       .keynum_index = 0,
                                       .keynum_first = 1,
                                       .keynum_step = 1}};
inline constexpr KeySpec kSpec33[] = {{.flags = "OW update", .index = 1},
                                      {.flags = "RO access", .index = 2, .last_key = -1}};
inline constexpr KeySpec kSpec34[] = {{.flags = "RO access",
                                       .index = 1,
                                       .keynum = true,
                                       .keynum_index = 0,
                                       .keynum_first = 1,
                                       .keynum_step = 1}};
inline constexpr KeySpec kSpec35[] = {{.flags = "RW update", .index = 1},
                                      {.flags = "RO access", .index = 2, .last_key = -1}};
inline constexpr KeySpec kSpec36[] = {{.flags = "OW update", .index = 1},
                                      {.flags = "RO access",
                                       .index = 2,
                                       .keynum = true,
                                       .keynum_index = 0,
                                       .keynum_first = 1,
                                       .keynum_step = 1}};
inline constexpr KeySpec kSpec37[] = {{.flags = "OW update", .index = 1},
                                      {.flags = "RO access", .index = 2}};
inline constexpr KeySpec kSpec38[] = {
    {.flags = "RW update", .index = 1, .notes = "it may trim the stream"}};
inline constexpr KeySpec kSpec39[] = {{.flags = "RW insert", .index = 2}};
inline constexpr KeySpec kSpec40[] = {{.flags = "RW delete", .index = 2}};
inline constexpr KeySpec kSpec41[] = {{.flags = "RW update", .index = 2}};
inline constexpr KeySpec kSpec42[] = {{.flags = "RO access", .index = 2}};
inline constexpr KeySpec kSpec43[] = {
    {.flags = "RO access", .keyword = "STREAMS", .start_from = 1, .last_key = -1, .limit = 2}};
inline constexpr KeySpec kSpec44[] = {
    {.flags = "RO access", .keyword = "STREAMS", .start_from = 4, .last_key = -1, .limit = 2}};
inline constexpr KeySpec kSpec45[] = {{.flags = "RW access",
                                       .index = 1,
                                       .last_key = -1,
                                       .notes = "what has been counted is kept in the key"}};
inline constexpr KeySpec kSpec46[] = {{.flags = "RW access", .index = 2}};
inline constexpr KeySpec kSpec47[] = {{.flags = "RW access insert", .index = 1},
                                      {.flags = "RO access", .index = 2, .last_key = -1}};
inline constexpr KeySpec kSpec48[] = {
    {.flags = "RO access", .index = 1},
    {.flags = "OW update", .keyword = "STORE", .start_from = 6},
    {.flags = "OW update", .keyword = "STOREDIST", .start_from = 6}};
inline constexpr KeySpec kSpec49[] = {
    {.flags = "RO access", .index = 1},
    {.flags = "OW update", .keyword = "STORE", .start_from = 5},
    {.flags = "OW update", .keyword = "STOREDIST", .start_from = 5}};

}  // namespace goromdb::redis
