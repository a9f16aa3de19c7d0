package match

import "testing"

func TestColumns(t *testing.T) {
	for _, c := range []struct {
		values       string
		apart, money int
	}{
		{"values: ['distinct(data.a)', 'sum(data.n)', 'max(data.n)']", 1, 2},
		{"values: ['distinct(data.a)', 'sum(data.amount)', 'max(data.fee)', 'min(data.to.fee)']", 3, 3}, // two assets
		{"values: ['sum(data.amount)'], by: [data.asset]", 0, 1},
		{"values: ['sum(data.amount)'], where: 'data.asset == \"BTC\"'", 0, 1},
	} {
		s := source(t, c.values)
		if distinct, nums := s.Columns(); distinct != c.apart || nums != c.money {
			t.Errorf("%s: Columns() = %d, %d; want %d, %d", c.values, distinct, nums, c.apart, c.money)
		}
	}
}
