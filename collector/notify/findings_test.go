package notify

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func write(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "am.yml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestCheckErrors: what is wrong is said with its file, its line where it is
// known, and a remedy.
func TestCheckErrors(t *testing.T) {
	const root = "route: {receiver: r}\nreceivers: [{name: r"
	for name, c := range map[string]struct{ text, want string }{
		"receiver":      {"route:\n  receiver: r\n  routes:\n  - receiver: pagr\nreceivers: [{name: r}]\n", `:4: undefined receiver "pagr" used in route: define it under receivers, or name one that is there`},
		"interval":      {"route:\n  receiver: r\n  routes:\n  - mute_time_intervals:\n    - nights\nreceivers: [{name: r}]\n", `:5: undefined time interval "nights" used in route: define it under time_intervals`},
		"key":           {root + "}]\nrouet: {}\n", "am.yml:3: unknown key rouet"},
		"empty":         {"", "no route provided"},
		"a null config": {root + ", slack_configs: [null]}]\nglobal: {slack_api_url_file: f}\n", "an entry of a list that is empty"},
		"a template":    {root + "}]\ntemplates: [am.tmpl]\n", "am.tmpl"},
		"a TLS file":    {root + ", webhook_configs: [{url: 'http://h/', http_config: {tls_config: {ca_file: none.pem}}}]}]\n", "none.pem"},
		"too large":     {strings.Repeat("#", maxFile+1), "at most"},
	} {
		path := write(t, c.text)
		if err := os.WriteFile(filepath.Join(filepath.Dir(path), "am.tmpl"), []byte("{{ define"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Check(path); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), filepath.Dir(path)) {
			t.Errorf("%s: got %v, want %q and the file", name, err, c.want)
		}
	}
	if _, err := Check(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a file that is not there")
	}
}

// TestErrorsHideURLs: what cannot be read is said without the secret in it,
// because the ledger and everybody who may look see the error.
func TestErrorsHideURLs(t *testing.T) {
	for _, text := range []string{
		"receivers: [{name: r, slack_configs: [{channel: c, api_url: 'https://hooks.slack.com:x/services/S3CRET'}]}]",
		"receivers: [{name: r, webhook_configs: [{url: 'https://host/%zz/S3CRET'}]}]",
		"receivers: [{name: r, webhook_configs: [{url: 'https://h/', http_config: {proxy_url: 'http://u:S3CRET@h:x/'}}]}]",
	} {
		_, err := Check(write(t, "route: {receiver: r}\n"+text+"\n"))
		if err == nil || strings.Contains(err.Error(), "S3CRET") || !strings.Contains(err.Error(), "am.yml") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestFindings(t *testing.T) {
	for text, want := range map[string]string{
		"slack_api_url: 'https://hooks.slack.com/T'":  "slack_api_url holds a secret in clear: write it to a file and name it in slack_api_url_file",
		"a: [{routing_key: k}]":                       "name it in routing_key_file",
		"a: {basic_auth: {password: p}}":              "name it in password_file",
		"a: {sigv4: {secret_key: p}}":                 "secret_key holds a secret in clear",
		"url: 'https://u:p@h/'":                       "name it in url_file",
		"url: 'https://h/?token=x'":                   "name it in url_file",
		"url: 'https://h/T0123456789abcdefghij'":      "name it in url_file",
		"url: 'https://h/alerts'":                     "",
		"url: 'https://h/a-long-name-without-digits'": "",
		"routing_key: ''":                             "",
		"routing_key_file: am.yml":                    "",
		"url_file: none":                              "url_file names a file that cannot be read now",
		"tracing: {}":                                 "tracing is not used here",
		"a: {tracing: x}":                             "",
		"{":                                           "",
	} {
		path := write(t, text)
		var got []string
		for _, f := range find([]byte(text), filepath.Dir(path)) {
			got = append(got, f.Text)
			if f.Line != 1 {
				t.Errorf("%s: line %d", text, f.Line)
			}
		}
		if all := strings.Join(got, ";"); (want == "") != (all == "") || !strings.Contains(all, want) {
			t.Errorf("%s: got %q, want %q", text, all, want)
		}
	}
}

func FuzzCheck(f *testing.F) {
	f.Add(builtIn)
	f.Add("route: {receiver: r}\nreceivers: [{name: r, slack_configs: [null], pagerduty_configs: [{routing_key: k}]}]")
	f.Add("a: &a {url: 'https://u:p@h/', b: [*a, {key: v}]}")
	f.Fuzz(func(t *testing.T, text string) {
		for _, finding := range find([]byte(text), "/none") {
			if finding.Line < 1 || finding.Text == "" {
				t.Errorf("finding %+v", finding)
			}
		}
		_, _ = Check(write(t, text)) // must not panic
	})
}

func TestRedact(t *testing.T) {
	for in, want := range map[string]string{
		`Post "https://hooks.slack.com/services/T/B/x": EOF`: `Post "https://hooks.slack.com/…": EOF`,
		"http://u:p@h:80?a=b refused":                        "http://h:80/… refused",
		"https://h/":                                         "https://h",
		"dial tcp 10.0.0.1:443: refused":                     "dial tcp 10.0.0.1:443: refused",
		"a\nb\x00\xff":                                       "a b �",
		"":                                                   "",
	} {
		if got := redact(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func FuzzRedact(f *testing.F) {
	f.Add("Post https://user:s3cr3t@host/s3cr3t?s3cr3t=s3cr3t#s3cr3t: EOF")
	f.Fuzz(func(t *testing.T, s string) {
		got := redact(s)
		if len(got) > maxErrorText+len("…") || !utf8.ValidString(got) || strings.ContainsFunc(got, unicode.IsControl) {
			t.Errorf("%q: %q", s, got)
		}
		if strings.ContainsAny(s, " \"'<>@/?#:\x00\n") || s == "" || strings.ContainsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) || !utf8.ValidString(s) {
			return
		}
		if got := redact("https://x/" + s); got != "https://x/…" {
			t.Errorf("a path of %q stays: %q", s, got)
		}
	})
}
