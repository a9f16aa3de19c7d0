package collector

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/tomeishi/tomeishi/agent/closers"
	"github.com/tomeishi/tomeishi/collector/config"
	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/ledger"
	"github.com/tomeishi/tomeishi/collector/machine"
	"github.com/tomeishi/tomeishi/collector/tape"
)

// A backup is a tar file: the machine's snapshot, the tape's segments, and last
// the manifest with the digests of both. Without its manifest it is cut off,
// and restore refuses it.
const (
	backupFormat  = "tomeishi-backup"
	backupVersion = 1
	snapshotName  = "snapshot"
	manifestName  = "manifest.json"
	tapeFolder    = "tape/"
)

type manifest struct {
	Format  string            `json:"format"`
	Version int               `json:"version"`
	Cell    string            `json:"cell"`
	Index   uint64            `json:"index"`
	Hash    string            `json:"hash"`
	Time    time.Time         `json:"time"`  // ledger time
	Files   map[string]string `json:"files"` // name to SHA-256
}

// backup streams a backup of the running collector.
func (c *core) backup(_ context.Context, w http.ResponseWriter) error {
	snapshot := c.machine.Snapshot()
	if err := c.tape.Sync(snapshot.Index); err != nil {
		return fmt.Errorf("sync the tape: %w", err)
	}
	w.Header().Set("Content-Type", "application/x-tar")
	out := &backupWriter{tar: tar.NewWriter(w), manifest: manifest{
		Format: backupFormat, Version: backupVersion, Cell: c.machine.CellID(), Index: snapshot.Index,
		Hash: hex.EncodeToString(snapshot.Hash[:]), Time: time.Unix(0, snapshot.Time).UTC(), Files: map[string]string{},
	}}
	if err := out.write(c, snapshot.Bytes); err != nil {
		// The header is out: only a missing manifest can still say that this failed.
		c.log.Error("backup broke off", "error", err)
		panic(http.ErrAbortHandler)
	}
	return nil
}

type backupWriter struct {
	tar      *tar.Writer
	manifest manifest
}

func (b *backupWriter) write(c *core, snapshot []byte) error {
	if err := b.add(snapshotName, int64(len(snapshot)), bytes.NewReader(snapshot)); err != nil {
		return err
	}
	files, err := c.tape.Files()
	if err != nil {
		return err
	}
	for _, f := range files {
		if err := b.addFile(filepath.Join(c.dir, "tape", f.Name), f.Size); err != nil {
			return err
		}
	}
	text, err := json.MarshalIndent(b.manifest, "", "  ")
	if err != nil {
		return err
	}
	if err := b.add(manifestName, int64(len(text)), bytes.NewReader(text)); err != nil {
		return err
	}
	return b.tar.Close()
}

func (b *backupWriter) addFile(path string, size int64) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	err = b.add(tapeFolder+filepath.Base(path), size, io.LimitReader(f, size))
	return errors.Join(err, f.Close())
}

func (b *backupWriter) add(name string, size int64, r io.Reader) error {
	if err := b.tar.WriteHeader(&tar.Header{Name: name, Size: size, Mode: 0o600, ModTime: b.manifest.Time}); err != nil {
		return err
	}
	h := sha256.New()
	if _, err := io.Copy(io.MultiWriter(b.tar, h), r); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	b.manifest.Files[name] = hex.EncodeToString(h.Sum(nil))
	return nil
}

// Restore makes the data folder dir from a backup, verified before it is put in
// place. Every gate then holds until a person opens it. It returns what was
// restored, in words.
func Restore(ctx context.Context, dir string, backup io.Reader, actor string, log *slog.Logger) (said string, err error) {
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return "", fmt.Errorf("%s is not empty: a restore makes a new data folder; move the old one away first", dir)
	}
	dir = filepath.Clean(dir)
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		return "", err
	}
	part, err := os.MkdirTemp(filepath.Dir(dir), filepath.Base(dir)+".part-*")
	if err != nil {
		return "", err
	}
	defer func() {
		if err != nil {
			said, err = "", errors.Join(err, os.RemoveAll(part))
		}
	}()
	if err := os.Mkdir(filepath.Join(part, "tape"), 0o700); err != nil {
		return "", err
	}
	man, err := unpack(part, backup)
	if err != nil {
		return "", fmt.Errorf("this backup cannot be restored: %w", err)
	}
	if err := seed(ctx, part, man, actor, log); err != nil {
		return "", err
	}
	if err := os.Remove(dir); err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	if err := os.Rename(part, dir); err != nil {
		return "", err
	}
	return fmt.Sprintf("cell %s as of %s, entry %d", man.Cell, man.Time.Format(time.RFC3339), man.Index), nil
}

