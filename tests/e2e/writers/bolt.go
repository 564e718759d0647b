// SPDX-License-Identifier: MIT

// Makes a Bolt file with the reference library: bolt FILE < entries. An entry is the length of the
// bucket's name ("a/b" is nested), of the key and of the value as three little-endian 32-bit numbers,
// and then their bytes.
package main

import (
	"bufio"
	"encoding/binary"
	"io"
	"log"
	"os"
	"strings"

	"github.com/boltdb/bolt"
)

const entriesPerTransaction = 5000

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// The bucket of that name; those on the way to it are made.
func bucket(tx *bolt.Tx, name string) *bolt.Bucket {
	parts := strings.Split(name, "/")
	b, err := tx.CreateBucketIfNotExists([]byte(parts[0]))
	must(err)
	for _, part := range parts[1:] {
		b, err = b.CreateBucketIfNotExists([]byte(part))
		must(err)
	}
	return b
}

func main() {
	db, err := bolt.Open(os.Args[1], 0644, nil)
	must(err)
	db.NoSync = true
	in := bufio.NewReader(os.Stdin)
	read := func(n uint32) []byte {
		bytes := make([]byte, n)
		_, err := io.ReadFull(in, bytes)
		must(err)
		return bytes
	}
	for more := true; more; {
		must(db.Update(func(tx *bolt.Tx) error {
			for i := 0; i < entriesPerTransaction; i++ {
				var lengths [3]uint32
				err := binary.Read(in, binary.LittleEndian, &lengths)
				if err == io.EOF {
					more = false
					return nil
				}
				must(err)
				name, key := string(read(lengths[0])), read(lengths[1])
				must(bucket(tx, name).Put(key, read(lengths[2])))
			}
			return nil
		}))
	}
	must(db.Close())
}
