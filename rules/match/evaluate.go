package match

import (
	"errors"
	"strconv"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/interpreter"

	"github.com/tomeishi/tomeishi/agent/report"
)

// An eventVars gives a condition the event at hand. Its data is read when a
// condition first asks.
type eventVars struct {
	event *report.Event
	money []Field // that are declared to be
	data  *object
	lists *object
	steps int
}

// ResolveName implements interpreter.Activation.
func (v *eventVars) ResolveName(name string) (any, bool) {
	switch name {
	case "data":
		if v.data == nil {
			v.data = &object{}
			if v.event.JSON() {
				v.data = tree(v.event.Data)
				for _, f := range v.money {
					v.data.toMoney(f.path)
				}
			}
		}
		return v.data, true
	case listsName:
		return v.lists, true
	case eventName:
		return v, true
	case "source":
		return v.event.Source, v.event.Source != ""
	case "subject":
		return v.event.Subject, v.event.Subject != ""
	case "type":
		return v.event.Type, v.event.Type != ""
	case "id":
		return v.event.ID, v.event.ID != ""
	}
	return nil, false
}

// Parent implements interpreter.Activation.
func (v *eventVars) Parent() interpreter.Activation { return nil }

// interpret asks CEL's interpreter. Of what its library says only the kind is
// kept: its words may change, and what is kept becomes part of a state.
func interpret(program cel.Program, vars *eventVars) (verdict, *Fault) {
	vars.steps = 0
	out, _, err := program.Eval(vars)
	if err == nil {
		b, ok := out.(types.Bool)
		if !ok {
			return faulty, &Fault{Kind: NotBool}
		}
		return verdictOf(bool(b)), nil
	}
	if _, stopped := errors.AsType[interpreter.EvalCancelledError](err); stopped {
		return faulty, &Fault{Kind: TooCostly, Value: strconv.Itoa(costLimit)}
	}
	for _, prefix := range [...]string{noSuchKey, "no such attribute", "index out of bounds", "unsupported index type"} {
		if strings.HasPrefix(err.Error(), prefix) {
			return lacks, nil
		}
	}
	if f, ok := errors.AsType[*Fault](err); ok {
		return faulty, f
	}
	return faulty, &Fault{Kind: Other}
}

// faultOf is the Fault that a value of CEL is.
func faultOf(v ref.Val) (*Fault, bool) {
	err, ok := v.(*types.Err)
	if !ok {
		return nil, false
	}
	return errors.AsType[*Fault](err)
}
