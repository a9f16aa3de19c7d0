package notify

import (
	"bytes"
	"crypto/sha256"
	"fmt"

	"github.com/prometheus/alertmanager/nflog/nflogpb"
	"github.com/prometheus/alertmanager/silence/silencepb"

	"github.com/tomeishi/tomeishi/collector/entry"
)

// A note is one thing to put into the ledger: kept or told.
type note struct {
	seq   uint64
	actor string
	kept  entry.NotifyRecord
	told  *entry.Notification
}

func (n *note) size() int { return len(n.kept.Body) + 256 }

func notesOf(batch []*note) entry.NotifyState {
	notes := entry.NotifyState{Actor: batch[0].actor}
	for _, n := range batch {
		if n.told != nil {
			notes.Told = append(notes.Told, *n.told)
		} else {
			notes.Kept = append(notes.Kept, n.kept)
		}
	}
	return notes
}

// log queues an entry of the log of notifications, unless it is of a receiver
// to skip. It is called under Alertmanager's lock.
func (q *queue) log(b []byte, skip func(receiver string) bool) {
	var e nflogpb.MeshEntry
	if err := unlimited().UnmarshalFrom(bytes.NewReader(b), &e); err != nil {
		q.slog.Error("an entry of the log of notifications cannot be read", "error", err)
		return
	}
	r := e.GetEntry().GetReceiver()
	if skip(r.GetGroupName()) {
		return
	}
	q.push(&note{kept: entry.NotifyRecord{
		Of:      entry.KeptLog,
		Key:     logKey(string(e.GetEntry().GetGroupKey()), r),
		Updated: e.GetEntry().GetTimestamp().AsTime().UnixNano(),
		Expires: e.GetExpiresAt().AsTime().UnixNano(), Body: b,
	}})
}

// maxKey bounds a key; longer ones are known by their digest.
const maxKey = 512

// logKey is the key of an entry of the log as the log has it.
func logKey(group string, r *nflogpb.Receiver) string {
	key := fmt.Sprintf("%s:%s/%s/%d", group, r.GetGroupName(), r.GetIntegration(), r.GetIdx())
	if len(key) > maxKey {
		return fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(key)))
	}
	return key
}

// silence queues a silence. It is called under Alertmanager's lock.
func (q *queue) silence(b []byte) {
	var s silencepb.MeshSilence
	if err := unlimited().UnmarshalFrom(bytes.NewReader(b), &s); err != nil {
		q.slog.Error("a silence cannot be read", "error", err)
		return
	}
	q.push(&note{kept: entry.NotifyRecord{
		Of: entry.KeptSilence, Key: s.GetSilence().GetId(),
		Updated: s.GetSilence().GetUpdatedAt().AsTime().UnixNano(),
		Expires: s.GetExpiresAt().AsTime().UnixNano(), Body: b,
	}})
}

// tell queues what a receiver took.
func (q *queue) tell(t entry.Notification) { q.push(&note{told: &t}) }

// as names the actor of the silences that are queued from now on.
func (q *queue) as(actor string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.actor = actor
}

// lastSilence is the number of the newest silence.
func (q *queue) lastSilence() uint64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.silenced
}
