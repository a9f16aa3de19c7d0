package ledger

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/hashicorp/raft"
)

// raft-wal hands back what the disk gives it, and a flipped bit in raft's own
// fields would end the process. So each log carries a sum of them, where raft
// lets middleware keep its own: in Extensions. The data of an entry has its own
// checksum; that of raft's records is covered here.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var errRecord = errors.New("log record's checksum does not match")

func seal(l *raft.Log) { l.Extensions = sum(l) }

func sum(l *raft.Log) []byte {
	b := make([]byte, 0, 32)
	b = binary.LittleEndian.AppendUint64(b, l.Index)
	b = binary.LittleEndian.AppendUint64(b, l.Term)
	b = append(b, byte(l.Type))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(l.Data)))
	crc := crc32.Checksum(b, castagnoli)
	if l.Type != raft.LogCommand {
		crc = crc32.Update(crc, castagnoli, l.Data)
	}
	return binary.LittleEndian.AppendUint32(b[:0], crc)
}

// read fetches one log and checks it; raft-wal's decoder may panic on a damaged
// record.
func (s *store) read(index uint64, l *raft.Log) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", errRecord, p)
		}
	}()
	if err := s.wal.GetLog(index, l); err != nil {
		return err
	}
	if l.Index != index || !bytes.Equal(l.Extensions, sum(l)) {
		return errRecord
	}
	return nil
}
