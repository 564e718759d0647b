// SPDX-License-Identifier: MIT
// The rows of the commands of places, of which there are none.
#include "key_specs.h"
#include "reads.h"
#include "replies.h"
#include "rows.h"

namespace goromdb::redis {

namespace {

constexpr Command kGeoRows[] = {
    Row("geoadd", -5, kWrite | kDenyOom, kCatGeo)
        .keys(1, 1, 1, kSpec13)
        .docs("3.2.0", "O(log(N)) per place, N places in the index",
              "Adds places to a geographic index"),
    Row("geodist", -4, kReadOnly, kCatGeo)
        .keys(1, 1, 1, kSpec3)
        .docs("3.2.0", "O(log(N)), N places", "How far two places of an index are apart")
        .misses("$-1\r\n", "_\r\n")
        .runs(read_geodist, write_missing),
    Row("geohash", -2, kReadOnly, kCatGeo)
        .keys(1, 1, 1, kSpec3)
        .docs("3.2.0", "O(log(N)) per place, N places", "Geohashes of places")
        .misses("$-1\r\n", "_\r\n")
        .runs(read_key, write_missing_each),
    Row("geopos", -2, kReadOnly, kCatGeo)
        .keys(1, 1, 1, kSpec3)
        .docs("3.2.0", "O(1) per place", "Longitudes and latitudes of places")
        .misses("*-1\r\n", "_\r\n")
        .runs(read_key, write_missing_each),
    Row("georadius", -6, kWrite | kDenyOom | kMovableKeys, kCatGeo)
        .keys(1, 1, 1, kSpec48)
        .docs("3.2.0", "O(N+log(M)), N places in the area, M in the index", "Places around a point")
        .deprecated("6.2.0", "`GEOSEARCH`, `GEOSEARCHSTORE` (BYRADIUS)"),
    Row("georadius_ro", -6, kReadOnly, kCatGeo)
        .keys(1, 1, 1, kSpec3)
        .docs("3.2.10", "O(N+log(M)), N places in the area, M in the index",
              "Places around a point, never stored")
        .deprecated("6.2.0", "`GEOSEARCH` (BYRADIUS)")
        .misses("*0\r\n")
        .runs(read_key, write_missing),
    Row("georadiusbymember", -5, kWrite | kDenyOom | kMovableKeys, kCatGeo)
        .keys(1, 1, 1, kSpec49)
        .docs("3.2.0", "O(N+log(M)), N places in the area, M in the index", "Places around a place")
        .deprecated("6.2.0", "`GEOSEARCH`, `GEOSEARCHSTORE` (FROMMEMBER BYRADIUS)"),
    Row("georadiusbymember_ro", -5, kReadOnly, kCatGeo)
        .keys(1, 1, 1, kSpec3)
        .docs("3.2.10", "O(N+log(M)), N places in the area, M in the index",
              "Places around a place, never stored")
        .deprecated("6.2.0", "`GEOSEARCH` (FROMMEMBER BYRADIUS)")
        .misses("*0\r\n")
        .runs(read_key, write_missing),
    Row("geosearch", -7, kReadOnly, kCatGeo)
        .keys(1, 1, 1, kSpec3)
        .docs("6.2.0", "O(N+log(M)), N places in the area, M in the index",
              "Places inside a circle or a box")
        .misses("*0\r\n")
        .runs(read_key, write_missing),
    Row("geosearchstore", -8, kWrite | kDenyOom, kCatGeo)
        .keys(1, 2, 1, kSpec37)
        .docs("6.2.0", "O(N+log(M)), N places in the area, M in the index",
              "Stores the places inside a circle or a box under a key"),
};

}  // namespace

std::span<const Command> geo_rows() { return kGeoRows; }

}  // namespace goromdb::redis
