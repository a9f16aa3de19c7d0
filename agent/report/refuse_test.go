package report

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
)

// refusal is what a client sees.
func refusal(err error) (int, string, string) {
	w := httptest.NewRecorder()
	WriteError(w, err)
	if f, ok := errors.AsType[*FieldError](err); ok {
		return w.Code, f.Field, f.Err.Error()
	}
	return w.Code, "", err.Error()
}

func without(name string) string {
	return strings.Replace(min1, `"`+name+`"`, `"x"`, 1)
}

func replaced(name, value string) string {
	return strings.TrimSuffix(without(name), "}") + `,"` + name + `":` + value + "}"
}

// keys makes an object with n members and then more.
func keys(n int, more string) string {
	var s strings.Builder
	for i := range n {
		fmt.Fprintf(&s, `"k%d":0,`, i)
	}
	return "{" + s.String() + more + "}"
}

func nested(n int) string {
	return strings.Repeat("[", n) + strings.Repeat("]", n)
}

func TestStructuredRefuses(t *testing.T) {
	data := func(s string) string { return with(`"data":` + s) }
	long := strings.Repeat("k", 1000)
	for _, tt := range []struct{ name, body, field, says string }{
		{"nothing", ``, "", "ends too early"},
		{"white space", " \n", "", "ends too early"},
		{"a NUL", "\x00", "", "want a CloudEvent"},
		{"an array", `[` + min1 + `]`, "", "want a CloudEvent"},
		{"a string", `"x"`, "", "want a CloudEvent"},
		{"a byte order mark", "\ufeff" + min1, "", "want a CloudEvent"},
		{"cut off", min1[:len(min1)-1], "", "ends too early"},
		{"cut off in a string", min1[:len(min1)-2], "type", "ends too early"},
		{"cut off at a colon", `{"id"`, "id", "ends too early"},
		{"two", min1 + min1, "", "want the end"},
		{"a NUL behind", min1 + "\x00", "", "want the end"},
		{"no comma", `{"id":"1" "source":"x"}`, "", "want ',' or '}'"},
		{"trailing comma", `{"id":"1",}`, "", "want a key in quotes"},
		{"single quotes", `{'id':'1'}`, "", "want a key in quotes"},
		{"a comment", `{/**/}`, "", "want a key in quotes"},

		{"no specversion", without("specversion"), "specversion", "missing"},
		{"specversion 0.3", replaced("specversion", `"0.3"`), "specversion", `found "0.3", want "1.0"`},
		{"specversion a number", replaced("specversion", `1.0`), "specversion", "want a string"},
		{"no id", without("id"), "id", "missing"},
		{"empty id", replaced("id", `""`), "id", "missing or empty"},
		{"null id", replaced("id", `null`), "id", "missing or empty"},
		{"id a number", replaced("id", `1`), "id", "want a string"},
		{"id an object", replaced("id", `{}`), "id", "want a string"},
		{"control character in id", replaced("id", `"a\u0000"`), "id", "control character"},
		{"C1 control in id", replaced("id", `"a\u0085"`), "id", "control character"},
		{"DEL in id", replaced("id", "\"a\x7f\""), "id", "control character"},
		{"raw control in id", replaced("id", "\"a\nb\""), "id", "must be escaped"},
		{"long id", replaced("id", `"`+strings.Repeat("a", 4097)+`"`), "id", "4097 bytes long, at most 4096"},
		{"invalid UTF-8 in id", replaced("id", "\"a\xff\""), "id", "not valid UTF-8"},
		{"lone surrogate in id", replaced("id", `"\ud800"`), "id", "surrogate"},
		{"no source", without("source"), "source", "missing"},
		{"empty source", replaced("source", `""`), "source", "missing or empty"},
		{"tab in source", replaced("source", `"\t"`), "source", "control character"},
		{"no type", without("type"), "type", "missing"},
		{"empty type", replaced("type", `""`), "type", "missing or empty"},
		{"line break in type", replaced("type", `"a\n"`), "type", "control character"},
		{"an agent's own type", replaced("type", `"tomeishi.beat"`), "type", "what agents say of themselves"},
		{"control in subject", with(`"subject":"\u001f"`), "subject", "control character"},
		{"subject a boolean", with(`"subject":true`), "subject", "want a string"},
		{"control in datacontenttype", with(`"datacontenttype":"a\r"`), "datacontenttype", "control character"},

		{"time empty", with(`"time":""`), "time", "want a time such as"},
		{"time garbage", with(`"time":"yesterday"`), "time", `found "yesterday", want a time such as 2026-03-01T12:00:00Z`},
		{"time a number", with(`"time":1772366400`), "time", "want a string"},
		{"time without zone", with(`"time":"2026-03-01T12:00:00"`), "time", "want a time"},
		{"time with a short hour", with(`"time":"2026-03-01T1:00:00Z"`), "time", "want a time"},
		{"time with a comma", with(`"time":"2026-03-01T12:00:00,5Z"`), "time", "want a time"},
		{"time on 30 February", with(`"time":"2026-02-30T12:00:00Z"`), "time", "want a time"},
		{"time of too many digits", with(`"time":"2026-03-01T12:00:00.` + strings.Repeat("0", 100) + `Z"`), "time", "want a time"},
		{"time 5 minutes and a bit ahead", with(`"time":"2026-03-01T12:05:00.000000001Z"`), "time", "ahead of this clock"},
		{"time in 9999", with(`"time":"9999-12-31T23:59:59Z"`), "time", "ahead of this clock"},
		{"time in 1969", with(`"time":"1969-12-31T23:59:59Z"`), "time", "before 1970"},
		{"time in the year 0", with(`"time":"0000-01-01T00:00:00Z"`), "time", "before 1970"},

		{"a key twice", with(`"id":"2"`), "id", "twice"},
		{"a key twice by an escape", with(`"\u0069d":"2"`), "id", "twice"},
		{"an extension twice", with(`"a":"1","a":"1"`), "a", "twice"},
		{"twice in data", data(`{"a":1,"a":1}`), "data.a", "twice"},
		{"twice in data by an escape", data(`{"a":1,"\u0061":2}`), "data.a", "twice"},
		{"twice deep in data", data(`{"b":[{"c":{}},{"c":{"d":1,"e":{"d":1},"d":2}}]}`), "data.b[1].c.d", "twice"},
		{"the empty key twice", data(`{"":1,"":2}`), "data", "twice"},
		{"the 24th key twice", data(keys(23, `"k0":1`)), "data.k0", "twice"},
		{"the 25th key twice", data(keys(24, `"k0":1`)), "data.k0", "twice"},
		{"the 26th key twice", data(keys(24, `"x":1,"x":1`)), "data.x", "twice"},
		{"a far key twice, with objects between", data(keys(30, `"o":{"k0":1,"k29":2},"k29":1`)), "data.k29", "twice"},
		{"a key of 1000 letters twice", data(`{"` + long + `":1,"` + long + `":1}`), "data." + long[:80] + "…", "twice"},

		{"amount a number", data(`{"amount":1.1}`), "data.amount", "money must be a string"},
		{"amount a negative number", data(`{"amount":-1}`), "data.amount", "money must be a string"},
		{"fee a number", data(`{"amount":"1","fee":0}`), "data.fee", "money must be a string"},
		{"net_amount a number", data(`{"net_amount":1}`), "data.net_amount", "money must be a string"},
		{"amount by an escape", data(`{"\u0061mount":1}`), "data.amount", "money must be a string"},
		{"amount deep in data", data(`{"outputs":[{},{"to":{"amount":1}}]}`), "data.outputs[1].to.amount", "money must be a string"},
		{"amounts in an array", data(`{"amount":["1",[2]]}`), "data.amount[1][0]", "money must be a string"},
		{"amount in base64", with(`"data_base64":"` + base64.StdEncoding.EncodeToString([]byte(`{"amount":1}`)) + `"`), "data_base64.amount", "money must be a string"},

		{"data cut off", data(`{"a":[`), "data.a[0]", "want a JSON value"},
		{"data not JSON", data(`nul`), "data", "want null"},
		{"NaN", data(`{"a":NaN}`), "data.a", "want a JSON value"},
		{"a leading zero", data(`[01]`), "data", "want ',' or ']'"},
		{"a leading plus", data(`[+1]`), "data[0]", "want a JSON value"},
		{"a lone minus", data(`[-]`), "data[0]", "want a digit"},
		{"a bare point", data(`[1.]`), "data[0]", "digit after the point"},
		{"a bare exponent", data(`[1e]`), "data[0]", "digit of the exponent"},
		{"an unknown escape", data(`["\x"]`), "data[0]", "unknown escape"},
		{"a bad unicode escape", data(`["\u12G4"]`), "data[0]", "four hexadecimal digits"},
		{"a signed unicode escape", data(`["\u+123"]`), "data[0]", "four hexadecimal digits"},
		{"half a pair in data", data(`["\ud83d"]`), "data[0]", "surrogate"},
		{"half a pair and a letter", data(`["\ud83d\u0061"]`), "data[0]", "surrogate"},
		{"a pair the wrong way round", data(`["\udc1f\ud83d"]`), "data[0]", "surrogate"},
		{"half a pair in a key", data(`{"\udc1f":1}`), "data", "surrogate"},
		{"invalid UTF-8 in data", data("{\"a\":\"\xc3\x28\"}"), "data.a", "not valid UTF-8"},
		{"overlong UTF-8", data("[\"\xc0\xaf\"]"), "data[0]", "not valid UTF-8"},
		{"a surrogate in UTF-8", data("[\"\xed\xa0\x80\"]"), "data[0]", "not valid UTF-8"},
		{"UTF-8 cut by an escape", data("[\"\xc3\\n\xa9\"]"), "data[0]", "not valid UTF-8"},
		{"nested deeper than 64", data(nested(64)), "data" + strings.Repeat("[0]", 63), "nested deeper than 64"},
		{"nested a million deep", data(strings.Repeat("[", 1<<19)), "data" + strings.Repeat("[0]", 63), "nested deeper than 64"},
		{"data and data_base64", with(`"data":1,"data_base64":"AA=="`), "data_base64", "not both"},
		{"not base64", with(`"datacontenttype":"a/b","data_base64":"A"`), "data_base64", "not base64"},
		{"base64 with bits behind its end", with(`"datacontenttype":"a/b","data_base64":"AB=="`), "data_base64", "not base64"},
		{"base64 of no JSON", with(`"data_base64":"AA=="`), "data_base64", "want a JSON value"},
		{"data_base64 a number", with(`"data_base64":1`), "data_base64", "want a string"},

		{"a capital in an extension", with(`"myExt":"1"`), "myExt", "lower-case letters and digits"},
		{"an underscore in an extension", with(`"my_ext":"1"`), "my_ext", "lower-case letters and digits"},
		{"a nameless extension", with(`"":"1"`), "", "lower-case letters and digits"},
		{"a field beside data", with(`"amount_net":"1"`), "amount_net", "belong in data"},
		{"a long extension name", with(`"` + strings.Repeat("a", 65) + `":"1"`), strings.Repeat("a", 65), "at most 64"},
		{"an extension with structure", with(`"ext":{"a":1}`), "ext", "structures belong in data"},
		{"an extension with an array", with(`"ext":[]`), "ext", "structures belong in data"},
		{"an extension with a control", with(`"ext":"\u0007"`), "ext", "control character"},
		{"a long extension", with(`"ext":"` + strings.Repeat("a", 4097) + `"`), "ext", "at most 4096"},
		{"65 extensions", with(strings.Trim(keys(65, `"z":1`), "{}")), "", "66 extension attributes, at most 64"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := read(t, typed(StructuredType), tt.body)
			wantRefusal(t, err, 400, tt.field, tt.says)
			// The same event stands at its place in a batch and in lines.
			if tt.field == "" || strings.Contains(tt.body, "\n") {
				return
			}
			want := "[2]." + tt.field
			_, err = read(t, typed(BatchType), "["+min1+","+min1+","+tt.body+"]")
			wantRefusal(t, err, 400, want, "")
			_, err = read(t, typed(LinesType), min1+"\n\n"+min1+"\n"+tt.body+"\n")
			wantRefusal(t, err, 400, want, tt.says)
		})
	}
}

