package syntax

import "testing"

// TestDurationExpressions: what Prometheus reads without a flag is read here.
func TestDurationExpressions(t *testing.T) {
	p := boundedParser{NewParser()}
	for _, text := range []string{"rate(up[5m*2])", "up offset -(2*1m)", "rate(up[step()])", "up[1h+30m:5m/2]"} {
		if _, err := p.ParseExpr(text); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}
