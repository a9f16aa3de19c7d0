package notify

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/prometheus/alertmanager/config"
	amnotify "github.com/prometheus/alertmanager/notify"
	"github.com/prometheus/alertmanager/template"
	commoncfg "github.com/prometheus/common/config"
)

// templatesOf are the templates in one integration's configuration, by the key of
// the file that each stands under.
func templatesOf(conf any) map[string]string {
	out := map[string]string{}
	collect(reflect.ValueOf(conf), "", out)
	return out
}

func collect(v reflect.Value, key string, out map[string]string) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			collect(v.Elem(), key, out)
		}
	case reflect.String:
		if v.Type() != reflect.TypeFor[commoncfg.Secret]() && strings.Contains(v.String(), "{{") {
			out[key] = v.String()
		}
	case reflect.Struct:
		for i := range v.NumField() {
			name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("yaml"), ",")
			if name != "" && name != "-" && v.Type().Field(i).IsExported() {
				collect(v.Field(i), under(key, name), out)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			collect(v.Index(i), fmt.Sprintf("%s[%d]", key, i), out)
		}
	case reflect.Map:
		for _, k := range v.MapKeys() {
			collect(v.MapIndex(k), under(key, fmt.Sprint(k)), out)
		}
	default: // nothing else holds text
	}
}

func under(key, name string) string {
	if key == "" {
		return name
	}
	return key + "." + name
}

// unrendered is the first error of an integration's templates over this data, with
// the key that each stands under; nil if all can be rendered.
func unrendered(conf map[string]string, t *template.Template, data *template.Data) error {
	for _, key := range slices.Sorted(maps.Keys(conf)) {
		if _, err := t.ExecuteTextString(conf[key], data); err != nil {
			return fmt.Errorf("the template in %s: %w", key, err)
		}
	}
	return nil
}

// checked are the templates to render before an integration is asked to: Slack's
// drops the error and sends an empty message, and VictorOps's tries again as if
// the network had failed. All others report it.
func checked(rcv *config.Receiver, of *amnotify.Integration) map[string]string {
	switch of.Name() {
	case "slack":
		return templatesOf(rcv.SlackConfigs[of.Index()])
	case "victorops":
		return templatesOf(rcv.VictorOpsConfigs[of.Index()])
	}
	return nil
}
