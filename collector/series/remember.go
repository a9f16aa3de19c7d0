package series

import "time"

// remember writes the mark, after what it stands for.
func (f *feeder) remember() {
	applied := f.s.progress.get()
	if f.stuck || applied <= f.mark.Index {
		return
	}
	if n := f.s.logFailures(); n > 0 {
		f.jam("the TSDB could not write its logs", "times", n)
		return
	}
	ends, err := syncLogs(f.s.o.Dir, f.mark.Logs)
	if err == nil {
		f.mark.Logs = ends
		f.mark.advance(applied, f.at)
		err = f.mark.write(f.s.o.Dir)
	}
	if err != nil {
		f.complain("remember how far the series are: the next start takes longer", "error", err)
	}
}

// logFailures counts what the TSDB failed to write to its logs; it only logs
// some of them.
func (s *Store) logFailures() float64 {
	return counter(s.registry, "prometheus_tsdb_wal_writes_failed_total") +
		counter(s.registry, "prometheus_tsdb_out_of_order_wbl_writes_failed_total")
}

func (f *feeder) jam(why string, args ...any) {
	if !f.stuck {
		f.s.o.Log.Error("the series may lack samples until the next start, which takes longer", append([]any{"why", why}, args...)...)
	}
	f.stuck = true
}

// complain logs what may happen often, once a minute.
func (f *feeder) complain(what string, args ...any) {
	if time.Since(f.seldom[what]) < time.Minute {
		return
	}
	f.seldom[what] = time.Now()
	f.s.o.Log.Warn("trouble with the series", append([]any{"what", what}, args...)...)
}
