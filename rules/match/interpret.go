package match

import (
	"errors"
	"regexp"
	"strconv"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"cel.dev/cel-go/interpreter"
)

const (
	// costLimit bounds the steps of one evaluation; a comparison of a field
	// costs 2, and so does a text of bytesAStep bytes.
	costLimit  = 100_000
	bytesAStep = 64
	// maxMatched is the longest text, in bytes, that a regular expression is
	// tried on.
	maxMatched = 4096
)

const noSuchKey = "no such key: "

var (
	decimalType = types.NewOpaqueType("decimal")
	errBroken   = fault(NotNumber, "", "")
	errNested   = fault(Nested, "", "")
	errNative   = errors.New("not a Go value")
)

// fault is a Fault as a value of CEL.
func fault(kind FaultKind, of, value string) ref.Val {
	return types.WrapErr(&Fault{Kind: kind, Of: of, Value: value})
}

// unfit is the fault of a function or operator that does not take a value.
func unfit(of string, v ref.Val) ref.Val { return fault(Unfit, of, wordFor(v)) }

func noConversion(v ref.Val, t ref.Type) ref.Val { return unfit(t.TypeName()+"()", v) }

// wordFor is what a value is, in the words of conditions.
func wordFor(v ref.Val) string {
	switch v.(type) {
	case types.String:
		return "a text"
	case types.Bool:
		return "true or false"
	case types.Null:
		return "null"
	case types.Int, types.Uint, number, broken:
		return "a number"
	case traits.Mapper:
		return "an object"
	case traits.Lister:
		return "a list"
	}
	return "such a value"
}

// plan prepares the condition for CEL's interpreter, with exact numbers in
// place of its floating point, and every step counted. CEL's own cost tracker
// is not used: what it takes grows with the square of what it counts.
func (l *Language) plan(e *Expression) (cel.Program, *TextError) {
	program, err := l.env.Program(e.ast, cel.CustomDecoratorV2(e.decorate))
	if err != nil {
		return nil, &TextError{0, err.Error()}
	}
	return program, nil
}

// decorate replaces floating-point constants and the operators that would meet
// decimals, and counts the rest. Each round of a macro has at least one call or
// attribute, so that no loop is free.
func (e *Expression) decorate(i interpreter.InterpretableV2) (interpreter.InterpretableV2, error) {
	switch i := i.(type) {
	case interpreter.InterpretableConst:
		if _, ok := i.Value().(types.Double); ok {
			part, err := e.constant(i.ID())
			return interpreter.NewConstValue(i.ID(), part), err
		}
	case *countedAttribute:
	case interpreter.InterpretableAttribute:
		return &countedAttribute{i}, nil
	case interpreter.InterpretableCall:
		fn, err := exactCall(i)
		if fn != nil || err != nil {
			return &exactOp{i, fn}, err
		}
		return &countedCall{i}, nil
	}
	return i, nil
}

type countedAttribute struct {
	interpreter.InterpretableAttribute
}

// Exec implements interpreter.InterpretableV2.
func (c *countedAttribute) Exec(frame *interpreter.ExecutionFrame) ref.Val {
	charge(frame, 1)
	return c.InterpretableAttribute.Exec(frame)
}

// Eval implements interpreter.Interpretable.
func (c *countedAttribute) Eval(vars interpreter.Activation) ref.Val {
	return c.Exec(interpreter.AsFrame(vars))
}

type countedCall struct {
	interpreter.InterpretableCall
}

// Exec implements interpreter.InterpretableV2.
func (c *countedCall) Exec(frame *interpreter.ExecutionFrame) ref.Val {
	charge(frame, 1)
	return c.InterpretableCall.Exec(frame)
}

// Eval implements interpreter.Interpretable.
func (c *countedCall) Eval(vars interpreter.Activation) ref.Val {
	return c.Exec(interpreter.AsFrame(vars))
}

// An exactOp is a strict operator that knows decimals and what it costs.
type exactOp struct {
	interpreter.InterpretableCall
	fn func(args []ref.Val) (out ref.Val, cost int)
}

// Exec implements interpreter.InterpretableV2.
func (o *exactOp) Exec(frame *interpreter.ExecutionFrame) ref.Val {
	var room [2]ref.Val
	args := room[:0]
	cost := 1
	for _, arg := range o.Args() {
		v := arg.Exec(frame)
		if types.IsUnknownOrError(v) {
			return v
		}
		if s, ok := v.(types.String); ok {
			cost += len(s) / bytesAStep
		}
		args = append(args, v)
	}
	charge(frame, cost)
	out, more := o.fn(args)
	charge(frame, more)
	return out
}

// Eval implements interpreter.Interpretable.
func (o *exactOp) Eval(vars interpreter.Activation) ref.Val {
	return o.Exec(interpreter.AsFrame(vars))
}