func wantRefusal(t *testing.T, err error, code int, field, says string) {
	t.Helper()
	if err == nil {
		t.Fatal("accepted")
	}
	gotCode, gotField, got := refusal(err)
	if gotCode != code || gotField != field || !strings.Contains(got, says) {
		t.Errorf("refused with %d, field %q: %.200s\nwant %d, field %q, saying %q", gotCode, gotField, got, code, field, says)
	}
}

func TestRequestRefuses(t *testing.T) {
	big := `{"specversion":"1.0","id":"1","source":"app","type":"t","data":"` + strings.Repeat("a", MaxEvent) + `"}`
	base := []string{"Ce-Specversion: 1.0", "Ce-Id: 1", "Ce-Source: app", "Ce-Type: t"}
	binary := func(lines ...string) []string { return append(base[:4:4], lines...) }
	only := func(lines ...string) []string { return lines }
	structured := only("Content-Type: " + StructuredType)
	batch := only("Content-Type: " + BatchType)
	lines := only("Content-Type: " + LinesType)
	for _, tt := range []struct {
		name        string
		header      []string
		body        string
		code        int
		field, says string
	}{
		{"body over the bound", lines, strings.Repeat(min1+"\n", MaxBody/len(min1)), 413, "", "body of"},
		{"event over the bound", structured, big, 413, "", "event of"},
		{"event over the bound in a batch", batch, "[" + min1 + "," + big + "]", 413, "[1]", "event of"},
		{"event over the bound in lines", lines, min1 + "\n" + big, 413, "[1]", "event of"},
		{"data over the bound", binary("Content-Type: text/plain"), strings.Repeat("a", MaxEvent+1), 413, "", "event of"},

		{"no content type", nil, min1, 415, "", StructuredType},
		{"plain JSON", only("Content-Type: application/json"), min1, 415, "", StructuredType},
		{"a form", only("Content-Type: application/x-www-form-urlencoded"), min1, 415, "", BatchType},
		{"no media type", only("Content-Type: ;;"), min1, 415, "", "not a media type"},
		{"a bad parameter", only("Content-Type: application/x-ndjson; a=b; a=c"), min1, 415, "", "not a media type"},
		{"two content types", only("Content-Type: "+LinesType, "Content-Type: "+BatchType), min1, 415, "", "stands 2 times"},
		{"Latin-1 lines", only("Content-Type: " + LinesType + "; charset=iso-8859-1"), min1, 415, "", "UTF-8"},
		{"data in Latin-1", binary("Content-Type: application/json; charset=ISO-8859-1"), "{}", 415, "", "UTF-8"},
		{"events in XML", binary("Content-Type: application/cloudevents+xml"), "<event/>", 415, "", "cloudevents+xml"},
		{"compressed", only("Content-Type: "+LinesType, "Content-Encoding: gzip"), min1, 415, "", "Content-Encoding"},

		{"no array", batch, min1, 400, "", "want a JSON array"},
		{"an array of numbers", batch, "[1]", 400, "[0]", "want a CloudEvent"},
		{"a hole in the array", batch, "[" + min1 + ",]", 400, "[1]", "want a CloudEvent"},
		{"no comma between", batch, "[" + min1 + min1 + "]", 400, "", "want ',' or ']'"},
		{"an open array", batch, "[" + min1, 400, "", "ends too early"},
		{"two arrays", batch, "[][]", 400, "", "want the end"},
		{"two events on a line", lines, min1 + min1, 400, "[0]", "want the end"},
		{"an event over two lines", lines, strings.Replace(min1, ",", ",\n", 1), 400, "[0]", "ends too early"},
		{"a line of no-break space", lines, min1 + "\n\u00a0\n", 400, "[1]", "want a CloudEvent"},
		{"the 18th line", lines, strings.Repeat(min1+"\n", 17) + with(`"data":{"amount":1}`), 400, "[17].data.amount", "money"},

		{"a header twice", binary("Ce-Id: 2"), "", 400, "id", "stands 2 times"},
		{"an extension header twice", binary("Ce-Ext: 2", "Ce-Ext: 2"), "", 400, "ext", "stands 2 times"},
		{"no specversion", base[1:], "", 400, "specversion", "missing"},
		{"specversion 0.3", append([]string{"Ce-Specversion: 0.3"}, base[1:]...), "", 400, "specversion", `"0.3"`},
		{"no id", append(base[2:4:4], base[0]), "", 400, "id", "missing"},
		{"a control behind a percent", binary("Ce-Subject: %00"), "", 400, "subject", "control"},
		{"Latin-1", binary("Ce-Subject: \xe9"), "", 400, "subject", "UTF-8"},
		{"an empty time", binary("Ce-Time: "), "", 400, "time", "want a time"},
		{"a time ahead", binary("Ce-Time: 2027-01-01T00:00:00Z"), "", 400, "time", "ahead"},
		{"the type of data as an attribute", binary("Ce-Datacontenttype: text/plain"), "", 400, "datacontenttype", "Content-Type"},
		{"data as an attribute", binary("Ce-Data: 1"), "", 400, "data", "names of extensions"},
		{"an extension name", binary("Ce-My_ext: 1"), "", 400, "my_ext", "names of extensions"},
		{"malformed data", binary("Content-Type: application/json"), "{", 400, "data", "ends too early"},
		{"data with a rest", binary("Content-Type: application/json"), "{} {}", 400, "data", "want the end"},
		{"data with a key twice", binary(), `{"a":[{"b":1,"b":1}]}`, 400, "data.a[0].b", "twice"},
		{"amount a number", binary("Content-Type: application/vnd.x+json"), `{"amount":1}`, 400, "data.amount", "money"},
		{"money in an array on top", binary(), `[{"fee":1}]`, 400, "data[0].fee", "money"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := read(t, header(tt.header...), tt.body)
			wantRefusal(t, err, tt.code, tt.field, tt.says)
		})
	}
}

