package api

import (
	"github.com/tomeishi/tomeishi/collector/promrule"
)

func (a *API) groups() []promrule.Group {
	if a.Views == nil {
		return nil // a collector without metrics
	}
	return a.Views.Groups()
}
