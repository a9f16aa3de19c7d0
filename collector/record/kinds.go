package record

import (
	"maps"
	"slices"
)

// A Kind names what a note says.
type Kind string

// Kinds are all kinds, in the order of their names.
func Kinds() []Kind { return slices.Sorted(maps.Keys(arguments)) }

// Arguments are the names of a kind's arguments, in their order; nil if it has
// none or is not known.
func Arguments(k Kind) []string { return slices.Clone(arguments[k]) }

// Legacy is prose that a version before this one wrote into the state.
const Legacy Kind = "legacy"

// Steps of an incident.
const (
	AlertBegan      Kind = "alert_began"
	AlertEnded      Kind = "alert_ended"   // because of its cause
	AlertUnheard    Kind = "alert_unheard" // it no longer fires, and nobody is heard who could say that it is over
	GateClosed      Kind = "gate_closed"   // cause is the hold's; reason is a person's
	HoldPlaced      Kind = "hold_placed"   // a hold on what match names; the gate is as it was
	HoldReleased    Kind = "hold_released"
	GateOpened      Kind = "gate_opened"
	OpenedByTwo     Kind = "gate_opened_by_two" // with is the person who agreed before
	OpenedAlone     Kind = "gate_opened_alone"
	OpeningApproved Kind = "opening_approved"         // a person agrees; hold is empty for all of the gate's
	OpeningUnnamed  Kind = "opening_approved_unnamed" // by somebody who is no person by name: it does not count
	RuleShadowed    Kind = "rule_shadowed"            // it closes the gate no more until then
	VerdictGiven    Kind = "verdict_given"
	VerdictHold     Kind = "verdict_before_hold"   // a verdict was given before this hold came: another is needed
	VerdictEffect   Kind = "verdict_before_effect" // before this effect waited for approval
	IncidentEnded   Kind = "incident_ended"

	EffectPlanned    Kind = "effect_planned" // because of what keeps it from being carried out, or what was done at once
	EffectApproved   Kind = "effect_approved"
	EffectDeclined   Kind = "effect_declined"
	EffectAttempting Kind = "effect_attempting"
	EffectApplied    Kind = "effect_applied"
	EffectRefused    Kind = "effect_refused"
	EffectUnknown    Kind = "effect_unknown"
	EffectObserved   Kind = "effect_observed"
	EffectVerified   Kind = "effect_verified"
	EffectUndoing    Kind = "effect_undoing"
	EffectUndone     Kind = "effect_undone"
)

// Causes: why an alert, an approval or the pause of automatic effects is over.
const (
	NoLongerTrue    Kind = "no_longer_true"
	Withdrawn       Kind = "withdrawn" // a late event shows that it was never true
	Proven          Kind = "proven"    // another alert says it, without doubt
	RuleRemoved     Kind = "rule_removed"
	OpenedBy        Kind = "opened_by"
	AgentForgotten  Kind = "agent_forgotten"
	AgentEvicted    Kind = "agent_evicted" // more agents were heard than can be known
	NoBeat          Kind = "no_beat"
	NeverCame       Kind = "never_came" // what was waited for, for a day
	SwitchedOnBy    Kind = "switched_on_by"
	TimeOver        Kind = "time_over"
	HoldCame        Kind = "hold_came"
	AlertJoined     Kind = "alert_joined" // a hold that stood before
	Judged          Kind = "judged"       // a person said what it was
	OpeningChanged  Kind = "opening_changed"
	GateGone        Kind = "gate_gone"
	NothingWaits    Kind = "nothing_waits"
	NobodyApproved  Kind = "nobody_approved"
	AgentHeardAgain Kind = "agent_heard_again"
	Readable        Kind = "readable_again" // the rule reads the events of the source
	SourceSilent    Kind = "source_silent"  // for a day
	RulesChanged    Kind = "rules_changed"
	Regraded        Kind = "regraded" // another alert says it, of another severity
)

// Results of effects.
const (
	ResultClosed      Kind = "closed"
	ResultWaits       Kind = "waits_for_approval"
	ResultOff         Kind = "automatic_effects_off" // it waits for approval, because automatic effects are off
	ResultUnnamed     Kind = "not_named"             // it waits for approval, because what to hold is not known: the alert's label is empty, or too long
	ResultUnasked     Kind = "not_asked"             // because asks of the last day left out what the hold would name
	ResultUnproven    Kind = "not_proven"            // because it is not known whether what the alert is about happened
	ResultHeld        Kind = "held"                  // what match names, and nobody else
	ResultHeldSeen    Kind = "held_confirmed"
	ResultShadow      Kind = "in_shadow"
	ResultWouldHold   Kind = "in_shadow_hold"
	ResultSuperseded  Kind = "superseded" // by another effect, in a stronger mode
	ResultConfirmed   Kind = "confirmed"  // agents that have confirmed it; no other can let a payment pass
	ResultUndone      Kind = "undone_by_person"
	ResultDeclined    Kind = "declined_by_person"
	ResultObserved    Kind = "observed"
	ResultNoAnswer    Kind = "no_answer"
	ResultTargetSaid  Kind = "target_said" // what the target answered, bounded
	ResultInterrupted Kind = "interrupted" // nobody knows what became of the attempt
)

