package api

import "github.com/tomeishi/tomeishi/collector/machine"

func (a *API) groups() []machine.GroupView {
	if a.Views == nil {
		return nil // a collector without metrics
	}
	return a.Views.Groups()
}
