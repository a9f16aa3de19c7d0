package form

import (
	"github.com/tomeishi/tomeishi/rules/decimal"
	"github.com/tomeishi/tomeishi/rules/match"
	"github.com/tomeishi/tomeishi/rules/window"
)

// A State is what a rule remembers of its events, key by key. Equal calls leave
// equal bytes. Time is ledger time, in Unix nanoseconds, and is given to it.
type State interface {
	// Add takes in an event of one of the rule's sources and says what is true
	// of its key because of it. It is the hot path: it allocates nothing while
	// nothing is true.
	Add(now int64, e *Event, say *Say)
	// Ask says what is true of a key now, without evidence.
	Ask(now int64, key window.Key, say *Say)
	// Due is the time at which Expire has something to say if nothing is heard until
	// then; 0 for never. It is asked again whenever more was heard. Heard may be after
	// Now: then all until then is heard by that time.
	Due(c Clock) int64
	// Expire says what has become true of one key by time alone, and is called
	// again until it returns false.
	Expire(c Clock, say *Say) bool
	// Accept marks all that the key holds of entries of the ledger up to the given
	// one as no reason to act: a person said so.
	Accept(key window.Key, upTo uint64)
	// Since says what is true of a key because of entries after the given one, as
	// Add would, and without what was accepted.
	Since(now int64, key window.Key, after uint64, say *Say)

	// Append appends the state as Rule.Load reads it.
	Append(b []byte) []byte
	// Bytes is roughly the memory held.
	Bytes() int
	// Keys is the number of keys held.
	Keys() int
}

// A Clock says what time it is for a rule, and how much is known by then.
type Clock struct {
	Now int64 // ledger time
	// Heard is, for each of the rule's sources, up to when all events that it is
	// about have come: never after Now, and 0 if nobody is known to report them. What
	// did not come by then did not happen; what is after it is unknown.
	Heard []int64
}

// A Recounter is a State that can be told again what it forgot of a key.
type Recounter interface {
	State
	// Forget says that nothing is known of events up to a time, and all of those after
	// it, and that those which come from now on stand at index of the ledger or after it.
	Forget(now int64, index uint64, time int64)
	// Find says what is true of a key now, with evidence.
	Find(now int64, key window.Key, say *Say)
	// Held is where the events of a key stand that were not forgotten.
	Held(key window.Key) []window.Ref
	// Reach is how far apart two events may be that count together.
	Reach() int64
	// Recount takes in events that may have been forgotten, each once, and says what
	// is true because of them of the events that arrived at from or later. It is given
	// the text of the key with say, and tells how many there were to take in.
	Recount(now int64, key window.Key, back []Back, from window.Ref, say *Say) int
}

// An Aliased is a State that tells payments apart.
type Aliased interface {
	State
	// Alias gives it those that took the place of others. They count from then on, also
	// among what came before.
	Alias(a *window.Aliases)
}

// A Shedder is a Recounter that can forget keys for want of memory. An event which may
// count with what was forgotten is owed a recount (Say.Shed).
type Shedder interface {
	Recounter
	// Shed goes on through the keys, for some ten milliseconds, and forgets a part of
	// them, in thousandths: those first that were last added to longest ago, but none that
	// is spared, and only with last those that were accepted or of which something is still
	// to be said. It tells how many.
	Shed(now int64, part int, last bool, spared func(window.Key) bool) int
	// Shedding tells whether it has not been through all keys: until then their memory is
	// not free.
	Shedding() bool
}

// A Recorder is a State that raises no alert, and has numbers to record.
type Recorder interface {
	State
	// Recorded calls each for every key, by its canonical text, with its number now.
	Recorded(each func(text []byte, value decimal.Decimal))
}

// A Whole is a Recounter that may count all events of its rule together too. It is then
// told those first, of all keys, as if they were of WholeKey.
type Whole interface {
	Recounter
	// Whole tells whether it does.
	Whole() bool
	// Known says, before Recount, between which times all events of all keys have
	// come back.
	Known(from, to int64)
}

// WholeKey stands for all keys.
var WholeKey = window.Key{}

// A Back is an event that comes back: what a state keeps of one of the rule's sources.
type Back struct {
	Source int
	window.Entry
}

// LateCounts is the version of the machine's behavior since when no event is too late.
const LateCounts = 3

// An Event is one that a rule is about.
type Event struct {
	Behavior uint32 // version of the machine's behavior by which it is judged
	Hit      *match.Hit
	Time     int64 // Unix nanoseconds
	Ref      window.Ref
	Key      window.Key   // keyed hash of Hit.Key
	Distinct []window.Key // keyed hashes of Hit.Distinct
}

// An Answer is what a rule says of a key.
type Answer uint8

// The answers. Unclear is neither: what stands is not ended, and nothing is
// raised.
const (
	Untrue Answer = iota
	True
	Unclear
)

// A Say is what a State has to say of one key. Whoever asks gives it reset.
type Say struct {
	Answer Answer
	// Fresh says that it is true also without what was accepted.
	Fresh bool
	// Withdrawn says that the event came after others that are younger: if it
	// has made the rule untrue, that never was true.
	Withdrawn bool
	// Late says that the event came later than what is on time; before LateCounts it
	// does not count.
	Late bool
	// Recount says that something was forgotten with which the event may count; by
	// Expire: with which one of the time Since may, that belongs to this key too.
	Recount bool
	// Shed says that some of it was forgotten for want of memory.
	Shed bool
	// Uncertain says that it is true as far as is known, and that what would make it
	// untrue may have happened unheard. What is said of the key without it takes its place.
	Uncertain bool
	// Past says that what is true is over already.
	Past bool
	// Saturated says that something of the key was forgotten for want of room.
	Saturated bool
	// Fault is why something could not be counted; it may stand beside any
	// answer.
	Fault *match.Fault

	// Stale, by Expire, says for how many keys nothing can be said of a side.
	Stale Stale

	Key   window.Key // set by Expire
	Text  []byte     // by Expire: the canonical text of the key, as in match.Hit
	Value string     // for people, if it is true
	Since int64      // time of the first evidence
	Total int        // of evidence
	// Evidence is the latest of it, oldest first, at most MaxEvidence.
	Evidence []window.Ref
	Due      int64 // when to ask again; set unless it is untrue
	Wake     int64 // by Add and Recount: when Due may now be, if that is sooner; 0 for not at all
}

// A Stale says that a source has been silent for so long that nothing can be said of some
// keys. It is said when their number changes. Key and Text are one of them.
type Stale struct {
	Side   string // what the rule calls the source; empty if nothing is said
	Source int
	Keys   int   // 0 if it is over
	Since  int64 // when it was last heard of
}

// MaxEvidence bounds the evidence that is kept of one alert.
const MaxEvidence = 100

// Reset makes room for the next answer.
func (s *Say) Reset() { *s = Say{Evidence: s.Evidence[:0]} }