// A map of headers has no order, and an answer must not change by chance.
func TestTheFirstBadHeaderByNameIsNamed(t *testing.T) {
	h := header("Ce-Id: 1", "Ce-Zz: %", "Ce-Aa: %", "Ce-Bb: %", "Ce-Cc: %", "Ce-Dd: %", "Ce-Ee: %", "Ce-Ff: %")
	for range 100 {
		_, err := read(t, h, "")
		wantRefusal(t, err, 400, "aa", "percent")
	}
}

// The bounds themselves are inside.
func TestBoundsAreInclusive(t *testing.T) {
	exact := func(size int) string {
		empty := with(`"data":""`)
		return with(`"data":"` + strings.Repeat("a", size-len(empty)) + `"`)
	}
	for name, body := range map[string]string{
		"an event of MaxEvent": exact(MaxEvent),
		"a time 5 min ahead":   with(`"time":"2026-03-01T12:05:00Z"`),
		"1970":                 with(`"time":"1970-01-01T00:00:01Z"`),
		"an id of 4096":        replaced("id", `"`+strings.Repeat("a", 4096)+`"`),
		"64 extensions":        with(strings.Trim(keys(63, `"z":1`), "{}")),
		"63 levels in data":    with(`"data":` + nested(63)),
	} {
		if _, err := read(t, typed(LinesType), strings.Replace(body, `"x":"1",`, "", 1)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if body := strings.Repeat(exact(MaxEvent-1)+"\n", 8); len(body) != MaxBody {
		t.Fatalf("the body has %d bytes, want %d", len(body), MaxBody)
	} else if got, err := read(t, typed(LinesType), body); err != nil || len(got) != 8 {
		t.Errorf("a body of MaxBody: %d events, %v", len(got), err)
	}
}
