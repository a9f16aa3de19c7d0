package host

import (
	"bytes"
	"fmt"
	"io"
	"os"

	"github.com/tomeishi/tomeishi/agent/report"
)

const mostShort = 64 << 10

// readShort reads a file that is read rarely and should be short, without the
// white space around it.
func readShort(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, mostShort+1))
	if err != nil {
		return nil, err
	}
	if len(raw) > mostShort {
		return nil, fmt.Errorf("read %s: longer than %d bytes", path, mostShort)
	}
	return bytes.TrimSpace(raw), nil
}

// readNumber reads a file of one number; it is absent if there is none.
func readNumber(path string) float64 {
	raw, err := readShort(path)
	if err != nil {
		return report.Absent
	}
	v, ok := number(raw)
	if !ok {
		return report.Absent
	}
	return v
}
