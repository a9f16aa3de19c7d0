package auth

import (
	"errors"
	"net/http"
	"strings"

	"github.com/tomeishi/tomeishi/collector/access"
)

// mayAsk says why the request is not for this asker at all. What a person may
// decide is asked again where it is decided.
func (id Identity) mayAsk(r *http.Request) error {
	path := r.URL.Path
	reads := r.Method == http.MethodGet || r.Method == http.MethodHead || isQuery(path)
	switch {
	case isOpen(path) || id.open:
		return nil
	case id.agent != "":
		if r.Method == http.MethodPost && (path == "/v1/events" || path == "/v1/blocks") ||
			reads && (path == "/v1/gates" || strings.HasPrefix(path, "/v1/gates/")) {
			return nil
		}
		return errors.New("this token is an agent's: it reports and reads gates, nothing else")
	case !reads && onlyOperators(path), reads && path == "/v1/status" && r.URL.Query().Has("hash"):
		return id.lacks(access.MayOperate)
	case !reads && id.lacks(access.MayApprove) == nil:
		return nil
	case !reads:
		return id.lacks(access.MayOperate)
	}
	return id.lacks(access.MayView)
}

// isOpen tells whether anybody may ask for this: whether the collector lives, the
// way in and the language of the screen, and the files that every page needs.
func isOpen(path string) bool {
	switch path {
	case "/-/healthy", "/-/ready", "/login", "/logout", "/language":
		return true
	}
	return strings.HasPrefix(path, "/static/")
}

// isQuery tells whether the request only asks, though it is a POST: a query may
// be too long for a URL.
func isQuery(path string) bool {
	switch path {
	case "/api/v1/query", "/api/v1/query_range", "/api/v1/query_exemplars", "/api/v1/format_query",
		"/api/v1/parse_query", "/api/v1/series", "/api/v1/labels":
		return true
	}
	return false
}

// onlyOperators tells whether changing this is not for those who only approve.
func onlyOperators(path string) bool {
	return path == "/v1/events" || path == "/api/v1/write" || path == "/v1/automatic" ||
		strings.HasPrefix(path, "/alertmanager/")
}

// isAPI tells whether programs ask for this, and not browsers for a page.
func isAPI(path string) bool {
	for _, root := range []string{"/v1", "/api", "/alertmanager", "/metrics", "/-"} {
		if path == root || strings.HasPrefix(path, root+"/") {
			return true
		}
	}
	return false
}

// wantsPage tells whether a browser asks for a page.
func wantsPage(r *http.Request) bool {
	return (r.Method == http.MethodGet || r.Method == http.MethodHead) && !isAPI(r.URL.Path) &&
		strings.Contains(r.Header.Get("Accept"), "text/html")
}
