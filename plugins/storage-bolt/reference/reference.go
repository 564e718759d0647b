// SPDX-License-Identifier: MIT

// The reference for the tests: Bolt itself, driven by lines.
//
//	reference write FILE PAGESIZE   makes or changes FILE by the lines on standard input
//	reference read FILE             checks FILE and prints the lines that would make it
//
// A line is `bucket PATH`, `put PATH KEY VALUE`, `delete PATH KEY`, `drop PATH` or `commit`. Bytes
// are written in hex behind an x, and a path is such words with slashes between them.
package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"log"
	"os"
	"strconv"
	"strings"

	"github.com/boltdb/bolt"
)

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func word(b []byte) string { return "x" + hex.EncodeToString(b) }

func unword(s string) []byte {
	b, err := hex.DecodeString(strings.TrimPrefix(s, "x"))
	must(err)
	return b
}

// An empty database as Bolt makes it on a machine with pages of this size, which it then goes by.
func initialize(file string, pageSize int) {
	buf := make([]byte, 4*pageSize)
	le := binary.LittleEndian
	for i, flags := range []uint16{4, 4, 0x10, 2} {
		page := buf[i*pageSize:]
		le.PutUint64(page, uint64(i))
		le.PutUint16(page[8:], flags)
		if flags != 4 {
			continue
		}
		meta := page[16:80]
		le.PutUint32(meta, 0xED0CDAED)
		le.PutUint32(meta[4:], 2)
		le.PutUint32(meta[8:], uint32(pageSize))
		le.PutUint64(meta[16:], 3)
		le.PutUint64(meta[32:], 2)
		le.PutUint64(meta[40:], 4)
		le.PutUint64(meta[48:], uint64(i))
		sum := fnv.New64a()
		sum.Write(meta[:56])
		le.PutUint64(meta[56:], sum.Sum64())
	}
	must(os.WriteFile(file, buf, 0644))
}

type parent interface {
	Bucket([]byte) *bolt.Bucket
	CreateBucketIfNotExists([]byte) (*bolt.Bucket, error)
	DeleteBucket([]byte) error
}

// The bucket at a path, and what it is in.
func descend(tx *bolt.Tx, path string) (parent, []byte, *bolt.Bucket) {
	var in parent = tx
	for {
		first, rest, more := strings.Cut(path, "/")
		bucket, err := in.CreateBucketIfNotExists(unword(first))
		must(err)
		if !more {
			return in, unword(first), bucket
		}
		in, path = bucket, rest
	}
}

func write(file string, pageSize int) {
	if _, err := os.Stat(file); err != nil {
		initialize(file, pageSize)
	}
	db, err := bolt.Open(file, 0644, nil)
	must(err)
	db.NoSync = true
	tx, err := db.Begin(true)
	must(err)
	lines := bufio.NewReaderSize(os.Stdin, 1<<20)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			break
		}
		words := strings.Split(strings.TrimSuffix(line, "\n"), " ")
		if words[0] == "commit" {
			must(tx.Commit())
			tx, err = db.Begin(true)
			must(err)
			continue
		}
		in, name, bucket := descend(tx, words[1])
		switch words[0] {
		case "bucket":
		case "put":
			must(bucket.Put(unword(words[2]), unword(words[3])))
		case "delete":
			must(bucket.Delete(unword(words[2])))
		case "drop":
			must(in.DeleteBucket(name))
		default:
			log.Fatal("what is ", words[0])
		}
	}
	must(tx.Commit())
	must(db.Close())
}

func dump(out *bufio.Writer, path string, bucket *bolt.Bucket) {
	fmt.Fprintln(out, "bucket", path)
	must(bucket.ForEach(func(k, v []byte) error {
		if nested := bucket.Bucket(k); nested != nil {
			dump(out, path+"/"+word(k), nested)
		} else if !bytes.Equal(bucket.Get(k), v) {
			return fmt.Errorf("a key that cannot be got: %x", k)
		} else {
			fmt.Fprintln(out, "put", path, word(k), word(v))
		}
		return nil
	}))
}

func read(file string) {
	db, err := bolt.Open(file, 0644, &bolt.Options{ReadOnly: true})
	must(err)
	out := bufio.NewWriter(os.Stdout)
	must(db.View(func(tx *bolt.Tx) error {
		for err := range tx.Check() {
			return err
		}
		return tx.ForEach(func(name []byte, bucket *bolt.Bucket) error {
			dump(out, word(name), bucket)
			return nil
		})
	}))
	must(out.Flush())
}

func main() {
	log.SetFlags(0)
	if len(os.Args) == 4 && os.Args[1] == "write" {
		pageSize, err := strconv.Atoi(os.Args[3])
		must(err)
		write(os.Args[2], pageSize)
	} else if len(os.Args) == 3 && os.Args[1] == "read" {
		read(os.Args[2])
	} else {
		log.Fatal("usage: reference write FILE PAGESIZE | reference read FILE")
	}
}