// Reasons of holds that no person and no rule gave.
const (
	RestoredFrom   Kind = "restored_from"     // backup is its moment
	UnknownToFiles Kind = "unknown_to_backup" // the backup that was restored does not know the gate
	TooManyNarrow  Kind = "too_many_narrow"   // most holds with match stand on the gate already
)

// Built-in alerts.
const (
	AboutAgentSilent   Kind = "about_agent_silent"
	AboutEventsSilent  Kind = "about_events_silent"
	AboutAgentBlind    Kind = "about_agent_blind"
	AboutAgentCloned   Kind = "about_agent_cloned"
	AboutDoubtMemory   Kind = "about_doubt_memory" // why an agent answers for gates by itself
	AboutDoubtLedger   Kind = "about_doubt_ledger"
	AboutDoubtLease    Kind = "about_doubt_lease"
	AboutDoubtKeep     Kind = "about_doubt_keep"
	AboutAgentRefused  Kind = "about_agent_refused"
	AboutClockOff      Kind = "about_clock_off" // offset is how far ahead the clock is; negative: behind
	AboutRule          Kind = "about_rule_errors"
	AboutMetricRule    Kind = "about_metric_rule_errors"
	AboutBlind         Kind = "about_rule_blind"        // lost of the last events; field is missing, near is there instead
	AboutBlindData     Kind = "about_rule_blind_data"   // their data is no object
	AboutBlindSide     Kind = "about_rule_blind_side"   // no event of side for key since then, nor for more keys
	AboutBlindType     Kind = "about_rule_blind_type"   // no rule reads event, which looks like near, which rule reads
	AboutBlindMetric   Kind = "about_rule_blind_metric" // nothing of metric comes; near does
	AboutUnnamedHeld   Kind = "about_unnamed_held"
	AboutNotHeld       Kind = "about_not_held"
	AboutGateUnguarded Kind = "about_gate_unguarded"
	AboutIDReused      Kind = "about_event_id_reused"  // other data under a used id; repeats at another time
	AboutIDDiffers     Kind = "about_event_id_differs" // line is what to write if it is meant
	AboutSetAside      Kind = "about_events_set_aside"
	AboutNotJoined     Kind = "about_payments_not_joined"    // nobody is declared who may say that one took the place of another
	AboutNoPayments    Kind = "about_no_payments_named"      // the event names no two payments
	AboutManyReplaced  Kind = "about_replacements_forgotten" // more than most are remembered
	AboutForgotten     Kind = "about_repeats_forgotten"
	AboutManyAgents    Kind = "about_agents_forgotten" // agent is the last of them; more than limit were heard
	AboutRulesLeftOut  Kind = "about_rules_left_out"
	AboutRulesBlind    Kind = "about_rules_blind"
	AboutWatchdog      Kind = "about_watchdog"
	AboutGateClosed    Kind = "about_gate_closed"
	AboutGateOpened    Kind = "about_gate_opened"
	AboutGateStill     Kind = "about_gate_still_closed" // its parent still closes it
	AboutApproval      Kind = "about_approval_wanted"   // named is how many people by name have agreed
	AboutApprovalOver  Kind = "about_approval_over"
	AboutOpenedAlone   Kind = "about_opened_alone"
	AboutAutomaticOff  Kind = "about_automatic_off"
	AboutAutomaticOn   Kind = "about_automatic_on"
	AboutInShadow      Kind = "about_rule_in_shadow"
	AboutNoShadow      Kind = "about_rule_no_longer_in_shadow"
	AboutDiskLow       Kind = "about_disk_low"
	AboutDiskUnread    Kind = "about_disk_unreadable"
	AboutDiskFull      Kind = "about_disk_full"
	AboutReload        Kind = "about_reload_failed"
	AboutTimeAhead     Kind = "about_ledger_time_ahead"
	AboutTimeBehind    Kind = "about_ledger_time_behind"
	AboutTimeDoubted   Kind = "about_ledger_time_doubted"
	AboutNotifyFailing Kind = "about_notify_failing"
	AboutLate          Kind = "about_events_late" // lag is by how much all of them are late, if that is no accident
	AboutLateLost      Kind = "about_events_late_lost"
	AboutFill          Kind = "about_rule_filling"
	AboutFillLost      Kind = "about_rule_not_filled"
	AboutShed          Kind = "about_rule_shed"
	AboutMemoryFull    Kind = "about_memory_full"
)

// Faults of rules: why an event could not be judged or counted.
const (
	FaultOther     Kind = "fault_other"
	FaultUnordered Kind = "fault_unordered"
	FaultNested    Kind = "fault_nested"
	FaultNotNumber Kind = "fault_not_number"
	FaultTooLong   Kind = "fault_too_long"
	FaultAbsent    Kind = "fault_absent"
	FaultNotScalar Kind = "fault_not_scalar"
	FaultMixed     Kind = "fault_mixed_assets"
	FaultNotBool   Kind = "fault_not_bool"
	FaultUnfit     Kind = "fault_unfit"
	FaultOverflow  Kind = "fault_overflow"
	FaultTooCostly Kind = "fault_too_costly"

	FaultIncalculable Kind = "fault_incalculable"
)
