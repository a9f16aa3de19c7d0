package report

import "bytes"

// one reads the structured binding.
func (d *decoder) one(b []byte) error {
	d.reset(b)
	if err := d.structured(); err != nil {
		return err
	}
	return d.end()
}

// batch reads the batch binding: an array of events.
func (d *decoder) batch(b []byte) error {
	d.reset(b)
	if err := d.expect('[', "a JSON array of CloudEvents"); err != nil {
		return err
	}
	if d.peek() == ']' {
		d.i++
		return d.end()
	}
	for n := 0; ; n++ {
		if err := d.structured(); err != nil {
			return inField(index(n), err)
		}
		switch d.peek() {
		case ',':
			d.i++
		case ']':
			d.i++
			return d.end()
		default:
			return d.unexpected("',' or ']'")
		}
	}
}

// lines reads NDJSON.
func (d *decoder) lines(b []byte) error {
	for n := 0; len(b) > 0; {
		line, rest, _ := bytes.Cut(b, []byte{'\n'})
		b = rest
		d.reset(line)
		if d.space(); d.i == len(line) {
			continue // an empty line
		}
		if err := d.one(line); err != nil {
			return inField(index(n), err)
		}
		n++
	}
	return nil
}
