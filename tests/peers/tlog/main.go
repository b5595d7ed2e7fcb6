// Verifies what a log publishes with golang.org/x/mod/sumdb, the packages that signed notes and tiles come from.
//
//	note VKEY            < note         prints the text and who signed it
//	sign NAME            < text         prints a new verifier key and the signed note
//	proof VKEY           < .tlog-proof  verifies it and prints the content of the leaf
//	extends OLD NEW      < base64 lines verifies that one checkpoint extends another
//	folder VKEY FOLDER   verifies every leaf of a published log by its tiles, and its entries where they are there
package main

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io/ioutil"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func open(msg []byte, vkey string) *note.Note {
	verifier, err := note.NewVerifier(vkey)
	check(err)
	opened, err := note.Open(msg, note.VerifierList(verifier))
	check(err)
	return opened
}

func tree(text string) tlog.Tree {
	lines := strings.Split(text, "\n")
	size, err := strconv.ParseInt(lines[1], 10, 64)
	check(err)
	return tlog.Tree{N: size, Hash: hash(lines[2])}
}

func hash(encoded string) tlog.Hash {
	parsed, err := tlog.ParseHash(encoded)
	check(err)
	return parsed
}

func hashes(lines []string) (all []tlog.Hash) {
	for _, line := range lines {
		if line != "" {
			all = append(all, hash(line))
		}
	}
	return all
}

// reader reads tiles as C2SP lays them out: of height 8, whose height is not in the path.
type reader struct{ folder string }

func (r reader) Height() int                                { return 8 }
func (r reader) SaveTiles(tiles []tlog.Tile, data [][]byte) {}
func (r reader) ReadTiles(tiles []tlog.Tile) (data [][]byte, err error) {
	for _, tile := range tiles {
		path := strings.TrimPrefix(tile.Path(), "tile/8/")
		content, err := ioutil.ReadFile(filepath.Join(r.folder, "tile", path))
		if err != nil {
			return nil, err
		}
		data = append(data, content)
	}
	return data, nil
}

func folder(vkey, root string) {
	msg, err := ioutil.ReadFile(filepath.Join(root, "checkpoint"))
	check(err)
	head := tree(open(msg, vkey).Text)
	published := tlog.TileHashReader(head, reader{root})
	leaves := 0
	for n := int64(0); n < head.N; n++ {
		read, err := published.ReadHashes([]int64{tlog.StoredHashIndex(0, n)})
		check(err)
		if n%97 == 0 || n == head.N-1 {
			proof, err := tlog.ProveRecord(head.N, n, published)
			check(err)
			check(tlog.CheckRecord(proof, head.N, head.Hash, n, read[0]))
		}
		leaves++
	}
	entries := 0
	if _, err := os.Stat(filepath.Join(root, "tile", "entries")); err == nil {
		for n := int64(0); n < head.N; n += 256 {
			width := head.N - n
			if width > 256 {
				width = 256
			}
			tile := tlog.Tile{H: 8, L: 0, N: n / 256, W: int(width)}
			path := strings.TrimPrefix(tile.Path(), "tile/8/0/")
			content, err := ioutil.ReadFile(filepath.Join(root, "tile", "entries", path))
			check(err)
			for at := n; at < n+width; at++ {
				length := binary.BigEndian.Uint16(content)
				entry := content[2 : 2+int(length)]
				content = content[2+int(length):]
				read, err := published.ReadHashes([]int64{tlog.StoredHashIndex(0, at)})
				check(err)
				if tlog.RecordHash(entry) != read[0] {
					check(fmt.Errorf("entry %d is not the one in the tree", at))
				}
				entries++
			}
			if len(content) != 0 {
				check(fmt.Errorf("the bundle of %d holds more", n))
			}
		}
	}
	fmt.Printf("%d leaves, %d entries\n", leaves, entries)
}

func proof(vkey string, written []byte) {
	parts := bytes.SplitN(written, []byte("\n\n"), 2)
	lines := strings.Split(string(parts[0]), "\n")
	if lines[0] != "c2sp.org/tlog-proof@v1" {
		check(fmt.Errorf("no proof"))
	}
	content, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(lines[1], "extra "))
	check(err)
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[2], "index "), 10, 64)
	check(err)
	head := tree(open(parts[1], vkey).Text)
	check(tlog.CheckRecord(tlog.RecordProof(hashes(lines[3:])), head.N, head.Hash, index, tlog.RecordHash(content)))
	os.Stdout.Write(content)
}

func main() {
	stdin, err := ioutil.ReadAll(os.Stdin)
	check(err)
	switch os.Args[1] {
	case "note":
		opened := open(stdin, os.Args[2])
		fmt.Printf("%s%s\n", opened.Text, opened.Sigs[0].Name)
	case "sign":
		skey, vkey, err := note.GenerateKey(rand.Reader, os.Args[2])
		check(err)
		signer, err := note.NewSigner(skey)
		check(err)
		signed, err := note.Sign(&note.Note{Text: string(stdin)}, signer)
		check(err)
		fmt.Printf("%s\n%s", vkey, signed)
	case "proof":
		proof(os.Args[2], stdin)
	case "extends":
		before, err := ioutil.ReadFile(os.Args[2])
		check(err)
		after, err := ioutil.ReadFile(os.Args[3])
		check(err)
		old, head := tree(string(before)), tree(string(after))
		path := tlog.TreeProof(hashes(strings.Split(string(stdin), "\n")))
		check(tlog.CheckTree(path, head.N, head.Hash, old.N, old.Hash))
		fmt.Println("extends")
	case "folder":
		folder(os.Args[2], os.Args[3])
	}
}