// charge counts steps and stops the evaluation, as CEL itself does, when they
// are too many: an error could be absorbed, and the loop would go on.
func charge(frame *interpreter.ExecutionFrame, steps int) {
	found, _ := frame.ResolveName(eventName)
	v, ok := found.(*eventVars)
	if !ok {
		return
	}
	if v.steps += steps; v.steps > costLimit {
		panic(interpreter.EvalCancelledError{Message: "too costly", Cause: interpreter.CostLimitExceeded})
	}
}

// eventName is a variable that no condition can name.
const eventName = "@event"

// exactCall is what an operator or function does; nil if CEL's own will do.
func exactCall(call interpreter.InterpretableCall) (func([]ref.Val) (ref.Val, int), error) {
	name := call.Function()
	if accept, ok := acceptance[name]; ok {
		return free(func(args []ref.Val) ref.Val { return compareVals(&accept, args[0], args[1]) }), nil
	}
	switch name {
	case operators.In:
		return isIn, nil
	case operators.Add, operators.Subtract, operators.Multiply:
		return free(func(args []ref.Val) ref.Val { return calculate(name, args[0], args[1]) }), nil
	case operators.Negate:
		return free(negate), nil
	case "string":
		return free(convert("string()", types.StringType)), nil
	case "int":
		return free(convert("int()", types.IntType)), nil
	case "size":
		return free(sizeOf), nil
	case "contains":
		return free(ofTexts(name, strings.Contains)), nil
	case "startsWith":
		return free(ofTexts(name, strings.HasPrefix)), nil
	case "endsWith":
		return free(ofTexts(name, strings.HasSuffix)), nil
	case "matches":
		return matcher(call)
	}
	return nil, nil
}

// free is a function that costs no more than reading its arguments.
func free(fn func([]ref.Val) ref.Val) func([]ref.Val) (ref.Val, int) {
	return func(args []ref.Val) (ref.Val, int) { return fn(args), 0 }
}

// convert is a conversion; what the library says of one that fails is not kept.
func convert(name string, t *types.Type) func([]ref.Val) ref.Val {
	return func(args []ref.Val) ref.Val {
		out := args[0].ConvertToType(t)
		if _, known := faultOf(out); types.IsError(out) && !known {
			return unfit(name, args[0])
		}
		return out
	}
}

func sizeOf(args []ref.Val) ref.Val {
	if s, ok := args[0].(traits.Sizer); ok {
		return s.Size()
	}
	return unfit("size()", args[0])
}

// ofTexts is a function of two texts.
func ofTexts(name string, fn func(a, b string) bool) func([]ref.Val) ref.Val {
	return func(args []ref.Val) ref.Val {
		a, okA := args[0].(types.String)
		b, okB := args[1].(types.String)
		switch {
		case !okA:
			return unfit(name+"()", args[0])
		case !okB:
			return unfit(name+"()", args[1])
		}
		return types.Bool(fn(string(a), string(b)))
	}
}

// matcher compiles the pattern, which was found to be constant and small.
func matcher(call interpreter.InterpretableCall) (func([]ref.Val) (ref.Val, int), error) {
	pattern, ok := call.Args()[1].(interpreter.InterpretableConst)
	if !ok {
		return nil, errors.New("the regular expression of matches() must be constant")
	}
	text, _ := pattern.Value().(types.String)
	re, err := regexp.Compile(string(text))
	if err != nil {
		return nil, err
	}
	size, err := PatternSize(string(text))
	if err != nil {
		return nil, err
	}
	return func(args []ref.Val) (ref.Val, int) {
		s, ok := args[0].(types.String)
		switch {
		case !ok:
			return unfit("matches()", args[0]), 0
		case len(s) > maxMatched:
			return fault(TooLong, "matches()", strconv.Itoa(maxMatched)), 0
		}
		return types.Bool(re.MatchString(string(s))), (len(s) + 1) * size / bytesAStep
	}, nil
}

// isIn is true if any element is equal, else the first trouble, else false.
func isIn(args []ref.Val) (ref.Val, int) {
	if _, ok := args[0].(broken); ok {
		return errBroken, 0
	}
	switch in := args[1].(type) {
	case listValue:
		return in.contains(args[0]), 0
	case traits.Mapper:
		return in.Contains(args[0]), 0
	case traits.Lister:
		var trouble ref.Val = types.False
		cost := 0
		for it := in.Iterator(); it.HasNext() == types.True; cost++ {
			switch v := compareVals(acceptEqual, args[0], it.Next()); {
			case v == types.True:
				return v, cost
			case types.IsError(v) && trouble == types.False:
				trouble = v
			}
		}
		return trouble, cost
	}
	return unfit("in", args[1]), 0
}
