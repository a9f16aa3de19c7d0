package collector

import (
	"context"
	"math"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/machine"
)

const (
	shedEvery = time.Second
	shedRest  = time.Minute // how long a rule is left alone that had nothing to forget
	// rulesPart is the part of the process's memory that rules may fill. While they forget
	// they may hold twice as much, and a snapshot is as much again.
	rulesPart = 4
	// unlimited is what they may fill where no limit is known.
	unlimited = 1 << 30
)

// memory is what rules may remember.
type memory struct {
	bound int         // in bytes
	full  atomic.Bool // they remember more, and nothing is left that they may forget
}

// ruleBytes is the bound of what rules remember: a part of what the runtime was told to
// stay below, by GOMEMLIMIT or the limit of the machine or container.
func ruleBytes() int {
	if limit := debug.SetMemoryLimit(-1); limit < math.MaxInt64 {
		return int(limit / rulesPart)
	}
	return unlimited
}

// shed keeps what event rules remember below its bound.
func (l *leader) shed(ctx context.Context) {
	spent := map[entry.Shed]time.Time{} // what brought nothing lately
	for ctx.Err() == nil {
		step, held := l.machine.ToShed(l.memory.bound, func(s entry.Shed) bool { return time.Since(spent[s]) < shedRest })
		if step.Rule == "" {
			l.memory.full.Store(held > l.memory.bound)
			pause(ctx, shedEvery)
			continue
		}
		keys, err := l.shedAll(ctx, step)
		if err != nil {
			if ctx.Err() == nil {
				l.log.Warn("what rules remember could not be made less", "error", err)
			}
			pause(ctx, shedEvery)
			continue
		}
		if step.Part = 0; keys == 0 {
			spent[step] = time.Now()
			continue
		}
		l.log.Warn("a rule forgot keys: the memory for rules is full", "rule", step.Rule, "keys", keys, "bytes", held, "bound", l.memory.bound)
	}
	l.memory.full.Store(false)
}

// shedAll goes through all keys of a rule, entry by entry.
func (l *leader) shedAll(ctx context.Context, step entry.Shed) (keys int, err error) {
	for more := true; more; {
		out, err := l.submitOK(ctx, entry.KindShed, step)
		if err != nil {
			return keys, err
		}
		was, _ := out.(machine.ShedOutcome)
		keys, more = keys+was.Keys, was.More
	}
	return keys, nil
}
