package rules

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"cel.dev/cel-go/interpreter"

	"github.com/tomeishi/tomeishi/agent/report"
)

const (
	// costLimit bounds one evaluation; a comparison costs about 3.
	costLimit = 100_000
	// maxMatched is the longest text, in bytes, that a regular expression is
	// tried on.
	maxMatched = 4096
)

const noSuchKey = "no such key: "

var (
	decimalType = types.NewOpaqueType("decimal")
	errBroken   = types.NewErr("a number is not a decimal of 38 digits with 30 after the point")
	errNested   = types.NewErr("objects and lists are not compared")
	errNative   = errors.New("not a Go value")
	errCost     = fmt.Errorf("the condition costs more than %d steps on this event", costLimit)
)

func noConversion(v ref.Val, t ref.Type) ref.Val {
	return types.NewErr("%s cannot be made %s", v.Type().TypeName(), t.TypeName())
}

// plan prepares the condition for CEL's interpreter, with exact numbers in
// place of its floating point.
func (l *language) plan(e *expression) (cel.Program, *exprError) {
	program, err := l.env.Program(e.ast, cel.CostLimit(costLimit), cel.CustomDecoratorV2(e.exactly))
	if err != nil {
		return nil, &exprError{0, err.Error()}
	}
	return program, nil
}

// exactly replaces floating-point constants and the operators that would meet
// decimals.
func (e *expression) exactly(i interpreter.InterpretableV2) (interpreter.InterpretableV2, error) {
	switch i := i.(type) {
	case interpreter.InterpretableConst:
		if _, ok := i.Value().(types.Double); ok {
			part, err := e.constant(i.ID())
			return interpreter.NewConstValue(i.ID(), part), err
		}
	case interpreter.InterpretableCall:
		if fn, err := exactCall(i); fn != nil || err != nil {
			return &exactOp{i, fn}, err
		}
	}
	return i, nil
}

// An exactOp is a strict operator that knows decimals.
type exactOp struct {
	interpreter.InterpretableCall
	fn func(args []ref.Val) ref.Val
}

func (o *exactOp) Exec(frame *interpreter.ExecutionFrame) ref.Val {
	var room [2]ref.Val
	args := room[:0]
	for _, arg := range o.Args() {
		v := arg.Exec(frame)
		if types.IsUnknownOrError(v) {
			return v
		}
		args = append(args, v)
	}
	return o.fn(args)
}

func (o *exactOp) Eval(vars interpreter.Activation) ref.Val {
	return o.Exec(interpreter.AsFrame(vars))
}

// exactCall is what an operator does to decimals; nil if CEL's own does.
func exactCall(call interpreter.InterpretableCall) (func([]ref.Val) ref.Val, error) {
	name := call.Function()
	if accept, ok := acceptance[name]; ok {
		return func(args []ref.Val) ref.Val { return compareVals(&accept, args[0], args[1]) }, nil
	}
	switch name {
	case operators.In:
		return isIn, nil
	case operators.Add, operators.Subtract, operators.Multiply:
		return func(args []ref.Val) ref.Val { return calculate(name, args[0], args[1]) }, nil
	case operators.Negate:
		return negate, nil
	case "string":
		return func(args []ref.Val) ref.Val { return args[0].ConvertToType(types.StringType) }, nil
	case "int":
		return func(args []ref.Val) ref.Val { return args[0].ConvertToType(types.IntType) }, nil
	case "matches":
		return matcher(call)
	}
	return nil, nil
}

// matcher compiles the pattern, which was found to be constant and small.
func matcher(call interpreter.InterpretableCall) (func([]ref.Val) ref.Val, error) {
	pattern, ok := call.Args()[1].(interpreter.InterpretableConst)
	if !ok {
		return nil, errors.New("the regular expression of matches() must be constant")
	}
	text, _ := pattern.Value().(types.String)
	re, err := regexp.Compile(string(text))
	if err != nil {
		return nil, err
	}
	return func(args []ref.Val) ref.Val {
		s, ok := args[0].(types.String)
		switch {
		case !ok:
			return types.NewErr("matches() needs a text")
		case len(s) > maxMatched:
			return types.NewErr("matches() is tried on %d bytes at most", maxMatched)
		}
		return types.Bool(re.MatchString(string(s)))
	}, nil
}

// isIn is true if any element is equal, else the first trouble, else false.
func isIn(args []ref.Val) ref.Val {
	if _, ok := args[0].(broken); ok {
		return errBroken
	}
	switch in := args[1].(type) {
	case traits.Mapper:
		return in.Contains(args[0])
	case traits.Lister:
		var trouble ref.Val = types.False
		for it := in.Iterator(); it.HasNext() == types.True; {
			switch v := compareVals(acceptEqual, args[0], it.Next()); {
			case v == types.True:
				return v
			case types.IsError(v) && trouble == types.False:
				trouble = v
			}
		}
		return trouble
	}
	return types.NewErr("`in` needs a list or an object")
}

// An eventVars gives a condition the event at hand. Its data is read when a
// condition first asks.
type eventVars struct {
	event *report.Event
	data  *object
}

func (v *eventVars) ResolveName(name string) (any, bool) {
	switch name {
	case "data":
		if v.data == nil {
			v.data = &object{}
			if v.event.JSON() {
				v.data = tree(v.event.Data)
			}
		}
		return v.data, true
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

func (v *eventVars) Parent() interpreter.Activation { return nil }

// interpret asks CEL's interpreter.
func interpret(program cel.Program, vars *eventVars) (verdict, error) {
	out, _, err := program.Eval(vars)
	if err == nil {
		b, ok := out.(types.Bool)
		if !ok {
			return faulty, errors.New("the condition is neither true nor false")
		}
		return verdictOf(bool(b)), nil
	}
	var stopped interpreter.EvalCancelledError
	if errors.As(err, &stopped) {
		return faulty, errCost
	}
	for _, prefix := range [...]string{noSuchKey, "no such attribute", "index out of bounds", "unsupported index type"} {
		if strings.HasPrefix(err.Error(), prefix) {
			return lacks, nil
		}
	}
	return faulty, err
}
