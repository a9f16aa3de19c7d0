package chart

import (
	"html"
	"strconv"
	"strings"
	"time"
)

// A drawing is a picture in the making.
type drawing struct {
	b    strings.Builder
	c    Chart
	g    grid
	axis axis
}

func (d *drawing) put(parts ...string) {
	for _, p := range parts {
		d.b.WriteString(p)
	}
}

// figure draws everything. What the script needs to say the values of a column
// is in attributes.
func (d *drawing) figure(more int) {
	c, g := d.c, d.g
	d.put(`<figure class="chart`)
	if c.Stacked {
		d.put(` stacked`)
	}
	d.put(`" data-from="`, strconv.FormatInt(g.first.UnixMilli(), 10), `" data-step="`, strconv.FormatInt(max(1, g.step.Milliseconds()), 10),
		`" data-unit="`, string(c.Unit), `" data-scale="`, strconv.FormatFloat(d.axis.unit.of, 'g', -1, 64), `" data-zone="`, esc(zoneName(c.Zone, c.To)),
		`" data-none="`, esc(c.T("no data")), `">`)
	d.caption(more)
	d.put(`<svg role="img" tabindex="0" width="100%" height="`, strconv.Itoa(height), `"><title>`, esc(c.Title), `</title><desc>`, esc(d.words()), `</desc>`)
	d.axes()
	d.holes()
	columns := g.columns()
	d.put(`<svg class="plot" y="`, strconv.Itoa(plotTop), `" width="100%" height="`, strconv.Itoa(plotHeight),
		`" viewBox="0 0 `, strconv.Itoa(max(1, columns-1)), ` `, strconv.Itoa(plotHeight), `" preserveAspectRatio="none">`)
	d.lines()
	d.put(`</svg></svg></figure>`)
}

// caption is the title and a key that says the last value of each line.
func (d *drawing) caption(more int) {
	d.put(`<figcaption><b>`, esc(d.c.Title), `</b> <span class="at"></span><ul>`)
	for i, l := range d.c.Lines {
		value := d.c.T("no data")
		if k := d.g.columns() - 1; k >= 0 {
			for k > 0 && k > d.g.columns()-3 && d.g.lines[i][k].n == 0 && !d.g.known(k) {
				k-- // what was measured last may not be here yet
			}
			if col := d.g.lines[i][k]; col.n > 0 {
				value = d.c.Unit.Text(col.mean())
			}
		}
		d.put(`<li class="k`, strconv.Itoa(i), `"><i></i>`, esc(clip(l.Name)), ` <data>`, esc(value), `</data></li>`)
	}
	if more > 0 {
		d.put(`<li class="more">`, esc(d.c.T("and %d more", more)), `</li>`)
	}
	d.put(`</ul></figcaption>`)
}

// words are what the picture shows, for those who do not see it.
func (d *drawing) words() string {
	var out []string
	for i, l := range d.c.Lines {
		least, most, last := 0.0, 0.0, ""
		known := false
		for _, col := range d.g.column(i) {
			if col.n == 0 {
				continue
			}
			if !known {
				known, least, most = true, col.min, col.max
			}
			least, most, last = min(least, col.min), max(most, col.max), d.c.Unit.Text(col.mean())
		}
		if !known {
			out = append(out, d.c.T("%s: no data.", clip(l.Name)))
			continue
		}
		out = append(out, d.c.T("%s: last %s, least %s, most %s.", clip(l.Name), last, d.c.Unit.Text(least), d.c.Unit.Text(most)))
	}
	if holes := d.g.holes(); len(holes) > 0 && len(d.c.Lines) > 0 {
		missing := time.Duration(0)
		for _, h := range holes {
			missing += d.g.step * time.Duration(h.to-h.from+1)
		}
		out = append(out, d.c.T("No data for %s.", d.c.For(missing)))
	}
	if len(out) == 0 {
		return d.c.T("no data")
	}
	return strings.Join(out, " ")
}

// column is the columns of a line; none if there is no grid.
func (g grid) column(line int) []column {
	if line >= len(g.lines) {
		return nil
	}
	return g.lines[line]
}

// axes draws what stands behind the lines. Values stand on the left of the
// picture, where the page leaves room.
func (d *drawing) axes() {
	d.put(`<g class="grid">`)
	for _, v := range d.axis.ticks {
		y, text := strconv.Itoa(plotTop+d.axis.y(v)), "0"
		if v != 0 {
			text = digits(v/d.axis.unit.of) + d.axis.unit.name
		}
		d.put(`<line x2="100%" y1="`, y, `" y2="`, y, `"/><text class="y" x="-8" y="`, y, `" dy="4">`, esc(text), `</text>`)
	}
	for _, v := range d.c.Limits {
		if v > d.axis.low && v < d.axis.high {
			y := strconv.Itoa(plotTop + d.axis.y(v))
			d.put(`<line class="limit" x2="100%" y1="`, y, `" y2="`, y, `"/>`)
		}
	}
	for _, m := range moments(d.g.first, d.g.last(), d.c.Zone) {
		x := percent(m.at)
		d.put(`<line class="tick" x1="`, x, `" x2="`, x, `" y1="`, strconv.Itoa(plotTop+plotHeight), `" y2="`, strconv.Itoa(plotTop+plotHeight+4), `"/>`)
		class := "mid"
		if m.at > 0.96 { // on the left there is room
			class = "last"
		}
		d.put(`<text class="`, class, `" x="`, x, `" y="`, strconv.Itoa(height-2), `">`, esc(m.text), `</text>`)
	}
	d.put(`</g>`)
}

// maxHoles bounds the holes that are drawn; beyond it what is between two small
// ones is drawn over.
const maxHoles = 24

// holes hatches where nothing is known: a dashed stroke as thick as the plot.
func (d *drawing) holes() {
	holes := d.g.holes()
	if d.g.columns() == 0 {
		holes = []hole{{0, 0}}
	}
	if len(holes) > maxHoles {
		holes = holes[len(holes)-maxHoles:] // the newest
	}
	width := float64(max(1, d.g.columns()-1))
	middle := strconv.Itoa(plotTop + plotHeight/2)
	for _, h := range holes {
		from, to := max(0, (float64(h.from)-0.5)/width), min(1, (float64(h.to)+0.5)/width)
		if d.g.columns() <= 1 {
			from, to = 0, 1
		}
		d.put(`<line class="hole" x1="`, percent(from), `" x2="`, percent(to), `" y1="`, middle, `" y2="`, middle, `"/>`)
		if to-from > 0.15 {
			d.put(`<text class="hole" x="`, percent((from+to)/2), `" y="`, middle, `">`, esc(d.c.T("no data")), `</text>`)
		}
	}
}

func percent(part float64) string {
	return strconv.FormatFloat(float64(int(part*10000+0.5))/100, 'f', -1, 64) + "%"
}

// clip bounds a name that comes from outside.
func clip(s string) string {
	const most = 60
	n := 0
	for i := range s {
		if n++; n > most {
			return s[:i] + "…"
		}
	}
	return s
}

func esc(s string) string { return html.EscapeString(strings.ToValidUTF8(s, "�")) }

// zoneName is the zone as browsers know it: its name, or its distance from UTC.
func zoneName(zone *time.Location, at time.Time) string {
	if name := zone.String(); name != "Local" && name != "" {
		return name
	}
	return at.In(zone).Format("-07:00")
}
