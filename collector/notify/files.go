package notify

import (
	"path/filepath"
	"reflect"
	"strings"

	"github.com/prometheus/alertmanager/config"
)

// secretFiles are the files that receivers read their secrets from, at each
// notification. Those of http_config are not among them: Alertmanager looks
// for them beside the configuration by itself.
func secretFiles(c *config.Config) []*string {
	var out []*string
	for i := range c.Receivers {
		rcv := reflect.ValueOf(&c.Receivers[i]).Elem()
		for _, list := range rcv.Fields() {
			if list.Kind() != reflect.Slice {
				continue
			}
			for j := range list.Len() {
				integration := list.Index(j).Elem()
				for field, v := range integration.Fields() {
					if s, ok := reflect.TypeAssert[*string](v.Addr()); ok && strings.HasSuffix(field.Name, "File") && *s != "" {
						out = append(out, s)
					}
				}
			}
		}
	}
	return out
}

// besideFile makes relative names of files ones of the configuration's folder,
// as those of templates are. Alertmanager takes them from wherever it was
// started.
func besideFile(c *config.Config, file string) {
	for _, s := range secretFiles(c) {
		if !filepath.IsAbs(*s) {
			*s = filepath.Join(filepath.Dir(file), *s)
		}
	}
}
