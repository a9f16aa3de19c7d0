package local

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/tomeishi/tomeishi/agent/gates"
	"github.com/tomeishi/tomeishi/agent/report"
)

const maxAdopt = 16 << 10

// adopt takes a person's word that the collector's present ledger is the right
// one. It opens gates, so the kernel must vouch for who asks.
func (a *API) adopt(w http.ResponseWriter, r *http.Request) {
	uid, ok := peerOf(r)
	if !ok {
		problem(w, http.StatusForbidden, "adopt is taken on the agent's Unix socket only: tomeishi-agent adopt --reason TEXT")
		return
	}
	if uid != 0 && int(uid) != os.Getuid() {
		problem(w, http.StatusForbidden, "only root and the agent's own user may adopt")
		return
	}
	reason, err := adoptReason(w, r)
	if err != nil {
		report.WriteError(w, err)
		return
	}
	err = a.o.Gates.Adopt(r.Context(), fmt.Sprintf("uid %d", uid), reason)
	switch {
	case errors.Is(err, gates.ErrNothingToAdopt):
		problem(w, http.StatusConflict, err.Error())
	case err != nil:
		report.WriteError(w, fmt.Errorf("adopted until a restart only: %w", err))
	default:
		report.WriteJSON(w, http.StatusOK, map[string]any{"gates": a.o.Gates.List()})
	}
}

func adoptReason(w http.ResponseWriter, r *http.Request) (string, error) {
	var body bytes.Buffer
	if _, err := body.ReadFrom(http.MaxBytesReader(w, r.Body, maxAdopt)); err != nil {
		return "", fmt.Errorf("body: %w", report.ErrTooLarge)
	}
	var in struct {
		Reason string `json:"reason"`
	}
	if err := json.Unmarshal(body.Bytes(), &in); err != nil {
		return "", &report.FieldError{Err: err}
	}
	if strings.TrimSpace(in.Reason) == "" {
		return "", &report.FieldError{Field: "reason", Err: errors.New("say why this ledger is the right one")}
	}
	return in.Reason, nil
}
