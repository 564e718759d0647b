// SPDX-License-Identifier: MIT

// The steps of ../README.md with gomemcache.
package main

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/bradfitz/gomemcache/memcache"
)

func text(item *memcache.Item) string {
	if item == nil {
		return "nil"
	}
	return "x" + hex.EncodeToString(item.Value)
}

func main() {
	client := memcache.New(os.Args[1] + ":" + os.Args[2])
	client.Timeout = 20 * time.Second // its own is 100 ms
	input := bufio.NewReader(os.Stdin)
	step := func(name, key string) {
		item, err := client.Get(key)
		if err != nil && err != memcache.ErrCacheMiss {
			fmt.Println(name, "error", strings.TrimSpace(err.Error()))
			return
		}
		fmt.Println(name, text(item))
	}
	step("hit", "hoge")
	fmt.Println("write error", client.Set(&memcache.Item{Key: "hoge", Value: []byte("a\r\nb")}))
	step("again", "hoge")
	input.ReadString('\n')
	fmt.Println("delete error", client.Delete("hoge"))
	step("then", "hoge")
	input.ReadString('\n')
	step("miss", "nothing")
	step("utf8", "schlüssel")
	keys := []string{"hoge", "nothing", "binary"} // one key of letters that it refuses fails them all
	found, err := client.GetMulti(keys)
	if err != nil {
		fmt.Println("many error", err)
	} else {
		values := []string{}
		for _, key := range keys {
			values = append(values, text(found[key]))
		}
		fmt.Println("many", strings.Join(values, ","))
	}
	step("binary", "binary")
	step("mib", "mib")
	step("16mib", "16mib")
	step("before", "marker")
	input.ReadString('\n')
	step("after", "marker")
}
