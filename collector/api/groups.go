package api

import "github.com/tomeishi/tomeishi/collector/machine"

func (a *API) groups() []machine.GroupView {
	if a.Groups == nil {
		return nil // a collector without metrics
	}
	return a.Groups()
}
