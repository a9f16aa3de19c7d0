package notify

import (
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/prometheus/alertmanager/config/receiver"
	"go.yaml.in/yaml/v3"
)

// A Finding is something in a configuration that works and should be mended.
type Finding struct {
	Line int
	Text string
}

// Check reads an Alertmanager configuration and says what is wrong with it. The
// error has the file and the line, where it is known.
func Check(path string) ([]Finding, error) {
	useMatchers()
	log := slog.New(slog.DiscardHandler)
	c, err := read(path, Heartbeat{}, log)
	if err != nil {
		return nil, err
	}
	t, err := templates(c.conf.Templates, "")
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for _, rcv := range c.conf.Receivers {
		if _, err := receiver.BuildReceiverIntegrations(rcv, t, log); err != nil {
			return nil, fmt.Errorf("%s:%d: receiver %s: %w", path, lineOf(c.text, rcv.Name), rcv.Name, err)
		}
	}
	return append(c.findings, rehearse(c.text, c.conf, t)...), nil
}

// undefined is how Alertmanager names what a route names and nothing defines.
var undefined = regexp.MustCompile(`^undefined (receiver|time interval) "(.*)" used in route$`)

// unknownKey is how its parser names what it does not know.
var unknownKey = regexp.MustCompile(`line (\d+): field (\S+) not found in type`)

// explain gives an error of Alertmanager a place and a remedy.
func explain(file string, text []byte, err error) error {
	m := undefined.FindStringSubmatch(err.Error())
	if m == nil {
		if at := unknownKey.FindStringSubmatch(err.Error()); at != nil {
			return fmt.Errorf("%s:%s: unknown key %s", file, at[1], at[2])
		}
		// A URL that cannot be parsed is quoted, with the secret in it.
		said := hideURLs(err.Error())
		if line, name := culprit(text, err); line > 0 {
			return fmt.Errorf("%s:%d: receiver %s: %s", file, line, name, said)
		}
		return fmt.Errorf("%s: %s", file, said)
	}
	line := 0
	walk(parse(text), func(key string, value *yaml.Node) {
		ofRoute := key == "receiver" || key == "mute_time_intervals" || key == "active_time_intervals"
		if ofRoute && value.Value == m[2] && line == 0 {
			line = value.Line
		}
	})
	list := map[string]string{"receiver": "receivers", "time interval": "time_intervals"}[m[1]]
	return fmt.Errorf("%s:%d: %w: define it under %s, or name one that is there", file, line, err, list)
}

// culprit is the receiver that an error is about: the one that alone makes the
// same error. Alertmanager does not name it, nor a line; line 0 if it is none.
func culprit(text []byte, err error) (line int, name string) {
	if strings.Contains(err.Error(), "line ") {
		return 0, "" // it has a place
	}
	root := parse(text)
	for _, r := range receiversOf(root) {
		name := valueOf(r, "name")
		if name == nil {
			continue
		}
		alone := map[string]any{"receivers": []*yaml.Node{r}, "route": map[string]any{"receiver": name.Value}}
		if global := valueOf(root, "global"); global != nil {
			alone["global"] = global
		}
		text, failed := yaml.Marshal(alone)
		if failed != nil {
			continue
		}
		if _, again := load(string(text)); again != nil && again.Error() == err.Error() {
			return r.Line, name.Value
		}
	}
	return 0, ""
}

// lineOf is the line of a receiver in a file, 1 if it is not found.
func lineOf(text []byte, name string) int {
	for _, r := range receiversOf(parse(text)) {
		if n := valueOf(r, "name"); n != nil && n.Value == name {
			return n.Line
		}
	}
	return 1
}

func receiversOf(root *yaml.Node) []*yaml.Node {
	if list := valueOf(root, "receivers"); list != nil && list.Kind == yaml.SequenceNode {
		return list.Content
	}
	return nil
}

