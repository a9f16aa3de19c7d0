package notify

import (
	_ "embed" // notify.tmpl
	"fmt"
	"strings"

	"github.com/prometheus/alertmanager/template"
)

//go:embed notify.tmpl
var ownTemplates string

// templates are Alertmanager's, then ours, then the user's: each may say again
// what the ones before said.
func templates(globs []string, external string) (*template.Template, error) {
	t, err := template.FromGlobs(nil)
	if err != nil {
		return nil, fmt.Errorf("parse alertmanager's templates: %w", err)
	}
	if err := t.Parse(strings.NewReader(ownTemplates)); err != nil {
		return nil, fmt.Errorf("parse our templates: %w", err)
	}
	for _, g := range globs {
		if err := t.FromGlob(g); err != nil {
			return nil, fmt.Errorf("parse the templates %s: %w", g, err)
		}
	}
	t.ExternalURL, err = externalURL(external)
	return t, err
}
