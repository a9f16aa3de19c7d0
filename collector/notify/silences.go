package notify

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"time"

	amsilence "github.com/prometheus/alertmanager/silence"
	"github.com/prometheus/alertmanager/silence/silencepb"
	"github.com/prometheus/common/model"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/tomeishi/tomeishi/collector/entry"
	"github.com/tomeishi/tomeishi/collector/machine"
	"github.com/tomeishi/tomeishi/collector/record"
	"github.com/tomeishi/tomeishi/collector/silence"
)

// decide lets a person change silences and returns when the change is in the
// ledger. An error of entry.ErrUnknown says that it may not be.
func (n *Notifier) decide(ctx context.Context, actor string, change func() error) error {
	if !n.running.Load() {
		return fmt.Errorf("%w: %w", entry.ErrNotStored, errNotRunning)
	}
	n.deciding.Lock()
	before := n.queue.lastSilence()
	n.queue.as(actor)
	err := change()
	n.queue.as("")
	after := n.queue.lastSilence()
	n.deciding.Unlock()
	if err != nil || after == before {
		return err
	}
	return n.queue.wait(ctx, after)
}

// Silences are the silences that are pending, active, or ended lately: active
// ones first, by when they end.
func (n *Notifier) Silences(ctx context.Context) ([]silence.Silence, error) {
	found, _, err := n.silences.Query(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the silences: %w", err)
	}
	now := time.Now()
	out := make([]silence.Silence, 0, len(found))
	for _, s := range found {
		out = append(out, ofEngine(s, now))
	}
	rank := []string{"active", "pending", "expired"}
	slices.SortFunc(out, func(a, b silence.Silence) int {
		x, y := slices.Index(rank, a.State), slices.Index(rank, b.State)
		switch {
		case x != y:
			return x - y
		case a.State == "expired":
			return b.Ends.Compare(a.Ends)
		default:
			return a.Ends.Compare(b.Ends)
		}
	})
	return out, nil
}

func ofEngine(s *silencepb.Silence, now time.Time) silence.Silence {
	out := silence.Silence{
		ID: s.GetId(), Starts: s.GetStartsAt().AsTime(), Ends: s.GetEndsAt().AsTime(), Updated: s.GetUpdatedAt().AsTime(),
		By: s.GetCreatedBy(), Comment: s.GetComment(), State: "active",
	}
	switch {
	case now.Before(out.Starts):
		out.State = "pending"
	case now.After(out.Ends):
		out.State = "expired"
	}
	for _, set := range s.GetMatcherSets() {
		for _, m := range set.GetMatchers() {
			out.Matchers = append(out.Matchers, silence.Matcher{Name: m.GetName(), Op: operators[m.GetType()], Value: m.GetPattern()})
		}
	}
	return out
}

var operators = map[silencepb.Matcher_Type]string{
	silencepb.Matcher_EQUAL: "=", silencepb.Matcher_NOT_EQUAL: "!=",
	silencepb.Matcher_REGEXP: "=~", silencepb.Matcher_NOT_REGEXP: "!~",
}

// Silence makes a silence, or changes the one whose id it has, and returns its
// id when it is in the ledger. A zero start is now. What is wrong with it is a
// *machine.Refusal; an error of entry.ErrUnknown says that it is in effect
// but may not be stored.
func (n *Notifier) Silence(ctx context.Context, actor string, s silence.Silence) (string, error) {
	e, err := toEngine(s, time.Now())
	if err != nil {
		return "", err
	}
	e.CreatedBy = author(actor, s.By)
	err = n.decide(ctx, actor, func() error { return refusal(s.ID, n.silences.Set(ctx, e)) })
	return e.GetId(), err
}

// Expire ends a silence.
func (n *Notifier) Expire(ctx context.Context, actor, id string) error {
	return n.decide(ctx, actor, func() error { return refusal(id, n.silences.Expire(ctx, id)) })
}

// refusal makes an error of the engine one that says who can do what.
func refusal(id string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, amsilence.ErrNotFound):
		return &machine.Refusal{Reason: machine.NotFound, Field: "id", Why: record.New(record.NoSilence, cut(id, 64))}
	}
	return invalid("", record.SilenceRefused, err.Error())
}