// valueOf is the value of a key of a mapping; nil if there is none.
func valueOf(n *yaml.Node, key string) *yaml.Node {
	for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

// secrets are the keys whose value is a secret, and the key that names a file
// instead, where there is one.
var secrets = map[string]string{
	"slack_api_url": "slack_api_url_file", "slack_app_token": "slack_app_token_file", "app_token": "app_token_file",
	"smtp_auth_password": "smtp_auth_password_file", "smtp_auth_secret": "smtp_auth_secret_file",
	"auth_password": "auth_password_file", "auth_secret": "auth_secret_file",
	"opsgenie_api_key": "opsgenie_api_key_file", "victorops_api_key": "victorops_api_key_file", "api_key": "api_key_file",
	"wechat_api_secret": "wechat_api_secret_file", "api_secret": "api_secret_file",
	"telegram_bot_token": "telegram_bot_token_file", "bot_token": "bot_token_file",
	"rocketchat_token": "rocketchat_token_file", "rocketchat_token_id": "rocketchat_token_id_file",
	"token": "token_file", "token_id": "token_id_file", "user_key": "user_key_file",
	"mattermost_webhook_url": "mattermost_webhook_url_file", "webhook_url": "webhook_url_file",
	"routing_key": "routing_key_file", "service_key": "service_key_file", "alert_source_token": "alert_source_token_file",
	"password": "password_file", "credentials": "credentials_file", "bearer_token": "bearer_token_file",
	"client_secret": "client_secret_file", "secret_key": "", "key": "key_file",
}

// unused are the sections of Alertmanager that have no meaning here.
var unused = map[string]string{
	"tracing":        "tracing is not used here: this program does not send traces",
	"event_recorder": "event_recorder is not used here: what people were told is in the ledger",
}

// find looks for what works and should be mended.
func find(text []byte, dir string) []Finding {
	var out []Finding
	add := func(line int, format string, args ...any) {
		out = append(out, Finding{line, fmt.Sprintf(format, args...)})
	}
	root := parse(text)
	walk(root, func(key string, v *yaml.Node) {
		if v.Kind != yaml.ScalarNode || v.Value == "" {
			return
		}
		file, secret := secrets[key]
		switch {
		case strings.HasSuffix(key, "_file"):
			if err := readable(dir, v.Value); err != nil {
				add(v.Line, "%s names a file that cannot be read now: %s", key, err)
			}
		case secret && file == "":
			add(v.Line, "%s holds a secret in clear", key)
		case secret:
			add(v.Line, "%s holds a secret in clear: write it to a file and name it in %s", key, file)
		case strings.HasSuffix(key, "url") && secretURL(v.Value):
			add(v.Line, "%s holds a secret in clear: write it to a file and name it in %s_file", key, key)
		}
	})
	if root.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(root.Content); i += 2 {
			if why := unused[root.Content[i].Value]; why != "" {
				add(root.Content[i].Line, "%s", why)
			}
		}
	}
	return out
}

func readable(dir, name string) error {
	if !filepath.IsAbs(name) {
		name = filepath.Join(dir, name)
	}
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	return f.Close()
}

// secretPath is a long run of letters and digits, as tokens in paths are.
var secretPath = regexp.MustCompile(`[A-Za-z0-9_-]{20,}`)

// secretURL tells whether a URL lets everybody in who knows it.
func secretURL(s string) bool {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" {
		return false
	}
	for name := range u.Query() {
		switch strings.ToLower(name) {
		case "token", "key", "secret", "apikey", "api_key", "access_token", "sig", "signature":
			return true
		}
	}
	return u.User != nil || u.Host == "hooks.slack.com" || secretPath.MatchString(u.Path) && strings.ContainsAny(u.Path, "0123456789")
}

// parse is the document's root, or an empty node.
func parse(text []byte) *yaml.Node {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil || len(doc.Content) == 0 {
		return &yaml.Node{}
	}
	return doc.Content[0]
}

// walk visits each value with its key; those of a list have the list's key. It
// does not follow aliases, which could be endless.
func walk(n *yaml.Node, visit func(key string, value *yaml.Node)) {
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			key, value := n.Content[i].Value, n.Content[i+1]
			visit(key, value)
			for _, item := range value.Content {
				if value.Kind == yaml.SequenceNode && item.Kind == yaml.ScalarNode {
					visit(key, item)
				}
			}
			walk(value, visit)
		}
	case yaml.SequenceNode:
		for _, item := range n.Content {
			walk(item, visit)
		}
	default: // scalars have nothing below them
	}
}
