package series

// Stats are how the view is, for people.
type Stats struct {
	Series     uint64 // in memory
	Appended   uint64 // samples since the start
	Lag        uint64 // entries of the ledger that the view does not have yet
	CatchingUp bool   // it reads what it lacks from the tape
	Paused     bool   // it takes nothing: the disk is nearly full
}

// Stats tells how the view is.
func (s *Store) Stats() Stats {
	applied := s.progress.get()
	out := Stats{
		Series: s.db.Head().NumSeries(), Appended: s.met.appended.Get(),
		Lag: max(applied, s.queue.newest()) - applied, Paused: s.disk.paused.Load(),
	}
	select {
	case <-s.caughtUp:
	default:
		out.CatchingUp = true
	}
	return out
}
