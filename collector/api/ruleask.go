package api

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
)

// ruleAsk says which rules are asked for, by Prometheus's parameters.
type ruleAsk struct {
	kind                 string // alert, record, or empty for both
	names, groups, files []string
	noAlerts             bool
	limit                int // of groups; 0 for none
	next                 string
}

func readRuleAsk(query string) (ruleAsk, error) {
	q, err := url.ParseQuery(query)
	if err != nil {
		return ruleAsk{}, err
	}
	ask := ruleAsk{
		kind: q.Get("type"), names: q["rule_name[]"], groups: q["rule_group[]"], files: q["file[]"], next: q.Get("group_next_token"),
	}
	switch {
	case ask.kind != "" && ask.kind != "alert" && ask.kind != "record":
		return ask, fmt.Errorf(`invalid parameter "type": not supported value %.40q`, ask.kind)
	case q.Has("match[]"):
		return ask, errors.New(`invalid parameter "match[]": rules are not chosen by their labels here, only by rule_name[], rule_group[] and file[]`)
	case ask.next != "" && !q.Has("group_limit"):
		return ask, errors.New(`invalid parameter "group_next_token": group_limit needs to be present`)
	}
	if text := q.Get("exclude_alerts"); text != "" {
		if ask.noAlerts, err = strconv.ParseBool(text); err != nil {
			return ask, fmt.Errorf(`invalid parameter "exclude_alerts": %.40q is not true or false`, text)
		}
	}
	if text := q.Get("group_limit"); text != "" {
		if ask.limit, err = strconv.Atoi(text); err != nil || ask.limit < 1 {
			return ask, fmt.Errorf(`invalid parameter "group_limit": %.40q is not a number from 1 on`, text)
		}
	}
	return ask, nil
}

func (ask ruleAsk) wants(file, group, name string, rule any) bool {
	_, recording := rule.(RecordingRule)
	among := func(list []string, s string) bool { return len(list) == 0 || slices.Contains(list, s) }
	return among(ask.files, file) && among(ask.groups, group) && among(ask.names, name) &&
		(ask.kind == "" || recording == (ask.kind == "record"))
}

// page is what of the groups goes into one answer.
func (ask ruleAsk) page(groups []*ruleGroup) (ruleList, error) {
	if ask.next != "" {
		first := slices.IndexFunc(groups, func(g *ruleGroup) bool { return g.token() == ask.next })
		if first < 0 {
			return ruleList{}, errors.New(`invalid parameter "group_next_token": no group has it; were the rules changed?`)
		}
		groups = groups[first:]
	}
	list := ruleList{Groups: groups}
	if ask.limit > 0 && len(groups) > ask.limit {
		list = ruleList{groups[:ask.limit], groups[ask.limit].token()}
	}
	if list.Groups == nil {
		list.Groups = []*ruleGroup{}
	}
	return list, nil
}

// token names a group in group_next_token.
func (g *ruleGroup) token() string {
	sum := sha256.Sum256([]byte(g.File + ";" + g.Name))
	return hex.EncodeToString(sum[:])
}