func invalid(field string, kind record.Kind, args ...string) error {
	return &machine.Refusal{Reason: machine.Invalid, Field: field, Why: record.New(kind, args...)}
}

// toEngine checks a silence and makes it the engine's.
func toEngine(s silence.Silence, now time.Time) (*silencepb.Silence, error) {
	if s.Starts.IsZero() {
		s.Starts = now
	}
	switch {
	case len(s.Matchers) == 0:
		return nil, invalid("matchers", record.SilenceNoMatcher)
	case s.Ends.IsZero():
		return nil, invalid("ends", record.SilenceNoEnd)
	case !s.Ends.After(now):
		return nil, invalid("ends", record.SilenceInPast)
	case !s.Ends.After(s.Starts):
		return nil, invalid("ends", record.SilenceBackward)
	case s.Comment == "":
		return nil, invalid("comment", record.SilenceNoComment)
	}
	set := &silencepb.MatcherSet{}
	anything := true
	for i, m := range s.Matchers {
		e, empty, err := matcher(i, m)
		if err != nil {
			return nil, err
		}
		anything = anything && empty
		set.Matchers = append(set.Matchers, e)
	}
	if anything {
		return nil, invalid("matchers", record.SilenceMatchesAll)
	}
	if alert := tooLong(s); alert != "" {
		return nil, invalid("ends", record.SilenceTooLong, alert, longest)
	}
	return &silencepb.Silence{
		Id: s.ID, MatcherSets: []*silencepb.MatcherSet{set}, Comment: s.Comment,
		StartsAt: timestamppb.New(s.Starts), EndsAt: timestamppb.New(s.Ends),
	}, nil
}

var longest = strconv.Itoa(int(silence.Longest.Hours())) // hours, as people write it

// tooLong is an alert that says that a payment may pass, and that a silence would
// keep back for too long; empty if there is none.
func tooLong(s silence.Silence) string {
	if s.Ends.Sub(s.Starts) <= silence.Longest {
		return ""
	}
	named, err := silence.NewMatchers(s.Matchers)
	if err != nil {
		return "" // the engine says what is wrong with a matcher
	}
	return named.Unwatched()
}

// matcher checks one matcher and tells whether it matches the empty text.
func matcher(i int, m silence.Matcher) (*silencepb.Matcher, bool, error) {
	at := fmt.Sprintf("matchers[%d]", i)
	if m.Name == "" {
		return nil, false, invalid(at+".name", record.MatcherNoName)
	}
	for kind, op := range operators {
		if op != m.Op {
			continue
		}
		empty := kind == silencepb.Matcher_EQUAL && m.Value == ""
		if kind == silencepb.Matcher_REGEXP || kind == silencepb.Matcher_NOT_REGEXP {
			re, err := regexp.Compile("^(?:" + m.Value + ")$")
			if err != nil {
				return nil, false, invalid(at+".value", record.MatcherBadPattern, cut(m.Value, 100), err.Error())
			}
			empty = kind == silencepb.Matcher_REGEXP && re.MatchString("")
		}
		return &silencepb.Matcher{Type: kind, Name: m.Name, Pattern: m.Value}, empty, nil
	}
	return nil, false, invalid(at+".op", record.MatcherBadOp, cut(m.Op, 10))
}

// SilencedBy are the ids of the active silences that keep an alert with these
// labels back.
func (n *Notifier) SilencedBy(labels []machine.Label) []string {
	set := make(model.LabelSet, len(labels))
	for _, l := range labels {
		set[model.LabelName(l.Name)] = model.LabelValue(l.Value)
	}
	found, _, err := n.silences.Query(context.Background(), amsilence.QState(amsilence.SilenceStateActive), amsilence.QMatches(set))
	if err != nil {
		n.log.Error("ask which silences match", "error", err)
		return nil
	}
	var ids []string
	for _, s := range found {
		ids = append(ids, s.GetId())
	}
	slices.Sort(ids)
	return ids
}

func cut(s string, most int) string { return s[:min(len(s), most)] }
