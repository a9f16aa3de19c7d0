package record

// Why a decision, or another entry, was not carried out.
const (
	NoGate          Kind = "no_gate"
	NoHold          Kind = "no_hold"
	NoIncident      Kind = "no_incident"
	NoEffect        Kind = "no_effect"
	NoAgent         Kind = "no_agent"
	NoSilence       Kind = "no_silence"
	NoDecision      Kind = "no_such_decision"
	NoCondition     Kind = "no_such_condition"
	NoNotifyRecord  Kind = "no_such_notify_record"
	WantReasonClose Kind = "want_reason_to_close"
	WantReasonOpen  Kind = "want_reason_to_open"
	WantReasonOff   Kind = "want_reason_to_switch_off"
	WantReasonAgent Kind = "want_reason_to_forget"
	WantReasonTime  Kind = "want_reason_for_time"
	WantReasonNo    Kind = "want_reason_to_decline"
	WantVerdict     Kind = "want_verdict" // a rule closed the gate
	BadVerdict      Kind = "bad_verdict"
	BadMatch        Kind = "bad_match" // fields are those that a hold can name
	MaskedMatch     Kind = "masked_match"
	MatchTooLong    Kind = "match_too_long"
	WantAlerts      Kind = "want_alerts"   // to call false more than is shown, its count is wanted
	OnHasNoEnd      Kind = "on_has_no_end" // a length was given for switching on
	BadPause        Kind = "bad_pause"
	BadShadow       Kind = "bad_shadow"   // it is for too short or too long
	NotACloser      Kind = "not_a_closer" // no rule of this name wants anything of the gate
	NoCloser        Kind = "no_closer"    // none of the holds is by a rule that is live
	BadLabel        Kind = "bad_label"
	BadNotifyRecord Kind = "bad_notify_record"

	SwitchedAgain    Kind = "switched_off_again"
	EpochAhead       Kind = "epoch_ahead" // the gate has not seen the epoch that was named
	HoldNewer        Kind = "hold_newer"  // than the epoch that was read
	IndexAhead       Kind = "index_ahead" // the ledger has not come to the index that was named
	HoldLater        Kind = "hold_later"  // than the index that was read
	AlertsChanged    Kind = "alerts_changed"
	OpenNoShadow     Kind = "open_without_shadow" // there is nothing to lift, so nothing is put in shadow
	WantVersion      Kind = "want_behavior"
	ClosedAbove      Kind = "closed_by_parent"
	OnlySecond       Kind = "only_as_second"
	NotWaiting       Kind = "effect_not_waiting"
	AlertOver        Kind = "effect_alert_over"
	NothingToUndo    Kind = "nothing_to_undo"
	WrongState       Kind = "effect_in_wrong_state"
	NotLive          Kind = "rule_set_not_live"
	NotPrepared      Kind = "rule_set_not_prepared"
	BadRules         Kind = "bad_rules"
	TooMany          Kind = "too_many_conditions"
	AgentUnheardYet  Kind = "agent_not_heard_yet"
	AgentAlive       Kind = "agent_alive"
	VersionUnknown   Kind = "behavior_unknown"
	VersionPassed    Kind = "behavior_not_raised"
	RulesNeedVersion Kind = "rules_refuse_behavior"

	SilenceRefused    Kind = "silence_refused" // why is what the engine said
	SilenceNoMatcher  Kind = "silence_without_matcher"
	SilenceNoEnd      Kind = "silence_without_end"
	SilenceInPast     Kind = "silence_in_the_past"
	SilenceBackward   Kind = "silence_ends_before_it_starts"
	SilenceTooLong    Kind = "silence_too_long"
	SilenceNoComment  Kind = "silence_without_comment"
	SilenceMatchesAll Kind = "silence_matches_anything"
	MatcherNoName     Kind = "matcher_without_name"
	MatcherBadPattern Kind = "matcher_bad_pattern"
	MatcherBadOp      Kind = "matcher_bad_operator"
)
