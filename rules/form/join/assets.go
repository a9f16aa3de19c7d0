package join

import (
	"slices"

	"github.com/tomeishi/tomeishi/rules/condition"
	"github.com/tomeishi/tomeishi/rules/match"
)

// A pair is two columns of sides that must hold one value: the assets of amounts that
// are compared or added.
type pair struct {
	sides   [2]int
	columns [2]int
}

// keepAssets sees to it that amounts of different assets are neither added within a
// side nor compared between sides. The key makes them one where both sides have the
// asset in the same place of it.
func (d *draft) keepAssets() {
	at := d.nodes["when"]
	for i := range d.sources {
		d.sources[i].KeepAssets(d.in.Money(d.sources[i].Event))
		for _, v := range d.sources[i].Values {
			if v.Kind == match.Same {
				asset := v.Fields[0]
				d.in.Finding(at, "amounts of different assets cannot be compared or added, and a window of %s that holds more than one asset raises no alert and is an error of the rule: add %s to `by` of all sides, or name it in `where`, as in `%s == \"BTC\"` (or `!has(%s)` where there is none)", d.sides[i].name, asset, asset, asset)
			}
		}
	}
	for _, terms := range d.when.Meets() {
		d.meet(terms)
	}
	for i := range d.sources {
		for j, v := range d.sources[i].Values {
			if v.Kind == match.Same {
				d.sides[i].same = append(d.sides[i].same, columnOf(d.sources[i].Values, j))
				d.doubtful = true
			}
		}
	}
}

// meet sees to it that two amounts that meet are of one asset.
func (d *draft) meet(terms [2]*condition.Term) {
	var p pair
	var assets [2]match.Field
	for i, t := range terms {
		a := d.asks[t.Of]
		p.sides[i] = a.side
		assets[i] = d.sources[a.side].Values[a.value].Fields[0].Asset()
	}
	if p.sides[0] == p.sides[1] && assets[0].Equal(assets[1]) {
		return // its own window is watched
	}
	if a, b := d.placeInKey(p.sides[0], assets[0]), d.placeInKey(p.sides[1], assets[1]); a >= 0 && a == b {
		return
	}
	for i := range p.sides {
		values := &d.sources[p.sides[i]].Values
		at := slices.IndexFunc(*values, func(v match.Value) bool { return v.Kind == match.Same && v.Fields[0].Equal(assets[i]) })
		if at < 0 {
			at, *values = len(*values), append(*values, match.Value{Kind: match.Same, Fields: assets[i : i+1 : i+1]})
		}
		p.columns[i] = columnOf(*values, at)
	}
	if !slices.Contains(d.alike, p) {
		d.alike = append(d.alike, p)
	}
}

// placeInKey is where a field stands in the key of a side; -1 if it does not.
func (d *draft) placeInKey(side int, f match.Field) int {
	return slices.IndexFunc(d.sources[side].By, func(k match.Key) bool { return k.Terms == nil && k.Field.Equal(f) })
}