// unpack writes the files of a backup into dir and checks them against its
// manifest.
func unpack(dir string, backup io.Reader) (man manifest, err error) {
	got := map[string]string{}
	for t := tar.NewReader(backup); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return man, errors.New("it ends before its manifest: it was cut off")
		}
		if err != nil {
			return man, fmt.Errorf("it is not a backup, or damaged: %w", err)
		}
		if h.Name == manifestName {
			if err := json.NewDecoder(io.LimitReader(t, 1<<20)).Decode(&man); err != nil {
				return man, fmt.Errorf("manifest: %w", err)
			}
			return man, man.check(got)
		}
		if got[h.Name], err = unpackFile(dir, h.Name, t); err != nil {
			return man, err
		}
	}
}

func unpackFile(dir, name string, r io.Reader) (sum string, err error) {
	base, inTape := strings.CutPrefix(name, tapeFolder)
	if name != snapshotName && !inTape || base != filepath.Base(base) || !filepath.IsLocal(name) {
		return "", fmt.Errorf("it holds a file %.100q, which no backup does", name)
	}
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	_, err = io.Copy(io.MultiWriter(f, h), r)
	return hex.EncodeToString(h.Sum(nil)), errors.Join(err, f.Sync(), f.Close())
}

func (m manifest) check(got map[string]string) error {
	if m.Format != backupFormat {
		return errors.New("it is not a backup of Tomeishi")
	}
	if m.Version != backupVersion {
		return fmt.Errorf("its format has version %d; this program reads version %d: upgrade it first", m.Version, backupVersion)
	}
	for name, sum := range m.Files {
		if got[name] != sum {
			return fmt.Errorf("%s does not have the digest that the manifest names: it was damaged", name)
		}
	}
	if len(got) != len(m.Files) {
		return errors.New("it holds files that its manifest does not name")
	}
	return nil
}

// seed makes the ledger that goes on from the snapshot, and its first entry
// says that it was restored.
func seed(ctx context.Context, dir string, man manifest, actor string, log *slog.Logger) error {
	path := filepath.Join(dir, snapshotName)
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	m := machine.New()
	if err := m.Restore(bytes.NewReader(text)); err != nil {
		return fmt.Errorf("this backup cannot be restored: %w", err)
	}
	index, hash, at := m.At()
	head := ledger.Head{Index: index, Hash: hash, Time: at.UnixNano()}
	if err := ledger.Seed(filepath.Join(dir, "ledger"), head, func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	}); err != nil {
		return fmt.Errorf("make the ledger: %w", err)
	}
	if err := os.Remove(path); err != nil {
		return err
	}
	if err := cutTape(dir, head, log); err != nil {
		return err
	}
	var release closers.Stack
	c, err := openCore(ctx, Options{Config: config.Config{Data: dir}, Log: log}, metrics.NewSet(), &release)
	if err != nil {
		return errors.Join(err, release.Close())
	}
	cell, err := newCell()
	if err == nil {
		_, err = c.submitOK(ctx, entry.KindRestored, entry.Restored{Cell: cell.Cell, Actor: actor, Backup: man.Time})
	}
	return errors.Join(err, release.Close())
}

// cutTape copies the tape up to the head and leaves out what was written while
// the backup was made: the restored ledger will have other entries there.
func cutTape(dir string, head ledger.Head, log *slog.Logger) (err error) {
	whole, path := filepath.Join(dir, "tape-whole"), filepath.Join(dir, "tape")
	if err := os.Rename(path, whole); err != nil {
		return err
	}
	from, err := tape.Open(whole, tape.Options{Log: log, Metrics: metrics.NewSet()})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, from.Close(), os.RemoveAll(whole)) }()
	to, err := tape.Open(path, tape.Options{Log: log, Metrics: metrics.NewSet()})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	for item, err := range from.From(0) {
		if err != nil {
			log.Warn("a part of the tape cannot be read: it is a hole in the restored one, too", "error", err)
			to.Expect(min(item.Index, head.Index))
			continue
		}
		if item.Index > head.Index {
			break
		}
		to.Append(item.Index, item.Raw)
	}
	return to.Sync(to.Last())
}
